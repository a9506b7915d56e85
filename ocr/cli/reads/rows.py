"""A row of what `ocr read` writes: a picture, its result, and the columns of all tables."""

from collections.abc import Iterator
from typing import NamedTuple

from ocr.reading.bulk import Result
from ocr.reading.files import Found

COLUMNS = ("path", "text", "confidence", "trusted", "error")
Cell = str | float | bool | None


class Row(NamedTuple):
    """A picture and its result."""

    found: Found
    result: Result

    def named(self, name: str) -> "Row":
        """Give the row another name of its picture."""
        return Row(self.found, self.result._replace(name=name))

    @property
    def confidence(self) -> float:
        """Give the confidence of its reading; below 0 where it could not be opened."""
        return -1.0 if self.result.reading is None else self.result.reading.confidence

    @property
    def read(self) -> bool:
        """Has it a text?"""
        return self.result.reading is not None and self.result.error is None

    @property
    def trusted(self) -> bool:
        """Has it a text that may be trusted?"""
        return self.read and self.result.reading.trusted  # type: ignore[union-attr]

    @property
    def others(self) -> tuple[tuple[str, float], ...]:
        """Give the alternatives to its text, (text, confidence), best first."""
        reading = self.result.reading
        return () if reading is None else reading.alternatives[1:]


def columns(top: int) -> list[str]:
    """Name the columns of a table with `top` texts a picture: text_2, confidence_2 and so on."""
    others = [f"{name}_{k}" for k in range(2, top + 1) for name in ("text", "confidence")]
    return [*COLUMNS, *others]


def cells(row: Row, top: int) -> list[Cell]:
    """Make the cells of a row, for `columns`; None where there is nothing."""
    name, reading, error, _ = row.result
    read: tuple = (None, None, None)
    if reading is not None:
        read = reading.text, reading.confidence, reading.trusted
    others = [each for pair in row.others for each in pair]
    return [name, *read, error, *others, *[None] * (2 * (top - 1) - len(others))]


def shown(row: Row, top: int) -> Iterator[str]:
    """Format the cells of a row as texts."""
    for cell in cells(row, top):
        if cell is None or isinstance(cell, str):
            yield cell or ""
        elif isinstance(cell, bool):
            yield str(cell).lower()
        else:
            yield f"{cell:.6f}"
