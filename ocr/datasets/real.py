"""Real images of numbers, to measure on: found beside the course's data.

Nothing is trained on them, except half a of the Egyptian plates, whose licence allows it.

Each set is a zip of images with labels.json, {file: label}. See data/README.md for their terms.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ocr.datasets.labels import DataError

SEPARATORS = ".,-=/ "


class RealSet(NamedTuple):
    """A set of real images: its zip, its script, what it shows, how its label is compared."""

    file: str
    script: str
    about: str
    by_page: bool = False  # file names begin with the page that an image is from
    digits_only: bool = False  # labels leave out the separators
    trained: str = ""  # the half that may be trained on, and is by lesson 05


SETS = {
    "receipts": RealSet("receipt_numbers", "western", "receipts, thermal and dot matrix", True),
    "forms": RealSet("form_numbers", "western", "old office forms", True),
    "cells": RealSet("handwritten_cells", "western", "handwriting in logbook cells"),
    "cheques": RealSet("cheque_amounts", "western", "handwriting on cheques", digits_only=True),
    "plates": RealSet("plate_numbers", "western", "number plates, white on black"),
    "pump": RealSet("gas_pump_lcd", "western", "seven-segment display, photographed"),
    "meter": RealSet("meter_digits", "western", "meter digits, one a picture"),
    "egypt": RealSet(
        "arabic_plates", "arabic", "Egyptian plates, Arabic-Indic digits", trained="a"
    ),
    "persian": RealSet("persian_digits_hoda", "persian", "handwritten Persian digits"),
}


class Sample(NamedTuple):
    """A real image: its file's name and bytes, its label in Western signs, its half, "a" or "b"."""

    name: str
    label: str
    half: str
    image: bytes


def load_real(folders: Iterable[str | Path], name: str) -> list[Sample]:
    """Load a set of SETS from the first of `folders` that has it; [] where none has.

    Half "a" is to look at and to choose by, half "b" to report; images of one page are in one half.
    Raises DataError for a damaged zip.
    """
    about = SETS[name]
    for folder in map(Path, folders):
        for path in (folder / f"{about.file}.zip", folder / "real" / f"{about.file}.zip"):
            if path.is_file():
                return _read(path, name)
    return []


def _read(path: Path, name: str) -> list[Sample]:
    try:
        with zipfile.ZipFile(path) as archive:
            labels = json.loads(archive.read("labels.json").decode("utf-8-sig"))
            return [
                Sample(file, label, _half(name, file), archive.read(file))
                for file, label in labels.items()
            ]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); get it again") from None


def _half(name: str, file: str) -> str:
    group = file.partition("_")[0] if SETS[name].by_page else file
    return "ab"[int(hashlib.sha256((name + group).encode()).hexdigest(), 16) % 2]


def untrained(sets: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    """Leave out what is trained on, and sets of which nothing remains."""
    kept = {
        name: [sample for sample in samples if sample.half not in SETS[name].trained]
        for name, samples in sets.items()
    }
    return {name: samples for name, samples in kept.items() if samples}


def right(text: str, label: str, digits_only: bool = False) -> bool:
    """Compare a reading with a label; digits_only: without the separators of the reading."""
    return without_separators(text) == label if digits_only else text == label


def without_separators(text: str) -> str:
    """Drop everything but the digits of a number."""
    return text.translate(str.maketrans("", "", SEPARATORS))
