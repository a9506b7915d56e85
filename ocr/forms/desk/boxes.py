"""Find the boxes of a blank form where ruled lines make them: cells, combs, lines to write on.

Lines are what survives an opening by a long thin element (morphology); boxes are the paper that
they enclose. Neighbours of one size are the cells of a comb.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

LONGEST = 2400  # pixels of a page's longest side, A4 at 200 dpi
STROKE = 1 / 70  # of the page's width: the shortest line, 3 mm of A4
GAP = 3  # pixels of a break in a line that is closed
LEAST, MOST = 1 / 85, 1 / 16  # of the page's height: that of a box, 3.5 to 18 mm of A4
FULL = 0.9  # share of its rectangle that a box covers
PRINTED = 0.4  # of the boxes have ink inside: from here on the page is filled in
INKY = 0.004  # share of ink inside from which a box has print in it
CLEAR = 0.01  # share of ink above a line to write on, at most
LINE = (1 / 14, 0.6)  # of the page's width: lines to write on, 15 to 125 mm of A4
ROOM = 1 / 27  # of the page's height: paper above a line to write on, 11 mm of A4
UNDER = 0.2  # of that height is below the line
SQUARE = 1 / 40  # of the page's height: largest check box, 7.5 mm of A4
CELLS = 64  # of a comb, at most

Rectangle = tuple[int, int, int, int]  # left, top, width, height in pixels


class Found(NamedTuple):
    """A box that was found: left, top, width, height as shares of the page; cells of a comb."""

    box: tuple[float, float, float, float]
    cells: int | None
    check: bool

    def field(self, name: str) -> dict[str, Any]:
        """Propose the field of a form.json."""
        facts: dict[str, Any] = {"name": name, "box": [round(share, 5) for share in self.box]}
        if self.check:
            return facts | {"reader": "check"}
        facts["reader"] = "numbers"
        return facts | ({"type": "integer", "boxes": self.cells} if self.cells else {})


def find_boxes(picture: Image.Image) -> list[Found]:
    """Find boxes, combs and lines to write on in a page, from top to bottom, left to right."""
    grey = np.asarray(picture.convert("L"))
    scale = min(1.0, LONGEST / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = _ink(grey)
    across, down = _lines(ink)
    cells = _cells(across | down)
    combs = _combs(_without_print(cells, ink))
    rectangles = [rectangle for rectangle, _ in combs]
    open_lines = [(box, 1) for box in _open_lines(across, ink, rectangles)]
    height, width = grey.shape
    found = [_found(box, count, (width, height)) for box, count in [*combs, *open_lines]]
    return sorted(found, key=lambda each: (round(each.box[1] / 0.012), each.box[0]))


def _found(box: Rectangle, count: int, size: tuple[int, int]) -> Found:
    left, top, width, height = (n / side for n, side in zip(box, size * 2))
    square = count == 1 and box[3] <= SQUARE * size[1] and 0.7 < box[2] / box[3] < 1.4
    return Found((left, top, width, height), count if count > 1 else None, square)


def _ink(grey: np.ndarray) -> np.ndarray:
    """Find what is darker than the paper around it, uint8 (h, w) of 0 and 1."""
    side = min(grey.shape) // 40 * 2 + 1
    paper = cv2.blur(grey, (side, side))
    return ((grey < 0.8 * paper.astype(np.float32)) & (grey < 200)).astype(np.uint8)


def _lines(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find lines across and down, uint8 (h, w) each."""
    long = max(12, round(STROKE * ink.shape[1]))
    made = []
    for shape in ((1, long), (long, 1)):
        gap = tuple(GAP if side > 1 else 1 for side in shape)
        closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
        made.append(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones(shape, np.uint8)))
    return made[0], made[1]


def _cells(lines: np.ndarray) -> list[Rectangle]:
    """Find the rectangles of paper that lines enclose, with the lines around them."""
    closed = cv2.dilate(lines, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    height, width = lines.shape
    cells = []
    for left, top, wide, high, area in stats[1:].tolist():
        inside = min(left, top) > 0 and left + wide < width and top + high < height
        tall = LEAST * height <= high + 4 <= MOST * height and wide + 4 >= LEAST * height
        if inside and tall and area >= FULL * wide * high:
            cells.append((left - 2, top - 2, wide + 4, high + 4))
    return cells


def _without_print(cells: Sequence[Rectangle], ink: np.ndarray) -> list[Rectangle]:
    """Leave out boxes with print in them, as a table's heads; on a page that is filled in, none."""

    def inky(cell: Rectangle) -> bool:
        left, top, wide, high = cell
        rim = 6 + high // 12
        inner = ink[top + rim : top + high - rim, left + rim : left + wide - rim]
        return bool(inner.size and inner.mean() > INKY)

    empty = [cell for cell in cells if not inky(cell)]
    return empty if len(cells) - len(empty) < PRINTED * len(cells) else list(cells)


def _combs(cells: Sequence[Rectangle]) -> list[tuple[Rectangle, int]]:
    """Join neighbours of one size to combs: (box, number of cells)."""
    combs: list[list[Rectangle]] = []
    for cell in sorted(cells):
        for comb in combs:
            if _follows(comb[-1], cell) and len(comb) < CELLS:
                comb.append(cell)
                break
        else:
            combs.append([cell])
    made: list[tuple[Rectangle, int]] = []
    for comb in combs:
        if len(comb) < 3:
            made += [(cell, 1) for cell in comb]
        else:
            made.append((_around(comb), len(comb)))
    return made


def _follows(one: Rectangle, other: Rectangle) -> bool:
    """Tell whether a cell is the next of a comb: as large, at its right, narrow."""
    near = abs(other[0] - one[0] - one[2]) <= 0.2 * one[3]
    level = abs(other[1] - one[1]) <= 0.1 * one[3] and abs(other[3] - one[3]) <= 0.1 * one[3]
    alike = abs(other[2] - one[2]) <= 0.15 * one[2]
    return near and level and alike and one[2] <= 1.4 * one[3]


def _around(cells: Sequence[Rectangle]) -> Rectangle:
    left, top = min(cell[0] for cell in cells), min(cell[1] for cell in cells)
    right = max(cell[0] + cell[2] for cell in cells)
    bottom = max(cell[1] + cell[3] for cell in cells)
    return left, top, right - left, bottom - top


def _open_lines(across: np.ndarray, ink: np.ndarray, taken: Sequence[Rectangle]) -> list[Rectangle]:
    """Find lines to write on: with paper above them, and no part of a box."""
    height, width = across.shape
    room = round(ROOM * height)
    _, _, stats, _ = cv2.connectedComponentsWithStats(across, connectivity=8)
    made: list[Rectangle] = []
    for left, top, wide, high, _ in stats[1:].tolist():
        box = (left, top - round((1 - UNDER) * room), wide, room)
        if not (LINE[0] * width <= wide <= LINE[1] * width and high <= room / 6 and box[1] > 0):
            continue
        above = ink[box[1] : top - 3, left : left + wide]
        around = ink[box[1] : top + high + 3, max(0, left - 3) : left + wide + 3]
        sides = around[:, [*range(6), *range(-6, 0)]].mean()
        free = above.mean() < CLEAR and sides < 0.15
        if free and not any(_overlap(box, other) for other in [*taken, *made]):
            made.append(box)
    return made


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return all(one[k] < other[k] + other[k + 2] and other[k] < one[k] + one[k + 2] for k in (0, 1))
