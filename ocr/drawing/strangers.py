"""Picture what is no single character: foreign signs, several characters, shapes, noise, textures.

A reader of characters learns from them to refuse. Each picture is preprocessed as a Reader does.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ocr.drawing.fonts import ARABIC, EM, HANDWRITING, WESTERN, fonts, printable_signs, weighted
from ocr.drawing.glyphs import Glyph, glyph
from ocr.drawing.ink import Ink, scribbled, stacked, unreadable
from ocr.drawing.surfaces import backgrounds
from ocr.drawing.surfaces.worn import Surface, picture
from ocr.drawing.symbols import ALPHANUMERIC
from ocr.reading.images import ImageError
from ocr.reading.inputs import SIDE, Input

HELD_OUT = (
    *("arimo", "vollkorn", "cabin", "spectral", "space_mono", "raleway", "delius", "cairo"),
)  # to choose by: strangers to train on are drawn in the other families
FAMILIES = tuple(f for f in WESTERN + HANDWRITING + ARABIC if f not in HELD_OUT)
ALPHABETS = (  # signs that look like no Latin letter and no Western digit in most type
    "@&%§€#*+=~?^÷©®«»™→←↑↓♥★•■▲●◆∞∑-_:.",
    "ΔΘΛΞΠΣΦΨΩδζθλξπφψω",
    "БДЖИЛФЦШЩЪЫЭЮЯджилфцшщъыэюя",
    "אבגהחטכלמנעפצקשתףץ",
    "بتثجحخذسشصضطظعغفقكميءؤ٢٣٤",
)
LOOKALIKES = {"rn", "cl", "vv", "VV", "nn", "ll", "II", "Il", "lI", "11", "oo", "OO", "lo", "IO"}
SURFACE = Surface(
    light_ink=0.3, faint=0.2, missing=0.15, pattern=0.06, frame=0.08, rules=0.05, shadow=0.4
)
CALM = replace(SURFACE, pattern=0.02, frame=0.02, rules=0.02, shadow=0.2)  # all can be read


class Printer:
    """Print text in the font families given, and hold what strangers are made of.

    hands: uint8 (n, 28, 28), handwritten characters in EMNIST's form; none: printed ones are used.
    alphabets: of foreign signs and words, symbols first.
    """

    def __init__(self, families: Sequence[str] = FAMILIES, hands: np.ndarray | None = None):
        self.files = fonts(tuple(families))
        self.hands = hands
        self.alphabets: Sequence[str] = ALPHABETS

    def ink(self, text: str, rng: np.random.Generator) -> Ink:
        """Print a text in a font that has all its signs. Raises ValueError where none has."""
        able = _able(tuple(self.files), frozenset(text) - {" "})
        if not able:
            raise ValueError(f"no font given has all signs of {text!r}: add a family")
        file = able[rng.integers(len(able))]
        return unreadable(_glyph(file, int(rng.integers(5)), text).pixels)

    def picture(
        self, text: str, rng: np.random.Generator, surface: Surface = SURFACE
    ) -> np.ndarray:
        """Print a text on worn paper: uint8 (H, W)."""
        return picture(self.ink(text, rng), rng, surface)[1]


@cache
def _able(files: tuple[Path, ...], signs: frozenset[str]) -> list[Path]:
    return [file for file in files if signs <= printable_signs(file)]


def _glyph(file: Path, weight: int, text: str) -> Glyph:
    return glyph(weighted(file, weight), text)


# --- text


def _some(rng: np.random.Generator, signs: str, least: int, most: int) -> str:
    return "".join(rng.choice(list(signs), int(rng.integers(least, most + 1))))


def _sign(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print one sign of another alphabet, or a symbol."""
    while True:
        signs = printer.alphabets[int(rng.integers(len(printer.alphabets)))]
        try:
            return printer.picture(signs[int(rng.integers(len(signs)))], rng)
        except ValueError:  # no font has it
            continue


