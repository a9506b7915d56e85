"""Read tables of labels: CSV in the dialects of spreadsheets, and workbooks (.xlsx)."""

import csv
import datetime
import io
import re
import shlex
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ocr.reading.files import Found, from_cell
from ocr.reading.images import ImageError

READINGS = ("path", "text")  # columns of what `ocr read` writes
ENDINGS = (".csv", ".tsv", ".xlsx")
NAMED = ("labels.csv", "labels.tsv", "labels.xlsx")  # tables of labels; the first one counts
OTHERS = 20  # tables of other names in a folder; where there are more, none is looked at
MOST = 64 << 20  # bytes that a workbook may have when it is unpacked


class DataError(ValueError):
    """Data that cannot be trained on; the message is one line: what is wrong, what to do."""


class Columns(NamedTuple):
    """Which columns of a table hold the file names and the labels, and how labels are made alike.

    file, label  "": by their names, see `parse_table`
    case         "lower" or "upper": labels are written so
    strip        take white space out of labels
    """

    file: str = ""
    label: str = ""
    case: str | None = None
    strip: bool = False

    def alike(self, label: str) -> str:
        """Write a label as all are written."""
        label = "".join(label.split()) if self.strip else label
        return {"lower": label.lower(), "upper": label.upper()}.get(self.case or "", label)


class Table(NamedTuple):
    """A table of labels.

    rows     {file: label}
    columns  names of its columns
    used     those of the file names and the labels
    notes    what a person should know about it, a sentence each
    """

    rows: dict[str, str]
    columns: list[str]
    used: tuple[str, str]
    notes: list[str]


def clean(label: str) -> str:
    """Normalise a label: compose Unicode (macOS decomposes file names), strip white space."""
    return unicodedata.normalize("NFC", label).strip()


def parse_table(
    data: bytes, name: str, columns: Sequence | None = None
) -> tuple[dict[str, str], list[str]]:
    """Parse a table of labels: ({file: label}, names of its columns), see `parse`."""
    table = parse(data, name, columns)
    return table.rows, table.columns


def parse(data: bytes, name: str, columns: Sequence | None = None) -> Table:
    """Parse a table of labels. Raises DataError.

    name ends in .xlsx for a workbook, whose first sheet counts; else it is text whose fields are
    separated by commas, semicolons or tabs; a BOM and spaces around fields are allowed. Readings as
    `ocr read` writes them have the columns path and text. columns: see `Columns`, for a table that
    does not call them file and label.
    """
    (first, *rows), odd = read_rows(data, name)
    there = [column.strip().lower() for column in first]
    own = tuple(column.strip().lower() for column in Columns(*(columns or ()))[:2])
    wanted = [own, ("file", "label"), READINGS] if all(own) else [("file", "label"), READINGS]
    known = next((pair for pair in wanted if set(pair) <= set(there)), None)
    if known is None:
        raise DataError(
            f"{name}: the first line must name the columns {','.join(wanted[0])}, "
            f"not {','.join(first)[:60]!r}: say which they are, as --columns file=Name,label=Text"
        )
    file, label = map(there.index, known)
    rows = [row for row in rows if len(row) > max(file, label)]
    if known == READINGS:
        rows = [list(map(from_cell, row)) for row in rows]
    labels = {
        row[file].strip().replace("\\", "/").removeprefix("./"): clean(row[label]) for row in rows
    }
    used = first[file].strip(), first[label].strip()
    return Table(labels, [column.strip() for column in first], used, _notes(odd, label, name))


def _notes(odd: Counter[tuple[str, int]], label: int, name: str) -> list[str]:
    """Say what a spreadsheet made of the labels. Raises DataError where it made dates of them."""
    if count := odd["date", label]:
        raise DataError(
            f"{name}: {count:,} labels are dates to the spreadsheet: format the column as text, "
            "and write them again"
        )
    if count := odd["number", label]:
        return [
            f"{name}: {count:,} labels are numbers to the spreadsheet, which drops noughts (0042, "
            "1.50): format the column as text if yours have them"
        ]
    return []


# --- which of the tables in a folder


def choose(found: list[Found], columns: Sequence | None = None) -> tuple[Found, Table] | None:
    """Choose the table of labels among those of a folder, and parse it.

    That is labels.csv, .tsv or .xlsx, else the only other one with the columns of labels. Raises
    DataError.
    """
    by_name = {PurePosixPath(each.name).name.lower(): each for each in reversed(found)}
    for name in NAMED:
        if name in by_name:
            return by_name[name], _parsed(by_name[name], columns)
    fits = []
    for each in found if len(found) <= OTHERS else ():
        with suppress(DataError):
            fits.append((each, _parsed(each, columns)))
    fits = [(each, table) for each, table in fits if not _is(READINGS, table)]
    if len(fits) > 1:
        first, second = fits[0][0].name, PurePosixPath(fits[1][0].name).name
        raise DataError(
            f"{first} and {second} both have the columns {','.join(fits[0][1].used)}: call the one "
            "with the labels labels.csv or labels.xlsx"
        )
    return fits[0] if fits else None


