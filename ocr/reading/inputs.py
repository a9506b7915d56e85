"""Network inputs: preprocess a picture for a network, in training and inference alike.

Each subclass of `Input` is one way to preprocess a picture; `INPUTS` finds it by the `fit` of a
reader's contract. A new kind of input is one class and one entry there. NumPy and Pillow only.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from ocr.reading.images import MIN_SIDE, ImageError, Placed, fit_picture, shrink, to_uint8
from ocr.reading.ink import CONTRAST, NO_INK, STRONG, binary, character_ink, ink_box, line_ink

SIDE = 28  # pixels, height and width of a glyph and of views
GLYPH_MARGIN = 2  # pixels around the ink of a glyph
GLYPH_WORKING = 256  # pixels of the longest side; larger pictures are reduced first
LINE_MARGIN = 0.12  # of the ink's height, kept around a line
LINE_WORKING = 512  # pixels of the longest side of the picture in which a line's ink is searched
LINE_DENSITY = 4 / 9  # share of ink in a pixel's 3 x 3 neighbourhood from which it is no speck
VIEWS_WORKING = 4 * SIDE  # pixels of the longest side of the picture in which ink is searched
VIEWS_NEAR = 20  # pixels; smaller ink is magnified

Box = tuple[int, int, int, int]  # (left, top, right, bottom) in pixels


class Prepared(NamedTuple):
    """A preprocessed picture: uint8 (H, W, C), its placement, and its original (width, height)."""

    pixels: np.ndarray
    placed: Placed
    size: tuple[int, int]

    def span(self, left: float, right: float) -> tuple[float, float]:
        """Map two columns of the network's input to the original picture, clipped to it."""
        spot = self.placed
        left, right = ((x - spot.left) / spot.scale for x in (left, right))
        return round(max(0.0, left), 1), round(min(float(self.size[0]), right), 1)


class Input(ABC):
    """A way to preprocess pictures for a network.

    fit            its name in a reader's contract
    shape          (height, width, channels) of what it makes; None: as the contract says
    normalisation  default mode of images.normalise
    augmentation   name of the function in ocr.drawing.augment to train with
    padded         is what lies left and right of the picture padding, see images.narrow?
    """

    fit: ClassVar[str]
    shape: ClassVar[tuple[int | None, int | None, int | None]] = (None, None, None)
    normalisation: ClassVar[str] = "standard"
    augmentation: ClassVar[str] = "jitter"
    padded: ClassVar[bool] = False

    def __init__(self, size: tuple[int, int], channels: int = 1):
        """Take the (height, width) and channels of a contract. Raises ValueError if not `shape`."""
        given = [*size, channels]
        if any(own not in (None, n) for own, n in zip(self.shape, given)):
            own = ", ".join("any" if n is None else str(n) for n in self.shape)
            raise ValueError(f"fit {self.fit!r} makes an input of [{own}], not {given}")
        self.size, self.channels = size, channels

    @classmethod
    def fixed(cls) -> "Input":
        """Make an input of a kind that has one shape."""
        height, width, channels = map(int, cls.shape)  # type: ignore[arg-type]
        return cls((height, width), channels)

    @abstractmethod
    def prepare(self, picture: Image.Image) -> Prepared:
        """Preprocess a picture of mode "L" or "RGB". Raises ImageError where there is no ink."""

    def character_span(self, prepared: Prepared) -> tuple[float, float]:
        """Locate a single character: (left, right) columns of the original picture."""
        middle, half = self.size[1] / 2, prepared.placed.width / 2
        return prepared.span(middle - half, middle + half)

    def show(self, pixels: np.ndarray) -> np.ndarray:
        """Render an input uint8 (H, W, C) for people: uint8 (H, W) or (H, W, 3)."""
        return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


class Picture(Input):
    """The whole picture, scaled to fit, see `images.fit_picture`."""

    fit = "picture"
    padded = True

    def prepare(self, picture: Image.Image) -> Prepared:
        return Prepared(*fit_picture(picture, self.size, self.channels), picture.size)


class Line(Input):
    """One line of text, cropped to its ink, dark on light, see `line`."""

    fit = "line"
    shape = (None, None, 1)
    padded = True

    def prepare(self, picture: Image.Image) -> Prepared:
        return Prepared(*line(picture, self.size), picture.size)


