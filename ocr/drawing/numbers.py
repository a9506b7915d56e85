"""Generate numbers as forms have them, and write them: printed in three scripts, or handwritten.

`numbers` generates the texts; a writer, made by `press` or `hand`, draws the ink of one text;
`paper.pictures` lays it on paper.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.drawing.augment import distort
from ocr.drawing.fonts import EM, printable_signs, weighted
from ocr.reading.scripts import NUMBERS, SCRIPTS

DATES = {
    8: ("dd/dd/dd", "d/d/dddd", "dd-dd-dd"),
    9: ("d/dd/dddd", "dd/d/dddd"),
    10: ("dd/dd/dddd", "dddd/dd/dd", "dd-dd-dddd", "dddd-dd-dd", "dd.dd.dddd"),
}
Writer = Callable[[str, np.random.Generator], np.ndarray]  # (label, rng) -> ink


# --- texts ---------------------------------------------------------------------------------------


def numbers(
    count: int, seed: int = 0, lengths: tuple[int, int] = (1, 16), signs: str = NUMBERS
) -> list[str]:
    """Generate `count` numbers: plain, decimal, in thousands, negative, dates, ranges.

    lengths: least and most characters. signs: the characters allowed; digits always are.
    """
    rng = np.random.default_rng(seed)
    found: list[str] = []
    while len(found) < count:
        form = _form(rng, int(rng.integers(lengths[0], lengths[1] + 1)))
        if set(form) - {"d"} <= set(signs):
            found.append("".join(str(rng.integers(10)) if c == "d" else c for c in form))
    return found


def _form(rng: np.random.Generator, length: int) -> str:
    """Choose the form of a number of `length` characters: "d" for each digit, and separators."""
    kind = rng.choice(
        ["plain", "point", "thousands", "date", "negative", "mixed"],
        p=[0.4, 0.15, 0.1, 0.1, 0.05, 0.2],
    )
    if kind == "point" and length >= 3:
        decimals = int(rng.integers(1, min(4, length - 1)))
        return "d" * (length - 1 - decimals) + "." + "d" * decimals
    if kind == "thousands":
        return _thousands(rng, length)
    if kind == "date" and length in DATES:
        return str(rng.choice(DATES[length]))
    if kind == "negative" and length >= 2:
        return "-" + "d" * (length - 1)
    if kind == "mixed" and length >= 3:
        return _mixed(rng, length)
    return "d" * length


def _thousands(rng: np.random.Generator, length: int) -> str:
    """Choose a form in thousands; digits alone where none has this length."""
    numbers = (f"{10**n:,}{end}" for n in range(3, 13) for end in ("", ".00", ".0"))
    forms = [number for number in numbers if len(number) == length]
    if not forms:
        return "d" * length
    return "".join("d" if c.isdigit() else c for c in rng.choice(forms))


def _mixed(rng: np.random.Generator, length: int) -> str:
    """Choose a form with separators anywhere between digits."""
    form = ["d"] * length
    for place in sorted(rng.integers(1, length - 1, int(rng.integers(1, 2 + length // 4)))):
        if form[place - 1] == "d":
            form[place] = str(rng.choice(list("./-,")))
    return "".join(form)


# --- print ---------------------------------------------------------------------------------------


def press(script: str, files: Sequence[str | Path], strength: float = 0.0) -> Writer:
    """Make a writer that prints a number in a `script`, in one of these font files.

    It takes a label in Western signs and returns the ink, float32 (height, width) from 0 to 1,
    cropped to its bounding box. Font families are equally frequent. Characters run from left to
    right, as within a number of every script; each is placed by itself, so that nothing is
    reordered or joined. strength: standard deviation of the logarithm of the ink's width, which
    makes more fonts of few. Raises ValueError where no font has all characters.
    """
    families: dict[str, list[Path]] = {}
    for file in map(Path, files):
        families.setdefault(re.split(r"[-\[.]", file.name)[0], []).append(file)
    western = dict(zip(NUMBERS, SCRIPTS[script]))

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        text = [western[c] for c in label]
        file = _choose_font(list(families.values()), text, rng)
        printed = _print(text, weighted(file, int(rng.integers(0, 5))), rng)
        if strength:
            wide = np.exp(np.clip(rng.normal(0, strength), -0.3, 0.3))
            size = max(1, round(printed.width * wide)), printed.height
            printed = printed.resize(size, Image.Resampling.BICUBIC)
        return np.asarray(printed, np.float32) / 255

    return write


def _choose_font(families: list[list[Path]], text: list[str], rng: np.random.Generator) -> Path:
    able = [[file for file in files if set(text) <= printable_signs(file)] for files in families]
    able = [files for files in able if files]
    if not able:
        raise ValueError(f"no font given has all characters of {''.join(text)!r}: add a font")
    family = able[rng.integers(len(able))]
    return family[rng.integers(len(family))]


def _print(text: list[str], font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image.Image:
    """Print characters from left to right, mode "L", light on black, cropped to the ink."""
    stroke = int(rng.integers(0, 2))
    loose = rng.random() < 0.12
    gap = EM * (rng.uniform(0.1, 0.5) if loose else max(-0.02, rng.normal(0.02, 0.03)))
    wobble = EM * (rng.exponential(0.03) if rng.random() < 0.3 else 0)
    widths = [font.getlength(c) + 2 * stroke + gap for c in text]
    strip = Image.new("L", (int(sum(widths)) + 2 * EM, 3 * EM))
    draw, x = ImageDraw.Draw(strip), float(EM)
    for c, width in zip(text, widths):
        y = 2 * EM + rng.normal() * wobble
        draw.text((x, y), c, 255, font, anchor="ls", stroke_width=stroke)
        x += width
    return strip.crop(strip.getbbox())


# --- handwriting ---------------------------------------------------------------------------------


def hand(script: str, images: np.ndarray, labels: Sequence[str], strength: float = 0.0) -> Writer:
    """Make a writer, as `press` does, that composes a number of handwritten digits.

    images: uint8 (n, 28, 28, 1), light on black, with their `labels`, "0" to "9". Points and dashes
    are drawn as strokes. strength: that of `augment.distort`, which makes more hands of few.
    """
    rows = {d: np.flatnonzero(np.array(labels) == d) for d in "0123456789"}

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        pen, gap, wobble = rng.uniform(1.5, 3), rng.normal(3, 1.5), rng.exponential(0.7)
        dot = rng.uniform(0.35, 0.8)
        signs = np.stack(
            [
                images[rng.choice(rows[c])] if c in rows else _stroke(c, script, pen, rng)
                for c in label
            ]
        )
        if strength:
            signs = distort(signs, rng, strength)
        parts = []
        for c, sign in zip(label, signs[..., 0]):
            if c == "0" and script != "western":
                sign = _shrink(sign, dot)
            columns = np.flatnonzero(sign.max(axis=0) > 32)
            parts.append(sign[:, columns[0] : columns[-1] + 1])
        ink = _compose(parts, gap, wobble, rng)
        return cv2.resize(ink, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)

    return write


def _shrink(zero: np.ndarray, scale: float) -> np.ndarray:
    """Scale a zero, uint8 (28, 28), to a dot: people write it so, but ADBase enlarges it."""
    shift = 14 * (1 - scale)
    return cv2.warpAffine(zero, np.array([[scale, 0, shift], [0, scale, shift]]), (28, 28))


def _compose(
    parts: list[np.ndarray], gap: float, wobble: float, rng: np.random.Generator
) -> np.ndarray:
    """Put signs, uint8 (28, w), side by side: ink, float32 from 0 to 1, cropped."""
    steps = [part.shape[1] + max(1, gap + rng.normal(0, 1)) for part in parts]
    lefts = np.cumsum([0] + steps).astype(int)
    strip = np.zeros((48, lefts[-1] + 28), np.uint8)
    for part, left in zip(parts, lefts):
        top = 10 + int(np.clip(round(rng.normal() * wobble), -8, 8))
        spot = strip[top : top + 28, left : left + part.shape[1]]
        np.maximum(spot, part, out=spot)
    rows = np.flatnonzero(strip.max(axis=1) > 32)
    columns = np.flatnonzero(strip.max(axis=0) > 32)
    cropped = strip[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cropped.astype(np.float32) / 255


def _stroke(sign: str, script: str, pen: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a separator with a pen: uint8 (28, 28, 1), light on black.

    Its position is relative to digits that reach from 4 to 24 pixels. pen: width in pixels.
    """
    canvas = Image.new("L", (112, 112))  # four times as large, for smooth edges
    noise = rng.normal(0, 0.8, (2, 2))
    if sign == "." and script == "western":
        noise *= 0.3
    (x0, y0), (x1, y1) = 4 * (np.array(_ends(sign, script)) + noise)
    draw, radius = ImageDraw.Draw(canvas), 2 * pen
    for t in np.linspace(0, 1, 30):
        x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(canvas.resize((28, 28), Image.Resampling.BOX))[..., None]


def _ends(sign: str, script: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give the two ends (x, y) of a separator's stroke, in pixels of a 28 x 28 image."""
    if script != "western" and sign in ".,":  # the Arabic thousands sign is high
        return ((16, 19), (12, 26)) if sign == "." else ((15, 3), (12.5, 8))
    half = 4 if script == "western" else 8  # longer than a zero, which is a dot or a short stroke
    return {
        "-": ((14 - half, 14), (14 + half, 14)),
        ",": ((15, 22), (12.5, 26)),
        "/": ((20, 1), (8, 27)),  # longer than a 1
        ".": ((14, 23), (14.1, 23)),
    }[sign]
