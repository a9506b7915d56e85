"""What a person has answered, safe on disk: a journal and labels.csv, see journal.py and table.py.

The journal is the truth, and labels.csv is written after it. At the start, and before each answer,
changes that others made in labels.csv are taken over into the journal.
"""

import contextlib
import errno
import threading
from dataclasses import replace
from pathlib import Path

from ocr.datasets.labels import DataError
from ocr.labelling import journal
from ocr.labelling.journal import CLOSED, LABELLED, TABLE, UNDONE, Entry, History, Journal
from ocr.labelling.table import Table, changes, digest, render, row, same_number
from ocr.locks import Lock

LOCK = ".labels.lock"
FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "the disk is full: free some space, then answer again; nothing given so far is lost"


class Conflict(RuntimeError):
    """An answer given on an old view; `entry` is the image's last entry now, None for none."""

    def __init__(self, entry: Entry | None):
        super().__init__("this image was answered elsewhere in the meantime")
        self.entry = entry


class StoreError(RuntimeError):
    """An answer that could not be kept; the message is one line for the person."""


class Store:
    """The labels of a folder. Threads may share one; one process at a time holds a folder.

    columns: of an existing labels.csv that does not call them file and label. Raises locks.Busy,
    DataError for a labels.csv that cannot be read, OSError for a folder that cannot be written.

    problem  one line about the disk or labels.csv, "" while all is well
    notices  lines about changes taken over from labels.csv
    full     is the disk full? Then no answer is taken until labels.csv can be written again
    """

    def __init__(self, folder: str | Path, columns: tuple[str, str] | None = None):
        self.folder = Path(folder)
        self.lock = Lock(self.folder / LOCK, f"{self.folder}: is being labelled already")
        self.problem, self.notices, self.full = "", list[str](), False
        self._mutex = threading.RLock()
        try:
            self.table = Table(self.folder, columns)
            self._journal = Journal(self.folder / journal.NAME)
            self._start(self._journal.replay())
        except BaseException:
            self.lock.release()
            raise

    def _start(self, entries: list[Entry]) -> None:
        """Rebuild the state from the journal and compare it with labels.csv."""
        self.history = History(entries)
        self._rows = {file: row(file, label) for file, label in self.history.labels.items()}
        self._base = entries[-1].base if entries else 0  # of the entries that labels.csv holds
        self._known = {entry.table for entry in entries if entry.number >= self._base}
        held = [entry for entry in entries if entry.number <= self._base]
        self._held = History(held).labels
        if not self.table.path.exists() and entries:
            self.notices.append(f"{self.table.path.name} was missing: written from the journal")
        else:
            self._take_over(starting=True)
        self._write_table()

    # --- state

    @property
    def labels(self) -> dict[str, str]:
        """A copy of {file: label}."""
        with self._mutex:
            return dict(self.history.labels)

    def last(self, file: str) -> Entry | None:
        """The last entry of an image, None for none."""
        return self.history.last.get(file)

    def seen(self, file: str) -> int:
        """The number of the last entry of an image, 0 for none."""
        entry = self.last(file)
        return entry.number if entry else 0

    def answered(self) -> dict[str, Entry]:
        """A copy of {file: last entry}, undone ones left out."""
        with self._mutex:
            last = self.history.last.items()
            return {file: entry for file, entry in last if entry.state != UNDONE}

    # --- answers

    def answer(
        self, file: str, state: str, label: str = "", *, seen: int = 0, gold: bool = False
    ) -> Entry:
        """Keep an answer; it is on disk when this returns.

        seen: the number of the image's last entry that the person had in view. Raises Conflict
        where there is a newer one, StoreError where the disk does not take it.
        """
        with self._mutex:
            self._refresh()
            if self.seen(file) != seen:
                raise Conflict(self.last(file))
            gold = gold and state == LABELLED
            return self._commit([Entry(0, file, state, label, gold)])

    def undo(self, action: int | None = None) -> Entry | None:
        """Take an answer back, by default the last one; None where there is nothing to take back.

        action: the number of the entry to take back. Raises Conflict where its image has been
        answered again since, and what `answer` raises.
        """
        with self._mutex:
            self._refresh()
            if action is None:
                action = next(reversed(self._open_actions()), None)
            target = self.history.actions.get(action or 0)
            if target is None:
                return None
            current = self.history.last[target.file]
            if current.action != target.number:
                raise Conflict(current)
            old = current.before or Entry(0, target.file, UNDONE)
            undone = Entry(0, old.file, old.state, old.label, old.gold, undo=target.number)
            return self._commit([undone])

    def _open_actions(self) -> list[int]:
        """List the numbers of the answers that can be taken back."""
        actions = self.history.actions.values()
        return [e.number for e in actions if self.history.last[e.file].action == e.number]

    def _refresh(self) -> None:
        """Before an answer: take over what others changed, and retry on a full disk."""
        if self.table.touched():
            self._take_over()
        if self.full:
            self._write_table()
        if self.full:
            raise StoreError(DISK_FULL)

    def _commit(self, entries: list[Entry]) -> Entry:
        """Append entries to the journal, then write labels.csv. Raises StoreError."""
        rows, number = dict(self._rows), self.history.number
        for entry in entries:
            if entry.state == LABELLED:
                rows[entry.file] = row(entry.file, entry.label)
            else:
                rows.pop(entry.file, None)
        data = render(rows.values())
        name = digest(data)
        entries = [
            replace(e, number=number + k, table=name, base=self._base, time=journal.now())
            for k, e in enumerate(entries, start=1)
        ]
        try:
            self._journal.append(entries)
        except OSError as error:
            if error.errno in FULL:
                self.full, self.problem = True, DISK_FULL
                raise StoreError(DISK_FULL) from None
            reason = error.strerror or str(error)
            raise StoreError(f"the journal cannot be written ({reason}): not saved") from None
        for entry in entries:
            self.history.add(entry)
        self._rows = rows
        self._known.add(name)
        self._write_table(data)
        return self.history.last[entries[-1].file]

    # --- labels.csv

    def _write_table(self, data: bytes | None = None) -> None:
        """Write labels.csv, or note in `problem` why it cannot be; the journal has it all."""
        if data is None:
            data = render(self._rows.values())
        name = self.table.path.name
        try:
            self.table.write(data)
        except OSError as error:
            self.full = error.errno in FULL
            self.problem = DISK_FULL
            if isinstance(error, PermissionError):
                self.problem = (
                    f"{name} is open in another program: labels are kept in {journal.NAME} and "
                    "written there when it is closed"
                )
            elif not self.full:
                reason = error.strerror or str(error)
                self.problem = f"{name} cannot be written ({reason}): labels are in {journal.NAME}"
            return
        self.full, self.problem = False, ""
        self._base, self._held = self.history.number, dict(self.history.labels)
        self._known = {digest(data)}

    def _take_over(self, starting: bool = False) -> None:
        """Take what others changed in labels.csv over into the journal.

        A table that cannot be understood raises DataError where labelling starts with it; later it
        is set aside and written anew.
        """
        name = self.table.path.name
        try:
            data = self.table.read_bytes()
        except OSError:  # held by another program: compared again before the next answer
            return
        if data is None or digest(data) in self._known:
            return
        try:
            theirs, other = self.table.parse(data)
        except DataError as error:
            if starting and not self.history.number:
                raise
            kept = self.table.set_aside(data, "edited")
            self.notices.append(f"{error}; kept as {kept}, {name} is written from the journal")
            return
        if other:
            self.notices.append(
                f"{name} had other columns: kept as {self.table.set_aside(data, 'original')}"
            )
        self._merge(theirs, data)

    def _merge(self, theirs: dict[str, str], data: bytes) -> None:
        """Journal the differences between a table edited by others and what it was."""
        name, labels = self.table.path.name, self.history.labels
        found = changes(self._held, labels, theirs)
        reformatted = [f for f, new in found.items() if same_number(labels.get(f, ""), new)]
        removed = [file for file, new in found.items() if not new and file in labels]
        if len(removed) > max(5, len(self._held) // 2):
            kept = self.table.set_aside(data, "edited")
            self.notices.append(
                f"{len(removed):,} of {len(self._held):,} labels were missing in {name}: not taken "
                f"over, the edited table is kept as {kept}"
            )
            return
        if reformatted:
            self.notices.append(
                f"{len(reformatted):,} numbers lost zeros in {name}, as spreadsheets do: such as "
                f"{labels[reformatted[0]]}, kept as they were"
            )
        entries = [
            Entry(0, file, LABELLED if new else UNDONE, new, self._is_gold(file), TABLE)
            for file, new in found.items()
            if file not in reformatted and (new or file in labels)
        ]
        if entries:
            self.notices.append(f"{len(entries):,} changes taken over from {name}")
            self._commit(entries)

    def _is_gold(self, file: str) -> bool:
        entry = self.last(file)
        return entry is not None and entry.gold

    def close(self) -> None:
        """Write labels.csv a last time, note the end of the session and release the folder."""
        with self._mutex:
            if self.table.touched():
                self._take_over()
            self._write_table()
            name, number = digest(render(self._rows.values())), self.history.number + 1
            end = Entry(number, "", CLOSED, table=name, base=self._base, time=journal.now())
            with contextlib.suppress(OSError):  # the next start compares with the entry before
                self._journal.append([end])
            self._journal.close()
            self.lock.release()