class Glyph(Input):
    """One character in EMNIST's form: light ink on black, centred, see `glyph`."""

    fit = "glyph"
    shape: ClassVar[tuple[int, int, int]] = (SIDE, SIDE, 1)
    normalisation = "unit"
    augmentation = "distort"

    def prepare(self, picture: Image.Image) -> Prepared:
        return Prepared(*glyph(picture), picture.size)


class Views(Input):
    """One character as red, green, blue and a binary channel (0 paper, 255 ink), see `views`."""

    fit = "views"
    shape: ClassVar[tuple[int, int, int]] = (SIDE, SIDE, 4)
    normalisation = "views"
    augmentation = "restyle"

    def prepare(self, picture: Image.Image) -> Prepared:
        return Prepared(*views(picture), picture.size)

    def character_span(self, prepared: Prepared) -> tuple[float, float]:
        """Return the (left, right) columns of the part of the picture that was cropped."""
        return prepared.span(0, self.size[1])

    def show(self, pixels: np.ndarray) -> np.ndarray:
        """Render views side by side, colour | ink: uint8 (H, 2 W, 3)."""
        return np.concatenate([pixels[..., :3], np.repeat(pixels[..., 3:], 3, axis=2)], axis=1)


INPUTS: dict[str, type[Input]] = {kind.fit: kind for kind in (Picture, Line, Glyph, Views)}


# --- glyph


def glyph(picture: Image.Image) -> tuple[np.ndarray, Placed]:
    """Convert a picture of one character to EMNIST's form: uint8 (28, 28, 1), and its placement.

    picture: mode "L" or "RGB", any size and polarity. The steps are those of Cohen et al. 2017,
    "EMNIST: extending MNIST to handwritten letters" (section II), after segmentation: blur, crop
    to the ink, square with two pixels of margin, bicubic, contrast stretched to 0..255. An image
    in EMNIST's form is returned unchanged. Raises ImageError where there is no ink.
    """
    grey = picture.convert("L")
    pixels = np.asarray(grey)
    if is_emnist_form(pixels):
        return pixels[:, :, None].copy(), Placed(1.0, 0, 0, SIDE, SIDE)
    small, reduced = shrink(grey, GLYPH_WORKING)
    ink = character_ink(pixels if small is grey else np.asarray(small))
    if ink.max() <= STRONG:
        raise ImageError(NO_INK)
    left, top, right, bottom = ink_box(ink)
    longest = max(right - left, bottom - top)
    if longest > 2 * SIDE:  # EMNIST's blur: one pixel for ink about 60 pixels high
        ink = np.asarray(Image.fromarray(ink).filter(ImageFilter.GaussianBlur(longest / 60)))
    scale = (SIDE - 2 * GLYPH_MARGIN) / longest
    x, y = (left + right) / 2, (top + bottom) / 2
    square = _square(ink, x, y, SIDE / 2 / scale)
    pixels = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(np.float32)
    pixels = np.clip(pixels * (255 / max(1.0, pixels.max())), 0, 255).round().astype(np.uint8)
    return pixels[:, :, None], Placed(
        scale * reduced,
        round(SIDE / 2 - x * scale),
        round(SIDE / 2 - y * scale),
        round((right - left) * scale),
        round((bottom - top) * scale),
    )


def is_emnist_form(grey: np.ndarray) -> bool:
    """Check for EMNIST's form: uint8 28 x 28, light ink on a black border, centred, filling it."""
    if grey.shape != (SIDE, SIDE) or grey.max() < 128:
        return False
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    if np.count_nonzero(border) > len(border) // 10:
        return False
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    off = max(abs(rows[0] + rows[-1] - SIDE + 1), abs(columns[0] + columns[-1] - SIDE + 1)) / 2
    return bool(max(tall, wide) >= SIDE - 2 * GLYPH_MARGIN - 4 and off <= 2.5)


def _square(ink: np.ndarray, x: float, y: float, half: float) -> Image.Image:
    """Crop the square of side 2 * half around (x, y), black outside the picture."""
    side = round(2 * half)
    left, top = round(x - half), round(y - half)
    return Image.fromarray(ink).crop((left, top, left + side, top + side))


# --- line


def line(picture: Image.Image, size: tuple[int, int]) -> tuple[np.ndarray, Placed]:
    """Convert a picture of one line of text to uint8 (height, width, 1), and its placement.

    picture: mode "L" or "RGB", any size, with any amount of paper around the text. The part around
    the ink is cropped, scaled to fit `size`, centred, and padded as by `images.fit_picture`; light
    on dark is inverted. Raises ImageError where there is no ink.
    """
    grey = picture.convert("L")
    box, light = _line_box(grey)
    crop = grey.crop(box)
    pixels, spot = fit_picture(ImageOps.invert(crop) if light else crop, size)
    return pixels, _uncropped(spot, box)


