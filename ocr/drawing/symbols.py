"""Draw single characters, seeded: in EMNIST's form, as signs in colour, on coloured paper."""

import string
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ocr.drawing.augment import distort, upsampling
from ocr.drawing.fonts import EM, HANDWRITING, PRINT, SIGNS, fonts, sized, weighted
from ocr.reading.inputs import glyph

ALPHANUMERIC = string.digits + string.ascii_uppercase + string.ascii_lowercase
PAGE = 128  # pixels per side of the page that a character is drawn on, as in NIST's scans


def glyphs(
    symbols: Iterable[str],
    seed: int = 0,
    families: tuple[str, ...] = HANDWRITING + PRINT,
    batch: int = 64,
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw pairs (symbol, uint8 (28, 28, 1) in EMNIST's form), one for each of `symbols`.

    Each is drawn on a page in a font of the `families` with its own size, stroke width and noise,
    distorted, and preprocessed as every image is (`inputs.glyph`). The same arguments give the same
    pixels. About 600 per second on one core.
    """
    rng = np.random.default_rng(seed)
    files, symbols = fonts(families), list(symbols)
    for start in range(0, len(symbols), batch):
        part = symbols[start : start + batch]
        pages = np.stack([_page(symbol, files[rng.integers(len(files))], rng) for symbol in part])
        pages = distort(pages[..., None], rng, strength=1.5)[..., 0]
        pages = np.clip(pages + rng.normal(0, 10, pages.shape), 0, 255).astype(np.uint8)
        for symbol, page in zip(part, pages):
            yield symbol, glyph(Image.fromarray(page))[0]


def _page(symbol: str, file: Path, rng: np.random.Generator) -> np.ndarray:
    """Draw a light symbol in the middle of a dark page, uint8 (PAGE, PAGE)."""
    page = Image.new("L", (PAGE, PAGE), int(rng.integers(0, 40)))
    size, stroke = int(rng.integers(56, 88)) // 4 * 4, int(rng.integers(0, 3))
    middle, light = (PAGE / 2, PAGE / 2), int(rng.integers(180, 256))
    font = sized(file, size)
    ImageDraw.Draw(page).text(middle, symbol, light, font, anchor="mm", stroke_width=stroke)
    return np.asarray(page)


def signs(
    symbols: Iterable[str], seed: int = 0, families: tuple[str, ...] = SIGNS, side: int = 28
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw pairs (symbol, uint8 (side, side, 3)): characters cut out of photographed signs.

    A font of the `families` and a weight; neighbours to the left and right, or paper all around;
    cropped more or less tightly, seen at an angle, half of them stretched to a square as in
    street_view; ink and ground in two colours with shadow, gradient, texture, blur and noise. The
    same arguments give the same pixels. About 400 per second on one core.
    """
    rng = np.random.default_rng(seed)
    files = fonts(families)
    for symbol in symbols:
        ink, shadow = _cut_out(symbol, files[rng.integers(len(files))], rng, 2 * side)
        pixels = _paint(ink[None], rng, shadow[None])[0]
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(rng.gamma(1.5, 0.8)))
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        noisy = np.asarray(picture) + rng.normal(0, rng.exponential(4), (side, side, 1))
        yield symbol, np.clip(noisy, 0, 255).astype(np.uint8)


def _cut_out(
    symbol: str, file: Path, rng: np.random.Generator, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a character out of a line: (ink, shadow), float32 (side, side) from 0 to 1."""
    isolated, line, box = _line(symbol, weighted(file, int(rng.integers(0, 5))), rng)
    corners = _corners(box, isolated, rng)
    drop = rng.normal(0, 0.04, 2) * EM
    ink, shadow = (
        np.asarray(
            line.transform(
                (side, side),
                Image.Transform.QUAD,
                (corners + move).ravel().tolist(),
                Image.Resampling.BICUBIC,
            ),
            np.float32,
        )
        / 255
        for move in (0, drop)
    )
    return ink, shadow


def _line(
    symbol: str, font, rng: np.random.Generator
) -> tuple[bool, Image.Image, tuple[float, float, float, float]]:
    """Draw a symbol between neighbours: (is it isolated, the line, the symbol's bounding box)."""
    neighbours = rng.choice(list(ALPHANUMERIC), 2)
    isolated = bool(rng.random() < 0.25)  # with paper around it
    left, right = (n if not isolated and rng.random() < 0.6 else "" for n in neighbours)
    line = Image.new("L", (6 * EM, 3 * EM))
    draw, gap, x, y = ImageDraw.Draw(line), rng.normal(0.04, 0.04) * EM, 3 * EM, 2 * EM
    stroke, after = int(rng.integers(0, 2)), x + font.getlength(symbol) + gap
    draw.text((x - gap, y), left, 255, font, anchor="rs", stroke_width=stroke)
    draw.text((x, y), symbol, 255, font, anchor="ls", stroke_width=stroke)
    draw.text((after, y), right, 255, font, anchor="ls", stroke_width=stroke)
    return isolated, line, draw.textbbox((x, y), symbol, font, anchor="ls", stroke_width=stroke)


def _corners(
    box: tuple[float, float, float, float], isolated: bool, rng: np.random.Generator
) -> np.ndarray:
    """Choose the corners, float64 (4, 2), of what is cut out around a bounding box."""
    x0, y0, x1, y1 = box
    if rng.random() < 0.5:  # a square with the ink in its middle
        half = max(x1 - x0, y1 - y0) / 2
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        x0, x1, y0, y1 = x - half, x + half, y - half, y + half
    wide, high = x1 - x0, y1 - y0
    limits = (0.2, 1.2) if isolated else (-0.02, 0.16)
    margin = rng.uniform(*limits, 2) * max(wide, high)
    x0, x1, y0, y1 = x0 - margin[0], x1 + margin[0], y0 - margin[1], y1 + margin[1]
    corners = np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]])
    angle, slant = rng.normal(0, (0.06, 0.08))
    centre = corners.mean(axis=0)
    turn = np.array([[np.cos(angle), np.sin(angle) + slant], [-np.sin(angle), np.cos(angle)]])
    return (corners - centre) @ turn.T + centre + rng.normal(0, 0.04, (4, 2)) * (wide, high)


