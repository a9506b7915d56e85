"""Rows of forms, one JSON object a line: appended page by page, continued after any stop."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ocr.forms.pages import Page
from ocr.forms.reading import FormReader, PageReading
from ocr.forms.rules import FormError
from ocr.locks import Lock

Row = dict[str, Any]
REFUSED = "refused: "


class Journal:
    """The rows of a file, JSON lines; `done` holds the names of its pages.

    A line that a killed process left unfinished is removed. Raises FormError where the rows were
    made with other forms, or the file cannot be written, and locks.Busy where another process
    writes it.
    """

    def __init__(self, path: Path, versions: dict[str, str]):
        self.path, self._versions = path, versions
        self.done: set[str] = set()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = lock_rows(path)
            try:
                path.touch()
                repair(path)
                for row in rows_of(path):
                    self._check(row)
                    self.done.add(row["file"])
                self._file = path.open("a", encoding="utf-8")
            except BaseException:
                self._lock.remove()
                raise
        except OSError as error:
            raise FormError(f"{path}: cannot be written ({error.strerror or error})") from None

    def _check(self, row: Row) -> None:
        if row.get("forms") != self._versions:
            raise FormError(
                f"{self.path}: has rows of other forms, or of another edition of them: give "
                "another --out, or delete it"
            )

    def append(self, row: Row) -> None:
        """Write a row, and have it on disk."""
        self._file.write(json.dumps(row | {"forms": self._versions}, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done.add(row["file"])

    def close(self) -> None:
        """Close the file, and let others write it."""
        self._file.close()
        self._lock.remove()


def lock_rows(path: Path) -> Lock:
    """Lock a file of rows, and its tables, against other processes. Raises locks.Busy, OSError."""
    return Lock(path.with_name(f".{path.name}.lock"), f"{path}: is being written already")


def repair(path: Path) -> None:
    """Cut off what follows the end of a file's last line."""
    with open(path, "rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 2**16)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        file.truncate(end)


def rows_of(path: Path) -> Iterator[Row]:
    """Read the rows of a file one by one. Raises FormError for a line that is no row."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
                assert isinstance(row["file"], str) and isinstance(row["fields"], dict)
            except (ValueError, KeyError, TypeError, AssertionError):
                raise FormError(f"{path}:{number}: no row of a form: give another --out") from None
            yield row


def versions(reader: FormReader) -> dict[str, str]:
    """Map the names of a reader's forms to the digests of their templates."""
    return {t.form.name: t.form.version for t in reader.aligner.templates}


def row_of(name: str, page: PageReading) -> Row:
    """Make the row of a page that was read."""
    fields = {
        each.field.name: {
            "text": each.text,
            "confidence": round(each.confidence, 6),
            "accepted": page.accepted(each),
            "box": each.corners,
            "alternatives": [[text, round(p, 6)] for text, p in each.alternatives],
            "problem": each.problem,
        }
        for each in page.fields
    }
    fit = round(page.aligned.fit, 3)
    return {
        "file": name,
        "form": page.form.name,
        "template": page.form.path.as_posix(),
        "status": page.status,
        "fit": fit,
        "fields": fields,
    }


def refused_row(name: str, why: str) -> Row:
    """Make the row of a page that was not read."""
    return {"file": name, "form": None, "status": f"{REFUSED}{why}", "fit": 0.0, "fields": {}}


def left_over(pages: Iterable[Page], done: set[str]) -> Iterator[Page]:
    """Yield the pages that are not done; a page that is listed twice comes once."""
    for page in pages:
        if page.name not in done:
            yield page
