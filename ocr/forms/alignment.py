"""Alignment: bring a scan onto a form's template, however it is turned, or refuse it.

Features (ORB: as many matches as SIFT here, at a tenth of its time) and a homography by RANSAC find
where the form lies, at reduced size. Anchors, patches of the print all over the page, then correct
it, and tell how well it fits: on another form few of them are found. The strongest features are
tried first, all of them only where the page does not fit well by these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from PIL import Image

from ocr.forms.pages import open_page
from ocr.forms.rules import FormError
from ocr.forms.template import Box, Form
from ocr.reading.images import ImageError

WORK = 1000  # pixels of the longest side of a template
SEEN = 1200  # of a scan, which may have a margin
FEATURES, FAST = 2000, 12  # of ORB (Rublee 2011), and its threshold of a corner
FEW = 500  # strongest features, which are matched first, in a fifteenth of the time of all
RATIO = 0.8  # of the distances to the two nearest descriptors (Lowe 2004)
INLIERS = 10  # matches from which a homography is tried
TRIED = 2  # templates that are refined, those with most matches
ANCHORS, SPACING = 150, 26  # patches of the print; pixels between them, at least
HALF = 10  # pixels of a patch on each side of its middle
REACH = (9, 4, 4, 4)  # pixels by which an anchor may be displaced, in each round
ENOUGH = 0.8  # share of anchors found from which a further round is not needed, after two
ALIKE = 0.55  # correlation from which an anchor is found
FIT = 0.5  # share of anchors found from which a page is the form
NO_FORM = "not a form that I know"

Found = tuple["Template", float, np.ndarray]  # share of its anchors found, homography to the scan


class Refused(ValueError):
    """A page that is not read: another form, blank, or cut off; the message is one line."""


@dataclass(frozen=True)
class Aligned:
    """Where a form lies in a scan.

    matrix    float64 (3, 3), from homogeneous points of the page (shares, 1) to pixels of the scan
    fit       share of the anchors that are where they should be
    """

    template: "Template"
    matrix: np.ndarray
    fit: float

    def corners(self, box: Box) -> np.ndarray:
        """Locate a box of the page in the scan: corners (4, 2) in pixels, clockwise from its left
        top.
        """
        left, top, width, height = box
        ends = np.array(
            [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
        )
        return transform(self.matrix, ends)


class Template:
    """What alignment needs of a form; made once, of the picture of its blank page.

    form      the form
    size      (width, height) of the picture
    grey      the picture at WORK pixels, uint8 (h, w)
    points, descriptors    its features; anchors, float32 (n, 2), pixels of `grey`
    """

    def __init__(self, form: Form):
        self.form = form
        try:
            picture = open_page(form.image).convert("L")
        except ImageError as error:
            raise FormError(f"{form.image}: {error}") from None
        self.size = picture.size
        self._darkness = 255 - np.asarray(picture)
        self.grey, _ = reduce(np.asarray(picture), WORK)
        self.points, self.descriptors = _features(self.grey)
        self.anchors = self._anchors()
        if len(self.points) < 4 * INLIERS or len(self.anchors) < 12:
            raise FormError(
                f"{form.image}: too little print to find the form by; give a picture of the whole "
                "blank page"
            )

    def _anchors(self) -> np.ndarray:
        """Choose corners of the print outside the fields, float32 (n, 2)."""
        height, width = self.grey.shape
        mask = np.zeros((height, width), np.uint8)
        mask[HALF + 1 : -HALF - 1, HALF + 1 : -HALF - 1] = 255
        for field in self.form.fields:
            left, top, wide, high = (
                share * side for share, side in zip(field.box, (width, height) * 2)
            )
            inside = (
                slice(int(top) + 4, int(top + high) - 3),
                slice(int(left) + 4, int(left + wide) - 3),
            )
            mask[inside] = 0
        found = cv2.goodFeaturesToTrack(self.grey, ANCHORS, 0.02, SPACING, mask=mask)
        return np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2)

    @cached_property
    def patches(self) -> list[np.ndarray]:
        """The print around each anchor, uint8 (2 HALF + 1, 2 HALF + 1)."""
        return [_patch(self.grey, x, y, HALF) for x, y in self.anchors.round().astype(int)]

    def printed(self, shares: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Picture the print in a part of the page: its darkness, uint8 (height, width).

        shares: matrix (3, 3) from pixels of the part to shares of the page.
        """
        matrix = np.diag([self.size[0], self.size[1], 1.0]) @ shares
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpPerspective(self._darkness, matrix, size, flags=flags)


class Aligner:
    """Bring scans onto templates: each page finds its own, or is refused. Raises FormError."""

    def __init__(self, forms: Sequence[Form]):
        self.templates = [Template(form) for form in forms]

    def align(self, picture: Image.Image) -> Aligned:
        """Find the form of a scan and where it lies. Raises Refused."""
        grey, scale = reduce(np.asarray(picture.convert("L")), SEEN)
        points, descriptors = _features(grey)
        if len(points) < INLIERS:
            raise Refused("a blank page")
        found: list[Found] = []
        for count in (FEW, FEATURES):
            if all(fit < ENOUGH for _, fit, _ in found):
                found += self._found(grey, points[:count], descriptors[:count], count)
        best = max(found, key=lambda each: each[1], default=None)
        if best is None or best[1] < FIT:
            names = ", ".join(t.form.name for t in self.templates)
            share = 0.0 if best is None else best[1]
            raise Refused(f"{NO_FORM}: {share:.0%} of the print of {names} is in its place")
        template, fit, matrix = best
        height, width = template.grey.shape
        whole = np.diag([1 / scale, 1 / scale, 1]) @ matrix @ np.diag([width, height, 1.0])
        aligned = Aligned(template, whole / whole[2, 2], fit)
        _check_inside(aligned, picture.size)
        return aligned

    def _found(
        self, grey: np.ndarray, points: np.ndarray, descriptors: np.ndarray, count: int
    ) -> list["Found"]:
        """Find where templates may lie, those with most matches among `count` features of each."""
        matches = [(t, *_matches(t, points, descriptors, count)) for t in self.templates]
        matches = sorted(matches, key=lambda each: -each[2])[:TRIED]
        return [_refined(t, grey, matrix) for t, matrix, _ in matches if matrix is not None]


