"""The queue of fields that a person must see: most valuable first, corrections saved at once."""

import contextlib
import heapq
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ocr.forms.candidates import broken
from ocr.forms.desk.corrections import (
    ANSWERED,
    STATES,
    UNDONE,
    Correction,
    Corrections,
    apply,
    corrected,
)
from ocr.forms.journal import Row, lock_rows, rows_of
from ocr.forms.rules import FormError
from ocr.forms.tables import WRITERS
from ocr.forms.template import Form, load_form

BROKEN = 0.5  # value of a look at a field that breaks a rule, at least: one of two is wrong
LONGEST = 200  # characters of a field
COMING = 6  # fields sent ahead
SOON = 3.0  # seconds after an answer, when the table is written


class Refused(ValueError):
    """An answer that is not taken; the message is one line for the person."""


class Doubtful(Refused):
    """An answer that breaks a rule of its field: taken when it is given again."""


class Key(NamedTuple):
    """A field of a page: the row's number in the queue, the field's name."""

    row: int
    field: str


class Review:
    """The fields of a table that wait for a person, and what the person says.

    table: the rows.csv, .xlsx or .jsonl that `ocr form read` wrote. Raises FormError, locks.Busy,
    OSError.
    """

    def __init__(self, table: Path):
        self.table, self.path = table, table.with_suffix(".jsonl")
        if not self.path.is_file():
            raise FormError(f"{self.path}: no such file: give the rows that `ocr form read` wrote")
        self.forms = forms_of(self.path)
        self._lock = lock_rows(self.path)
        try:
            self.corrections = Corrections(self.path)
            known = {form.name: form for form in self.forms}
            waits = [row for row in rows_of(self.path) if row["status"] == "check"]
        except BaseException:
            self._lock.remove()
            raise
        self.rows = [(row, known[row["form"]]) for row in waits]
        self._numbers = {row["file"]: number for number, (row, _) in enumerate(self.rows)}
        self._mutex, self._writing = threading.RLock(), threading.Lock()
        self._timer: threading.Timer | None = None
        self._later: dict[Key, int] = {}
        self._given: list[Key] = []  # answers of this session, for undo
        self._waiting: dict[Key, float] = {}
        for number in range(len(self.rows)):
            self._weigh(number)

    def _weigh(self, number: int) -> None:
        """Compute again which fields of a page wait, and how valuable a look at each is."""
        row, fields = self.rows[number][0], self.page(number)["fields"]
        for name, each in fields.items():
            key = Key(number, name)
            self._waiting.pop(key, None)
            if not each["accepted"] and (row["file"], name) not in self.corrections.current:
                doubt = 1 - each["confidence"]
                self._waiting[key] = max(doubt, BROKEN) if each["problem"] else doubt

    def page(self, number: int) -> Row:
        """The row of a page with what a person has said about it."""
        row, form = self.rows[number]
        return apply(row, form, self.corrections.current)

    def state(self) -> dict[str, Any]:
        """Count the fields that wait, the pages they are on, and the answers given so far."""
        with self._mutex:
            answers = list(self.corrections.current.values())
            return {
                "waiting": len(self._waiting),
                "pages": len({key.row for key in self._waiting}),
                "answered": len(answers),
                "corrected": sum(each.text != each.read for each in answers),
            }

    def coming(self, count: int = COMING) -> list[dict[str, Any]]:
        """Describe the fields to ask for next, the most valuable first."""
        with self._mutex:
            order = lambda key: (self._later.get(key, 0), -self._waiting[key], key.row)
            return [self.item(key) for key in heapq.nsmallest(count, self._waiting, key=order)]

    def item(self, key: Key) -> dict[str, Any]:
        """Describe a field for the page."""
        row, form = self.rows[key.row]
        field, each = form.field(key.field), self.page(key.row)["fields"][key.field]
        return {
            "row": key.row,
            "field": key.field,
            "file": row["file"],
            "form": form.name,
            "text": each["text"],
            "read": each.get("read", each["text"]),
            "confidence": each["confidence"],
            "problem": each["problem"],
            "alternatives": [text for text, _ in each["alternatives"]],
            "ticks": field.is_check_box,
            "may": _may(form, key.field),
        }

    def answer(self, key: Key, state: str, text: str, again: bool) -> dict[str, Any]:
        """Keep what a person says about a field. Raises Refused, OSError.

        again: has the person given it a second time, though it breaks a rule?
        """
        with self._mutex:
            row, form = self._row(key)
            text = " ".join(text.split()) if state == ANSWERED else ""
            if state not in STATES or len(text) > LONGEST:
                raise Refused(f"give a text of at most {LONGEST} characters")
            if state == ANSWERED and not again:
                _check(form, key.field, text)
            read = row["fields"][key.field]["text"]
            self.corrections.append(Correction(row["file"], key.field, state, text, read))
            self._given.append(key)
            self._weigh(key.row)
            self._write_soon()
            return self.item(key)

    def later(self, key: Key) -> None:
        """Put a field off until the others have been asked for. Raises Refused."""
        with self._mutex:
            self._row(key)
            self._later[key] = self._later.get(key, 0) + 1

    def undo(self) -> dict[str, Any] | None:
        """Take back the last answer of this session; None where there is none. Raises OSError."""
        with self._mutex:
            if not self._given:
                return None
            key = self._given[-1]
            row, _ = self.rows[key.row]
            read = row["fields"][key.field]["text"]
            self.corrections.append(Correction(row["file"], key.field, UNDONE, "", read))
            self._given = [each for each in self._given[:-1] if each != key]
            self._weigh(key.row)
            self._write_soon()
            return self.item(key)

    def _row(self, key: Key) -> tuple[Row, Form]:
        """Look a field's row up. Raises Refused."""
        if not (0 <= key.row < len(self.rows)) or key.field not in self.rows[key.row][0]["fields"]:
            raise Refused("no such field: load this page again")
        return self.rows[key.row]

    def write(self) -> None:
        """Write the table with the corrections. Raises OSError."""
        writer = WRITERS.get(self.table.suffix.lower())
        with self._writing:
            if writer is not None:
                writer(corrected(self.path, self.forms), self.forms, self.table)

    def _write_soon(self) -> None:
        """Write the table in the background, once for the answers of some seconds."""
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(SOON, self._write_quietly)
            self._timer.daemon = True
            self._timer.start()

    def _write_quietly(self) -> None:
        with contextlib.suppress(OSError):  # the corrections are safe; `close` reports it
            self.write()

    def close(self) -> None:
        """Write the table and release the rows. Raises OSError."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            self.write()
        finally:
            self._lock.remove()


def _check(form: Form, name: str, text: str) -> None:
    """Raise Doubtful where a text breaks the rules of its field."""
    field = form.field(name)
    if field.is_check_box:
        if text not in ("0", "1"):
            raise Refused("give 1 for ticked, 0 for not ticked")
        return
    if not text:
        problem = "it must be filled in" if field.required else None
    elif field.lexicon and text not in field.lexicon:
        problem = "not in its lexicon"
    else:
        problem = broken(field, form.checks.get(name), text)
    if problem:
        raise Doubtful(f"{text or 'nothing'}: {problem}. Enter again if the form says so.")


def _may(form: Form, name: str) -> str:
    """Say what a field may hold."""
    field = form.field(name)
    if field.is_check_box:
        return "1 ticked, 0 not ticked"
    form_of = field.format or ("dd/mm/yyyy" if field.type == "date" else "")
    parts = [f"{field.type}, {form_of}" if form_of else field.type]
    parts += [f"pattern {field.pattern}"] if field.pattern else []
    parts += [f"check {field.check}"] if field.check else []
    parts += [f"{field.boxes} cells"] if field.boxes else []
    parts += [rule.text for rule in form.rules if name in rule.names]
    return ", ".join(part for part in parts if part)


def forms_of(rows: Path) -> list[Form]:
    """Load the templates that rows were read with. Raises FormError.

    They are looked for from this folder, then from that of the rows.
    """
    places: dict[str, str] = {}
    versions: dict[str, str] = {}
    for row in rows_of(rows):
        versions |= row.get("forms", {})
        if row["form"]:
            places.setdefault(row["form"], row.get("template", "form.json"))
    found = []
    for name, place in places.items():
        file = next(_existing(Path(place), rows), Path(place))
        form = load_form(file)
        if form.version != versions.get(name):
            raise FormError(f"{file}: was changed since {rows} was read: read the scans again")
        found.append(form)
    return found


def _existing(place: Path, rows: Path) -> Iterator[Path]:
    beside: Sequence[Path] = (place, rows.parent / place, rows.parent / place.name)
    return (file for file in beside if file.is_file())
