"""Characters that we draw ourselves, seeded: in EMNIST's form, as signs in colour, on paper."""

import string
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ocr.drawing.augment import distort
from ocr.drawing.fonts import FONT, HANDWRITING, PRINT, SIGNS, fonts, sized, weighted
from ocr.reading.glyphs import glyph

ALPHANUMERIC = string.digits + string.ascii_uppercase + string.ascii_lowercase
PAGE = 128  # pixels a side of the page that a character is drawn on, as NIST's are


def glyphs(
    symbols, seed: int = 0, families: tuple[str, ...] = HANDWRITING + PRINT, batch: int = 64
):
    """Yield (symbol, uint8 (28, 28, 1) in EMNIST's form) for each of `symbols`, drawn in a font of the `families`.

    Each is drawn on a page with its own size, stroke width and noise, slanted, rotated and bent, and then takes the road
    of every other image (glyphs.glyph). The same arguments give the same pixels. About 600 a second on one core.
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
    """A light symbol in the middle of a dark page, uint8 (PAGE, PAGE)."""
    page = Image.new("L", (PAGE, PAGE), int(rng.integers(0, 40)))
    size, stroke = int(rng.integers(56, 88)) // 4 * 4, int(rng.integers(0, 3))
    ImageDraw.Draw(page).text(
        (PAGE / 2, PAGE / 2),
        symbol,
        int(rng.integers(180, 256)),
        sized(file, size),
        anchor="mm",
        stroke_width=stroke,
    )
    return np.asarray(page)


def signs(symbols, seed: int = 0, families: tuple[str, ...] = SIGNS, side: int = 28):
    """Yield (symbol, uint8 (side, side, 3)) for each of `symbols`: a character cut out of a photographed sign.

    A font of the `families` and a weight; neighbours to the left and right, or paper all around; cut more or less closely,
    seen at an angle, half of them stretched to a square as street_view has it; ink and ground in two colours with shadow, gradient, texture, blur
    and noise. The same arguments give the same pixels. About 400 a second on one core.
    """
    rng = np.random.default_rng(seed)
    files = fonts(families)
    for symbol in symbols:
        ink, shadow = _cut_out(symbol, files[rng.integers(len(files))], rng, 2 * side)
        pixels = _painted(ink[None], rng, shadow[None])[0]
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(rng.gamma(1.5, 0.8)))
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        noisy = np.asarray(picture) + rng.normal(0, rng.exponential(4), (side, side, 1))
        yield symbol, np.clip(noisy, 0, 255).astype(np.uint8)


def _cut_out(
    symbol: str, file: Path, rng: np.random.Generator, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """(ink, shadow) of a character among its neighbours, float32 (side, side) from 0 to 1."""
    font = weighted(file, int(rng.integers(0, 5)))
    neighbours = rng.choice(list(ALPHANUMERIC), 2)
    far = rng.random() < 0.25  # alone, with paper around it
    left, right = (n if not far and rng.random() < 0.6 else "" for n in neighbours)
    line = Image.new("L", (6 * FONT, 3 * FONT))
    draw, gap, x, y = ImageDraw.Draw(line), rng.normal(0.04, 0.04) * FONT, 3 * FONT, 2 * FONT
    stroke = int(rng.integers(0, 2))
    draw.text((x - gap, y), left, 255, font, anchor="rs", stroke_width=stroke)
    draw.text((x, y), symbol, 255, font, anchor="ls", stroke_width=stroke)
    draw.text(
        (x + font.getlength(symbol) + gap, y), right, 255, font, anchor="ls", stroke_width=stroke
    )
    x0, y0, x1, y1 = draw.textbbox((x, y), symbol, font, anchor="ls", stroke_width=stroke)
    margin = (0.2, 1.2) if far else (-0.02, 0.16)
    if rng.random() < 0.5:  # a square, the ink in its middle
        half = max(x1 - x0, y1 - y0) / 2
        x0, x1, y0, y1 = (
            (x0 + x1) / 2 - half,
            (x0 + x1) / 2 + half,
            (y0 + y1) / 2 - half,
            (y0 + y1) / 2 + half,
        )
    wide, high = x1 - x0, y1 - y0
    margin = rng.uniform(*margin, 2) * max(wide, high)
    x0, x1, y0, y1 = x0 - margin[0], x1 + margin[0], y0 - margin[1], y1 + margin[1]
    corners = np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]])
    angle, slant = rng.normal(0, (0.06, 0.08))
    centre = corners.mean(axis=0)
    turn = np.array([[np.cos(angle), np.sin(angle) + slant], [-np.sin(angle), np.cos(angle)]])
    corners = (corners - centre) @ turn.T + centre + rng.normal(0, 0.04, (4, 2)) * (wide, high)
    drop = rng.normal(0, 0.04, 2) * FONT
    cuts = [
        line.transform(
            (side, side),
            Image.Transform.QUAD,
            (corners + move).ravel().tolist(),
            Image.Resampling.BICUBIC,
        )
        for move in (0, drop)
    ]
    return tuple(np.asarray(cut, np.float32) / 255 for cut in cuts)


def on_paper(glyphs: np.ndarray, rng: np.random.Generator, far: float = 0.0) -> np.ndarray:
    """Glyphs uint8 (N, H, W, 1), light on black, as scanned from coloured paper: uint8 (N, H, W, 3).

    A share `far` of them lies smaller on its paper, down to a third, somewhere; a fifth of these in a box, as forms have
    it. About 2,000 a second on one core.
    """
    inks = glyphs[..., 0].astype(np.float32) / 255
    side = inks.shape[1]
    for i in np.flatnonzero(rng.random(len(inks)) < far):
        scale = rng.uniform(0.33, 1)
        left, top = rng.uniform(0, side * (1 - scale), 2)
        inks[i] = cv2.warpAffine(
            cv2.GaussianBlur(inks[i], (0, 0), 0.4 / scale),
            np.array([[scale, 0, left], [0, scale, top]]),
            (side, side),
        )
        if rng.random() < 0.2:
            ends = np.array([left, top, left + scale * side, top + scale * side]) + rng.uniform(
                0, 3, 4
            ) * (-1, -1, 1, 1)
            cv2.rectangle(
                inks[i],
                *ends.round().astype(int).reshape(2, 2).tolist(),
                float(rng.uniform(0.5, 1)),
            )
    return np.concatenate(
        [_painted(part, rng, noise=4.0) for part in np.array_split(inks, max(1, len(inks) // 1000))]
    )


def _painted(
    ink: np.ndarray, rng: np.random.Generator, shadow=None, noise: float = 0.0
) -> np.ndarray:
    """Ink, float32 (N, H, W) from 0 to 1, in one colour on a ground of another, uint8 (N, H, W, 3); both uneven."""
    count, height, width = ink.shape
    ground, colour = _colour_pairs(count, rng)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.normal(0, 12, (count, 2, 1, 1, 1)).astype(np.float32)
    light = slope[:, 0] * x[..., None] + slope[:, 1] * y[..., None]
    texture = rng.standard_normal((count, 7, 7, 3), np.float32) * rng.exponential(
        8, (count, 1, 1, 1)
    ).astype(np.float32)
    spread = [stretch(7, side) for side in (height, width)]
    light = light + np.einsum("yi,nijc,xj->nyxc", spread[0], texture, spread[1])
    pixels = ground + light
    if shadow is not None:
        depth = np.where(rng.random(count) < 0.25, rng.uniform(0.3, 0.8, count), 0).astype(
            np.float32
        )
        pixels = pixels * (1 - depth[:, None, None, None] * shadow[..., None])
    pixels += ink[..., None] * (colour + 0.5 * light - pixels)
    return np.clip(pixels + rng.normal(0, noise, pixels.shape), 0, 255).astype(np.uint8)


def _colour_pairs(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(ground, ink), float32 (count, 1, 1, 3): greys and colours, dark on light or light on dark, never too alike."""
    tries = rng.uniform(0, 255, (8, count, 2, 1)) + rng.normal(
        0, 1, (8, count, 2, 3)
    ) * rng.exponential(35, (8, count, 2, 1))
    tries = np.clip(tries, 0, 255)
    apart = np.linalg.norm(tries[:, :, 0] - tries[:, :, 1], axis=2) > rng.uniform(50, 200, count)
    pairs = tries[apart.argmax(axis=0), np.arange(count)].astype(
        np.float32
    )  # the first that is apart enough
    return pairs[:, 0, None, None], pairs[:, 1, None, None]


@lru_cache
def stretch(points: int, side: int) -> np.ndarray:
    """The matrix (side, points) that spreads a few values smoothly over `side` pixels."""
    return cv2.resize(
        np.eye(points, dtype=np.float32), (points, side), interpolation=cv2.INTER_CUBIC
    )
