"""Images of one character each: folders of one's own, and the parts that a lesson trains and reports on."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ocr.datasets.audit import audit, audited
from ocr.datasets.dataset import Labelled, decode
from ocr.datasets.labels import DataError, list_files, read_characters
from ocr.datasets.splits import at_most, hold_out, split, without
from ocr.reading.ctc import Alphabet
from ocr.reading.files import Found
from ocr.reading.images import ImageError
from ocr.reading.inputs import Glyph, glyph


def load_characters(path, naming: str | None = None) -> Labelled:
    """Images of one character each, from a folder or zip, brought to EMNIST's form by glyphs.glyph.

    Labels come from a labels.csv or text files if there are any, else from the folders that the images lie in, one a
    class, else from the file names, as in labels.py. Folder names are read by `class_names(..., naming)`. What cannot be
    read, and labels that are not one character, are listed in the result and left out. Raises DataError.
    """
    return decode_characters(
        path, list_files(path), naming, Glyph.shape, lambda picture: glyph(picture)[0]
    )


def decode_characters(path, files: list[Found], naming: str | None, shape, to_pixels) -> Labelled:
    """`load_characters` of these files, each picture made uint8 of `shape` by `to_pixels`."""
    try:
        labels, missing = read_characters(files, Path(path), naming)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None
    single = {name: label for name, label in labels.items() if len(label) == 1}
    if not single:
        count = sum(f.is_image for f in files)
        first = f" (the first is {next(iter(labels.values()))!r})" if labels else ""
        raise DataError(
            f"{path}: {count} images, none with a label of one character{first}: put each class, two at least, in a "
            "folder named by its character, NIST's code or its number, or write a labels.csv (file,label)"
        )
    data = decode(path, files, single, missing, shape, to_pixels)
    data.unlabelled = [
        f"{name}: {labels[name]!r} is not one character" if name in labels else name
        for name in data.unlabelled
    ]
    return data


@dataclass
class Parts:
    """What a lesson trains on, chooses by, and reports on; `audit` is audit's table of all that was found."""

    origin: str
    alphabet: Alphabet
    train: Labelled
    validation: Labelled
    test: Labelled
    audit: pd.DataFrame


def own_parts(path, naming: str | None = None, symbols: str | None = None, seed: int = 0) -> Parts:
    """The parts of a folder or zip of one's own, by `splits.split`. `symbols`: the characters to tell apart, default all. Raises DataError."""
    alphabet = Alphabet.from_labels([symbols]) if symbols else None
    data, table = audited(load_characters(path, naming), 1, alphabet)
    return Parts(
        f"images of {Path(path).name}",
        alphabet or Alphabet.from_labels(data.labels),
        *split(data, seed),
        table,
    )


def given_parts(origin: str, data: Labelled, test: Labelled) -> Parts:
    """The parts of a data set whose test part is given, as EMNIST's is.

    Of the test part at most 200 images a class are used; 50 a class of `data` are held out to choose by, the same for every
    seed, and an image of `data` that is also in the test part is dropped.
    """
    data, test = without(data, test), at_most(test, 200)
    table = audit(data, 1)
    return Parts(origin, Alphabet.from_labels(data.labels), *hold_out(data, 50), test, table)
