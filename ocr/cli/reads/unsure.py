"""Copy the pictures whose readings are not trusted into a folder, for a person to look at."""

import io
import re
from collections import Counter
from itertools import count
from pathlib import Path, PurePosixPath

from PIL import Image

from ocr.cli.reads.rows import Row
from ocr.paths import whole
from ocr.reading.images import ImageError

# What Windows does not take in a file's name, and the names that are devices there.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class Copies:
    """A folder of copies. Creates it; raises OSError.

    count   how many pictures were to be copied
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.count = folder, 0
        self._used: Counter[PurePosixPath] = Counter()

    def add(self, row: Row) -> None:
        """Copy a row's picture where it was opened and is not trusted. Raises OSError."""
        if row.trusted or row.result.reading is None:
            return
        try:
            data = row.found.read()
        except ImageError:  # it has gone since
            return
        name = safe_name(row.found.name)
        if isinstance(data, Image.Image):  # a page of a PDF
            data, name = _png(data), f"{name}.png"
        self.count += 1
        self._write(PurePosixPath(name), data)

    def _write(self, name: PurePosixPath, data: bytes) -> None:
        """Write a file; another picture of that name gets a number, the same one is kept."""
        for number in count(1):
            path = self.folder / (
                name if number == 1 else name.with_stem(f"{name.stem} ({number})")
            )
            if not path.exists():
                with whole(path) as part:
                    part.write_bytes(data)
                return
            if path.read_bytes() == data:
                return


def safe_name(name: str) -> str:
    """Make of a picture's name (with "/") a file's name that every system takes."""
    last = FORBIDDEN.sub("_", PurePosixPath(name).name).rstrip(". ")
    last = last.encode("utf-8", "replace").decode().replace("?", "_")
    return f"_{last}" if DEVICE.fullmatch(last) else last.lstrip("-") or "picture"


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()
