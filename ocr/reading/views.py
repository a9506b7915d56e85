"""Two views of one picture: its colours, and its ink in black and white. NumPy and Pillow only.

A caller gives one picture of any kind; both views are made here, in training and in reading alike, so that a network
with two inputs (the dual-input system of lesson 03) never waits for a second file.
"""

import numpy as np
from PIL import Image

from ocr.reading.glyphs import ink_box, otsu
from ocr.reading.images import MIN_SIDE, ImageError, Placed, place, to_uint8

SIZE = 28
CHANNELS = 4  # red, green, blue, and the binary view: 0 paper, 255 ink
NEAR = 20  # pixels; smaller ink is looked at more closely
WORKING = 4 * SIZE  # pixels of the longest side of the picture in which the ink is sought
FAINT = 12  # levels from end to end below which a picture shows nothing
FLAT = 3  # levels below which pixels are not parted at all


def views(picture: Image.Image) -> tuple[np.ndarray, Placed]:
    """A picture (mode "L" or "RGB", any size) as uint8 (28, 28, 4), and where it came to lie.

    The picture is scaled into 28 x 28 with its aspect ratio kept; where its ink is small in it, the part around the ink
    is. The binary view is made of these pixels. Raises ImageError where the ink does not stand out by FAINT levels.
    """
    part = _part(picture)
    seen = picture.crop(part) if part else picture
    spot = place(seen.size, (SIZE, SIZE))
    pixels = with_binary(to_uint8(seen, (SIZE, SIZE), 3)[None])[0]
    if part:
        spot = spot._replace(
            left=spot.left - round(part[0] * spot.scale), top=spot.top - round(part[1] * spot.scale)
        )
    return pixels, spot


def twin_view(picture: Image.Image, twin: Image.Image) -> np.ndarray:
    """The binary view uint8 (28, 28, 1) of a picture, from a black-and-white twin of the same shape but of any size.

    Raises ImageError where the twin has no ink, or the picture shows nothing.
    """
    part = _part(picture)
    if part:
        wide, high = twin.width / picture.width, twin.height / picture.height
        left, top, right, bottom = (
            round(end * scale) for end, scale in zip(part, (wide, high, wide, high))
        )
        twin = twin.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    view = binary(to_uint8(twin, (SIZE, SIZE), 3)[None])[0]
    if not view.any():
        raise ImageError("no ink stands out")
    return view


def _part(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """What of a picture to look at, (left, top, right, bottom), or None: all of it.

    Ink whose longest side would be L < NEAR pixels comes out half-way between L and NEAR: large enough to be told, and
    what was smaller stays smaller, as often only its size tells c from C.
    """
    reduced = min(1.0, WORKING / max(picture.size))
    small = picture.convert("RGB")
    if reduced < 1:
        small = small.resize(
            [max(MIN_SIDE, round(side * reduced)) for side in picture.size], Image.Resampling.BOX
        )
    pixels = np.asarray(small)
    ink = binary(pixels[None])[0, :, :, 0]
    if np.ptp(pixels, axis=(0, 1)).max() < FAINT or not ink.any():
        raise ImageError("no ink stands out: nothing to read")
    left, top, right, bottom = ink_box(ink)
    longest = SIZE * max(right - left, bottom - top) / max(small.size)  # as it would come out
    if longest >= NEAR:
        return None
    side = max(picture.size) * 2 * longest / (longest + NEAR)
    ends = []
    for middle, shown, length in (
        ((left + right) / 2, small.width, picture.width),
        ((top + bottom) / 2, small.height, picture.height),
    ):
        start = round(min(max(0.0, middle * length / shown - side / 2), max(0.0, length - side)))
        ends.append((start, min(length, start + max(MIN_SIDE, round(side)))))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def with_binary(colour: np.ndarray) -> np.ndarray:
    """Colour images uint8 (N, H, W, 3) with their binary view as a fourth channel."""
    return np.concatenate([colour, binary(colour)], axis=3)


def binary(colour: np.ndarray) -> np.ndarray:
    """The binary view of colour images uint8 (N, H, W, 3): uint8 (N, H, W, 1), 255 where ink is, 0 where paper is.

    Otsu's threshold (1979) along the line through colour space on which an image's pixels differ most, so that red ink
    on green of the same brightness is parted, too. The part that holds most of the border is the paper. Images of one
    colour have no ink. About 10,000 images of 28 x 28 a second on one core.
    """
    count, height, width, _ = colour.shape
    pixels = colour.reshape(count, -1, 3).astype(np.float32)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(centred.transpose(0, 2, 1) @ centred)
    along = (centred @ axes[:, :, -1:])[:, :, 0]
    low, high = along.min(axis=1, keepdims=True), along.max(axis=1, keepdims=True)
    levels = ((along - low) * (255 / np.maximum(high - low, 1e-6))).round().astype(np.intp)
    counts = np.bincount(
        (levels + 256 * np.arange(count)[:, None]).ravel(), minlength=256 * count
    ).reshape(count, 256)
    parted = (levels > otsu(counts)[:, None]).reshape(count, height, width)
    border = np.concatenate(
        [parted[:, 0], parted[:, -1], parted[:, 1:-1, 0], parted[:, 1:-1, -1]], axis=1
    )
    paper = (
        0.9 * border.mean(axis=1) + 0.1 * parted.mean(axis=(1, 2)) > 0.5
    )  # the border decides; a tie, the larger part
    ink = (parted != paper[:, None, None]) & (high - low >= FLAT)[:, :, None]
    return (ink * np.uint8(255))[..., None]
