"""One line of text on any amount of paper, as a network takes it: cropped to its ink, dark on light. NumPy and Pillow only.

A picture of a form field, a scan with wide margins and a number drawn by synth_numbers.py all take this road, in training and
in reading alike, so that characters fill the input's height, and one polarity is to be learnt.
"""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from ocr.reading.glyphs import otsu
from ocr.reading.images import ImageError, Placed, place, to_uint8

WORKING = 512  # pixels of the longest side of the picture in which the ink is sought
DENSE = 4 / 9  # share of ink in a pixel's 3 x 3 neighbourhood from which it is no speck
CONTRAST = 12  # grey levels from end to end below which there is nothing to read
MARGIN = 0.12  # of the ink's height, kept around it


def line(picture: Image.Image, size: tuple[int, int]) -> tuple[np.ndarray, Placed]:
    """A picture (mode "L" or "RGB", any size) as uint8 (height, width, 1), and where it came to lie.

    The part around the ink is scaled to fit, centred, and padded as images.to_uint8 does; light on dark is inverted. Raises
    ImageError where there is no ink.
    """
    grey = picture.convert("L")
    (left, top, right, bottom), light = _ink_part(grey)
    seen = grey.crop((left, top, right, bottom))
    pixels = to_uint8(ImageOps.invert(seen) if light else seen, size)
    spot = place(seen.size, size)
    return pixels, spot._replace(
        left=spot.left - round(left * spot.scale), top=spot.top - round(top * spot.scale)
    )


def _ink_part(grey: Image.Image) -> tuple[tuple[int, int, int, int], bool]:
    """((left, top, right, bottom) around the ink with its margin, is the ink lighter than the paper?)."""
    reduced = min(1.0, WORKING / max(grey.size))
    small = (
        grey
        if reduced == 1
        else grey.resize(
            [max(1, round(side * reduced)) for side in grey.size], Image.Resampling.BOX
        )
    )
    light, ink = _ink(small)
    dense = (
        np.asarray(Image.fromarray(ink * np.uint8(255)).filter(ImageFilter.BoxBlur(1)))
        >= 255 * DENSE - 1
    )
    rows, columns = np.flatnonzero(dense.any(axis=1)), np.flatnonzero(dense.any(axis=0))
    if not len(rows):
        raise ImageError("no ink to be seen: nothing to read")
    margin = 1 + MARGIN * (rows[-1] - rows[0])
    ends = [columns[0] - margin, rows[0] - margin, columns[-1] + 1 + margin, rows[-1] + 1 + margin]
    left, top = (max(0, int(end / reduced)) for end in ends[:2])
    right, bottom = (min(side, round(end / reduced)) for end, side in zip(ends[2:], grey.size))
    return (left, top, right, bottom), light


def _ink(grey: Image.Image) -> tuple[bool, np.ndarray]:
    """(is the ink lighter than the paper?, where it is, bool (H, W)), by what stands out of its neighbourhood.

    Ink covers less than paper does, so what stands out is skewed towards it, also where a box or a shadow holds the border.
    """
    levels = _flat(grey)
    counts = np.bincount(levels.ravel(), minlength=256)
    if np.ptp(np.flatnonzero(counts)) < CONTRAST:
        raise ImageError("no ink to be seen: nothing to read")
    middle = np.searchsorted(np.cumsum(counts), levels.size / 2)
    light = bool(counts @ (np.arange(256.0) - middle) ** 3 > 0)
    levels = _flat(grey.filter(ImageFilter.BoxBlur(1)))  # specks no longer count as ink
    level = otsu(np.bincount(levels.ravel(), minlength=256))
    return light, (levels > level if light else levels <= level)


def _flat(grey: Image.Image) -> np.ndarray:
    """A grey picture less its neighbourhood's mean, uint8 (H, W) around 128: paper alike in light and in shadow."""
    around = grey.filter(ImageFilter.BoxBlur(min(grey.size)))
    return np.clip(np.asarray(grey, np.int16) - np.asarray(around, np.int16) + 128, 0, 255).astype(
        np.uint8
    )
