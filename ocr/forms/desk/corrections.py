"""Corrections: what a person said about fields, appended beside the rows that were read.

Beside rows.jsonl, rows.corrections.jsonl has one JSON object a line, see `Correction`; nothing in
either is ever changed. Tables are made of both.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from ocr.forms.journal import Row, repair, rows_of
from ocr.forms.rules import FormError, Rule, value_of
from ocr.forms.template import Form

ANSWERED, UNREADABLE, UNDONE = "answered", "unreadable", "undone"
STATES = (ANSWERED, UNREADABLE, UNDONE)
NOBODY = "nobody can read it"


@dataclass(frozen=True)
class Correction:
    """What a person said about a field: its text, that nobody can read it, or a step back.

    read: what was read; the same as `text` where the person agreed.
    """

    file: str
    field: str
    state: str
    text: str
    read: str
    time: str = ""


class Corrections:
    """The corrections of a file of rows, those that count: {(file, field): correction}.

    A line that a killed process left unfinished is removed. Raises FormError, OSError.
    """

    def __init__(self, rows: Path):
        self.path = path_of(rows)
        self.current: dict[tuple[str, str], Correction] = {}
        self.path.touch()
        repair(self.path)
        for correction in _read(self.path):
            self._take(correction)

    def _take(self, correction: Correction) -> None:
        key = correction.file, correction.field
        self.current.pop(key, None)
        if correction.state != UNDONE:
            self.current[key] = correction

    def append(self, correction: Correction) -> None:
        """Write a correction, and have it on disk. Raises OSError."""
        stamped = asdict(correction) | {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        line = json.dumps(stamped, ensure_ascii=False) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(file).st_size
            data = line.encode()
            try:
                if os.write(file, data) < len(data):
                    raise OSError("a full disk took a part of it")
                os.fsync(file)
            except OSError:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)
        self._take(correction)


def path_of(rows: Path) -> Path:
    """Name the file of corrections beside a file of rows."""
    return rows.with_suffix(".corrections.jsonl")


def _read(path: Path) -> Iterator[Correction]:
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                made = Correction(**json.loads(line))
                assert made.state in STATES and isinstance(made.text, str)
            except (ValueError, TypeError, AssertionError):
                raise FormError(f"{path}:{number}: no correction: remove this line") from None
            yield made


def corrected(rows: Path, forms: Sequence[Form]) -> Iterator[Row]:
    """Read the rows of a file with the corrections beside it. Raises FormError, OSError."""
    if not path_of(rows).exists():
        yield from rows_of(rows)
        return
    corrections, known = Corrections(rows), {form.name: form for form in forms}
    for row in rows_of(rows):
        yield apply(row, known.get(row["form"] or ""), corrections.current)


def apply(row: Row, form: Form | None, current: Mapping[tuple[str, str], Correction]) -> Row:
    """Correct a row: answered fields are certain, rules are looked at again, so is the status."""
    fields = {name: dict(each) for name, each in row["fields"].items()}
    said = {name: current[row["file"], name] for name in fields if (row["file"], name) in current}
    if not said or form is None:
        return row
    for name, correction in said.items():
        answer = correction.state == ANSWERED
        fields[name] |= {
            "text": correction.text,
            "confidence": 1.0 if answer else 0.0,
            "accepted": answer,
            "problem": None if answer else NOBODY,
            "read": correction.read,
        }
    for rule in form.rules:
        if any(name in said for name in rule.names):
            _look_again(rule, form, fields, said)
    sure = all(each["accepted"] for each in fields.values())
    return row | {"fields": fields, "status": "read" if sure else "check"}


def _look_again(rule: Rule, form: Form, fields: dict[str, dict], said: Mapping) -> None:
    """Flag the fields of a rule that a person has not seen where it is broken; clear them else."""
    values: dict[str, Decimal | None] = {}
    for name in rule.names:
        each = form.field(name)
        values[name] = value_of(fields[name]["text"], each.type, each.format)
    known = {name: value for name, value in values.items() if value is not None}
    holds = len(known) < len(values) or rule.holds(known)
    problem = f"rule {rule.text}"
    for name in set(rule.names) - set(said):
        found = fields[name]
        if holds and found["problem"] == problem:
            found |= {"problem": None, "accepted": found["confidence"] >= form.accept}
        elif not holds and found["problem"] is None:
            found |= {"problem": problem, "accepted": False}
