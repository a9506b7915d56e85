"""Read text in images with small trained networks.

from ocr import Reader
Reader.load("captcha").read("226md.png")        # Reading(text='226md', confidence=0.99...)
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.version_info < (3, 10):  # noqa: UP036  before anything that an older Python cannot read
    sys.exit(f"ocr needs Python 3.10 or newer, this is {sys.version.split()[0]}")

if TYPE_CHECKING:
    from ocr.reading.contract import ReaderError
    from ocr.reading.images import ImageError
    from ocr.reading.reader import Reader, Reading

__version__ = "2.0.0"
__all__ = ["ImageError", "Reader", "ReaderError", "Reading", "__version__"]
_HOMES = {
    "Reader": "reader",
    "Reading": "reader",
    "ReaderError": "contract",
    "ImageError": "images",
}


def __getattr__(name: str):
    """Import what is asked for only then, so that `import ocr` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ocr' has no attribute {name!r}")
    return getattr(import_module(f"ocr.reading.{_HOMES[name]}"), name)
