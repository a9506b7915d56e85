"""The journal: every answer, appended and synchronised to disk before the next image shows.

One JSON object a line, see `Entry`. Nothing in it is ever changed, so it is also the history.
"""

import errno
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

NAME = ".labels.journal"
LABELLED, SKIPPED, UNREADABLE, UNDONE = "labelled", "skipped", "unreadable", "undone"
STATES = (LABELLED, SKIPPED, UNREADABLE, UNDONE)
CLOSED = "closed"  # the end of a session, no answer
PAGE, TABLE = "page", "table"  # where an answer comes from: a person here, or an edited labels.csv


@dataclass(frozen=True)
class Entry:
    """An answer about one image.

    number  counts the entries of a journal, from 1
    state   one of STATES; "undone": as if there had never been an answer
    label   of a labelled image
    gold    may this label only be used for scoring, never for training?
    undo    the number of the entry that this one takes back, 0 if none
    table   digest of labels.csv with this answer in it, which is written next
    base    the number of the last entry that labels.csv is known to hold
    action  the number of the answer that counts: of an undo, of the answer that it restored
    before  the answer that counted before this one; neither is written down
    """

    number: int
    file: str
    state: str
    label: str = ""
    gold: bool = False
    source: str = PAGE
    undo: int = 0
    table: str = ""
    base: int = 0
    time: str = ""
    action: int = field(default=0, compare=False)
    before: "Entry | None" = field(default=None, compare=False, repr=False)

    def line(self) -> bytes:
        """Format as a line of the journal; what is empty is left out."""
        names = ("number", "time", "file", "state", "label", "gold", "undo", "table", "base")
        row: dict[str, Any] = {name: getattr(self, name) for name in names}
        row = {name: value for name, value in row.items() if value or name == "file"}
        if self.source != PAGE:
            row["source"] = self.source
        return (json.dumps(row, ensure_ascii=False) + "\n").encode()


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03}Z"


class Journal:
    """An append-only file of entries. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path):
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(path, flags, 0o644)

    def replay(self) -> list[Entry]:
        """Read all entries; a torn last line, of an answer never acknowledged, is cut off."""
        data = self.path.read_bytes()
        entries, end = [], 0
        for line in data.splitlines(keepends=True):
            entry = _parse(line)
            if entry is not None:
                entries.append(entry)
            elif end + len(line) >= len(data):
                break
            end += len(line)
        if end < len(data):
            os.ftruncate(self._file, end)
        return entries

    def append(self, entries: Iterable[Entry]) -> None:
        """Append entries and wait until they are on disk: all of them, or none and OSError."""
        data = b"".join(entry.line() for entry in entries)
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, data) < len(data):
                raise OSError(errno.ENOSPC, "a full disk took a part of it")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _parse(line: bytes) -> Entry | None:
    """Parse a line; None where it is torn or damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None


class History:
    """What the entries of a journal amount to: the last one of each image, and the labels.

    last    {file: its last entry}
    labels  {file: label}, in the order in which they were given
    number  of the last entry
    actions the person's answers that have not been taken back, {number: entry}
    """

    def __init__(self, entries: Iterable[Entry] = ()):
        self.last: dict[str, Entry] = {}
        self.labels: dict[str, str] = {}
        self.number = 0
        self.actions: dict[int, Entry] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Add an entry."""
        self.number = entry.number
        if entry.state == CLOSED:
            return
        before, action = self.last.get(entry.file), entry.number
        if entry.undo:  # it stands for the answer before the one that is taken back
            restored = before.before if before else None
            action = restored.action if restored else 0
            before = restored.before if restored else None
            self.actions.pop(entry.undo, None)
        elif entry.source == PAGE:
            self.actions[entry.number] = entry
        entry = replace(entry, action=action, before=before)
        self.last[entry.file] = entry
        if entry.state == LABELLED:
            self.labels[entry.file] = entry.label
        else:
            self.labels.pop(entry.file, None)