def _pair(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print two or three characters."""
    while True:
        text = _some(rng, ALPHANUMERIC, 2, 3)
        if text not in LOOKALIKES:
            return printer.picture(text, rng)


def _hands(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Put two handwritten characters side by side, light on black."""
    if printer.hands is None:
        return _pair(printer, rng)
    page = np.zeros((SIDE, 2 * SIDE), np.uint8)
    x = 0
    for image in printer.hands[rng.integers(len(printer.hands), size=2)]:
        columns = np.flatnonzero(image.max(axis=0) > 64)
        first, last = (columns[0], columns[-1]) if len(columns) else (0, SIDE - 1)
        shift = int(rng.integers(-2, 3))
        shown = np.roll(image[:, first : last + 1], shift, axis=0)
        page[:, x : x + shown.shape[1]] = shown
        x += min(SIDE, shown.shape[1] + int(rng.integers(1, 6)))
    page = np.pad(page, 6)
    return 255 - page if rng.random() < 0.5 else page


def _word(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print a word or two of any letters."""
    words = [_some(rng, ALPHANUMERIC[36:], 3, 9) for _ in range(int(rng.integers(1, 3)))]
    text = " ".join(words)
    return printer.picture(text.upper() if rng.random() < 0.3 else text, rng)


def _foreign_word(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print a word of another alphabet, of signs that one font has."""
    while True:
        signs = printer.alphabets[int(rng.integers(1, len(printer.alphabets)))]
        text = _some(rng, signs, 2, 7)
        try:
            return printer.picture(text, rng)
        except ValueError:
            continue


def _number(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print a number, an amount, a sum, a time, or an amount with its unit."""
    a, b = int(rng.integers(1, 2000)), int(rng.integers(0, 100))
    forms = (
        *(f"{a}{b}", f"{a}.{b:02}", f"{a},{b:02}", f"{a % 24}:{b % 60:02}", f"{b}%"),
        *(f"{a}+{b}=", f"{a} - {b}", f"{a} € ", f"{b} kg", f"{b} m", f"{a}/{b}", f"-{b}", f"{b}x"),
    )
    return printer.picture(forms[rng.integers(len(forms))], rng)


def _lines_of_text(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Print two or three short lines below each other."""
    rows = [
        printer.ink(_some(rng, ALPHANUMERIC, 1, 7), rng).pixels for _ in range(rng.integers(2, 4))
    ]
    gap = int(EM * rng.uniform(0.1, 0.5))
    return picture(stacked(rows, gap, [0] * len(rows)), rng, SURFACE)[1]


# --- shapes


def _shapes(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Draw one to three discs, boxes, polygons and ticks; a ring or a bar alone is a character."""
    page = np.zeros((48, int(rng.integers(40, 120))), np.uint8)
    for k in range(int(rng.integers(1, 4))):
        x = int(rng.integers(12, page.shape[1] - 12))
        size, thick = int(rng.integers(7, 20)), int(rng.integers(2, 6))
        kind = rng.integers(6 if k else 5)
        if kind == 0:  # a disc, or part of it
            axes = size, int(size * rng.uniform(0.5, 1))
            cv2.ellipse(page, (x, 24), axes, 0, 0, float(rng.choice((180, 270, 360))), 255, -1)
        elif kind == 1:
            high = int(size * rng.uniform(0.6, 1.1))
            filled = -1 if rng.random() < 0.5 else thick
            cv2.rectangle(page, (x - size, 24 - high), (x + size, 24 + high), 255, filled)
        elif kind == 2:
            tick = np.array([[x - 8, 24], [x - 2, 34], [x + 13, 6]]) + rng.integers(-2, 3, (3, 2))
            cv2.polylines(page, [tick], False, 255, thick, cv2.LINE_AA)
        elif kind == 5:
            cv2.circle(page, (x, 24), size, 255, thick, cv2.LINE_AA)
        else:
            corners = int(rng.integers(3, 8))
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            points = (x, 24) + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            paths = [points.astype(np.int32)]
            if kind == 3:
                cv2.fillPoly(page, paths, 255, cv2.LINE_AA)
            else:
                cv2.polylines(page, paths, True, 255, thick, cv2.LINE_AA)
    return picture(unreadable(page), rng, SURFACE)[1]


def _scribble(printer: Printer, rng: np.random.Generator) -> np.ndarray:
    """Scribble with a pen, or cross out a character."""
    page = np.zeros((52, int(rng.integers(40, 90))), np.uint8)
    if rng.random() < 0.4:
        page = np.pad(printer.ink(_some(rng, ALPHANUMERIC, 1, 2), rng).pixels, 8)
    return picture(scribbled(page, rng, (14, 50), (1, 5)), rng, SURFACE)[1]


KINDS: dict[str, Callable[[Printer, np.random.Generator], np.ndarray]] = {
    "foreign sign": _sign,
    "two or three characters": _pair,
    "two handwritten characters": _hands,
    "word": _word,
    "foreign word": _foreign_word,
    "number, sum, time": _number,
    "lines of text": _lines_of_text,
    "discs, boxes, ticks": _shapes,
    "scribble": _scribble,
    "ruled paper": lambda _, rng: backgrounds.ruled(rng),
    "blank paper": lambda _, rng: backgrounds.blank(rng),
    "noise": lambda _, rng: backgrounds.noise(rng),
    "texture": lambda _, rng: backgrounds.texture(rng),
    "photograph": lambda _, rng: backgrounds.photograph(rng),
}
TURNS = (*["foreign sign"] * 13, *KINDS)  # to learn from: there are many foreign signs


# --- preprocessed


def strangers(
    count: int, seed: int, kind: Input, printer: Printer, names: Sequence[str] = tuple(KINDS)
) -> tuple[np.ndarray, list[str]]:
    """Draw strangers: (uint8 (count, H, W, C) preprocessed as `kind` says, the KINDS of each).

    Kinds take turns. Pictures in which `kind` finds no ink are drawn again: a Reader refuses them
    without asking its network. The same arguments give the same pixels.
    """
    rng = np.random.default_rng(seed)
    kinds = [names[i % len(names)] for i in range(count)]
    draws = [lambda name=name: KINDS[name](printer, rng) for name in kinds]
    return np.stack([_prepared(draw, kind, rng) for draw in draws]), kinds


def characters(symbols: Sequence[str], seed: int, kind: Input, printer: Printer) -> np.ndarray:
    """Print one of `symbols` a picture, on paper like that of strangers: uint8 (n, H, W, C)."""
    rng = np.random.default_rng(seed)
    draws = [lambda text=text: printer.picture(text, rng, CALM) for text in symbols]
    return np.stack([_prepared(draw, kind, rng) for draw in draws])


def on_worn_paper(hands: np.ndarray, seed: int, kind: Input) -> np.ndarray:
    """Put handwritten characters, uint8 (n, 28, 28), on paper like that of strangers."""
    rng = np.random.default_rng(seed)
    big = [cv2.resize(hand, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC) for hand in hands]
    draws = [lambda pixels=pixels: picture(unreadable(pixels), rng, CALM)[1] for pixels in big]
    return np.stack([_prepared(draw, kind, rng) for draw in draws])


def _prepared(draw: Callable[[], np.ndarray], kind: Input, rng: np.random.Generator) -> np.ndarray:
    """Draw until there is ink, and preprocess; for an input with colours, half are coloured."""
    while True:
        pixels = draw()
        if kind.channels > 1 and pixels.ndim == 2 and rng.random() < 0.5:
            pixels = coloured(pixels, rng)
        try:
            return kind.prepare(Image.fromarray(pixels)).pixels
        except ImageError:
            continue


def coloured(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give a grey picture, uint8 (H, W), two colours: uint8 (H, W, 3)."""
    dark, light = rng.uniform(0, 130, 3), rng.uniform(120, 255, 3)
    share = grey[..., None] / 255.0
    return backgrounds.to_bytes(dark + (light - dark) * share)
