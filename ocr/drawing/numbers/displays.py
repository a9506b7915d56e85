"""Show numbers on displays of seven segments, and on the rolls of a meter."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ocr.drawing.fonts import EM, printable_signs
from ocr.drawing.glyphs import glyphs
from ocr.drawing.ink import Ink, Part, Writer, compose, split

DIGITS = "0123456789"
SEGMENTS = dict(
    zip("0123456789-", ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc",
                        "abcdefg", "abcdfg", "g"))
)  # fmt: skip


def display(text: str, rng: np.random.Generator) -> Ink:
    """Show a number on a display of seven segments, slanted, unlit segments at times visible.

    A comma becomes a point. Signs that a display does not have are left out; a text of nothing else
    becomes a dash.
    """
    high, wide = 60, int(rng.integers(26, 44))
    thick, gap = rng.uniform(4, 10), rng.uniform(0, 2.5)
    slant = rng.choice((0.0, rng.uniform(0.03, 0.2)))
    unlit = int(255 * rng.uniform(0.04, 0.22)) if rng.random() < 0.3 else 0
    pitch = wide + rng.uniform(8, 26)
    tails = rng.random(3) < (0.8, 0.85, 0.3)  # of 6, 9 and 7
    parts, x = [], 0.0
    for piece in split(text):
        if piece in SEGMENTS:
            lit = _lit(piece, tails)
            parts.append(Part(piece, _digit(lit, high, wide, thick, gap, slant, unlit), x, 0))
            x += pitch
        elif piece in ".,":
            size = max(3, round(thick * rng.uniform(0.8, 1.4)))
            dot = np.full((size, size), 255, np.uint8)
            near = x - (pitch - wide) / 2 - size / 2 - slant * 8
            parts.append(Part(".", dot, near, high - size + int(rng.integers(0, 4))))
            x += pitch * rng.choice((0.0, 0.3))
    return compose(parts or [Part("-", _digit("g", high, wide, thick, gap, slant, unlit), 0, 0)])


def _lit(digit: str, tails: np.ndarray) -> str:
    """List the lit segments; 6 and 9 may lack their tails, 7 may have a fourth segment."""
    lit = SEGMENTS[digit]
    if digit == "6" and not tails[0]:
        return lit.replace("a", "")
    if digit == "9" and not tails[1]:
        return lit.replace("d", "")
    return lit + "f" if digit == "7" and tails[2] else lit


def _digit(
    lit: str, high: int, wide: int, thick: float, gap: float, slant: float, unlit: int
) -> np.ndarray:
    """Draw one digit of a display, uint8 (high, w)."""
    margin = int(slant * high) + 2
    cell = np.zeros((high, wide + margin), np.uint8)
    half, middle = thick / 2, high / 2
    x0, x1, y0, y1 = half, wide - half, half, high - half
    ends = {
        "a": ((x0, y0), (x1, y0)), "b": ((x1, y0), (x1, middle)), "c": ((x1, middle), (x1, y1)),
        "d": ((x0, y1), (x1, y1)), "e": ((x0, middle), (x0, y1)), "f": ((x0, y0), (x0, middle)),
        "g": ((x0, middle), (x1, middle)),
    }  # fmt: skip
    for name, (start, end) in ends.items():
        value = 255 if name in lit else unlit
        if value:
            corners = _segment(np.array(start), np.array(end), thick, gap)
            corners[:, 0] += slant * (high - corners[:, 1])
            cv2.fillConvexPoly(cell, (16 * corners).astype(np.int32), value, cv2.LINE_AA, 4)
    return cell


def _segment(start: np.ndarray, end: np.ndarray, thick: float, gap: float) -> np.ndarray:
    """Compute the six corners (6, 2) of a segment."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]]) * thick / 2
    start, end = start + along * gap, end - along * gap
    near, far = start + along * thick / 2, end - along * thick / 2
    return np.array([start, near + across, far + across, end, far - across, near - across])


# --- rolls ----------------------------------------------------------------------------------------


def rolls(files: Sequence[str | Path]) -> Writer:
    """Make a writer that shows the digits of a number on the rolls of a meter, in these fonts.

    Each digit has a window; some are a little turned, so that a piece of the digit above or below
    is seen. Everything but digits is left out; a text without digits becomes a nought. Fonts
    without all digits are skipped; raises ValueError where no other is left.
    """
    able = [Path(file) for file in files if set(DIGITS) <= printable_signs(file)]
    if not able:
        raise ValueError(f"no font given has all characters of {DIGITS!r}: add a font")

    def write(text: str, rng: np.random.Generator) -> Ink:
        face = glyphs(able[rng.integers(len(able))], int(rng.integers(1, 5)), DIGITS)
        digits = [piece for piece in split(text) if piece in set(DIGITS)] or ["0"]
        tall = max(glyph.pixels.shape[0] for glyph in face.values())
        wide = max(glyph.pixels.shape[1] for glyph in face.values())
        window, pitch = round(tall * rng.uniform(1.05, 1.5)), wide + EM * rng.uniform(0.05, 0.6)
        apart = tall * rng.uniform(1.15, 1.6)  # from one digit of a roll to the next
        parts = []
        for k, digit in enumerate(digits):
            turned = rng.normal(0, 0.05) if rng.random() < 0.75 else rng.uniform(-0.38, 0.38)
            cell = np.zeros((window, wide), np.uint8)
            for step in (-1, 0, 1):
                pixels = face[str((int(digit) + step) % 10)].pixels
                middle = window / 2 + (turned + step) * apart
                _place(cell, pixels, round(middle - pixels.shape[0] / 2))
            parts.append(Part(digit, cell, k * pitch, 0))
        return compose(parts)

    return write


def _place(cell: np.ndarray, pixels: np.ndarray, top: int) -> None:
    """Place ink in the middle of a window, cut off at its upper and lower edge."""
    left = (cell.shape[1] - pixels.shape[1]) // 2
    first, last = max(0, -top), min(pixels.shape[0], cell.shape[0] - top)
    if first < last:
        spot = cell[top + first : top + last, left : left + pixels.shape[1]]
        np.maximum(spot, pixels[first:last], out=spot)
