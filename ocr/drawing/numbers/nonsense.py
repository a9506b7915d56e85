"""Picture what is not a number: words, shapes, textures, several lines, numbers on their heads."""

from collections.abc import Callable

import cv2
import numpy as np

from ocr.drawing.ink import CLOSE, OPEN, OTHER, UNREADABLE, Writer, scribbled, stacked, unreadable
from ocr.drawing.numbers.amounts import amount, word
from ocr.drawing.surfaces import textures
from ocr.drawing.surfaces.worn import Surface, picture

Pair = tuple[str, np.ndarray]  # label, picture
SIGNS = (
    "ACDEFGHJKLMNPRTWXadfhkmnprtwxz&@%$€£?!§ß"
    "ΔΘΞΠΣΦΨΩαδζημξπφψωБДЖИЛПФЦШЩЮЯбджилпфцшщюяאבגדהחטלמעפצקשת"
)  # single signs that no digit looks like in most type
UPSIDE_DOWN = set("47٢٣٦")  # look like no digit of any script when they are upside down
MIRRORED = set("46٣")  # when they are mirrored; some hands write 9 so


def nonsense(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Draw one picture that no number is read in: (label, uint8 (height, width)).

    The label is `ink.OTHER` for words and signs, `ink.UNREADABLE` for everything else.
    """
    return KINDS[rng.integers(len(KINDS))](write, rng, surface)


def words(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Write one to three words."""
    text = " ".join(word(rng) for _ in range(int(rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1)))))
    return _foreign(text, write, rng, surface)


def sign(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Write a single letter or sign that no digit looks like."""
    return _foreign(SIGNS[rng.integers(len(SIGNS))], write, rng, surface)


def _foreign(text: str, write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Write signs that belong to no number; draw shapes where the writer has only digits."""
    ink = write(f"{OPEN}{text}{CLOSE}", rng)
    if ink.label != OTHER:
        return shapes(write, rng, surface)
    return OTHER, picture(ink, rng, surface)[1]


def turned(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Turn a number with telling digits upside down, on its side, or mirror it."""
    way = rng.integers(4)
    telling = MIRRORED if way == 0 else UPSIDE_DOWN
    while True:
        ink = write(amount(rng, 0.0), rng)
        if len(ink.signs) >= 2 and len(telling & set(ink.signs)) >= 1 + (len(ink.signs) > 3):
            break
    _, found = picture(ink, rng, surface)
    if way == 0:
        found = found[:, ::-1]
    elif way == 1:
        found = found[::-1, ::-1]
    else:
        found = np.rot90(found, 1 if way == 2 else 3)
    return UNREADABLE, np.ascontiguousarray(found)


def two_lines(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Write two or three numbers below each other."""
    inks = [
        write(amount(rng, 0.1), rng).pixels for _ in range(int(rng.choice((2, 3), p=(0.8, 0.2))))
    ]
    tall = np.median([ink.shape[0] for ink in inks])
    inks = [ink for ink in inks if ink.shape[0] > 0.4 * tall][:3]
    if len(inks) < 2:
        return texture(write, rng, surface)
    gap = int(tall * rng.uniform(0.15, 0.7))
    wide = max(ink.shape[1] for ink in inks)
    lefts = [
        int(rng.integers(0, wide - ink.shape[1] + 1)) if rng.random() < 0.5 else 0 for ink in inks
    ]
    return picture(stacked(inks, gap, lefts), rng, surface)


def shapes(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Draw discs, boxes, ticks, crosses and bars."""
    page = np.zeros((40, int(rng.integers(30, 160))), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        x, size = int(rng.integers(0, page.shape[1])), int(rng.integers(8, 20))
        thick = int(rng.choice((-1, 2, 3, 5)))
        kind = rng.integers(5)
        if kind == 0:
            cv2.ellipse(
                page, (x, 20), (size, int(size * rng.uniform(0.5, 1))), 0, 0, 360, 255, thick
            )
        elif kind == 1:
            cv2.rectangle(page, (x - size, 20 - size // 2), (x + size, 20 + size // 2), 255, thick)
        elif kind == 2:
            tick = np.array([[x - 8, 22], [x - 2, 32], [x + 12, 6]])
            cv2.polylines(page, [tick], False, 255, abs(thick) + 1, cv2.LINE_AA)
        elif kind == 3:
            cv2.line(page, (x - size, 20 - size), (x + size, 20 + size), 255, abs(thick) + 1)
            cv2.line(page, (x - size, 20 + size), (x + size, 20 - size), 255, abs(thick) + 1)
        else:
            points = rng.integers(0, 40, (int(rng.integers(3, 7)), 2)) + (x - 20, 0)
            cv2.fillPoly(page, [points.astype(np.int32)], 255)
    return picture(unreadable(page), rng, surface)


def scribble(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Scribble with a pen, or cross out a number."""
    page = np.zeros((44, int(rng.integers(40, 200))), np.uint8)
    if rng.random() < 0.5:
        ink = write(amount(rng, 0.0), rng).pixels
        page = np.pad(ink, 6)
    return picture(scribbled(page, rng, (8, 40), (2, 6)), rng, surface)


def texture(write: Writer, rng: np.random.Generator, surface: Surface) -> Pair:
    """Picture paper, noise, lines, or something like a photograph."""
    height = int(rng.integers(16, 90))
    width = int(height * rng.uniform(0.8, 5))
    cut = lambda bank: textures.cut(bank(), height, width, rng)
    field = rng.uniform(60, 220) + np.zeros((height, width), np.float32)
    if rng.random() < 0.7:
        field += rng.uniform(3, 50) * cut(textures.light)
    if rng.random() < 0.5:
        field += rng.uniform(2, 40) * cut(textures.speckle)
    if rng.random() < 0.4:
        field -= rng.uniform(10, 120) * cut(textures.lines)
    field += min(rng.exponential(6), 40) * cut(textures.noise)
    return UNREADABLE, np.clip(field, 0, 255).astype(np.uint8)


KINDS: tuple[Callable[[Writer, np.random.Generator, Surface], Pair], ...] = (
    *(words, words, sign, sign, turned, turned),
    *(shapes, texture, two_lines, scribble),
)
