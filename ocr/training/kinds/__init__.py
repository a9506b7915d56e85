"""The network of models/any: is a picture a number, one character, or neither?

`python -m ocr.training.kinds models/any` trains it; `ocr.reading.anything` decides with it.
"""
