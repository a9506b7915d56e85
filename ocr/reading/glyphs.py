"""One character, brought to EMNIST's form: light ink on black, 28 x 28, the ink centred. NumPy and Pillow only.

A photograph, a scan of any size and an image of the data set all take this road, in training and in reading alike.
The steps are those of Cohen et al. 2017, "EMNIST: extending MNIST to handwritten letters" (section II), after the
ink has been told from the paper: blur, crop to the ink, square with two pixels of margin, bicubic, stretched to 0..255.
"""

import numpy as np
from PIL import Image, ImageFilter

from ocr.reading.images import ImageError, Placed

SIZE = 28
MARGIN = 2
WORKING = 256  # pixels of the longest side; larger pictures are reduced first
SPECKS = 0.006  # share of the ink that may lie outside the crop, on each side
STRONG = 100  # ink below this is haze around strokes
CONTRAST = 12  # grey levels between ink and paper below which there is nothing to read


def glyph(picture: Image.Image) -> tuple[np.ndarray, Placed]:
    """A picture of one character (mode "L" or "RGB", any size) as uint8 (28, 28, 1), and where it came to lie.

    An image that is in EMNIST's form already passes through unchanged. Raises ImageError where there is no ink.
    """
    grey = np.asarray(picture.convert("L"))
    if is_emnist_form(grey):
        return grey[:, :, None].copy(), Placed(1.0, 0, 0, SIZE, SIZE)
    reduced = min(1.0, WORKING / max(grey.shape))
    if reduced < 1:
        size = tuple(max(1, round(side * reduced)) for side in picture.size)
        grey = np.asarray(picture.convert("L").resize(size, Image.Resampling.BOX))
    ink = ink_of(grey)
    if ink.max() <= STRONG:
        raise ImageError("no ink to be seen: nothing to read")
    left, top, right, bottom = ink_box(ink)
    longest = max(right - left, bottom - top)
    if longest > 2 * SIZE:  # EMNIST's blur: one pixel for ink about 60 pixels high
        ink = np.asarray(Image.fromarray(ink).filter(ImageFilter.GaussianBlur(longest / 60)))
    scale = (SIZE - 2 * MARGIN) / longest
    half = SIZE / 2 / scale  # of the square, margin and all, in pixels of `ink`
    x, y = (left + right) / 2, (top + bottom) / 2
    square = _square(ink, x, y, half)
    square = np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)).astype(np.float32)
    pixels = np.clip(square * (255 / max(1.0, square.max())), 0, 255).round().astype(np.uint8)
    whole = scale * reduced
    return pixels[:, :, None], Placed(
        whole,
        round(SIZE / 2 - x * scale),
        round(SIZE / 2 - y * scale),
        round((right - left) * scale),
        round((bottom - top) * scale),
    )


def is_emnist_form(grey: np.ndarray) -> bool:
    """Is this uint8 (H, W) image as EMNIST has them: 28 x 28, light on a black border, the ink centred and filling it?"""
    if grey.shape != (SIZE, SIZE) or grey.max() < 128:
        return False
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    if np.count_nonzero(border) > len(border) // 10:
        return False
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    off = max(abs(rows[0] + rows[-1] - SIZE + 1), abs(columns[0] + columns[-1] - SIZE + 1)) / 2
    return bool(max(tall, wide) >= SIZE - 2 * MARGIN - 4 and off <= 2.5)


def ink_of(grey: np.ndarray) -> np.ndarray:
    """A grey uint8 (H, W) picture as ink: 0 where paper is, 255 where ink is, whichever of the two is darker.

    Otsu's threshold (1979) parts the picture in two; the part that holds most of the border is the paper.
    """
    level = otsu(np.bincount(grey.ravel(), minlength=256))
    light = grey > level
    if not light.any() or light.all():
        return np.zeros_like(grey)
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    middle = 0.9 * border.mean() + 0.1 * light.mean()  # the border decides; a tie, the larger part
    ink = ~light if middle > 0.5 else light
    paper_level, ink_level = float(np.median(grey[~ink])), float(np.median(grey[ink]))
    if abs(ink_level - paper_level) < CONTRAST:
        return np.zeros_like(grey)
    share = (grey - paper_level) / (ink_level - paper_level)
    return (
        (np.clip((share - 0.25) / 0.6, 0, 1) * 255).round().astype(np.uint8)
    )  # paper's grain falls below 0.25


def otsu(counts: np.ndarray) -> np.ndarray:
    """The grey level that parts a picture best in two, pixels up to it and above (Otsu 1979), of its histogram(s).

    counts: pixels of each level, (..., 256); the levels come as integers (...).
    """
    below = np.cumsum(counts, axis=-1, dtype=np.float64)
    mass = np.cumsum(counts * np.arange(256.0), axis=-1)
    above = below[..., -1:] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[..., -1:] - mass) / above) ** 2
    between = np.nan_to_num(between[..., :-1])
    best = between == between.max(axis=-1, keepdims=True)
    return (
        best.argmax(axis=-1) + 254 - best[..., ::-1].argmax(axis=-1)
    ) // 2  # the middle of a gap: light and dark swap evenly


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) around the ink but for its specks."""

    def ends(profile):
        share = np.cumsum(profile, dtype=np.float64) / profile.sum(dtype=np.float64)
        return int(np.searchsorted(share, SPECKS)), int(np.searchsorted(share, 1 - SPECKS)) + 1

    strong = ink > STRONG
    top, bottom = ends(strong.sum(axis=1))
    left, right = ends(strong.sum(axis=0))
    return left, top, right, bottom


def _square(ink: np.ndarray, x: float, y: float, half: float) -> Image.Image:
    """The square of side 2 * half around (x, y), black where it leaves the picture."""
    side = round(2 * half)
    left, top = round(x - half), round(y - half)
    return Image.fromarray(ink).crop((left, top, left + side, top + side))
