"""What `ocr read` writes with an extra: workbooks with the pictures, and Parquet files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ocr.cli.reads.rows import COLUMNS, Row, cells, columns
from ocr.cli.reads.streams import CsvFile, Json, Text, Xml
from ocr.paths import whole
from ocr.reading.images import ImageError, open_image

PICTURES = 5_000  # that a workbook shows; more make it slow to open
SIZE = (180, 45)  # pixels of a picture in a workbook, at most
DOUBTFUL = "FFFFE699"  # the colour of readings that wait for a person
ROWS = 1_000  # of a Parquet file that are written together
MISSING = '{name} needs the extra "{extra}": pip install "ocr-readers[{extra}]"'


class Xlsx:
    """Write a workbook: texts are texts, so that 007 stays 007; doubtful ones are yellow.

    The picture is beside its text, of the first PICTURES rows.
    """

    def __init__(self, path: Path, prog: str, top: int = 1):
        import openpyxl  # an install extra

        self.path, self.top, self.rows = path, top, 1
        self.book = openpyxl.Workbook(write_only=True)
        self.sheet = self.book.create_sheet("readings")
        self.sheet.freeze_panes = "A2"
        for column, width in zip("ABCDEF", (40, 26, 20, 12, 10, 30)):
            self.sheet.column_dimensions[column].width = width
        first, *others = columns(top)
        self.sheet.append([first, "picture", *others])
        self.yellow = openpyxl.styles.PatternFill("solid", start_color=DOUBTFUL)

    def write(self, row: Row) -> None:
        self.rows += 1
        picture = _thumbnail(row) if self.rows <= PICTURES + 1 else None
        if picture is not None:
            self.sheet.row_dimensions[self.rows].height = 36
            self._show(picture)
        name, text, *others = cells(row, self.top)
        made = [self._cell(each) for each in (name, None, text, *others)]
        if not row.trusted:
            made[2].fill = self.yellow
        self.sheet.append(made)

    def _show(self, picture: io.BytesIO) -> None:
        from openpyxl.drawing.image import Image

        shown = Image(picture)
        shown.anchor = f"B{self.rows}"
        self.sheet.add_image(shown)

    def _cell(self, value) -> Any:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        if not isinstance(value, str):
            return WriteOnlyCell(self.sheet, round(value, 6) if type(value) is float else value)
        cell = WriteOnlyCell(self.sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type, cell.number_format = "s", "@"  # a text, also when it is edited
        return cell

    def close(self) -> None:
        self.book.save(self.path)


def _thumbnail(row: Row) -> io.BytesIO | None:
    """Make a small JPEG of a row's picture; None where it cannot be opened."""
    try:
        picture = open_image(row.found.read())
    except ImageError:
        return None
    picture.thumbnail(SIZE)
    out = io.BytesIO()
    picture.save(out, "jpeg", quality=85)  # a third of the bytes of a PNG
    out.seek(0)
    return out


class Parquet:
    """Write a Parquet file with the columns of an archive's results."""

    def __init__(self, path: Path, prog: str, top: int = 1):
        import pyarrow  # an install extra
        from pyarrow import parquet

        text, number, flag = pyarrow.string(), pyarrow.float32(), pyarrow.bool_()
        kinds = [text, text, number, flag, text] + [text, number] * (top - 1)
        assert len(COLUMNS) == 5
        self.schema = pyarrow.schema(list(zip(columns(top), kinds)))
        self.file, self.top = parquet.ParquetWriter(path, self.schema), top
        self.rows: list[list] = []

    def write(self, row: Row) -> None:
        self.rows.append(cells(row, self.top))
        if len(self.rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        rows = [dict(zip(self.schema.names, row)) for row in self.rows]
        self.file.write_table(pyarrow.Table.from_pylist(rows, self.schema))
        self.rows.clear()

    def close(self) -> None:
        self._flush()
        self.file.close()


Writer = Text | Xlsx | Parquet


@contextmanager
def _streamed(kind: type[Text], path: Path, prog: str, top: int) -> Iterator[Writer]:
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = kind(file, prog, top)
        yield writer
        writer.close()


@contextmanager
def _made(kind: type[Xlsx] | type[Parquet], path: Path, prog: str, top: int) -> Iterator[Writer]:
    path.touch()  # a folder that cannot be written to is told before the reading, not after it
    writer = kind(path, prog, top)
    yield writer
    writer.close()


FILES = {
    ".csv": partial(_streamed, CsvFile),
    ".jsonl": partial(_streamed, Json),
    ".xml": partial(_streamed, Xml),
    ".xlsx": partial(_made, Xlsx),
    ".parquet": partial(_made, Parquet),
}
EXTRAS = {".xlsx": ("openpyxl", "desk"), ".parquet": ("pyarrow", "scale")}


def problem(out: Path) -> str | None:
    """Say why a file cannot be written, in one line; None where it can."""
    suffix = out.suffix.lower()
    if suffix not in FILES:
        *most, last = FILES
        return f"{out}: give a name that ends in {', '.join(most)} or {last}"
    module, extra = EXTRAS.get(suffix, ("csv", ""))
    if find_spec(module) is None:
        return MISSING.format(name=out, extra=extra)
    if out.is_dir():
        return f"{out} is a folder: give the name of a file"
    try:
        if out.exists():
            open(out, "ab").close()
    except OSError as error:  # Excel keeps what it shows for itself
        return f"{out}: cannot be written ({error.strerror}): close it where it is open"
    return None


@contextmanager
def file_writer(out: Path, prog: str, top: int) -> Iterator[Writer]:
    """Write a file, by its ending; it takes its place when all is written. Raises OSError."""
    with whole(out) as part, FILES[out.suffix.lower()](part, prog, top) as writer:
        yield writer
