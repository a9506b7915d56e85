"""Data that we draw ourselves, seeded: the embedded default where no real images are found."""
from __future__ import annotations

import importlib
import io
import os
import random
import zipfile
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import captcha.image
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from batching import distort
from glyphs import glyph

CAPTCHA_SYMBOLS = "2345678bcdefgmnpwxy"  # those of captcha_images_v2
HANDWRITING = ("caveat", "kalam", "indie_flower", "shadows_into_light", "zeyada", "dancing_script", "delius")
PRINT = ("open_sans", "pt_serif")
PAGE = 128  # pixels a side of the page that a character is drawn on, as NIST's are


class _Seeded(random.Random):
    """A seeded stand-in for the module `secrets`, from which the captcha package takes its randomness."""

    def randbelow(self, n):
        return self.randrange(n)

    def randbits(self, k):
        return self.getrandbits(k)


@contextmanager
def _seeded(rng: _Seeded):
    original, captcha.image.secrets = captcha.image.secrets, rng
    try:
        yield
    finally:
        captcha.image.secrets = original


def captchas(count: int, seed: int = 0, symbols: str = CAPTCHA_SYMBOLS, length: int = 5, size=(50, 200)):
    """Yield `count` pairs (label, RGB picture of `size` = (height, width)) drawn by the captcha package (Apache-2.0).

    The same arguments give the same pixels. About 250 a second on one core.
    """
    rng = _Seeded(seed)
    artist = captcha.image.ImageCaptcha(width=size[1], height=size[0])
    for _ in range(count):
        label = "".join(rng.choice(symbols) for _ in range(length))
        with _seeded(rng):  # inside the loop, so that the module is whole again whenever we hand over a picture
            picture = artist.generate_image(label)
        yield label, picture


def captcha_zip(target: Path, count: int, seed: int = 0) -> Path:
    """Draw `count` CAPTCHAs into the zip `target`, as LABEL_NUMBER.png; an existing `target` is kept as it is."""
    target = Path(target)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(part, "w") as archive:
        pairs = tqdm(captchas(count, seed), total=count, desc="drawing CAPTCHAs", unit=" images", disable=None)
        for i, (label, picture) in enumerate(pairs):
            png = io.BytesIO()
            picture.save(png, "png")
            archive.writestr(zipfile.ZipInfo(f"{label}_{i:05d}.png"), png.getvalue())
    part.replace(target)
    return target


@lru_cache
def fonts(families: tuple[str, ...]) -> list[Path]:
    """The upright font files of fontpkg families (packages of the Google fonts, OFL), sorted by name."""
    files = []
    for family in families:
        files += sorted((importlib.import_module(f"fontpkg_{family}").ROOT / "files").glob("*.ttf"))
    return [file for file in files if "Italic" not in file.name]


@lru_cache(maxsize=200)
def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


def glyphs(symbols, seed: int = 0, families: tuple[str, ...] = HANDWRITING + PRINT, batch: int = 64):
    """Yield (symbol, uint8 (28, 28, 1) in EMNIST's form) for each of `symbols`, drawn in a font of the `families`.

    Each is drawn on a page with its own size, stroke width and noise, slanted, rotated and bent, and then takes the road
    of every other image (glyphs.glyph). The same arguments give the same pixels. About 600 a second on one core.
    """
    rng = np.random.default_rng(seed)
    files, symbols = fonts(families), list(symbols)
    for start in range(0, len(symbols), batch):
        part = symbols[start:start + batch]
        pages = np.stack([_page(symbol, files[rng.integers(len(files))], rng) for symbol in part])
        pages = distort(pages[..., None], rng, strength=1.5)[..., 0]
        pages = np.clip(pages + rng.normal(0, 10, pages.shape), 0, 255).astype(np.uint8)
        for symbol, page in zip(part, pages):
            yield symbol, glyph(Image.fromarray(page))[0]


def _page(symbol: str, file: Path, rng: np.random.Generator) -> np.ndarray:
    """A light symbol in the middle of a dark page, uint8 (PAGE, PAGE)."""
    page = Image.new("L", (PAGE, PAGE), int(rng.integers(0, 40)))
    size, stroke = int(rng.integers(56, 88)) // 4 * 4, int(rng.integers(0, 3))
    ImageDraw.Draw(page).text((PAGE / 2, PAGE / 2), symbol, int(rng.integers(180, 256)), _font(file, size), anchor="mm",
                              stroke_width=stroke)
    return np.asarray(page)