def _check_inside(aligned: Aligned, size: tuple[int, int]) -> None:
    """Raise Refused where a field is not in the scan."""
    for field in aligned.template.form.fields:
        corners = aligned.corners(field.box)
        if corners.min() < -2 or (corners > np.array(size) + 2).any():
            raise Refused(f"cut off: the field {field.name} is not in the picture")


def reduce(grey: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """Reduce a picture uint8 (H, W) to `longest` pixels at most: (it, the scale)."""
    scale = min(1.0, longest / max(grey.shape))
    if scale == 1:
        return grey, 1.0
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def transform(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points (n, 2) by a homography (3, 3)."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def _features(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Detect features, the strongest first: points float32 (n, 2), descriptors uint8 (n, 32)."""
    keypoints, descriptors = cv2.ORB.create(FEATURES, fastThreshold=FAST).detectAndCompute(
        grey, None
    )
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    order = np.argsort([-point.response for point in keypoints], kind="stable")
    points = np.array([point.pt for point in keypoints], np.float32)
    return points[order], descriptors[order]


def _matches(
    template: Template, points: np.ndarray, descriptors: np.ndarray, count: int
) -> tuple[np.ndarray | None, int]:
    """Match features to a template's first `count`: a homography to the scan, or None; inliers."""
    own = template.descriptors[:count]
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(own, descriptors, k=2)
    good = [
        a for a, b in (pair for pair in pairs if len(pair) == 2) if a.distance < RATIO * b.distance
    ]
    if len(good) < INLIERS:
        return None, 0
    here = template.points[[match.queryIdx for match in good]]
    there = points[[match.trainIdx for match in good]]
    matrix, inliers = cv2.findHomography(here, there, cv2.USAC_MAGSAC, 4.0, maxIters=2000)
    count = 0 if matrix is None else int(inliers.sum())
    return (matrix, count) if count >= INLIERS and _plausible(matrix, template) else (None, 0)


def _plausible(matrix: np.ndarray, template: Template) -> bool:
    """Tell whether a homography shows the page as a camera may: not mirrored, folded or tiny."""
    height, width = template.grey.shape
    corners = transform(matrix, np.array([[0, 0], [width, 0], [width, height], [0, height]]))
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    lengths = np.hypot(*sides.T) / (width, height, width, height)
    return bool((turns > 0).all() and lengths.min() > 0.1 and lengths.max() < 4 * lengths.min())


# --- anchors


def _refined(template: Template, grey: np.ndarray, matrix: np.ndarray) -> Found:
    """Correct a homography by the anchors: (template, share of anchors found, homography)."""
    fit = 0.0
    for reach in REACH:
        size = template.grey.shape[::-1]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        flat = cv2.warpPerspective(grey, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        here, found = _displaced(template, flat, reach)
        if len(found) < INLIERS:
            return template, 0.0, matrix
        step, inliers = cv2.findHomography(here, found, cv2.RANSAC, 1.5)
        if step is None:
            return template, 0.0, matrix
        matrix, before = matrix @ step, fit
        fit = float(inliers.sum() / len(template.anchors))
        if before and (fit >= ENOUGH or fit <= before):
            break
    return template, fit, matrix


def _displaced(template: Template, flat: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Find anchors in a scan on the template: where they should be, where they are, (n, 2)."""
    here, found = [], []
    for (x, y), patch in zip(template.anchors.round().astype(int), template.patches):
        around = _patch(flat, x, y, HALF + reach)
        alike = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(alike)
        if best < ALIKE or not (0 < column < 2 * reach and 0 < row < 2 * reach):
            continue
        here.append((x, y))
        found.append(
            (
                x + column - reach + _peak(alike[row, column - 1 : column + 2]),
                y + row - reach + _peak(alike[row - 1 : row + 2, column]),
            )
        )
    return np.array(here, np.float64), np.array(found, np.float64)


def _patch(grey: np.ndarray, x: int, y: int, half: int) -> np.ndarray:
    """Cut out the square around a pixel, its border repeated outside the picture."""
    height, width = grey.shape
    rows = np.arange(y - half, y + half + 1).clip(0, height - 1)
    columns = np.arange(x - half, x + half + 1).clip(0, width - 1)
    return (
        grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if (rows[-1] - rows[0] == 2 * half and columns[-1] - columns[0] == 2 * half)
        else grey[np.ix_(rows, columns)]
    )


def _peak(three: np.ndarray) -> float:
    """Interpolate the place of a peak between pixels, by a parabola through three values."""
    before, top, after = map(float, three)
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else 0.5 * (before - after) / bend
