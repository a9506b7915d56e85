"""Cut-outs of fields for a person to look at, made of the scan and the corners of the box."""

import io
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ocr.forms.pages import open_named

AROUND = 0.35  # of the box's height, shown around it
TALL = 160  # pixels of a cut-out's box, at most
PAGE = 1400  # pixels of a page's longest side
MARK = (200, 60, 0)

Corners = Sequence[tuple[float, float]]


@lru_cache(maxsize=3)
def _page(name: str) -> Image.Image:
    """Open a page; those looked at last are kept. Raises ImageError."""
    return open_named(name)


def cutout(name: str, corners: Corners) -> bytes:
    """Cut a box out of a page, upright, with some of its surroundings: a PNG. Raises ImageError."""
    return png(upright(_page(name), corners))


def upright(picture: Image.Image, corners: Corners) -> np.ndarray:
    """Cut a box out of a picture, upright: uint8 (h, w) or (h, w, 3). corners: see FieldReading."""
    points = np.array(corners, np.float32)
    wide, tall = np.hypot(*(points[1] - points[0])), np.hypot(*(points[3] - points[0]))
    scale = min(1.0, TALL / max(tall, 1))
    wide, tall = max(8, wide * scale), max(8, tall * scale)
    rim = AROUND * min(wide, tall)
    size = round(wide + 2 * rim), round(tall + 2 * rim)
    box = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) + np.float32(rim)
    matrix = cv2.getPerspectiveTransform(points, box)
    flags, border = cv2.INTER_AREA, cv2.BORDER_REPLICATE
    return cv2.warpPerspective(np.asarray(picture), matrix, size, flags=flags, borderMode=border)


def page(name: str, corners: Corners) -> bytes:
    """Show where a box is on its page: a JPEG. Raises ImageError."""
    picture = _page(name)
    scale = min(1.0, PAGE / max(picture.size))
    shown = picture.convert("RGB").resize([max(1, round(side * scale)) for side in picture.size])
    points = [(x * scale, y * scale) for x, y in corners]
    ImageDraw.Draw(shown).polygon(points, outline=MARK, width=4)
    data = io.BytesIO()
    shown.save(data, "JPEG", quality=80)
    return data.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """Encode a picture as a PNG."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()