def _is(pair: tuple[str, str], table: Table) -> bool:
    return tuple(map(str.lower, table.used)) == pair


def _parsed(found: Found, columns: Sequence | None) -> Table:
    try:
        return parse(found.read(), found.name, columns)
    except ImageError as error:
        raise DataError(f"{found.name}: {error}") from None


def advice(found: list[Found], images: Collection[str]) -> str | None:
    """Say how to take labels from a table whose columns have other names; None: there is none.

    images: their names, relative to the table's folder. A table is one of labels where one of its
    columns names at least half as many of these images as it has rows.
    """
    stems = {*images, *(image.rpartition(".")[0] for image in images)}
    for each in found if len(found) <= OTHERS else ():
        try:
            (first, *rows), _ = read_rows(each.read(), each.name)
        except (DataError, ImageError):
            continue
        names = [column.strip() for column in first]
        if set(READINGS) <= set(map(str.lower, names)):
            continue
        counts = [
            sum(row[k : k + 1] != [] and row[k] in stems for row in rows) for k in range(len(names))
        ]
        best = max(counts, default=0)
        if rows and best * 2 >= len(rows):
            file = names[counts.index(best)]
            others = [name for name in names if name != file]
            listed = ", ".join(map(repr, others[:8]))
            example = f"file={file},label={others[0] if len(others) == 1 else 'NAME'}"
            return (
                f"{each.name}: its column {file!r} names the images; to take the labels from "
                f"{listed}: --columns {shlex.quote(example)}"
            )
    return None


def column_names(found: list[Found]) -> str:
    """Name the columns of the first table that can be read: "a.csv has 'x', 'y'", else ""."""
    for each in found:
        with suppress(DataError, ImageError):
            (first, *_), _ = read_rows(each.read(), each.name)
            return f"{each.name} has {', '.join(repr(name.strip()) for name in first[:8])}"
    return ""


# --- cells


def read_rows(data: bytes, name: str) -> tuple[list[list[str]], Counter[tuple[str, int]]]:
    """Read the rows of a table as texts. Raises DataError.

    Also counts the cells of a workbook that are a ("number" or "date", in column k).
    """
    return (
        _workbook(data, name) if name.lower().endswith(".xlsx") else (_text(data, name), Counter())
    )


def _text(data: bytes, name: str) -> list[list[str]]:
    try:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # what Excel calls Unicode text
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name}: not UTF-8 text: save it as CSV UTF-8") from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries write semicolons
    try:
        rows = list(csv.reader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"{name}: not a table that can be read ({error})") from None
    if not rows:
        raise DataError(f"{name}: not a table that can be read (it has no line)")
    return rows


def _workbook(data: bytes, name: str) -> tuple[list[list[str]], Counter[tuple[str, int]]]:
    try:
        import openpyxl  # takes 0.2 s
    except ModuleNotFoundError:
        raise DataError(
            f'{name}: needs the extra "train": pip install "ocr-readers[train]"'
        ) from None
    rows, odd = [], Counter[tuple[str, int]]()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST:
            raise ValueError(f"it unpacks to more than {MOST >> 20} MiB")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows():
            cells = [_cell(cell.value, getattr(cell, "number_format", "General")) for cell in row]
            if any(text for text, _ in cells):
                rows.append([text for text, _ in cells])
                odd.update((what, k) for k, (_, what) in enumerate(cells) if what)
    except Exception as error:  # of zip, XML, missing parts: many kinds
        reason = f"{error}".partition("\n")[0][:80]
        raise DataError(
            f"{name}: not a workbook that can be read ({reason}): save it as CSV UTF-8"
        ) from None
    if not rows:
        raise DataError(f"{name}: its first sheet is empty: the labels must be there")
    return rows, odd


def _cell(value: Any, shape: str) -> tuple[str, str]:
    """Write a cell as the spreadsheet shows it, 0042 and 1.50 where its format says so.

    And say whether it is a "number" without a format, a "date", or neither: "".
    """
    if isinstance(value, (datetime.date, datetime.time)):
        return str(value), "date"
    if type(value) not in (int, float):
        return "" if value is None else str(value), ""
    if places := re.fullmatch(r"(0+)(?:\.(0+))?", shape):
        decimals = len(places[2] or "")
        return f"{value:0{len(places[1]) + decimals + bool(decimals)}.{decimals}f}", ""
    return str(int(value)) if value == int(value) else repr(value), "number"


def is_table(name: str) -> bool:
    """Does a file's name end as a table's, and is it none that a spreadsheet keeps while open?"""
    return name.lower().endswith(ENDINGS) and not name.rpartition("/")[2].startswith("~$")
