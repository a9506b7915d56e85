"""Draw CAPTCHAs, seeded: the substitute where no real images are found."""

import io
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import captcha.image
from PIL import Image
from tqdm import tqdm

from ocr.paths import whole

CAPTCHA_SYMBOLS = "2345678bcdefgmnpwxy"  # those of captcha_images_v2


class _Seeded(random.Random):
    """A seeded replacement for the module `secrets`, the captcha package's source of randomness."""

    def randbelow(self, n):
        return self.randrange(n)

    def randbits(self, k):
        return self.getrandbits(k)


@contextmanager
def _seeded(rng: _Seeded) -> Iterator[None]:
    original = captcha.image.secrets
    captcha.image.secrets = rng  # type: ignore[assignment]
    try:
        yield
    finally:
        captcha.image.secrets = original


def captchas(
    count: int, seed: int = 0, symbols: str = CAPTCHA_SYMBOLS, length: int = 5, size=(50, 200)
) -> Iterator[tuple[str, Image.Image]]:
    """Draw `count` pairs (label, RGB picture) with the captcha package (Apache-2.0).

    size: (height, width) in pixels. The same arguments give the same pixels. About 250 per second
    on one core.
    """
    rng = _Seeded(seed)
    artist = captcha.image.ImageCaptcha(width=size[1], height=size[0])
    for _ in range(count):
        label = "".join(rng.choice(symbols) for _ in range(length))
        with _seeded(rng):  # within the loop: the module is restored whenever a pair is yielded
            picture = artist.generate_image(label)
        yield label, picture


def captcha_zip(target: str | Path, count: int, seed: int = 0, **drawing) -> Path:
    """Draw `count` CAPTCHAs into the zip `target`, named LABEL_NUMBER.png; keep an existing one.

    drawing: symbols, length and size, as `captchas` takes them. Returns `target`.
    """
    target = Path(target)
    if target.exists():
        return target
    with whole(target) as part, zipfile.ZipFile(part, "w") as archive:
        pairs = captchas(count, seed, **drawing)
        bar = tqdm(pairs, total=count, desc="drawing CAPTCHAs", unit=" images", disable=None)
        for i, (label, picture) in enumerate(bar):
            png = io.BytesIO()
            picture.save(png, "png")
            archive.writestr(zipfile.ZipInfo(f"{label}_{i:05d}.png"), png.getvalue())
    return target
