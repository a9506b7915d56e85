"""Kept for programs of the first edition: use `from ocr import Reader`."""

from ocr import Reader, Reading  # noqa: F401