def _line_box(grey: Image.Image) -> tuple[Box, bool]:
    """Find a line's (ink box with its margin, is the ink light?) in a picture of mode "L"."""
    small, reduced = shrink(grey, LINE_WORKING)
    light, ink = line_ink(small)
    share = np.asarray(Image.fromarray(ink * np.uint8(255)).filter(ImageFilter.BoxBlur(1)))
    dense = share >= 255 * LINE_DENSITY - 1
    rows, columns = np.flatnonzero(dense.any(axis=1)), np.flatnonzero(dense.any(axis=0))
    if not len(rows):
        raise ImageError(NO_INK)
    margin = 1 + LINE_MARGIN * (rows[-1] - rows[0])
    ends = [columns[0] - margin, rows[0] - margin, columns[-1] + 1 + margin, rows[-1] + 1 + margin]
    left, top = (max(0, int(end / reduced)) for end in ends[:2])
    right, bottom = (min(side, round(end / reduced)) for end, side in zip(ends[2:], grey.size))
    return (left, top, right, bottom), light


def _uncropped(spot: Placed, box: Box) -> Placed:
    """Turn the placement of a crop into that of the whole picture."""
    left, top = (round(start * spot.scale) for start in box[:2])
    return spot._replace(left=spot.left - left, top=spot.top - top)


# --- views


def views(picture: Image.Image) -> tuple[np.ndarray, Placed]:
    """Convert a picture of one character to colour and ink, uint8 (28, 28, 4), and its placement.

    picture: mode "L" or "RGB", any size. It is scaled into 28 x 28, aspect ratio kept; where its
    ink is small, the part around the ink is. The binary channel is made of these pixels. Raises
    ImageError where the picture's levels span less than CONTRAST.
    """
    box = _views_box(picture)
    colour, spot = fit_picture(picture.crop(box) if box else picture, (SIDE, SIDE), 3)
    return with_binary(colour[None])[0], _uncropped(spot, box) if box else spot


def twin_view(picture: Image.Image, twin: Image.Image) -> np.ndarray:
    """Make a picture's binary channel, uint8 (28, 28, 1), from a black-and-white twin of it.

    The twin has the same aspect ratio, and any size. Raises ImageError where either has no ink.
    """
    box = _views_box(picture)
    if box:
        wide, high = twin.width / picture.width, twin.height / picture.height
        left, top, right, bottom = (
            round(end * scale) for end, scale in zip(box, (wide, high, wide, high))
        )
        twin = twin.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    view = binary(to_uint8(twin, (SIDE, SIDE), 3)[None])[0]
    if not view.any():
        raise ImageError(NO_INK)
    return view


def with_binary(colour: np.ndarray) -> np.ndarray:
    """Append the binary channel to colour images uint8 (N, H, W, 3): uint8 (N, H, W, 4)."""
    return np.concatenate([colour, binary(colour)], axis=3)


def _views_box(picture: Image.Image) -> Box | None:
    """Find the part of a picture to crop; None: all of it.

    Ink whose longest side would have L < VIEWS_NEAR pixels is magnified half-way between L and
    VIEWS_NEAR: large enough to be recognised, and smaller ink stays smaller, as often only its
    size distinguishes c from C.
    """
    small, _ = shrink(picture.convert("RGB"), VIEWS_WORKING, MIN_SIDE)
    pixels = np.asarray(small)
    ink = binary(pixels[None])[0, :, :, 0]
    if np.ptp(pixels, axis=(0, 1)).max() < CONTRAST or not ink.any():
        raise ImageError(NO_INK)
    left, top, right, bottom = ink_box(ink)
    longest = SIDE * max(right - left, bottom - top) / max(small.size)  # pixels of the input
    if longest >= VIEWS_NEAR:
        return None
    side = max(picture.size) * 2 * longest / (longest + VIEWS_NEAR)
    ends = []
    for middle, shown, length in (
        ((left + right) / 2, small.width, picture.width),
        ((top + bottom) / 2, small.height, picture.height),
    ):
        start = round(min(max(0.0, middle * length / shown - side / 2), max(0.0, length - side)))
        ends.append((start, min(length, start + max(MIN_SIDE, round(side)))))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]
