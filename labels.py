"""The common ways people label images, read alike from a folder or a zip. No TensorFlow in here."""
from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import PurePosixPath

from images import EXTENSIONS, Found, ImageError


class DataError(ValueError):
    """Data that cannot be trained on; the message is one line that names the thing and the way out."""


def read_labels(files: list[Found]) -> tuple[dict[str, str], list[str]]:
    """Labels of the images among `files` as {name: label}, and the names that labels.csv lists but nobody has.

    The ways people label images, the first that a folder uses counts for all of its images:
    1. `labels.csv` there or in a folder above, with the columns file,label;  2. `x.png` beside `x.gt.txt`;
    3. `label_anything.png`, the label before the first `_`;  4. `label.png`. An image without a label is left out.
    """
    tables, texts, pictures = {}, {}, []
    for found in files:
        path = PurePosixPath(found.name)
        if path.name.lower() == "labels.csv":
            tables[path.parent] = _read_table(found)
        elif path.name.lower().endswith(".gt.txt"):
            texts[path.parent / path.name[:-7]] = _read_text(found)
        elif path.suffix.lower() in EXTENSIONS:
            pictures.append(path)
    text_folders = {stem.parent for stem in texts}
    labels = {}
    for path in pictures:
        table = next((folder for folder in path.parents if folder in tables), None)
        if table is not None:
            label = tables[table].get(path.relative_to(table).as_posix())
        elif path.parent in text_folders:
            label = texts.get(path.with_suffix(""))
        else:
            label = clean(path.stem.split("_")[0])
        if label:
            labels[str(path)] = label
    known = {str(path) for path in pictures}
    listed = (str(folder / file) for folder, rows in tables.items() for file in rows)
    return labels, [name for name in listed if name not in known]


def clean(label: str) -> str:
    """Unicode in one form (macOS stores file names decomposed), no white space around."""
    return unicodedata.normalize("NFC", label).strip()


def _read_text(found: Found) -> str:
    """A label from its own file; empty, so that the image counts as unlabelled, where it cannot be read."""
    try:
        return clean(found.read().decode("utf-8-sig"))
    except (ImageError, UnicodeDecodeError):
        return ""


def _read_table(found: Found) -> dict[str, str]:
    try:
        text = found.read().decode("utf-8-sig")
    except ImageError as error:
        raise DataError(f"{found.name}: {error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{found.name}: not UTF-8 text: save it as CSV UTF-8") from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries write semicolons
    try:
        first, *rows = csv.reader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter)
    except (csv.Error, ValueError) as error:
        raise DataError(f"{found.name}: not a table that can be read ({error})") from None
    columns = [name.strip().lower() for name in first]
    if not {"file", "label"} <= set(columns):
        raise DataError(f"{found.name}: the first line must name the columns file,label, not {','.join(first)[:60]!r}")
    file, label = columns.index("file"), columns.index("label")
    return {row[file].strip().replace("\\", "/").removeprefix("./"): clean(row[label])
            for row in rows if len(row) > max(file, label)}
