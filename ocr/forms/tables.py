"""Tables of forms: CSV and XLSX, written whole from the rows."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from ocr.forms.journal import Row
from ocr.forms.template import Form
from ocr.paths import whole
from ocr.reading.files import no_formula

DOUBTFUL = "FFFFE699"  # the colour of cells that wait for a person


def columns(forms: Sequence[Form]) -> list[str]:
    """List a table's columns: file, form where there are several, fields, confidences, status."""
    names = list(dict.fromkeys(field.name for form in forms for field in form.fields))
    several = ["form"] if len(forms) > 1 else []
    confidences = [f"{name}_confidence" for name in names]
    return ["file", *several, *names, *confidences, "status"]


def _cells(row: Row, names: list[str]) -> Iterator[tuple[str | float, bool]]:
    """Make the cells of a row, (value, is it doubtful?), for the columns."""
    for name in names:
        field = row["fields"].get(name.removesuffix("_confidence"))
        if name == "file":
            yield row["file"], False
        elif name in ("form", "status"):
            yield row[name] or "", False
        elif field is None:
            yield "", False
        elif name.endswith("_confidence"):
            yield round(field["confidence"], 4), False
        else:
            yield field["text"], not field["accepted"]


def write_csv(rows: Iterable[Row], forms: Sequence[Form], out: Path) -> None:
    """Write a CSV with a byte order mark, by which Excel knows that it is UTF-8.

    Cells that a spreadsheet would take for a formula get an apostrophe, see `no_formula`.
    """
    names = columns(forms)
    with whole(out) as part, open(part, "w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(names)
        for row in rows:
            table.writerow(no_formula(str(value)) for value, _ in _cells(row, names))


def write_xlsx(rows: Iterable[Row], forms: Sequence[Form], out: Path) -> None:
    """Write a workbook; texts are texts, so that 007 stays 007, doubtful ones are yellow."""
    names = columns(forms)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("forms")
    sheet.freeze_panes = "B2"
    sheet.append(names)
    yellow = openpyxl.styles.PatternFill("solid", start_color=DOUBTFUL)
    for row in rows:
        made = []
        for value, doubtful in _cells(row, names):
            clean = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
            cell = WriteOnlyCell(sheet, clean)
            if isinstance(value, str):
                cell.data_type = "s"
            if doubtful:
                cell.fill = yellow
            made.append(cell)
        sheet.append(made)
    with whole(out) as part:
        book.save(part)


WRITERS: dict[str, Callable[[Iterable[Row], Sequence[Form], Path], None]] = {
    ".csv": write_csv,
    ".xlsx": write_xlsx,
}
