"""Find the lines of a picture, and the numbers of each line that a wide blank keeps apart.

For simple cases: text in straight lines with blank rows between, on paper that may be ruled.
NumPy and Pillow only.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from ocr.reading.images import ImageError, shrink
from ocr.reading.ink import line_ink
from ocr.reading.inputs import Prepared

WORKING = 1024  # pixels of the longest side of the picture in which ink is searched
RULE = 0.6  # share of a row or column that is ink, from which on it belongs to a ruled line
FULL = 0.9  # the same of columns, between the first and the last row of ink
THICK = 0.03  # of the picture, or THINNEST pixels: the most that a ruled line is thick
THINNEST = 5
THIN = 0.12  # of a line's height: the most that a rule in it is thick
LOWER = 0.8  # of such a rule: the most that is text
LOW = 0.45  # of the highest line: lower ones are specks, dots, or pieces of lines that are cut off
CLOSE = 0.12  # of a line's height: the most that is blank inside a line, as above a dot
APART = 1.1  # of a line's height: blanks from which on two numbers are apart
MARGIN = 0.2  # of a line's height, kept around it
MOST = 64  # parts of one picture

Box = tuple[int, int, int, int]  # (left, top, right, bottom) in pixels
Run = tuple[int, int]  # (first, last + 1)


def parts(picture: Image.Image) -> list[list[Box]]:
    """Find the parts of a picture of mode "L" or "RGB": a list of boxes for each line, downwards.

    Boxes go from left to right, at most MOST in all. [] where there is no ink.
    """
    small, reduced = shrink(picture.convert("L"), WORKING)
    try:
        _, ink = line_ink(small)
    except ImageError:
        return []
    found, left = [], MOST
    if not ink.any():
        return []
    ink = _without_rules(ink)
    for top, bottom in _lines(ink):
        band = ink[top:bottom]
        boxes = [
            _grown((start, top, end, bottom), reduced, picture.size)
            for start, end in _joined(_runs(_without_columns(band).any(axis=0)), APART, band)
        ][:left]
        left -= len(boxes)
        if boxes:
            found.append(boxes)
    return found


def _runs(filled: np.ndarray | np.bool) -> list[Run]:
    """List the runs of True in bool (N,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def _without_rules(ink: np.ndarray) -> np.ndarray:
    """Take out horizontal rules, and vertical ones where that leaves more lines.

    A vertical rule goes from the first to the last row of ink, as a 1 does in a single line.
    """
    flat = _without_rows(ink)
    rows = np.flatnonzero(ink.any(axis=1))
    upright = ink.copy()
    upright[rows[0] : rows[-1] + 1] = _without_rows(ink[rows[0] : rows[-1] + 1].T, FULL).T
    upright = _without_rows(upright)
    return upright if len(list(_lines(upright))) > max(1, len(list(_lines(flat)))) else flat


def _without_rows(ink: np.ndarray, least: float = RULE) -> np.ndarray:
    """Take out thin runs of rows of which a share of at least `least` is ink."""
    ink = ink.copy()
    for start, end in _runs(ink.mean(axis=1) > least):
        if end - start <= max(THINNEST, THICK * len(ink)):
            ink[max(0, start - 1) : end + 1] = False
    return ink


def _without_columns(band: np.ndarray) -> np.ndarray:
    """Take out thin columns that are as high as a line's band where all else is lower: rules."""
    kept = band.copy()
    for start, end in _runs(band.mean(axis=0) > 0.95):
        if end - start <= max(2, THIN * len(band)):
            kept[:, max(0, start - 1) : end + 1] = False
    rows = np.flatnonzero(kept.any(axis=1))
    return kept if len(rows) and np.ptp(rows) < LOWER * len(band) else band


def _lines(ink: np.ndarray) -> Iterator[Run]:
    """Find the rows of each line of text."""
    runs = _joined(_runs(ink.sum(axis=1) > 0), CLOSE, ink)
    highest = max((end - start for start, end in runs), default=0)
    return (run for run in runs if run[1] - run[0] >= max(4, LOW * highest))


def _joined(runs: list[Run], gap: float, band: np.ndarray) -> list[Run]:
    """Join runs with less than `gap` times a line's height between them."""
    rows = gap == CLOSE
    joined: list[Run] = []
    for start, end in runs:
        height = (end - start) if rows else len(band)
        if joined:
            height = max(height, joined[-1][1] - joined[-1][0]) if rows else height
            if start - joined[-1][1] < gap * height:
                joined[-1] = (joined[-1][0], end)
                continue
        joined.append((start, end))
    return [run for run in joined if rows or run[1] - run[0] >= 0.1 * len(band)]


def _grown(box: Box, reduced: float, size: tuple[int, int]) -> Box:
    """Add the margin, in pixels of the whole picture."""
    margin = 1 + MARGIN * (box[3] - box[1])
    left, top = (max(0, int((end - margin) / reduced)) for end in box[:2])
    right, bottom = (min(s, round((end + margin) / reduced)) for end, s in zip(box[2:], size))
    return left, top, right, bottom


def box(prepared: Prepared, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Locate what a network saw: (left, top, width, height) in pixels of the picture.

    size: (height, width) of the network's input.
    """
    spot, ends = prepared.placed, []
    for side, start, length, most in zip(
        size[::-1], (spot.left, spot.top), (spot.width, spot.height), prepared.size
    ):
        first, last = (((side + end) / 2 - start) / spot.scale for end in (-length, length))
        ends.append((round(max(0.0, first), 1), round(min(float(most), last), 1)))
    (left, right), (top, bottom) = ends
    return left, top, round(right - left, 1), round(bottom - top, 1)
