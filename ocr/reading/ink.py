"""Ink detection: separate ink from paper in characters, colour pictures and lines of text.

NumPy and Pillow only.
"""

import numpy as np
from PIL import Image, ImageFilter

from ocr.reading.images import ImageError

STRONG = 100  # character ink up to this value is haze around strokes
SPECKS = 0.006  # share of the ink that may lie outside its bounding box, on each side
CONTRAST = 12  # grey levels between ink and paper below which a picture counts as blank
MIN_SPREAD = 3  # levels along the main colour axis below which pixels are not separated at all
NO_INK = "no ink found: nothing to read"


def otsu(counts: np.ndarray) -> np.ndarray:
    """Compute Otsu's threshold (1979) of grey-level histograms.

    counts: number of pixels of each level, (..., 256). Returns integers (...): the level that best
    separates the pixels up to it from those above. The middle of a gap is returned, so that
    swapping light and dark mirrors the threshold.
    """
    below = np.cumsum(counts, axis=-1, dtype=np.float64)
    mass = np.cumsum(counts * np.arange(256.0), axis=-1)
    above = below[..., -1:] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[..., -1:] - mass) / above) ** 2
    between = np.nan_to_num(between[..., :-1])
    best = between == between.max(axis=-1, keepdims=True)
    return (best.argmax(axis=-1) + 254 - best[..., ::-1].argmax(axis=-1)) // 2


def paper_is_light(light: np.ndarray, rows: slice = slice(1, -1)) -> np.ndarray:
    """Decide which part of two-level images is paper: the part that covers most of the border.

    light: bool (..., H, W), the light part. rows: those that count at the left and right edge; all
    of them count the corners twice. Returns bool (...). On a tie the larger part is paper.
    """
    edges = light[..., 0, :], light[..., -1, :], light[..., rows, 0], light[..., rows, -1]
    border = np.concatenate(edges, axis=-1).mean(axis=-1)
    return 0.9 * border + 0.1 * light.mean(axis=(-2, -1)) > 0.5


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Compute the bounding box (left, top, right, bottom) of ink uint8 (H, W), without specks."""

    def ends(profile: np.ndarray) -> tuple[int, int]:
        share = np.cumsum(profile, dtype=np.float64) / profile.sum(dtype=np.float64)
        return int(np.searchsorted(share, SPECKS)), int(np.searchsorted(share, 1 - SPECKS)) + 1

    strong = ink > STRONG
    top, bottom = ends(strong.sum(axis=1))
    left, right = ends(strong.sum(axis=0))
    return left, top, right, bottom


def character_ink(grey: np.ndarray) -> np.ndarray:
    """Segment a character: grey uint8 (H, W) to ink uint8 (H, W), 0 on paper, 255 on ink.

    Otsu's threshold separates two parts, `paper_is_light` says which is paper. Grey levels between
    the two medians become soft edges; paper texture up to a quarter of the way becomes 0. All
    zeros where the medians differ by less than CONTRAST.
    """
    light = grey > otsu(np.bincount(grey.ravel(), minlength=256))
    if not light.any() or light.all():
        return np.zeros_like(grey)
    # corners count twice, as in the glyphs that the shipped readers were trained on
    ink = ~light if paper_is_light(light, slice(None)) else light
    paper_level, ink_level = float(np.median(grey[~ink])), float(np.median(grey[ink]))
    if abs(ink_level - paper_level) < CONTRAST:
        return np.zeros_like(grey)
    share = (grey - paper_level) / (ink_level - paper_level)
    return (np.clip((share - 0.25) / 0.6, 0, 1) * 255).round().astype(np.uint8)


def binary(colour: np.ndarray) -> np.ndarray:
    """Binarise colour images uint8 (N, H, W, 3) to uint8 (N, H, W, 1): 255 on ink, 0 on paper.

    Otsu's threshold (1979) along each image's principal colour axis, so that red ink on green of
    the same brightness is separated, too; `paper_is_light` says which part is paper. Images of one
    colour have no ink. About 10,000 images of 28 x 28 per second on one core.
    """
    count, height, width, _ = colour.shape
    pixels = colour.reshape(count, -1, 3).astype(np.float32)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(centred.transpose(0, 2, 1) @ centred)
    along = (centred @ axes[:, :, -1:])[:, :, 0]
    low, high = along.min(axis=1, keepdims=True), along.max(axis=1, keepdims=True)
    levels = ((along - low) * (255 / np.maximum(high - low, 1e-6))).round().astype(np.intp)
    histogram_bins = (levels + 256 * np.arange(count)[:, None]).ravel()
    counts = np.bincount(histogram_bins, minlength=256 * count).reshape(count, 256)
    light = (levels > otsu(counts)[:, None]).reshape(count, height, width)
    ink = (light != paper_is_light(light)[:, None, None]) & (high - low >= MIN_SPREAD)[:, :, None]
    return (ink * np.uint8(255))[..., None]


def line_ink(grey: Image.Image) -> tuple[bool, np.ndarray]:
    """Segment a line of text in a grey picture (mode "L"): (is the ink light?, ink bool (H, W)).

    Works on the difference from the local mean, so that shadows do not count. Ink covers less area
    than paper, so the differences are skewed towards the ink, also where a box or a shadow covers
    the border. Raises ImageError where the differences span less than CONTRAST levels.
    """
    levels = _subtract_background(grey)
    counts = np.bincount(levels.ravel(), minlength=256)
    if np.ptp(np.flatnonzero(counts)) < CONTRAST:
        raise ImageError(NO_INK)
    median = np.searchsorted(np.cumsum(counts), levels.size / 2)
    light = bool(counts @ (np.arange(256.0) - median) ** 3 > 0)
    levels = _subtract_background(grey.filter(ImageFilter.BoxBlur(1)))  # removes specks
    level = otsu(np.bincount(levels.ravel(), minlength=256))
    return light, (levels > level if light else levels <= level)


def _subtract_background(grey: Image.Image) -> np.ndarray:
    """Subtract the local mean of a grey picture: uint8 (H, W) around 128, evenly lit."""
    mean = grey.filter(ImageFilter.BoxBlur(min(grey.size)))
    difference = np.asarray(grey, np.int16) - np.asarray(mean, np.int16)
    return np.clip(difference + 128, 0, 255).astype(np.uint8)
