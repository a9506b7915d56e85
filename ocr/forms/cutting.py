"""Cut fields out of a scan: the form's print removed, evenly lit, its ink found."""

from typing import Any, NamedTuple

import cv2
import numpy as np

from ocr.forms.alignment import Aligned
from ocr.forms.template import Field

MARGIN = 0.15  # of the box's height, kept around a box: people write over the edge
RIM = 0.17  # of a box's sides
TALL = 96  # pixels of a cut-out's box, at most
PRINT = 0.25  # of the darkest print, from which a pixel of the template is print
NUDGE = 3  # pixels by which a field's print may be displaced
STROKE = 0.3  # of a cut-out's height, from which what is dark is a shadow
NARROW = 0.4  # of a comb's cell: on each side of a pixel, where ink is compared with it
ALONE = 0.12  # of a comb's cell, on each side, where there may be ink of others
FAINT = 24  # levels by which ink is darker than paper, at least
SPECK = 0.045  # of the box's height, side of the least component of ink
WEAK = 0.3  # of a field's darkest stroke: what is fainter is no stroke of the same pen
POINT = 0.02  # of the box's height, side of the least decimal point
BESIDE = 0.25  # of the box's height, from other ink to a decimal point
DARK = 0.4  # of the darkest ink around, from which a pixel is ink
HAIRLINE = 0.2  # of a field's darkest ink, from which a pixel is that hangs together with ink


class Cutout(NamedTuple):
    """A field cut out of a scan.

    darkness  uint8 (h, w), 0 on paper, print removed
    ink       bool (h, w), specks left out
    box       (left, top, right, bottom) of the field's box in it, pixels
    """

    darkness: np.ndarray
    ink: np.ndarray
    box: tuple[int, int, int, int]

    @property
    def picture(self) -> np.ndarray:
        """The ink on white paper, uint8 (h, w)."""
        return 255 - self.darkness

    @property
    def share(self) -> float:
        """The share of the box, less a rim where its own print was, that is ink."""
        left, top, right, bottom = self.box
        x, y = round(RIM * (right - left)), round(RIM * (bottom - top))
        inner = self.ink[top + y : bottom - y, left + x : right - x]
        return float(inner.mean()) if inner.size else 0.0


