"""Glyphs of fonts, rasterised once: every font file is opened once in a process."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageFont

from ocr.drawing.fonts import EM, weighted


class Glyph(NamedTuple):
    """A rasterised character: ink uint8 (h, w), its left and top from the origin, its advance."""

    pixels: np.ndarray
    left: int
    top: int
    advance: float


@lru_cache(maxsize=8_000)
def glyphs(file: Path, weight: int, signs: str) -> dict[str, Glyph]:
    """Rasterise all `signs` of a font at EM pixels; weight: from 0, light, to 4, heavy."""
    font = weighted(file, weight)
    return {sign: glyph(font, sign) for sign in signs}


def glyph(font: ImageFont.FreeTypeFont, text: str) -> Glyph:
    """Rasterise a character, or a run of characters shaped as one, at the font's size."""
    left, top, _, _ = font.getbbox(text, anchor="ls")
    mask = font.getmask(text, "L")
    pixels = np.array(mask, np.uint8).reshape(mask.size[::-1])
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return Glyph(np.zeros((1, 1), np.uint8), 0, 0, font.getlength(text))
    x, y = int(columns[0]), int(rows[0])
    pixels = pixels[y : rows[-1] + 1, x : columns[-1] + 1]
    return Glyph(pixels, round(left) + x, round(top) + y, font.getlength(text))


@lru_cache(maxsize=400)
def foreign_font(file: Path) -> ImageFont.FreeTypeFont:
    """Open a font to draw words in."""
    return ImageFont.truetype(str(file), EM)
