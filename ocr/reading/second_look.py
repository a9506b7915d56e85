"""A second look: read a line again, closer, from farther away and inverted, where it is unsure."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ocr.reading.decoders import Reading
from ocr.reading.images import border_colour, fit_picture
from ocr.reading.inputs import Prepared

CLOSER = -3 / 32  # of an input's height: cut off above and below
FARTHER = 1 / 8  # of its height, and of its picture's width: paper added on each side


def closer(prepared: Prepared) -> Prepared:
    """Trim the upper and lower edge of a line's input and enlarge what remains.

    Edges of frames and pieces of other lines are lost, and the digits are larger. prepared: of a
    `Line`, pixels uint8 (H, W, 1).
    """
    return _framed(prepared, 0, round(prepared.pixels.shape[0] * CLOSER))


def farther(prepared: Prepared) -> Prepared:
    """Put paper around a line's input and reduce it: digits at the edge of a close crop stand free.

    The paper has the median grey of the picture's border.
    """
    width, height = prepared.placed.width, prepared.pixels.shape[0]
    return _framed(prepared, round(width * FARTHER), round(height * FARTHER))


def inverted(prepared: Prepared) -> Prepared:
    """Invert a line's input: ink that was taken for the ground, as behind a dark frame, is dark."""
    return prepared._replace(pixels=255 - prepared.pixels)


LOOKS = (closer, farther, inverted)


def _framed(prepared: Prepared, beside: int, above: int) -> Prepared:
    """Add columns of paper on the left and right, and rows above and below, or cut rows off."""
    height, full = prepared.pixels.shape[:2]
    spot = prepared.placed
    start = (full - spot.width) // 2
    picture = Image.fromarray(prepared.pixels[:, start : start + spot.width, 0].copy())
    size = spot.width + 2 * beside, height + 2 * above
    ground = Image.new("L", size, border_colour(picture))
    ground.paste(picture, (beside, above))
    pixels, again = fit_picture(ground, (height, full))
    left = again.left + round((spot.left - start + beside) * again.scale)
    top = again.top + round((spot.top + above) * again.scale)
    placed = again._replace(scale=spot.scale * again.scale, left=left, top=top)
    return Prepared(np.asarray(pixels), placed, prepared.size)


def look_again(
    prepared: Sequence[Prepared],
    decode: Callable[[Sequence[Prepared]], list[Reading]],
    below: float,
) -> list[Reading]:
    """Decode inputs; those whose confidence is below `below` again, by each of LOOKS.

    The surest reading counts; it may be trusted only if all ink is readable at first, too.
    """
    readings = list(decode(prepared))
    unsure = [k for k, reading in enumerate(readings) if reading.confidence < below]
    if not unsure:
        return readings
    looks = [look(prepared[k]) for k in unsure for look in LOOKS]
    again = decode(looks)
    for number, k in enumerate(unsure):
        start = len(LOOKS) * number
        found = [readings[k], *again[start : start + len(LOOKS)]]
        surest = max(found, key=lambda reading: reading.confidence)
        readings[k] = surest._replace(trusted=surest.trusted and found[0].trusted)
    return readings
