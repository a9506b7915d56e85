"""The ways people label images, read alike from a folder or a zip. No TensorFlow in here."""

import csv
import io
import unicodedata
from pathlib import Path, PurePosixPath

from ocr.reading.files import EXTENSIONS, Found, find_images
from ocr.reading.images import ImageError

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # those of EMNIST byclass, in its order
HEX = {f"{ord(c):02x}": c for c in CLASSES}  # names of the folders in NIST's own edition


class DataError(ValueError):
    """Data that cannot be trained on; the message is one line that names the thing and the way out."""


def list_files(path) -> list[Found]:
    """Every file of a folder or zip. Raises DataError."""
    try:
        return list(find_images(path, every_file=True))
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None


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


def read_characters(
    files: list[Found], root: Path, naming: str | None
) -> tuple[dict[str, str], list[str]]:
    """`read_labels`, or, where nothing else tells them, the folders that the images lie in, one a class: see `class_names`."""
    names = [PurePosixPath(f.name) for f in files]
    described = any(
        n.name.lower() == "labels.csv" or n.name.lower().endswith(".gt.txt") for n in names
    )
    pictures = [n for n in names if n.suffix.lower() in EXTENSIONS]
    inside = {n: n.relative_to(root.as_posix()).parts[:-1] for n in pictures}
    level = (
        0  # by_class/4a/train_4a/x.png: the first level with more than one folder tells the class
    )
    while (
        inside
        and len({parts[: level + 1] for parts in inside.values()}) == 1
        and all(len(parts) > level + 1 for parts in inside.values())
    ):
        level += 1
    folders = {parts[level] for parts in inside.values() if len(parts) > level}
    if described or len(folders) < 2:  # one folder alone tells nothing apart
        return read_labels(files)
    characters = class_names(folders, naming)
    return {
        str(n): characters[parts[level]] for n, parts in inside.items() if len(parts) > level
    }, []


def class_names(folders, naming: str | None = None) -> dict[str, str]:
    """{folder name: character}. naming: "hex" (NIST's 30 to 7a), "index" (0 to 61, in the order of CLASSES), "name" (the
    character itself). None takes hex if every name is one of NIST's 62 codes, else index if every name is a number from
    0 to 61, else the name. Raises DataError for names that do not fit.
    """
    folders = sorted(folders)
    readings = {
        "hex": {f: HEX[f.lower()] for f in folders if f.lower() in HEX},
        "index": {
            f: CLASSES[int(f)]
            for f in folders
            if f.isascii() and f.isdigit() and int(f) < len(CLASSES)
        },
        "name": {f: clean(f) for f in folders},
    }
    if naming is not None and naming not in readings:
        raise DataError(f"labels {naming!r}: use {', '.join(readings)}")
    naming = naming or next(kind for kind, read in readings.items() if len(read) == len(folders))
    for folder in folders:
        if folder not in readings[naming]:
            raise DataError(
                f"folder {folder!r} is no class by {naming}: rename it, or choose another way with --labels"
            )
    return readings[naming]


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
        raise DataError(
            f"{found.name}: the first line must name the columns file,label, not {','.join(first)[:60]!r}"
        )
    file, label = columns.index("file"), columns.index("label")
    return {
        row[file].strip().replace("\\", "/").removeprefix("./"): clean(row[label])
        for row in rows
        if len(row) > max(file, label)
    }
