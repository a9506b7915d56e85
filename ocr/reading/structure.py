"""File structure of images, checked before they are decoded: segments, chunks, blocks, tags.

A file of a few megabytes can hold a million parts that a decoder takes minutes for, or tags that
claim the same bytes thousands of times. Cameras and programs write some dozens of parts. The
headers are walked here, which takes microseconds for an ordinary file; what is damaged is left for
the decoder to report.
"""

import re
import struct
from collections.abc import Callable, Iterator

MAX_PARTS = 1000  # segments, chunks, blocks or tags that are not pixels
MAX_SCANS = 50  # of a JPEG, each over the whole picture; encoders write up to 15
MAX_PIXEL_PARTS = 2**14  # chunks, strips or tiles of pixels
MAX_FILL = 2**16  # bytes between the segments of a JPEG, or before the picture of a GIF
MAX_BLOCKS = 2**12  # of at most 255 bytes in the comments of a GIF
MAX_TILE = 2**26  # pixels of one tile of a TIFF

HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")  # brands of HEIF files

NO_FILL = re.compile(rb"[^\xff]")
JPEG_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # a restart, D0 to D7, is no part
JPEG_WITHOUT_LENGTH = frozenset([0x00, 0x01, *range(0xD0, 0xDA), *range(0xF0, 0xFE)])
JPEG_SCAN, JPEG_END = 0xDA, 0xD9


class ImageError(ValueError):
    """An image that cannot be read; the message is one line for a person."""


def check_structure(data: bytes) -> None:
    """Check how many parts an image file has. Raises ImageError where no encoder writes so many.

    HEIC is refused by its name: Pillow does not open it.
    """
    if data[4:8] == b"ftyp" and data[8:12] in HEIC:
        raise ImageError("HEIC: set the camera to JPEG (most compatible), or save it again as PNG")
    for start, check in CHECKS:
        if data.startswith(start):
            check(data)
            return


def _too_many(what: str, count: int, most: int) -> ImageError:
    return ImageError(f"{count:,} {what}, more than {most:,}: save it again as PNG")


def _limit(parts: Iterator, what: str, most: int = MAX_PARTS) -> None:
    """Count parts as far as needed. Raises ImageError above `most`."""
    for count, _ in enumerate(parts, start=1):
        if count > most:
            raise _too_many(what, count, most)


# --- JPEG ----------------------------------------------------------------------------------------


def _check_jpeg(data: bytes) -> None:
    place, fill, end = 2, 0, len(data) - 4
    for _ in range(MAX_PARTS):
        if place > end:
            return  # cut off
        if data[place] != 0xFF or data[place + 1] == 0xFF:
            start, place = place, _next_marker(data, place)
            fill += place - start
            if fill > MAX_FILL:
                raise _too_many("bytes between its segments", fill, MAX_FILL)
            if place > end:
                return
        kind = data[place + 1]
        if kind == JPEG_SCAN:
            return _check_scans(data, place + 2)
        place += 2
        if kind not in JPEG_WITHOUT_LENGTH:
            place += data[place] << 8 | data[place + 1]
    raise _too_many("segments before its pixels", MAX_PARTS, MAX_PARTS - 1)


def _next_marker(data: bytes, place: int) -> int:
    """Find the last of the bytes FF before a marker's code, as far as MAX_FILL bytes ahead."""
    marker = data.find(b"\xff", place)
    if marker < 0:
        return len(data)
    code = NO_FILL.search(data, marker, marker + MAX_FILL + 2)
    return code.start() - 1 if code else min(len(data), marker + MAX_FILL + 2)


def _check_scans(data: bytes, place: int) -> None:
    """Count the scans from the first one on. Raises ImageError."""
    # Compressed pixels never have these bytes; what follows the picture may, so look closer then.
    if data.count(b"\xff\xda", place) < MAX_SCANS:
        return
    scans = 1
    for _ in range(MAX_PARTS):
        found = JPEG_MARKER.search(data, place)
        if found is None or found[1][0] == JPEG_END:
            return
        place = found.end()
        if found[1][0] not in JPEG_WITHOUT_LENGTH:
            place += int.from_bytes(data[place : place + 2], "big")
        scans += found[1][0] == JPEG_SCAN
        if scans > MAX_SCANS:
            raise _too_many("scans", scans, MAX_SCANS)
    raise _too_many("segments between its pixels", MAX_PARTS, MAX_PARTS - 1)


# --- PNG, GIF, WebP ------------------------------------------------------------------------------


def _check_png(data: bytes) -> None:
    place, parts, pixels, end = 8, 0, 0, len(data) - 8
    while place <= end:
        length = int.from_bytes(data[place : place + 4], "big")
        if data.startswith((b"IDAT", b"fdAT"), place + 4):
            pixels += 1
        else:
            parts += 1
        if parts > MAX_PARTS:
            raise _too_many("chunks that are no pixels", parts, MAX_PARTS)
        if pixels > MAX_PIXEL_PARTS:
            raise _too_many("chunks of pixels", pixels, MAX_PIXEL_PARTS)
        place += length + 12


