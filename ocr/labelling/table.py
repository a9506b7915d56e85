"""labels.csv: the table of a folder's labels, written whole, and read when others changed it."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

from ocr import paths
from ocr.datasets.labels import parse_table

NAME = "labels.csv"
HEADER = b"file,label\r\n"  # as spreadsheets end lines
BOM = b"\xef\xbb\xbf"  # without it Excel misreads what is not ASCII


class Table:
    """The file labels.csv of a folder (in whatever case its name is written there).

    columns: which columns of an existing table hold file and label, where it names them otherwise.
    """

    def __init__(self, folder: Path, columns: tuple[str, str] | None = None):
        there = [each for each in os.listdir(folder) if each.lower() == NAME]
        self.path = folder / min(there, default=NAME)
        self.columns = columns
        self._stamp: tuple[int, int, int] | None = None
        for part in folder.glob(f".{self.path.name}.*.part"):  # of a process that was killed
            part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Replace the file, whole or not at all. Raises OSError."""
        with paths.whole(self.path) as part:
            part.write_bytes(data)
        self._stamp = self._look()

    def touched(self) -> bool:
        """Has the file changed since it was last written or read here? It costs one `stat`."""
        return self._look() != self._stamp

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read_bytes(self) -> bytes | None:
        """Read the file; None where there is none. Raises OSError."""
        stamp = self._look()
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = None
        self._stamp = stamp
        return data

    def parse(self, data: bytes) -> tuple[dict[str, str], bool]:
        """Parse a table: ({file: label}, does it have more than our two columns?).

        Raises DataError where it does not have the columns, with the option that names them.
        """
        labels, columns = parse_table(data, self.path.name, self.columns)
        return {file: text for file, text in labels.items() if file}, set(
            map(str.lower, columns)
        ) != {"file", "label"}

    def set_aside(self, data: bytes, word: str) -> str:
        """Keep a copy of a table that is about to be replaced: labels.WORD.csv, the name."""
        number = 1
        while True:
            name = f"labels.{word}{'' if number == 1 else f'-{number}'}.csv"
            path = self.path.with_name(name)
            if not path.exists():
                path.write_bytes(data)
                return name
            if path.read_bytes() == data:
                return name
            number += 1


def row(file: str, label: str) -> bytes:
    """Format a row."""
    out = io.StringIO()
    csv.writer(out).writerow([file, label])
    return out.getvalue().encode()


def render(rows: Iterable[bytes]) -> bytes:
    """Format a table of rows."""
    body = b"".join(rows)
    return (b"" if body.isascii() else BOM) + HEADER + body


def digest(data: bytes) -> str:
    """Identify the content of a table."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def same_number(old: str, new: str) -> bool:
    """Is a changed label what spreadsheets make of a number (0042 -> 42, 1.50 -> 1.5)?"""
    try:
        return float(old) == float(new.replace(",", ".")) and (len(new) < len(old) or "E" in new)
    except ValueError:
        return False


def changes(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    """Compare three states of a table: {file: label} that others changed; "" where they removed it.

    base: what the others started from, ours: the labels now. Where both changed a label, theirs
    counts: whoever edits a table has both in view.
    """
    found = {}
    for file in {**base, **theirs}:
        old, new = base.get(file, ""), theirs.get(file, "")
        if new not in (old, ours.get(file, "")):
            found[file] = new
    return found
