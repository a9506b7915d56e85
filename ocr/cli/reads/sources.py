"""Where `ocr read` finds its pictures: paths, patterns, lists of paths, standard input, PDF."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from ocr.reading.files import Expand, Found, find_all, unreadable
from ocr.reading.images import MAX_BYTES, ImageError, open_image
from ocr.reading.parts import Box, parts

STDIN = "-"
HEIC = "HEIC is not read: save it as JPEG (an iPhone takes JPEG with Formats: Most Compatible)"
UNREAD = {  # files that people take for pictures, and what to do
    ".pdf": 'a PDF, which needs the extra "desk": pip install "ocr-readers[desk]"',
    ".heic": HEIC,
    ".heif": HEIC,
}


def listed(name: str) -> list[str]:
    """Read a list of paths, one a line, or with zero bytes between, from a file or `-`.

    UTF-8 or, with a byte order mark, UTF-16; bytes that are neither stay what they are. Raises
    OSError, also for a list larger than an image may be.
    """
    if name == STDIN:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with open(name, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(f"a list of more than {MAX_BYTES >> 20} MiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # as PowerShell writes it
        text = data.decode("utf-16", "replace")
    else:
        text = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf"))
    lines = text.split("\0") if "\0" in text else text.split("\n")
    return [line.removesuffix("\r") for line in lines if line.strip()]


def matching(paths: Iterable[str]) -> Iterator[str]:
    """Expand patterns such as `*.png` or `**/*.png`, which Windows' shell leaves to the program.

    A path that exists is taken as it is; a pattern that nothing matches stays.
    """
    for path in paths:
        if path == STDIN or os.path.lexists(path) or not glob.has_magic(path):
            yield path
        else:
            yield from sorted(glob.glob(path, recursive=True)) or [path]


class Sources:
    """The pictures of some paths, which may be listed again and again.

    paths     files, folders, zips, `-`
    passed    files that the latest listing has passed over, by extension
    split     are the lines of a picture, and the numbers of a line, pictures of their own?
    """

    def __init__(self, paths: Iterable[str], split: bool = False):
        self.paths, self.split = list(matching(paths)), split
        self.passed: Counter[str] = Counter()
        self._stdin = _standard_input() if STDIN in self.paths else None
        self._expand: dict[str, Expand] = {".pdf": _pdf} if find_spec("pypdfium2") else {}

    def __iter__(self) -> Iterator[Found]:
        for found in self._listed():
            yield from in_parts(found) if self.split else [found]

    def _listed(self) -> Iterator[Found]:
        self.passed.clear()
        for path in self.paths:
            extension = Path(path).suffix.lower()
            if path == STDIN and self._stdin is not None:
                yield self._stdin
            elif extension in UNREAD.keys() - self._expand and os.path.isfile(path):
                yield unreadable(path, UNREAD[extension])
            else:
                yield from find_all([path], self.passed, self._expand)

    def count(self) -> int:
        """List all pictures once, and count them, as whole ones."""
        return sum(1 for _ in self._listed())


def _standard_input() -> Found:
    """Take the picture that comes through standard input."""
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        return unreadable(STDIN, f"more than {MAX_BYTES >> 20} MiB: scale the image down first")
    return Found(STDIN, partial(bytes, data))


# --- parts of a picture


def in_parts(found: Found) -> Iterator[Found]:
    """List the lines of a picture and the numbers of each, a.png#1, a.png#2 ..., downwards.

    A picture with one of them, or that cannot be opened, stays as it is.
    """
    try:
        boxes = [box for line in parts(open_image(found.read())) for box in line]
    except ImageError:
        boxes = []
    if len(boxes) < 2:
        yield found
        return
    for number, box in enumerate(boxes, start=1):
        yield Found(f"{found.name}#{number}", partial(_cut, found, box))


def _cut(found: Found, box: Box):
    """Cut a part out of a picture. Raises ImageError."""
    return open_image(found.read()).crop(box)


# --- PDF


def _pdf(name: str) -> Iterator[Found]:
    """List the pages of a PDF file: scan.pdf, or scan.pdf#1, scan.pdf#2 ... of several."""
    from ocr.forms.pages import find_pages  # an install extra

    for number, page in enumerate(find_pages([name])):
        yield Found(page.name, partial(_page, name, number))


def _page(name: str, number: int):
    """Render a page of a PDF file, in any process. Raises ImageError."""
    from ocr.forms.pages import find_pages

    for page in islice(find_pages([name]), number, None):
        return page.open()
    raise ImageError("no longer in its PDF")
