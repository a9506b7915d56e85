"""Read the labels of images, in any of the layouts people use, from a folder or zip.

`LAYOUTS` lists the layouts; to add one, write a function and add it there (and to data/README.md).
"""

import csv
import io
import os
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath, PurePosixPath

from ocr.reading.files import Found, find_images, from_cell
from ocr.reading.images import ImageError

# the classes of EMNIST byclass, in its order
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HEX = {f"{ord(c):02x}": c for c in CLASSES}  # folder names in NIST's own edition

READINGS = ("path", "text")  # columns of what `ocr read` writes
Columns = tuple[str, str]  # of a table: those that hold the file names and the labels


class DataError(ValueError):
    """Data that cannot be trained on; the message is one line: what is wrong, what to do."""


def list_files(path: str | os.PathLike) -> list[Found]:
    """List every file of a folder or zip. Raises DataError."""
    try:
        return list(find_images(path, every_file=True))
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None


def read_labels(
    files: list[Found], columns: Columns | None = None
) -> tuple[dict[str, str], list[str]]:
    """Read the labels of images of text: ({image name: label}, names listed without an image).

    files: all files of a folder or zip. columns: see `parse_table`. Images without a label are left
    out. Raises DataError.
    """
    return _read(_Files(files, columns=columns))


def read_characters(
    files: list[Found],
    root: str | os.PathLike,
    naming: str | None = None,
    columns: Columns | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Read the labels of images of single characters, as `read_labels`; folders may be classes.

    root: the folder or zip that holds `files`. naming: see `class_names`.
    """
    return _read(_Files(files, PurePath(root).as_posix(), True, naming, columns))


# --- layouts -------------------------------------------------------------------------------------


@dataclass
class _Files:
    """The files of a data set, and what is known about them."""

    files: list[Found]
    root: str = ""  # the folder or zip that holds them
    characters: bool = False  # one character per image
    naming: str | None = None  # of class folders
    columns: Columns | None = None  # of tables

    @cached_property
    def images(self) -> dict[PurePosixPath, str]:
        """The images' names, by path."""
        return {PurePosixPath(f.name): f.name for f in self.files if f.is_image}

    @cached_property
    def tables(self) -> dict[PurePosixPath, Found]:
        """The files labels.csv, by folder."""
        files = [f for f in self.files if PurePosixPath(f.name).name.lower() == "labels.csv"]
        return {PurePosixPath(f.name).parent: f for f in files}

    @cached_property
    def texts(self) -> dict[PurePosixPath, Found]:
        """The files x.gt.txt, by the path of x."""
        files = [f for f in self.files if f.name.lower().endswith(".gt.txt")]
        return {PurePosixPath(f.name[: -len(".gt.txt")]): f for f in files}


def _tables(data: _Files) -> dict[PurePosixPath, str]:
    """`labels.csv` with the columns file,label, beside the images or in a folder above.

    Or path,text, as `ocr read` writes them.
    """
    tables = {folder: _read_table(f, data) for folder, f in data.tables.items()}
    labels = {folder / file: text for folder, rows in tables.items() for file, text in rows.items()}
    for image in data.images if tables else ():
        folder = next((above for above in image.parents if above in tables), None)
        if folder is not None:
            labels[image] = tables[folder].get(image.relative_to(folder).as_posix(), "")
    return labels


def _text_files(data: _Files) -> dict[PurePosixPath, str]:
    """`x.gt.txt` beside `x.png`, for all images of its folder."""
    texts = {stem: _read_text(f) for stem, f in data.texts.items()}
    folders = {stem.parent for stem in texts}
    return {
        image: texts.get(image.with_suffix(""), "")
        for image in data.images
        if image.parent in folders
    }


def _class_folders(data: _Files) -> dict[PurePosixPath, str]:
    """One folder per character, where no table or text file describes the images.

    In by_class/4a/train_4a/x.png, the first level that has more than one folder names the class.
    """
    if not data.characters or data.tables or data.texts:
        return {}
    inside = {image: image.relative_to(data.root).parts[:-1] for image in data.images}
    level = 0
    while (
        len({parts[: level + 1] for parts in inside.values()}) == 1
        and min(map(len, inside.values())) > level + 1
    ):
        level += 1
    folders = {parts[level] for parts in inside.values() if len(parts) > level}
    if len(folders) < 2:  # a single folder does not distinguish anything
        return {}
    characters = class_names(folders, data.naming)
    return {
        image: characters[parts[level]] if len(parts) > level else ""
        for image, parts in inside.items()
    }


def _file_names(data: _Files) -> dict[PurePosixPath, str]:
    """`label.png` or `label_anything.png`: the label is what precedes the first `_`."""
    return {image: clean(image.stem.split("_")[0]) for image in data.images}


# the first layout that covers an image counts: it gives the label, or "" for none
LAYOUTS: tuple[Callable[[_Files], dict[PurePosixPath, str]], ...] = (
    _tables,
    _text_files,
    _class_folders,
    _file_names,
)


def _read(data: _Files) -> tuple[dict[str, str], list[str]]:
    labels: dict[PurePosixPath, str] = {}
    for layout in LAYOUTS:
        labels = layout(data) | labels
    labelled = {name: labels[image] for image, name in data.images.items() if labels[image]}
    return labelled, [str(path) for path in labels if path not in data.images]


# --- names of classes ----------------------------------------------------------------------------


def class_names(folders: Iterable[str], naming: str | None = None) -> dict[str, str]:
    """Map folder names to the characters that they stand for.

    naming: "hex" (NIST's codes, 30 to 7a), "index" (0 to 61, in the order of CLASSES) or "name"
    (the character itself). None chooses hex if every name is one of NIST's 62 codes, else index if
    every name is a number from 0 to 61, else name. Raises DataError for a name that does not fit.
    """
    folders = sorted(folders)
    numbers = [f for f in folders if f.isascii() and f.isdigit() and int(f) < len(CLASSES)]
    mappings = {
        "hex": {f: HEX[f.lower()] for f in folders if f.lower() in HEX},
        "index": {f: CLASSES[int(f)] for f in numbers},
        "name": {f: clean(f) for f in folders},
    }
    if naming is not None and naming not in mappings:
        raise DataError(f"labels {naming!r}: use {', '.join(mappings)}")
    naming = naming or next(name for name, known in mappings.items() if len(known) == len(folders))
    for folder in folders:
        if folder not in mappings[naming]:
            raise DataError(
                f"folder {folder!r} is not a class by {naming}: rename it, or set --labels to one "
                f"of {', '.join(mappings)}"
            )
    return mappings[naming]


# --- texts ---------------------------------------------------------------------------------------


def clean(label: str) -> str:
    """Normalise a label: compose Unicode (macOS decomposes file names), strip white space."""
    return unicodedata.normalize("NFC", label).strip()


def _read_text(found: Found) -> str:
    """Read a label from its own file; "" (the image counts as unlabelled) if that fails."""
    try:
        return clean(found.read().decode("utf-8-sig"))
    except (ImageError, UnicodeDecodeError):
        return ""


def _read_table(found: Found, data: _Files) -> dict[str, str]:
    """Read a labels.csv: {file, relative to its folder: label}. Raises DataError."""
    try:
        rows, columns = parse_table(found.read(), found.name, data.columns)
    except ImageError as error:
        raise DataError(f"{found.name}: {error}") from None
    if {"file", "label"} <= {column.lower() for column in columns}:
        return rows
    folder = PurePosixPath(found.name).parent
    return {_beside(path, folder, data): text for path, text in rows.items()}


def _beside(path: str, folder: PurePosixPath, data: _Files) -> str:
    """Make the path of a reading relative to the folder of its table, whichever it was read from.

    Its first folders are dropped until the rest is an image.
    """
    parts = PurePosixPath(path.lstrip("/")).parts
    tails = (PurePosixPath(*parts[k:]) for k in range(len(parts)))
    there = next((tail for tail in tails if folder / tail in data.images), PurePosixPath(path))
    return there.as_posix()


def parse_table(
    data: bytes, name: str, columns: Columns | None = None
) -> tuple[dict[str, str], list[str]]:
    """Parse a table of labels: ({file: label}, names of its columns). Raises DataError.

    Fields are separated by commas, semicolons or tabs; a BOM and spaces around fields are allowed.
    Readings as `ocr read` writes them have the columns path and text. columns: which columns hold
    file and label, for a table that does not call them so.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name}: not UTF-8 text: save it as CSV UTF-8") from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries write semicolons
    try:
        first, *rows = csv.reader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter)
    except (csv.Error, ValueError) as error:
        raise DataError(f"{name}: not a table that can be read ({error})") from None
    there = [column.strip().lower() for column in first]
    own = tuple(column.strip().lower() for column in columns or ())
    wanted = [("file", "label"), own, READINGS]
    known = next((pair for pair in wanted if pair and set(pair) <= set(there)), None)
    if known is None:
        raise DataError(
            f"{name}: the first line must name the columns {','.join(own or wanted[0])}, "
            f"not {','.join(first)[:60]!r}"
        )
    file, label = map(there.index, known)
    rows = [row for row in rows if len(row) > max(file, label)]
    if known == READINGS:
        rows = [list(map(from_cell, row)) for row in rows]
    return {
        row[file].strip().replace("\\", "/").removeprefix("./"): clean(row[label]) for row in rows
    }, [column.strip() for column in first]
