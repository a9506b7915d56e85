"""Read the labels of images, in any of the layouts people use, from a folder or zip.

`LAYOUTS` lists the layouts; to add one, write a function and add it there (and to data/README.md).
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath, PurePosixPath
from typing import NamedTuple

from ocr.datasets import tables
from ocr.datasets.tables import Columns, DataError, Table, clean, parse_table
from ocr.reading.files import Found, find_images
from ocr.reading.images import ImageError

__all__ = ["Columns", "DataError", "clean", "parse_table", "read_characters", "read_labels"]

# the classes of EMNIST byclass, in its order
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HEX = {f"{ord(c):02x}": c for c in CLASSES}  # folder names in NIST's own edition


class Source(NamedTuple):
    """Where labels come from, in words; {image name: label}; what a person should know."""

    words: str
    labels: dict[str, str]
    notes: list[str]


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

    files: all files of a folder or zip. columns: see `tables.Columns`. Images without a label are
    left out. Raises DataError.
    """
    return _merge(_read(_Files(files, columns=Columns(*(columns or ())))))


def read_characters(
    files: list[Found],
    root: str | os.PathLike,
    naming: str | None = None,
    columns: Columns | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Read the labels of images of single characters, as `read_labels`; folders may be classes.

    root: the folder or zip that holds `files`. naming: see `class_names`.
    """
    columns = Columns(*(columns or ()))
    return _merge(_read(_Files(files, PurePath(root).as_posix(), True, naming, columns)))


def sources(
    files: list[Found],
    root: str | os.PathLike,
    characters: bool,
    naming: str | None = None,
    columns: Columns | None = None,
) -> list[Source]:
    """Read labels as `read_characters` or `read_labels` does, by where they come from."""
    data = _Files(files, PurePath(root).as_posix(), characters, naming, Columns(*(columns or ())))
    found = _read(data)
    notes = [note for table in data.tables.values() for note in table[1].notes]
    named = [f"{each.name} ({' and '.join(table.used)})" for each, table in data.tables.values()]
    words = {"tables": ", ".join(named[:3]) + (" ..." if len(named) > 3 else "")} | WORDS
    return [
        Source(words[layout], labels, notes if layout == "tables" else [])
        for layout, (labels, _) in found.items()
        if labels
    ]


# --- layouts -------------------------------------------------------------------------------------


@dataclass
class _Files:
    """The files of a data set, and what is known about them."""

    files: list[Found]
    root: str = ""  # the folder or zip that holds them
    characters: bool = False  # one character per image
    naming: str | None = None  # of class folders
    columns: Columns = field(default_factory=Columns)  # of tables

    @cached_property
    def images(self) -> dict[PurePosixPath, str]:
        """The images' names, by path."""
        return {PurePosixPath(f.name): f.name for f in self.files if f.is_image}

    @cached_property
    def sheets(self) -> dict[PurePosixPath, list[Found]]:
        """The files of tables, by folder."""
        found: dict[PurePosixPath, list[Found]] = {}
        for f in self.files:
            if tables.is_table(f.name):
                found.setdefault(PurePosixPath(f.name).parent, []).append(f)
        return found

    @cached_property
    def tables(self) -> dict[PurePosixPath, tuple[Found, Table]]:
        """The tables of labels, by folder. Raises DataError."""
        chosen = {place: tables.choose(found, self.columns) for place, found in self.sheets.items()}
        return {place: table for place, table in chosen.items() if table is not None}

    @cached_property
    def texts(self) -> dict[PurePosixPath, Found]:
        """The files x.gt.txt, by the path of x."""
        files = [f for f in self.files if f.name.lower().endswith(".gt.txt")]
        return {PurePosixPath(f.name[: -len(".gt.txt")]): f for f in files}


def _tables(data: _Files) -> dict[PurePosixPath, str]:
    """`labels.csv` or `.xlsx` with the columns file,label, beside the images or in a folder above.

    Or path,text, as `ocr read` writes them. The ending of a file may be missing.
    """
    whole = {image.with_suffix(""): image for image in data.images} if data.tables else {}
    rows: dict[PurePosixPath, dict[PurePosixPath, str]] = {}  # by folder
    for folder, (_, table) in data.tables.items():
        listed = {folder / file: text for file, text in _of_table(table, folder, data).items()}
        rows[folder] = {
            path if path in data.images else whole.get(path, path): text
            for path, text in listed.items()
        }
    labels = {path: text for each in rows.values() for path, text in each.items()}
    for image in data.images if rows else ():
        nearest = next((above for above in image.parents if above in rows), None)
        if nearest is not None:
            labels[image] = rows[nearest].get(image, "")
    return labels


def _of_table(table: Table, folder: PurePosixPath, data: _Files) -> dict[str, str]:
    """List the labels of a table: {file, relative to its folder: label}."""
    if {"file", "label"} <= {column.lower() for column in table.columns}:
        return table.rows
    return {_beside(path, folder, data): text for path, text in table.rows.items()}


def _beside(path: str, folder: PurePosixPath, data: _Files) -> str:
    """Make the path of a reading relative to the folder of its table, whichever it was read from.

    Its first folders are dropped until the rest is an image.
    """
    parts = PurePosixPath(path.lstrip("/")).parts
    tails = (PurePosixPath(*parts[k:]) for k in range(len(parts)))
    there = next((tail for tail in tails if folder / tail in data.images), PurePosixPath(path))
    return there.as_posix()


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
LAYOUTS: dict[str, Callable[[_Files], dict[PurePosixPath, str]]] = {
    "tables": _tables,
    "texts": _text_files,
    "folders": _class_folders,
    "names": _file_names,
}
WORDS = {
    "texts": "the text files beside the images (x.gt.txt)",
    "folders": "the folders that the images are in",
    "names": "the names of the files, up to the first _",
}


def _read(data: _Files) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Read labels by layout: {layout: ({image name: label}, names listed without an image)}."""
    if all(data.columns[:2]) and not data.tables:
        named = tables.column_names([each for found in data.sheets.values() for each in found])
        raise DataError(
            f"--columns {','.join(data.columns[:2])}: no table beside the images has these columns"
            f"{named and f'; {named}'}"
        )
    covered: set[PurePosixPath] = set()
    read: dict[str, tuple[dict[str, str], list[str]]] = {}
    for name, layout in LAYOUTS.items():
        found = {path: text for path, text in layout(data).items() if path not in covered}
        covered.update(found)
        texts = {
            data.images[path]: data.columns.alike(found[path])
            for path in found
            if path in data.images
        }
        missing = [str(path) for path in found if path not in data.images]
        read[name] = {image: text for image, text in texts.items() if text}, missing
    if read["names"][0] and not data.tables:
        _look_for_tables(data)
    return read


def _look_for_tables(data: _Files) -> None:
    """Raise DataError where a table names the images, and its columns are not known."""
    for folder, sheets in data.sheets.items():
        within = [path for path in data.images if path.is_relative_to(folder)]
        if advice := tables.advice(sheets, {str(path.relative_to(folder)) for path in within}):
            raise DataError(f"{advice}; or take it away, and the files' names are the labels")


def _merge(
    read: dict[str, tuple[dict[str, str], list[str]]],
) -> tuple[dict[str, str], list[str]]:
    labels = {image: text for found, _ in read.values() for image, text in found.items()}
    return labels, [name for _, missing in read.values() for name in missing]


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


def _read_text(found: Found) -> str:
    """Read a label from its own file; "" (the image counts as unlabelled) if that fails."""
    try:
        return clean(found.read().decode("utf-8-sig"))
    except (ImageError, UnicodeDecodeError):
        return ""