def cut(aligned: Aligned, grey: np.ndarray, field: Field) -> Cutout:
    """Cut a field out of a scan uint8 (H, W), upright."""
    corners = aligned.corners(field.box)
    tall = float(np.mean(np.hypot(*(corners[[3, 2]] - corners[[0, 1]]).T)))
    wide = float(np.mean(np.hypot(*(corners[[1, 2]] - corners[[0, 3]]).T)))
    margin = max(NUDGE + 2, round(MARGIN * min(tall, wide)))
    high, long = max(4, round(tall)), max(4, round(wide))
    size = long + 2 * margin, high + 2 * margin
    left, top, width, height = field.box
    shares = np.array(  # from pixels of the cut-out to shares of the page
        [
            [width / long, 0, left - margin * width / long],
            [0, height / high, top - margin * height / high],
            [0, 0, 1],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen: np.ndarray = cv2.warpPerspective(
        grey, aligned.matrix @ shares, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return _cleaned(seen, aligned.template.printed(shares, size), margin, field)


def _cleaned(seen: np.ndarray, printed: np.ndarray, margin: int, field: Field) -> Cutout:
    """Find the ink of a field in a scan of it, uint8 (h, w), with its print and a margin around."""
    clean = _without_print(seen, printed)
    high, long = (side - 2 * margin for side in seen.shape)
    scale = min(1.0, TALL / high)
    if scale < 1:
        clean = cv2.resize(clean, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    edges = (margin, margin, margin + long, margin + high)
    x0, y0, x1, y1 = (round(edge * scale) for edge in edges)
    darkness = _darkness(clean, 1.0 if field.is_check_box else STROKE)
    box = (x0, y0, x1, y1)
    ink = _ink(darkness, box, field.boxes or 1)
    if not field.is_check_box:
        ink = _with_hairlines(ink, darkness)
    if field.boxes and ink.any():
        _add_faint(ink, darkness, box, field.boxes)
    return Cutout(np.where(_near(ink), darkness, 0).astype(np.uint8), ink, box)


def _without_print(seen: np.ndarray, printed: np.ndarray) -> np.ndarray:
    """Remove a form's print, uint8 (h, w) of darkness, from a scan of it uint8 (h, w).

    The print is moved to where the scan is darkest, then painted over from what surrounds it, so
    that strokes that cross a thin line stay whole.
    """
    strongest = int(printed.max())
    if strongest < FAINT:
        return seen
    mask: Any = (printed > PRINT * strongest).astype(np.uint8)
    inner = mask[NUDGE:-NUDGE, NUDGE:-NUDGE]
    if inner.any():
        found = cv2.matchTemplate(255 - seen, inner * np.uint8(255), cv2.TM_CCORR, mask=None)
        _, _, _, (column, row) = cv2.minMaxLoc(found)
        shift = np.array([[1, 0, column - NUDGE], [0, 1, row - NUDGE]], np.float32)
        mask = cv2.warpAffine(mask, shift, mask.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    return cv2.inpaint(seen, mask, 3, cv2.INPAINT_TELEA)


def _darkness(grey: np.ndarray, broad: float) -> np.ndarray:
    """Compute by how many levels each pixel is darker than the paper around it, uint8 (h, w).

    broad: share of the cut-out's height from which what is dark is no stroke, but a shadow.
    """
    side = max(3, round(broad * min(grey.shape)) // 2 * 2 + 1)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    paper = cv2.morphologyEx(cv2.blur(grey, (3, 3)), cv2.MORPH_CLOSE, around)
    smooth = side // 4 * 2 + 1
    return cv2.subtract(cv2.min(paper, cv2.blur(paper, (smooth, smooth))), grey)


def _ink(darkness: np.ndarray, box: tuple[int, int, int, int], cells: int) -> np.ndarray:
    """Find the ink, bool (h, w): as dark as the darkest part around suggests, and no speck.

    What lies outside the box altogether belongs to its surroundings. Of a comb, the darkest part
    of the same cell counts, so that a faint sign is found beside a strong one.
    """
    left, top, right, bottom = box
    tall = bottom - top
    wide = tall if cells == 1 else min(tall, 2 * round(NARROW * (right - left) / cells))
    around = np.ones((tall // 2 * 2 + 1, wide // 2 * 2 + 1), np.uint8)
    strongest = cv2.dilate(cv2.blur(darkness, (3, 3)), around)
    ink = (darkness > np.maximum(0.8 * FAINT, DARK * strongest)) & (strongest >= FAINT)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    kept = area >= max(4, (SPECK * tall) ** 2)
    inside = np.zeros(len(kept), bool)
    inside[np.unique(np.asarray(labels)[top:bottom, left:right])] = True
    kept &= inside
    kept[0] = False
    if kept.any() and cells == 1:
        strength = np.zeros(len(kept))
        np.maximum.at(strength, np.asarray(labels)[ink], darkness[ink])
        kept &= strength >= WEAK * strength[kept].max()
    points = inside & ~kept & (area >= max(4, (POINT * tall) ** 2))
    points[0] = False
    return _with_points(np.asarray(labels), kept, points, tall)[labels]


def _with_points(labels: np.ndarray, kept: np.ndarray, points: np.ndarray, tall: int) -> np.ndarray:
    """Keep those specks that may be decimal points: close beside larger ink, at its height."""
    if not points.any() or not kept.any():
        return kept
    ink = kept[labels].astype(np.uint8)
    beside = cv2.dilate(ink, np.ones((1, 2 * round(BESIDE * tall) + 1), np.uint8))
    beside[int(np.flatnonzero(ink.any(axis=1))[-1]) + 1 :] = 0
    found = np.zeros(len(kept), bool)
    found[np.unique(labels[beside > 0])] = True
    return kept | (points & found)


def _with_hairlines(ink: np.ndarray, darkness: np.ndarray) -> np.ndarray:
    """Add what is faint and hangs together with ink: hairlines of print, pale parts of strokes.

    By two thresholds (hysteresis, Canny 1986).
    """
    if not ink.any():
        return ink
    faint = darkness > max(0.8 * FAINT, HAIRLINE * np.quantile(darkness[ink], 0.9))
    count, labels = cv2.connectedComponents((faint | ink).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[np.unique(np.asarray(labels)[ink])] = True
    kept[0] = False
    return kept[labels]


def _add_faint(
    ink: np.ndarray, darkness: np.ndarray, box: tuple[int, int, int, int], cells: int
) -> None:
    """Add to the ink of a comb, in place, what is faint and stands alone in an empty cell.

    Somebody has written in the comb, so a mark far darker than the rest of its cell is a sign: an
    Arabic nought is a dot.
    """
    left, top, right, bottom = box
    tall, wide = bottom - top, (right - left) / cells
    smooth = cv2.blur(darkness, (3, 3))
    rows = slice(top + round(ALONE * tall), bottom - round(ALONE * tall))
    for cell in range(cells):
        start = left + wide * cell
        columns = slice(round(start + ALONE * wide), round(start + (1 - ALONE) * wide))
        inside = smooth[rows, columns]
        if not inside.size or ink[top:bottom, columns].any():
            continue
        level = int(inside.max())
        if level < max(0.6 * FAINT, 4 * np.quantile(inside, 0.9)):
            continue
        _, labels = cv2.connectedComponents((inside > 0.5 * level).astype(np.uint8))
        mark = np.asarray(labels) == labels.flat[int(inside.argmax())]
        if mark.sum() >= max(4, (SPECK * tall) ** 2):
            ink[rows, columns] |= mark


def _near(ink: np.ndarray) -> np.ndarray:
    return cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def is_crossed_out(cutout: Cutout) -> bool:
    """Tell whether a straight stroke, longer than any of a sign, runs through the ink."""
    left, top, right, bottom = cutout.box
    tall = bottom - top
    least = 1.2 * tall
    if right - left < 1.5 * tall:
        return False
    lines = cv2.HoughLinesP(
        cutout.ink.astype(np.uint8), 1, np.pi / 180, round(0.6 * least), None, least, 3
    )
    if lines is None:
        return False
    ends = np.reshape(lines, (-1, 4))
    wide = np.abs(ends[:, 2] - ends[:, 0])
    inside = (ends[:, 1::2].min(axis=1) < bottom - 4) & (ends[:, 1::2].max(axis=1) > top + 4)
    return bool((inside & (wide >= tall)).any())


def has_two_lines(cutout: Cutout) -> bool:
    """Tell whether the ink lies in two lines below each other, with paper between them."""
    tall = cutout.box[3] - cutout.box[1]
    rows = np.flatnonzero(cutout.ink.sum(axis=1) > 0)
    if not len(rows):
        return False
    breaks = np.flatnonzero(np.diff(rows) > max(2, 0.04 * tall))
    lines = np.split(rows, breaks + 1)
    large = [
        line
        for line in lines
        if len(line) >= 0.22 * tall and cutout.ink[line].any(axis=0).sum() >= 0.4 * tall
    ]
    return len(large) > 1
