"""The reader `kinds`: is a picture a number, one character, or neither? For `anything.AnyReader`.

`python -m ocr.training.kinds models/kinds` trains it.
"""
