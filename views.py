"""Two views of one picture: its colours, and its ink in black and white. NumPy and Pillow only.

A caller gives one picture of any kind; both views are made here, in training and in reading alike, so that a network
with two inputs (the dual-input system of lesson 03) never waits for a second file.
"""
from __future__ import annotations

import numpy as np
from PIL import Image

from glyphs import ink_box, otsu
from images import MIN_SIDE, ImageError, Placed, place, to_uint8

SIZE = 28
CHANNELS = 4  # red, green, blue, and the binary view: 0 paper, 255 ink
NEAR = 20     # pixels; smaller ink is looked at more closely
FAINT = 12    # levels from end to end below which a picture shows nothing
FLAT = 3      # levels below which its pixels are not parted at all


def views(picture: Image.Image) -> tuple[np.ndarray, Placed]:
    """A picture (mode "L" or "RGB", any size) as uint8 (28, 28, 4), and where it came to lie.

    The picture is scaled into 28 x 28 with its aspect ratio kept; where its ink is small in it, nearer (see `_nearer`).
    The binary view is made of these pixels. Raises ImageError where the picture is all of one colour.
    """
    colour, spot = to_uint8(picture, (SIZE, SIZE), 3), place(picture.size, (SIZE, SIZE))
    made = with_binary(colour[None])[0]
    if np.ptp(colour, axis=(0, 1)).max() < FAINT or not made[..., 3].any():
        raise ImageError("all of one colour: nothing to read")
    box = _nearer(made[:, :, 3], spot, picture.size)
    if box is None:
        return made, spot
    part = picture.crop(box)
    near = place(part.size, (SIZE, SIZE))
    spot = near._replace(left=near.left - round(box[0] * near.scale), top=near.top - round(box[1] * near.scale))
    return with_binary(to_uint8(part, (SIZE, SIZE), 3)[None])[0], spot


def _nearer(ink: np.ndarray, spot: Placed, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The part of a picture of `size` (left, top, right, bottom) to look at more closely, or None.

    Ink (H, W) whose longest side is L < NEAR pixels comes out sqrt(L * NEAR) long: large enough to be told, and what was
    smaller stays smaller, as often only the size tells c from C.
    """
    left, top, right, bottom = ink_box(ink)
    longest = max(right - left, bottom - top)
    if longest >= NEAR:
        return None
    side = SIZE / spot.scale * (longest / NEAR) ** 0.5
    ends = []
    for middle, offset, length in (((left + right) / 2, spot.left, size[0]), ((top + bottom) / 2, spot.top, size[1])):
        start = min(max(0.0, (middle - offset) / spot.scale - side / 2), max(0.0, length - side))
        ends.append((round(start), min(length, max(round(start) + MIN_SIDE, round(start + side)))))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def with_binary(colour: np.ndarray) -> np.ndarray:
    """Colour images uint8 (N, H, W, 3) with their binary view as a fourth channel."""
    return np.concatenate([colour, binary(colour)], axis=3)


def binary(colour: np.ndarray) -> np.ndarray:
    """The binary view of colour images uint8 (N, H, W, 3): uint8 (N, H, W, 1), 255 where ink is, 0 where paper is.

    Otsu's threshold (1979) along the line through colour space on which an image's pixels differ most, so that red ink
    on green of the same brightness is parted, too. The part that holds most of the border is the paper. Images of one
    colour have no ink. About 15,000 images of 28 x 28 a second on one core.
    """
    count, height, width, _ = colour.shape
    pixels = colour.reshape(count, -1, 3).astype(np.float32)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(centred.transpose(0, 2, 1) @ centred)
    along = (centred @ axes[:, :, -1:])[:, :, 0]
    low, high = along.min(axis=1, keepdims=True), along.max(axis=1, keepdims=True)
    levels = ((along - low) * (255 / np.maximum(high - low, 1e-6))).round().astype(np.intp)
    counts = np.bincount((levels + 256 * np.arange(count)[:, None]).ravel(), minlength=256 * count).reshape(count, 256)
    parted = (levels > otsu(counts)[:, None]).reshape(count, height, width)
    border = np.concatenate([parted[:, 0], parted[:, -1], parted[:, 1:-1, 0], parted[:, 1:-1, -1]], axis=1)
    paper = 0.9 * border.mean(axis=1) + 0.1 * parted.mean(axis=(1, 2)) > 0.5  # the border decides; a tie, the larger part
    ink = (parted != paper[:, None, None]) & (high - low >= FLAT)[:, :, None]
    return (ink * np.uint8(255))[..., None]
