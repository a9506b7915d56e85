"""Parts of `ocr train`: what is said before a training, while it goes on, and after it."""
