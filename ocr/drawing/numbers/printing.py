"""Print numbers in fonts, or as a matrix of dots."""

import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ocr.drawing.fonts import EM, printable_signs
from ocr.drawing.glyphs import Glyph, foreign_font, glyph, glyphs
from ocr.drawing.ink import OPEN, OTHER, Ink, Part, Writer, compose, kept, split
from ocr.reading.scripts import NUMBERS, SCRIPTS, SHARED

AMOUNT = re.compile(r"^[-0-9.,]*[0-9][.][0-9]{2}$")
TRIES = 20  # fonts tried for signs that belong to no number


def press(
    script: str,
    files: Sequence[str | Path],
    strength: float = 0.0,
    separators: float = 1.0,
    dots: float = 0.0,
    lost_points: float = 0.0,
) -> Writer:
    """Make a writer that prints a number in a `script`, in one of these font files.

    It takes a text in Western signs and returns its Ink. Font families are equally frequent.
    Characters run from left to right, as within a number of every script; each is placed by itself,
    so that nothing is reordered or joined.

    strength: standard deviation of the logarithm of the ink's width, which makes more fonts of few.
    separators: share of the numbers that have the script's own decimal sign; the others have a full
    stop, as is common among Arabic-Indic digits. dots: share of the numbers printed as dots.
    lost_points: share of the amounts with two decimals whose point is not printed, but its gap.
    Raises ValueError where no font has all characters.
    """
    families: dict[str, list[Path]] = {}
    for file in map(Path, files):
        families.setdefault(re.split(r"[-\[.]", file.name)[0], []).append(file)
    groups = list(families.values())
    own = dict(zip(NUMBERS, SCRIPTS[script]))
    full_stop = own | {".": "."}

    def write(text: str, rng: np.random.Generator) -> Ink:
        western = own if rng.random() < separators else full_stop
        pieces = [p if p[0] in (OPEN, " ") else western[p] for p in split(text)]
        file = _choose_font(groups, {p for p in pieces if len(p) == 1} - {" "}, rng)
        face = glyphs(file, int(rng.integers(0, 5)), _signs(script))
        parts = _parts(pieces, face, file, groups, rng)
        if lost_points and AMOUNT.search(text) and rng.random() < lost_points:
            parts[-3] = parts[-3]._replace(pixels=np.zeros_like(parts[-3].pixels))
        ink = compose(parts)
        if dots and rng.random() < dots:
            ink = dotted(ink, rng)
        elif strength:
            ink = _stretched(ink, np.exp(np.clip(rng.normal(0, strength), -0.35, 0.35)))
        return ink

    return write


@cache
def _signs(script: str) -> str:
    return "".join(dict.fromkeys(SCRIPTS[script] + NUMBERS[10:]))


def _choose_font(families: list[list[Path]], text: set[str], rng: np.random.Generator) -> Path:
    for _ in range(TRIES if families else 0):
        family = families[rng.integers(len(families))]
        file = family[rng.integers(len(family))]
        if text <= printable_signs(file):
            return file
    able = [file for files in families for file in files if text <= printable_signs(file)]
    if not able:
        raise ValueError(
            f"no font given has all characters of {''.join(sorted(text))!r}: add a font"
        )
    return able[rng.integers(len(able))]


def _parts(
    pieces: list[str],
    face: dict[str, Glyph],
    file: Path,
    families: list[list[Path]],
    rng: np.random.Generator,
) -> list[Part]:
    """Place the signs of a number on a line, from left to right."""
    loose = rng.random() < 0.12
    gap = EM * (rng.uniform(0.1, 0.5) if loose else max(-0.03, rng.normal(0.02, 0.03)))
    wobble = EM * (rng.exponential(0.03) if rng.random() < 0.3 else 0)
    bold = int(rng.choice((0, 1, 2), p=(0.55, 0.35, 0.1)))
    pitch = 0.0
    if rng.random() < 0.15:  # as on a typewriter
        pitch = max((face[c].advance for c in pieces if c in face), default=0.0)
    parts, x = [], 0.0
    for piece in pieces:
        if piece == " ":
            x += EM * rng.uniform(0.2, 0.6)
            continue
        drawn = face[piece] if piece in face else _run(piece[1:], file, families, rng)
        advance = max(drawn.advance, pitch) if piece in face else drawn.advance
        left = x + drawn.left + (advance - drawn.advance) / 2
        top = drawn.top + rng.normal() * wobble
        sign = piece.translate(SHARED) if piece in face else OTHER
        pixels = _bold(drawn.pixels, bold) if bold else drawn.pixels
        parts.append(Part(sign, pixels, left - bold, top - bold))
        x += advance + gap + bold
    return parts


