"""The parts of `ocr score`: which symbols are confused, and the worst readings as a picture."""