def on_paper(glyphs: np.ndarray, rng: np.random.Generator, far: float = 0.0) -> np.ndarray:
    """Lay glyphs on coloured paper, as if scanned: uint8 (N, H, W, 3).

    glyphs: uint8 (N, H, W, 1), light on black. A share `far` of them is scaled down, at most to a
    third, and placed at random; a fifth of these in a box, as on forms. About 2,000 per second on
    one core.
    """
    inks = glyphs[..., 0].astype(np.float32) / 255
    for i in np.flatnonzero(rng.random(len(inks)) < far):
        inks[i] = _far(inks[i], rng)
    parts = np.array_split(inks, max(1, len(inks) // 1000))
    return np.concatenate([_paint(part, rng, noise=4.0) for part in parts])


def _far(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scale ink, float32 (side, side), down and place it at random, sometimes in a box."""
    side = len(ink)
    scale = rng.uniform(0.33, 1)
    left, top = rng.uniform(0, side * (1 - scale), 2)
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    small = cv2.warpAffine(cv2.GaussianBlur(ink, (0, 0), 0.4 / scale), matrix, (side, side))
    if rng.random() < 0.2:
        ends = np.array([left, top, left + scale * side, top + scale * side])
        ends += rng.uniform(0, 3, 4) * (-1, -1, 1, 1)
        x0, y0, x1, y1 = ends.round().astype(int).tolist()
        cv2.rectangle(small, (x0, y0), (x1, y1), float(rng.uniform(0.5, 1)))
    return small


def _paint(
    ink: np.ndarray, rng: np.random.Generator, shadow=None, noise: float = 0.0
) -> np.ndarray:
    """Paint ink in one colour on a ground of another, both uneven: uint8 (N, H, W, 3).

    ink, shadow: float32 (N, H, W) from 0 to 1.
    """
    count, height, width = ink.shape
    ground, colour = _colour_pairs(count, rng)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.normal(0, 12, (count, 2, 1, 1, 1)).astype(np.float32)
    light = slope[:, 0] * x[..., None] + slope[:, 1] * y[..., None]
    texture = rng.standard_normal((count, 7, 7, 3), np.float32)
    texture = texture * rng.exponential(8, (count, 1, 1, 1)).astype(np.float32)
    down, across = upsampling(7, height), upsampling(7, width)
    spread = down @ texture.transpose(0, 3, 1, 2) @ across.T  # (N, 3, H, W)
    light = light + spread.transpose(0, 2, 3, 1)
    pixels = ground + light
    if shadow is not None:
        shaded = rng.random(count) < 0.25
        depth = np.where(shaded, rng.uniform(0.3, 0.8, count), 0).astype(np.float32)
        pixels = pixels * (1 - depth[:, None, None, None] * shadow[..., None])
    pixels += ink[..., None] * (colour + 0.5 * light - pixels)
    return np.clip(pixels + rng.normal(0, noise, pixels.shape), 0, 255).astype(np.uint8)


def _colour_pairs(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose colours (ground, ink), float32 (count, 1, 1, 3), that differ by enough contrast.

    Greys and colours, dark on light or light on dark. Of eight tries the first whose distance is
    above a random limit is taken, or the very first.
    """
    tries = rng.uniform(0, 255, (8, count, 2, 1))
    tries = tries + rng.normal(0, 1, (8, count, 2, 3)) * rng.exponential(35, (8, count, 2, 1))
    tries = np.clip(tries, 0, 255)
    distance = np.linalg.norm(tries[:, :, 0] - tries[:, :, 1], axis=2)
    first = (distance > rng.uniform(50, 200, count)).argmax(axis=0)
    pairs = tries[first, np.arange(count)].astype(np.float32)
    return pairs[:, 0, None, None], pairs[:, 1, None, None]
