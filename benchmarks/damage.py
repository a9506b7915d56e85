"""Make damaged and hostile image files, to test what a server answers."""

import io
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

KINDS = (  # format and mode
    ("PNG", "RGB"),
    ("PNG", "RGBA"),
    ("PNG", "P"),
    ("PNG", "I;16"),
    ("PNG", "1"),
    ("JPEG", "RGB"),
    ("JPEG", "L"),
    ("JPEG", "CMYK"),
    ("GIF", "P"),
    ("BMP", "RGB"),
    ("WEBP", "RGB"),
    ("TIFF", "RGB"),
    ("TIFF", "F"),
    ("PPM", "L"),
    ("ICO", "RGBA"),
    ("TGA", "RGB"),
    ("EPS", "RGB"),
)


def originals(picture: Image.Image) -> list[bytes]:
    """Save one RGB picture in every format and mode that people send; add hostile files."""
    files = []
    for kind, mode in KINDS:
        through = "L" if mode in ("I;16", "F") else mode
        files.append(_save(picture.convert(through).convert(mode), kind))
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        files.append(_save(picture, "TIFF", compression=packing))
    pages = [picture.rotate(90), picture.rotate(180)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        files.append(_save(picture, kind, save_all=True, append_images=pages))
    return [*files, *_hostile(picture)]


def _hostile(picture: Image.Image) -> Iterator[bytes]:
    for size in ((2000, 2000), (20_000, 20_000), (60_000, 3)):
        yield _save(Image.new("1", size), "PNG")
    noise = np.random.default_rng(0).integers(0, 256, (2048, 2048, 1), dtype=np.uint8)
    largest = Image.fromarray(np.repeat(noise // 64, 4, axis=2))  # that is still decoded
    yield _save(largest, "PNG", compress_level=1)
    yield _save(Image.fromarray(noise[:, :, 0]), "JPEG", progressive=True)
    text = PngInfo()
    text.add_itxt("a", " " * 50_000_000, zip=True)  # 50 MB in 50 kB
    yield _save(picture, "PNG", pnginfo=text)
    yield _short_bmp()


def _short_bmp() -> bytes:
    """Write a BMP of 4000 x 4000 run-length coded pixels that ends at once."""
    file = struct.pack("<IHHI", 1084, 0, 0, 1078)
    header = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 6, 0, 0, 256, 0)
    return b"BM" + file + header + bytes(1024) + b"\xff\x00" + b"\x00\x01" * 2


def _save(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def mutate(files: list[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield `count` damaged files; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        data = bytearray(files[rng.integers(len(files))])
        for _ in range(int(rng.integers(1, 4))):
            _damage(data, files, rng)
        yield bytes(data)


def _damage(data: bytearray, files: list[bytes], rng: np.random.Generator) -> None:
    """Change bytes in place: overwrite, cut off, remove, repeat, or continue as another file."""
    damage = rng.integers(5)
    a, b = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    if damage == 0 and data:
        end = min(len(data), 64) if rng.random() < 0.6 else len(data)  # more often in the header
        for place in rng.integers(0, end, 8):
            data[place] = rng.integers(256)
    elif damage == 1:
        del data[a:]
    elif damage == 2:
        del data[a : min(b, a + 200)]
    elif damage == 3:
        data[a:a] = data[a : min(b, a + 200)]
    elif damage == 4:
        data[a:] = files[rng.integers(len(files))][a:]
