"""The parts of `ocr read`: where pictures come from, what is written, what is said of them."""
