"""Picture what is not a number, to measure on: draw(kind, count) and spoil(kind, real, count).

Training draws its nonsense by other code, in other fonts. A text read in such a picture is wrong,
except for `Picture.allowed`. No kind has CJK signs: none of the fonts that the project installs
have them.
"""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ocr.drawing import fonts
from ocr.reading.images import open_image

FAMILIES = fonts.WESTERN_UNSEEN  # nothing is trained on them
WORDS = (
    "Invoice", "Total", "Street", "payable", "Amount", "October", "quantity", "Signature", "Name",
    "customer", "Schule", "Bahnhof", "Quittung", "rue", "Marché", "Español", "gracias", "number",
    "please", "return", "Hospital", "weight", "machine", "Volume", "Garden", "and", "of", "the",
    "Montag", "Pressure", "Water", "Reading",
)  # fmt: skip
ARABIC_WORDS = (
    "مرحبا", "كتاب", "مدرسة", "شارع", "فاتورة", "المبلغ", "التاريخ", "مصر", "توقيع", "اسم", "رقم",
    "الماء", "سوق", "باب",
)  # fmt: skip
SIGNS = "ΔΞΠΣΨΩδξπφψωБДЖИЛФЦШЩЭЮЯאבגהחכלמעפצקשת&@%#€§?*+~"  # like no digit or Latin letter
UNITS = ("kg", "EUR", "€", "km", "ml", "USD", "%", "cm", "Stk.", "l")


class Picture(NamedTuple):
    """A picture, uint8 (H, W) or (H, W, 3), and a text that is no error: "" where all are."""

    pixels: np.ndarray
    allowed: str = ""
    digits_only: bool = False  # compare the digits alone


# --- drawn


def draw(kind: str, count: int, seed: int = 0) -> list[Picture]:
    """Draw `count` pictures of one of KINDS."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    return [KINDS[kind](rng) for _ in range(count)]


def _size(rng: np.random.Generator) -> tuple[int, int]:
    """Choose (height, width) in pixels."""
    height = int(rng.integers(24, 97))
    return height, int(height * rng.uniform(0.8, 6))


def _smooth(rng: np.random.Generator, size: tuple[int, int], cells: int) -> np.ndarray:
    """Draw a smooth random field, float32 (height, width), mean 0, deviation about 1."""
    coarse = rng.normal(0, 1, (cells, max(2, cells * size[1] // size[0])))
    return cv2.resize(coarse.astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC)


def _bytes(field: np.ndarray) -> np.ndarray:
    return np.clip(field, 0, 255).astype(np.uint8)


def _paper(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw paper: one brightness, uneven light, grain; float32 (height, width)."""
    field = rng.uniform(110, 250) + rng.uniform(0, 8) * _smooth(rng, size, 2)
    return field + rng.normal(0, rng.uniform(0, 4), size)


def _blank(rng: np.random.Generator) -> Picture:
    return Picture(_bytes(_paper(rng, _size(rng))))


def _noise(rng: np.random.Generator) -> Picture:
    size = _size(rng)
    field = rng.uniform(80, 180) + rng.normal(0, rng.uniform(20, 80), size)
    if rng.random() < 0.5:
        field = cv2.GaussianBlur(field, (0, 0), rng.uniform(0.5, 1.5))
    return Picture(_bytes(field))


def _texture(rng: np.random.Generator) -> Picture:
    """Draw cloth, wood or tiles: waves in one or two directions, bent and uneven."""
    size = _size(rng)
    y, x = np.mgrid[: size[0], : size[1]]
    field = rng.uniform(90, 200) + 6 * rng.normal(0, 1, size)
    for _ in range(int(rng.integers(1, 3))):
        angle, length = rng.uniform(0, np.pi), rng.uniform(3, 20)
        bent = rng.uniform(0, 2) * _smooth(rng, size, 4)
        wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length + bent)
        field += rng.uniform(8, 50) * (np.sign(wave) if rng.random() < 0.3 else wave)
    return Picture(_bytes(field))


def _photograph(rng: np.random.Generator) -> Picture:
    """Draw smooth fields of colour that meet at edges, blurred a little, with grain."""
    size = _size(rng)
    field = np.zeros((*size, 3))
    for _ in range(int(rng.integers(2, 6))):
        inside = _smooth(rng, size, int(rng.integers(2, 6))) > rng.normal(0, 0.7)
        colour = rng.uniform(20, 235, 3) + 15 * _smooth(rng, size, 3)[..., None]
        field = np.where(inside[..., None], colour, field)
    field = cv2.GaussianBlur(field, (0, 0), rng.uniform(0.5, 1.5))
    return Picture(_bytes(field + rng.normal(0, rng.uniform(1, 8), field.shape)))


