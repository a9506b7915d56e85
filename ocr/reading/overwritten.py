"""Find signs that are written over others, as people correct what they have written.

The network of models/overwritten looks at the shape of one sign's ink; `python -m
ocr.training.overwritten` trains it.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from ocr.reading.contract import OVERWRITTEN
from ocr.reading.images import normalise
from ocr.reading.reader import Reader

SIDE = 28  # pixels of a shape
RIM = 1  # pixels of paper around it
SURE = 0.98  # probability from which a sign counts as written over another


def shape_of(mask: np.ndarray) -> np.ndarray:
    """Bring a sign's ink, bool (h, w), some of it True, to a size: uint8 (28, 28), 255 on ink."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    ink = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8) * 255
    scale = (SIDE - 2 * RIM) / max(ink.shape)
    high, wide = (max(1, round(scale * side)) for side in ink.shape)
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    shape = np.zeros((SIDE, SIDE), np.uint8)
    small = Image.fromarray(ink).resize((wide, high), Image.Resampling.BILINEAR)
    shape[top : top + high, left : left + wide] = np.asarray(small)
    return shape


@cache
def overwritten_reader() -> Reader:
    """Load the network, once a process. Raises ReaderError."""
    return Reader.load(OVERWRITTEN)


def probabilities(shapes: Sequence[np.ndarray]) -> np.ndarray:
    """Compute the probability that each shape is of two signs, float (n,)."""
    if not len(shapes):
        return np.zeros(0)
    reader = overwritten_reader()
    pixels = normalise(np.stack(shapes)[..., None], reader.normalisation)
    return np.exp(reader.log_probs(pixels)[:, 1])
