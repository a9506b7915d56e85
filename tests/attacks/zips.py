"""Attack the reading of zips: members that unpack without bound, overlap, or have one name."""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from ocr.reading.files import find_all
from ocr.reading.images import ImageError
from tests.attacks.measure import Report, alone, report


def picture(grey: int = 200) -> bytes:
    """A small PNG."""
    out = io.BytesIO()
    Image.new("L", (60, 20), grey).save(out, "PNG")
    return out.getvalue()


def bomb(path: Path, method: int, megabytes: int = 2_000) -> None:
    """A member that unpacks to so many megabytes of zeros; its size in the zip is a lie."""
    packers = {zipfile.ZIP_BZIP2: bz2.BZ2Compressor, zipfile.ZIP_LZMA: _lzma}
    packer = packers[method]() if method in packers else zlib.compressobj(9, wbits=-15)
    data = b"".join(packer.compress(bytes(10**6)) for _ in range(megabytes)) + packer.flush()
    if method == zipfile.ZIP_LZMA:
        data = b"\x09\x04\x05\0" + struct.pack("<BI", 93, 2**23) + data
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", data)
    whole = bytearray(path.read_bytes())
    for start in (8, whole.index(b"PK\x01\x02") + 10):
        struct.pack_into("<H", whole, start, method)
    path.write_bytes(whole)


def _lzma() -> lzma.LZMACompressor:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 2**23, "lc": 3, "lp": 0, "pb": 2}]
    return lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)


def overlapping(path: Path, count: int = 20_000) -> None:
    """So many members with the same data."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", picture())
        first = archive.infolist()[0]
        for number in range(count):
            info = zipfile.ZipInfo(f"{number}.png")
            for key in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(info, key, getattr(first, key))
            archive.filelist.append(info)


def read_all(path: Path) -> int:
    """Read every image in a zip; return how many can be read."""
    good = 0
    for found in find_all([path]):
        try:
            good += len(found.read()) > 0
        except ImageError as error:
            assert "\n" not in str(error)
    return good


ZIPS = {
    "zip, 2 GB of zeros by bzip2": lambda path: bomb(path, zipfile.ZIP_BZIP2),
    "zip, 2 GB of zeros by LZMA": lambda path: bomb(path, zipfile.ZIP_LZMA),
    "zip, 2 GB of zeros by deflate": lambda path: bomb(path, zipfile.ZIP_DEFLATED),
    "zip, 20,000 members that overlap": overlapping,
}


def attacks() -> Iterator[Report]:
    """Read every hostile zip: no image of it is read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.zip"
        for what, make in ZIPS.items():
            make(path)
            outcome = alone(read_all, path)
            read = [f"{outcome.result} images read"] if outcome.result else []
            yield report(f"{what} ({path.stat().st_size / 1e3:.0f} kB)", [outcome], read)