def _shapes(rng: np.random.Generator) -> Picture:
    """Draw one to five discs, boxes, triangles, whole or in outline.

    The first is no disc, so that rings alone, which could be noughts, do not occur.
    """
    height = int(rng.integers(32, 97))
    count = int(rng.integers(1, 6))
    page = _paper(rng, (height, height * count))
    ink = float(page.mean() - rng.uniform(60, 110)) if rng.random() < 0.8 else 255.0
    for k in range(count):
        middle, side = (height * k + height // 2, height // 2), height * rng.uniform(0.2, 0.42)
        thick, corners = int(rng.choice((-1, 2, 3, 4))), int(rng.choice((0, 3, 4) if k else (3, 4)))
        if corners == 0:
            cv2.circle(page, middle, int(side), ink, thick, cv2.LINE_AA)
            continue
        turn = rng.uniform(0, 2 * np.pi) + np.arange(corners) * 2 * np.pi / corners
        points = np.array(middle) + side * np.stack([np.cos(turn), np.sin(turn)], 1)
        if thick < 0:
            cv2.fillPoly(page, [points.astype(np.int32)], ink, cv2.LINE_AA)
        else:
            cv2.polylines(page, [points.astype(np.int32)], True, ink, thick, cv2.LINE_AA)
    return Picture(_bytes(page))


def _written(rng: np.random.Generator, lines: list[str], families: tuple[str, ...]) -> np.ndarray:
    """Print lines of text on paper, in a random font that has all the signs: uint8 (H, W)."""
    signs = set("".join(lines)) - {" "}
    files = [f for f in fonts.fonts(families) if signs <= fonts.printable_signs(f)]
    height = int(rng.integers(16, 61))
    font = fonts.sized(files[rng.integers(len(files))], height)
    text, space = "\n".join(lines), int(rng.integers(0, height // 2))
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    x0, y0, x1, y1 = map(int, probe.multiline_textbbox((0, 0), text, font, spacing=space))
    edge = int(rng.integers(2, 1 + height // 2))
    mask = Image.new("L", (x1 - x0 + 2 * edge, y1 - y0 + 2 * edge))
    ImageDraw.Draw(mask).multiline_text((edge - x0, edge - y0), text, 255, font, spacing=space)
    ink = np.asarray(mask, np.float32) / 255
    if rng.random() < 0.5:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.2))
    page = _paper(rng, ink.shape)
    page -= rng.uniform(50, 110) * ink
    return _bytes(page if rng.random() < 0.8 else 255 - page)


def _sign(rng: np.random.Generator) -> Picture:
    """Print one letter of Greek, Cyrillic or Hebrew, or another sign."""
    return Picture(_written(rng, [SIGNS[rng.integers(len(SIGNS))]], FAMILIES))


def _sums(rng: np.random.Generator) -> Picture:
    """Print a sum, a time, or an amount with its unit.

    No text is right for a sum or a time, which are not one number. Beside a unit the number alone
    is right.
    """
    a, b, kind = int(rng.integers(1, 1000)), int(rng.integers(1, 100)), rng.integers(3)
    if kind == 0:
        return Picture(_written(rng, [f"{a} {rng.choice(('+', '×', '÷'))} {b} ="], FAMILIES))
    if kind == 1:
        return Picture(_written(rng, [f"{a % 24:02}:{b % 60:02}"], FAMILIES))
    number = f"{a}.{b:02}" if rng.random() < 0.5 else f"{a}"
    return Picture(_written(rng, [f"{number} {rng.choice(UNITS)}"], FAMILIES), number)


def _latin(rng: np.random.Generator) -> Picture:
    words = " ".join(rng.choice(WORDS, int(rng.integers(1, 4))))
    return Picture(_written(rng, [words.upper() if rng.random() < 0.3 else words], FAMILIES))


def _arabic(rng: np.random.Generator) -> Picture:
    """Print words in Arabic letters, joined where Pillow has libraqm."""
    words = " ".join(rng.choice(ARABIC_WORDS, int(rng.integers(1, 4))))
    return Picture(_written(rng, [words], fonts.ARABIC_UNSEEN))


def _two_lines(rng: np.random.Generator) -> Picture:
    """Print two lines, each of words or of a number."""
    number = lambda: str(rng.integers(100, 10_000_000))
    words = lambda: " ".join(rng.choice(WORDS, int(rng.integers(1, 3))))
    both = [number() if rng.random() < 0.6 else words() for _ in range(2)]
    return Picture(_written(rng, both, FAMILIES))


KINDS: dict[str, Callable[[np.random.Generator], Picture]] = {
    "blank paper": _blank,
    "noise": _noise,
    "texture": _texture,
    "photograph": _photograph,
    "discs and boxes": _shapes,
    "one foreign sign": _sign,
    "sums, times, units": _sums,
    "Latin words": _latin,
    "Arabic words": _arabic,
    "two lines": _two_lines,
}


# --- made of real pictures


def spoil(
    kind: str, real: list[tuple[bytes, str, bool]], count: int, seed: int = 0
) -> list[Picture]:
    """Spoil `count` real pictures in one of the ways of SPOILT; fewer where there are fewer.

    real: (file, label, compare digits alone). Taken are labels of three or more characters, and
    not those that a turned number may say: 0 1 6 8 9 alone for "upside down", 0 1 8 alone for
    "mirrored". Only the label is a right text: what is left after the cut is no longer the number.
    """
    change, harmless = SPOILT[kind]
    usable = [each for each in real if len(each[1]) >= 3 and not set(each[1]) <= set(harmless)]
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    order = rng.permutation(len(usable))[:count]
    return [
        Picture(np.ascontiguousarray(change(np.asarray(open_image(file)))), label, digits_only)
        for file, label, digits_only in (usable[k] for k in order)
    ]


SPOILT: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "right third cut off": (lambda pixels: pixels[:, : -(pixels.shape[1] // 3)], ""),
    "upside down": (lambda pixels: pixels[::-1, ::-1], "01689.,-/"),
    "mirrored": (lambda pixels: pixels[:, ::-1], "018.,-/"),
    "turned by 90 degrees": (np.rot90, ""),
}
