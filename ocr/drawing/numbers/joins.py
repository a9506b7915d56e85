"""Ligatures: the pen stays on the paper from one handwritten digit to the next."""

import cv2
import numpy as np

from ocr.drawing.ink import Part
from ocr.drawing.numbers.strokes import curve

PAIRS = {  # where the pen leaves a digit and meets the next: shares of its width and height
    ("0", "0"): (0.7, 0.08, 0.3, 0.1),
    ("0", ""): (0.7, 0.1, 0.15, 0.3),
    ("2", ""): (0.95, 0.95, 0.1, 0.7),
    ("6", "0"): (0.5, 0.6, 0.3, 0.1),
}
OTHERS = 0.3  # share of the pairs other than noughts that are joined, of those that could be


def ligature(
    one: Part, two: Part, share: float, pen: float, rng: np.random.Generator
) -> list[Part]:
    """Draw the stroke between two digits, a part of no sign; nothing where a pair has none.

    share: of the noughts that are joined. pen: width in pixels.
    """
    ends = PAIRS.get((one.sign, two.sign)) or PAIRS.get((one.sign, ""))
    likely = share if one.sign == two.sign == "0" else share * OTHERS
    if ends is None or not two.sign.isdigit() or rng.random() > likely:
        return []
    start, end = _spot(one, *ends[:2], rng), _spot(two, *ends[2:], rng)
    if end[0] - start[0] < 2:
        return []
    middle = (start + end) / 2 + (0, rng.normal(0.05, 0.12) * one.pixels.shape[0])
    path = curve(np.array([start, middle, end]))
    margin = int(np.ceil(pen)) + 1
    corner = np.floor(path.min(axis=0)).astype(int) - margin
    size = np.ceil(path.max(axis=0)).astype(int) + margin - corner
    ink = np.zeros((size[1], size[0]), np.uint8)
    line = [np.round(16 * (path - corner)).astype(np.int32)]
    cv2.polylines(ink, line, False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    return [Part("", ink, float(corner[0]), float(corner[1]))]


def _spot(part: Part, across: float, down: float, rng: np.random.Generator) -> np.ndarray:
    """Find a place in a part's ink box, (column, row) of the strip."""
    high, wide = part.pixels.shape
    shares = np.array([across, down]) + rng.normal(0, 0.06, 2)
    return np.array([part.left, part.top]) + shares * (wide, high)
