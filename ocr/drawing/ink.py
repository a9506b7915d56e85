"""Ink: its pixels, and which columns belong to which sign."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ocr.reading.scripts import MARKS

OTHER = MARKS["other"]  # label of signs that belong to no number: a currency, a unit, a word
UNREADABLE = MARKS["unreadable"]  # label of ink that is cut off or is not a number at all
OPEN, CLOSE = "‹", "›"  # enclose the signs of a text that belong to no number


class Part(NamedTuple):
    """One sign to compose: its symbol in the label, ink uint8 (h, w), left and top in pixels."""

    sign: str
    pixels: np.ndarray
    left: float
    top: float


class Ink(NamedTuple):
    """Written signs: ink uint8 (H, W), 255 on ink; symbol and (left, right) columns of each.

    slant: columns by which signs lean to the right, for each row upwards; spans are those of signs
    that lean, at half the height.
    """

    pixels: np.ndarray
    signs: list[str]
    spans: list[tuple[int, int]]
    slant: float = 0.0

    @property
    def label(self) -> str:
        """The text that the ink shows, in the symbols of the reader's alphabet."""
        return "".join(self.signs)


Writer = Callable[[str, np.random.Generator], Ink]  # (text in Western signs, rng) -> ink


def compose(parts: Sequence[Part]) -> Ink:
    """Lay parts over each other on one strip, cropped to their bounding box.

    Overlapping ink keeps the darker value, so no part loses any. Spans are the columns with ink.
    """
    lefts = [round(part.left) for part in parts]
    tops = [round(part.top) for part in parts]
    x0, y0 = min(lefts), min(tops)
    wide = max(left + part.pixels.shape[1] for left, part in zip(lefts, parts)) - x0
    high = max(top + part.pixels.shape[0] for top, part in zip(tops, parts)) - y0
    strip = np.zeros((high, wide), np.uint8)
    spans = []
    for part, left, top in zip(parts, lefts, tops):
        height, width = part.pixels.shape
        spot = strip[top - y0 : top - y0 + height, left - x0 : left - x0 + width]
        np.maximum(spot, part.pixels, out=spot)
        inked = part.pixels.max(axis=0) > 0
        first, last = int(inked.argmax()), width - int(inked[::-1].argmax())
        spans.append((left - x0 + first, left - x0 + last))
    return Ink(strip, [part.sign for part in parts], spans)


def unreadable(pixels: np.ndarray) -> Ink:
    """Make ink uint8 (H, W) that is no text: one sign, `UNREADABLE`, as wide as the pixels."""
    return Ink(pixels, [UNREADABLE], [(0, pixels.shape[1])])


def stacked(rows: Sequence[np.ndarray], gap: int, lefts: Sequence[int]) -> Ink:
    """Lay rows of ink uint8 (h, w), each from its left on, below each other: unreadable as a line.

    gap: pixels between them.
    """
    tops = np.cumsum([0, *(len(row) + gap for row in rows[:-1])])
    parts = [Part(UNREADABLE, *placed) for placed in zip(rows, lefts, tops)]
    return unreadable(compose(parts).pixels)


def scribbled(
    pixels: np.ndarray, rng: np.random.Generator, steps: tuple[int, int], thick: tuple[int, int]
) -> Ink:
    """Scribble over ink uint8 (H, W), in place, with a pen: unreadable.

    steps: how many steps the pen makes; thick: its pixels; both from the first to below the second.
    """
    path = np.cumsum(rng.normal(0, 9, (int(rng.integers(*steps)), 2)), axis=0)
    low, high = path.min(axis=0), path.max(axis=0)
    path = (path - low) / np.maximum(high - low, 1) * (np.array(pixels.shape[::-1]) - 4) + 2
    way = [path.astype(np.int32)]
    cv2.polylines(pixels, way, False, 255, int(rng.integers(*thick)), cv2.LINE_AA)
    return unreadable(pixels)


def kept(pixels: np.ndarray, before: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Compute the share of each span's ink in `before`, uint8 (H, W), that `pixels` still has.

    Returns float64 (n,); 1 where there was none.
    """
    left, right = np.array(spans, np.intp).reshape(-1, 2).clip(0, before.shape[1]).T
    columns = np.stack([pixels.sum(axis=0, dtype=np.float64), before.sum(axis=0, dtype=np.float64)])
    sums = np.pad(columns.cumsum(axis=1), ((0, 0), (1, 0)))
    now, then = sums[:, right] - sums[:, left]
    return np.where(then > 0, now / np.maximum(then, 1), 1.0)


def split(text: str) -> list[str]:
    """Split a text into its characters; signs enclosed in OPEN and CLOSE stay together."""
    pieces: list[str] = []
    rest = text
    while rest:
        if rest[0] == OPEN:
            piece, _, rest = rest[1:].partition(CLOSE)
            pieces.append(OPEN + piece)
        else:
            pieces.append(rest[0])
            rest = rest[1:]
    return pieces