def _check_gif(data: bytes) -> None:
    """Count what comes before the first picture; its pixels are decoded block by block in C."""
    if len(data) < 13:
        return
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    blocks = 0
    for _ in range(MAX_FILL):
        if place >= len(data) or data[place] in b",;":
            return
        if data[place] != 0x21:  # a stray byte, which is skipped
            place += 1
            continue
        place += 2
        while place < len(data) and data[place]:
            place += data[place] + 1
            blocks += 1
            if blocks > MAX_BLOCKS:
                raise _too_many("blocks before its picture", blocks, MAX_BLOCKS)
        place += 1
        blocks += 1
    raise _too_many("bytes before its picture", MAX_FILL + 1, MAX_FILL)


def _check_webp(data: bytes) -> None:
    def chunks() -> Iterator[int]:
        place = 12
        while place + 8 <= len(data):
            yield place
            length = int.from_bytes(data[place + 4 : place + 8], "little")
            place += 8 + length + length % 2

    if data[8:12] == b"WEBP":
        _limit(chunks(), "chunks", MAX_PIXEL_PARTS)


# --- TIFF, EXIF ----------------------------------------------------------------------------------

# Bytes of the types that a tag's values have, and struct's letters of the whole numbers.
TAG_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TAG_SIZES |= {16: 8, 17: 8, 18: 8}
WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
WIDTH, HEIGHT, ROWS, TILE_WIDTH, TILE_HEIGHT = READ = (256, 257, 278, 322, 323)
COUNTED = (273, 279, 324, 325)  # offsets and lengths of strips and of tiles


def check_tags(data: bytes) -> None:
    """Check the tags of a TIFF file, or of EXIF, which is built the same. Raises ImageError.

    Their number, the bytes that they claim together, and into how many parts they cut a picture.
    """
    big = 43 in data[2:4]  # BigTIFF: longer numbers; not all programs know it behind "MM"
    _check_directory(data, big)
    if big and data[:2] == b"MM":
        _check_directory(data, False)


def _check_directory(data: bytes, big: bool) -> None:
    order = "<" if data[:2] == b"II" else ">"
    values: dict[int, list[int]] = {}
    claimed = 0
    for tag, kind, length, value in _tags(data, order, big):
        if tag in READ and kind in WHOLE and length:
            values.setdefault(tag, []).append(struct.unpack_from(order + WHOLE[kind], value)[0])
        elif tag in COUNTED and length > MAX_PIXEL_PARTS:
            raise _too_many("strips or tiles", length, MAX_PIXEL_PARTS)
        claimed += length * TAG_SIZES.get(kind, 0)
    if claimed > 2 * len(data) + 2**16:
        raise ImageError("tags that claim more bytes than it has: save it again as PNG")
    _check_parts(values)


def _tags(data: bytes, order: str, big: bool) -> Iterator[tuple[int, int, int, bytes]]:
    """Read (number, type, count, value or offset) of each tag. Raises ImageError for too many."""
    head, count_of, entry = ("Q", "Q", "HHQ8s") if big else ("I", "H", "HHI4s")
    try:
        (place,) = struct.unpack_from(order + head, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + count_of, data, place)
    except (struct.error, OverflowError):
        return iter(())  # cut off, or an offset outside
    if count > MAX_PARTS:
        raise _too_many("tags", count, MAX_PARTS)
    size, place = struct.calcsize(order + entry), place + struct.calcsize(order + count_of)
    there = data[place : place + count * size]
    return struct.iter_unpack(order + entry, there[: len(there) // size * size])


def _check_parts(values: dict[int, list[int]]) -> None:
    """Check into how many strips or tiles a picture is cut; of a doubled tag the worst counts."""
    width, height = max(values.get(WIDTH, [0])), max(values.get(HEIGHT, [0]))
    parts = -(-height // max(1, min(values.get(ROWS, [height]))))
    if TILE_WIDTH in values and TILE_HEIGHT in values:
        across, down = max(1, min(values[TILE_WIDTH])), max(1, min(values[TILE_HEIGHT]))
        parts = -(-width // across) * -(-height // down)
        largest = max(values[TILE_WIDTH]) * max(values[TILE_HEIGHT])
        if largest > MAX_TILE:
            raise ImageError(f"tiles of {largest:,} pixels: save it again as PNG")
    if parts > MAX_PIXEL_PARTS:
        raise _too_many("strips or tiles", parts, MAX_PIXEL_PARTS)


CHECKS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], None]], ...] = (
    (b"\xff\xd8", _check_jpeg),
    (b"\x89PNG\r\n\x1a\n", _check_png),
    (b"GIF8", _check_gif),
    (b"RIFF", _check_webp),
    ((b"II", b"MM"), check_tags),
)
