"""Images of one character each: your own folders, and the parts that a lesson trains on."""

import os
from dataclasses import dataclass

import pandas as pd

from ocr.datasets.audit import audited
from ocr.datasets.dataset import Labelled, decode
from ocr.datasets.labels import Columns, DataError, list_files, read_characters
from ocr.datasets.splits import at_most, hold_out, without
from ocr.reading.ctc import Alphabet
from ocr.reading.files import Found
from ocr.reading.images import ImageError
from ocr.reading.inputs import INPUTS, Input


def load_characters(
    path: str | os.PathLike,
    naming: str | None = None,
    fit: str = "glyph",
    columns: Columns | None = None,
) -> Labelled:
    """Load images of one character each from a folder or zip, by default in EMNIST's form.

    Labels come from a labels.csv or text files if there are any, else from the folders that the
    images are in, one per class, else from the file names, see labels.py. naming: how folders are
    named, see `labels.class_names`. Images that cannot be read, and those whose label is not one
    character, are listed in the result. fit: name of the preprocessing in `inputs.INPUTS`. Raises
    DataError.
    """
    return decode_characters(path, list_files(path), naming, INPUTS[fit].fixed(), columns)


def decode_characters(
    path: str | os.PathLike,
    files: list[Found],
    naming: str | None,
    kind: Input,
    columns: Columns | None = None,
) -> Labelled:
    """Decode `files` as `load_characters` does, each picture preprocessed by `kind`."""
    try:
        labels, missing = read_characters(files, path, naming, columns)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None
    single = {name: label for name, label in labels.items() if len(label) == 1}
    if not single:
        count = sum(f.is_image for f in files)
        first = f" (the first is {next(iter(labels.values()))!r})" if labels else ""
        raise DataError(
            f"{path}: {count} images, none with a label of one character{first}: put each class, "
            "two at least, in a folder named by its character, NIST's code or its number, or write "
            "a labels.csv (file,label)"
        )
    data = decode(path, files, single, missing, kind)
    data.unlabelled = [
        f"{name}: {labels[name]!r} is not one character" if name in labels else name
        for name in data.unlabelled
    ]
    return data


@dataclass
class Parts:
    """The data of a lesson: to train, to validate, to test; and the audit of all that was found."""

    origin: str
    alphabet: Alphabet
    train: Labelled
    validation: Labelled
    test: Labelled
    audit: pd.DataFrame


def own_characters(
    path: str | os.PathLike,
    naming: str | None = None,
    symbols: str | None = None,
    fit: str = "glyph",
    columns: Columns | None = None,
) -> tuple[Labelled, Alphabet, pd.DataFrame]:
    """Load a folder or zip of your own images: (those that can be trained on, alphabet, audit).

    naming, fit, columns: see `load_characters`. symbols: the characters to distinguish; None: all
    that occur. Raises DataError.
    """
    alphabet = Alphabet.from_labels([symbols]) if symbols else None
    data, table = audited(load_characters(path, naming, fit, columns), 1, alphabet)
    return data, alphabet or Alphabet.from_labels(data.labels), table


def given_parts(origin: str, data: Labelled, test: Labelled) -> Parts:
    """Divide a data set whose test part is given, as EMNIST's is.

    At most 200 test images per class are used; 50 per class of `data` are held out to validate, the
    same for every seed; images of `data` that are also in the test part are dropped. Raises
    DataError.
    """
    data, table = audited(without(data, test), 1)
    alphabet = Alphabet.from_labels(data.labels)
    return Parts(origin, alphabet, *hold_out(data, 50), at_most(test, 200), table)
