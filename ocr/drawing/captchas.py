"""CAPTCHAs that we draw ourselves, seeded: the embedded default where no real images are found."""

import io
import os
import random
import zipfile
from contextlib import contextmanager
from pathlib import Path

import captcha.image
from tqdm import tqdm

CAPTCHA_SYMBOLS = "2345678bcdefgmnpwxy"  # those of captcha_images_v2


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


def captchas(
    count: int, seed: int = 0, symbols: str = CAPTCHA_SYMBOLS, length: int = 5, size=(50, 200)
):
    """Yield `count` pairs (label, RGB picture of `size` = (height, width)) drawn by the captcha package (Apache-2.0).

    The same arguments give the same pixels. About 250 a second on one core.
    """
    rng = _Seeded(seed)
    artist = captcha.image.ImageCaptcha(width=size[1], height=size[0])
    for _ in range(count):
        label = "".join(rng.choice(symbols) for _ in range(length))
        with _seeded(
            rng
        ):  # inside the loop, so that the module is whole again whenever we hand over a picture
            picture = artist.generate_image(label)
        yield label, picture


def captcha_zip(target: Path, count: int, seed: int = 0, **drawing) -> Path:
    """Draw `count` CAPTCHAs into the zip `target`, as LABEL_NUMBER.png; an existing `target` is kept as it is.

    drawing: symbols, length and size, as `captchas` has them.
    """
    target = Path(target)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(part, "w") as archive:
        pairs = tqdm(
            captchas(count, seed, **drawing),
            total=count,
            desc="drawing CAPTCHAs",
            unit=" images",
            disable=None,
        )
        for i, (label, picture) in enumerate(pairs):
            png = io.BytesIO()
            picture.save(png, "png")
            archive.writestr(zipfile.ZipInfo(f"{label}_{i:05d}.png"), png.getvalue())
    part.replace(target)
    return target