def _run(text: str, file: Path, families: list[list[Path]], rng: np.random.Generator) -> Glyph:
    """Print signs that belong to no number, in the same font if it has them."""
    for _ in range(TRIES):
        if set(text) - {" "} <= printable_signs(file):
            return glyph(foreign_font(file), text)
        family = families[rng.integers(len(families))]
        file = family[rng.integers(len(family))]
    return glyph(foreign_font(file), "XY")


def _bold(pixels: np.ndarray, width: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    return cv2.dilate(np.pad(pixels, width), kernel)


def _stretched(ink: Ink, wide: float) -> Ink:
    """Stretch ink in width."""
    height, width = ink.pixels.shape
    size = max(1, round(width * wide)), height
    pixels = cv2.resize(ink.pixels, size, interpolation=cv2.INTER_LINEAR)
    return Ink(pixels, ink.signs, [_scaled(span, size[0] / width) for span in ink.spans])


# --- dot matrix -----------------------------------------------------------------------------------


def dotted(ink: Ink, rng: np.random.Generator) -> Ink:
    """Print ink as a matrix of dots, 7 to 24 dots high, at times twice as wide.

    Dots touch or are apart: needle and thermal printers, LED matrices. Thin signs get more dots, so
    that each sign keeps half of its ink.
    """
    height, width = ink.pixels.shape
    rows = int(rng.choice((7, 8, 9, 11, 14, 16, 20, 24)))
    tall = min(height, 0.75 * EM)
    scale = rows / tall
    wide = 2.0 if rng.random() < 0.12 else rng.uniform(0.85, 1.2)
    size = max(2, round(width * scale * wide)), max(2, round(height * scale))
    small = cv2.resize(ink.pixels, size, interpolation=cv2.INTER_AREA)
    bits = _bits(small, rng.uniform(90, 140), [_scaled(s, size[0] / width) for s in ink.spans])
    pitch = max(2, round(40 / rows))
    pixels = np.kron(bits, _dot(pitch, rng))
    spans = [_scaled(span, pixels.shape[1] / width) for span in ink.spans]
    return Ink(pixels, ink.signs, spans)


def _bits(small: np.ndarray, threshold: float, spans: list[tuple[int, int]]) -> np.ndarray:
    """Choose where dots are, uint8 (h, w) of 0 and 1: above a threshold that no sign is lost by."""
    for lower in (1, 0.7, 0.5, 0.35, 0.2):
        bits = small > lower * threshold
        if kept(small * bits, small, spans).min() >= 0.5:
            return bits.astype(np.uint8)
    return (small > 8).astype(np.uint8)


def _scaled(span: tuple[int, int], factor: float) -> tuple[int, int]:
    """Scale a span by a factor: all columns that it meets."""
    return int(span[0] * factor + 1e-6), math.ceil(span[1] * factor - 1e-6)


def _dot(pitch: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one dot, uint8 (pitch, pitch): a disc, or a square that fills its cell."""
    if rng.random() < 0.4:
        return np.full((pitch, pitch), 255, np.uint8)
    y, x = np.mgrid[:pitch, :pitch] - (pitch - 1) / 2
    radius = pitch * rng.uniform(0.4, 0.62)
    return (255 * np.clip(radius - np.hypot(x, y) + 0.5, 0, 1)).astype(np.uint8)
