"""Images of one character each: folders of one's own, and the parts that a lesson trains and reports on."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

import utils
from decoding import Alphabet
from emnist import CLASSES, find_emnist, load_emnist
from glyphs import SIZE, glyph
from images import EXTENSIONS, Found, ImageError, find_images
from labels import DataError, clean, read_labels
from utils import Labelled, digests

HEX = {f"{ord(c):02x}": c for c in CLASSES}  # names of the folders in NIST's own edition


def load_characters(path, naming: str | None = None) -> Labelled:
    """Images of one character each, from a folder or zip, brought to EMNIST's form by glyphs.glyph.

    Labels come from a labels.csv or text files if there are any, else from the folders that the images lie in, one a
    class, else from the file names, as in labels.py. Folder names are read by `class_names(..., naming)`. What cannot be
    read, and labels that are not one character, are listed in the result and left out. Raises DataError.
    """
    return decode_characters(path, find_all(path), naming, (SIZE, SIZE, 1), lambda picture: glyph(picture)[0])


def find_all(path) -> list[Found]:
    """Every file of a folder or zip. Raises DataError."""
    try:
        return list(find_images(path, every_file=True))
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None


def decode_characters(path, files: list[Found], naming: str | None, shape, to_pixels) -> Labelled:
    """`load_characters` of these files, each picture made uint8 of `shape` by `to_pixels`."""
    try:
        labels, missing = _labels(files, Path(path), naming)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from None
    single = {name: label for name, label in labels.items() if len(label) == 1}
    if not single:
        count = sum(PurePosixPath(f.name).suffix.lower() in EXTENSIONS for f in files)
        first = f" (the first is {next(iter(labels.values()))!r})" if labels else ""
        raise DataError(f"{path}: {count} images, none with a label of one character{first}: put each class, two at least, in a "
                        "folder named by its character, NIST's code or its number, or write a labels.csv (file,label)")
    data = utils.decode(path, files, single, missing, shape, to_pixels)
    data.unlabelled = [f"{name}: {labels[name]!r} is not one character" if name in labels else name for name in data.unlabelled]
    return data


def _labels(files, root: Path, naming: str | None) -> tuple[dict[str, str], list[str]]:
    names = [PurePosixPath(f.name) for f in files]
    described = any(n.name.lower() == "labels.csv" or n.name.lower().endswith(".gt.txt") for n in names)
    pictures = [n for n in names if n.suffix.lower() in EXTENSIONS]
    inside = {n: n.relative_to(root.as_posix()).parts[:-1] for n in pictures}
    level = 0  # by_class/4a/train_4a/x.png: the first level with more than one folder tells the class
    while inside and len({parts[:level + 1] for parts in inside.values()}) == 1 and all(
            len(parts) > level + 1 for parts in inside.values()):
        level += 1
    folders = {parts[level] for parts in inside.values() if len(parts) > level}
    if described or len(folders) < 2:  # one folder alone tells nothing apart
        return read_labels(files)
    characters = class_names(folders, naming)
    return {str(n): characters[parts[level]] for n, parts in inside.items() if len(parts) > level}, []


def class_names(folders, naming: str | None = None) -> dict[str, str]:
    """{folder name: character}. naming: "hex" (NIST's 30 to 7a), "index" (0 to 61, in the order of CLASSES), "name" (the
    character itself). None takes hex if every name is one of NIST's 62 codes, else index if every name is a number from
    0 to 61, else the name. Raises DataError for names that do not fit.
    """
    folders = sorted(folders)
    readings = {
        "hex": {f: HEX[f.lower()] for f in folders if f.lower() in HEX},
        "index": {f: CLASSES[int(f)] for f in folders if f.isascii() and f.isdigit() and int(f) < len(CLASSES)},
        "name": {f: clean(f) for f in folders},
    }
    if naming is not None and naming not in readings:
        raise DataError(f"labels {naming!r}: use {', '.join(readings)}")
    naming = naming or next(kind for kind, read in readings.items() if len(read) == len(folders))
    for folder in folders:
        if folder not in readings[naming]:
            raise DataError(f"folder {folder!r} is no class by {naming}: rename it, or choose another way with --labels")
    return readings[naming]


# --- parts -------------------------------------------------------------------------------------------------------

def hold_out(data: Labelled, per_class: int, seed: int = 0) -> tuple[Labelled, Labelled]:
    """(the rest, `per_class` images of each class, or a fifth of a small one); exact duplicates stay on one side."""
    rng = np.random.default_rng(seed)
    _, group = np.unique(digests(data.images), return_inverse=True)
    labels = np.array(data.labels)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(rng.permutation(rows)[:min(per_class, len(rows) // 5)])
    held = np.isin(group, group[np.concatenate(chosen)])
    return data.take(~held), data.take(held)


def at_most(data: Labelled, per_class: int, seed: int = 0) -> Labelled:
    """At most `per_class` images of each class, by a seed, in their order."""
    rng = np.random.default_rng(seed)
    labels = np.array(data.labels)
    rows = [rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)]
    return data.take(np.sort(np.concatenate(rows)))


def without(data: Labelled, other: Labelled) -> Labelled:
    """`data` but for images that are, pixel for pixel, in `other` too."""
    return data.take(~np.isin(digests(data.images), digests(other.images)))


@dataclass
class Parts:
    """What a lesson trains on, chooses by, and reports on; `audit` is utils.audit's table of all that was found."""
    origin: str
    alphabet: Alphabet
    train: Labelled
    validation: Labelled
    test: Labelled
    audit: pd.DataFrame


def load_parts(path: Path | None = None, naming: str | None = None, symbols: str | None = None, seed: int = 0,
               split: str = "bymerge") -> Parts:
    """The parts of a folder or zip of one's own, by utils.split; without `path` those of an EMNIST split.

    EMNIST's test part stays apart, at most 200 images a class; 50 a class of its training part are held out to
    choose by, the same for every seed, and a training image that is also in the test part is dropped. `symbols`: the
    characters to tell apart, default all. Raises DataError.
    """
    if path is None:
        where, origin = find_emnist(split)
        data, test = (load_emnist(where, split, part) for part in ("train", "test"))
        data, test = without(data, test), at_most(test, 200)
    else:
        origin, data, test = f"images of {Path(path).name}", load_characters(path, naming), None
    alphabet = Alphabet.from_labels([symbols]) if symbols else None
    audit = utils.audit(data, 1, alphabet).drop(index=["lengths", "sizes", "too long"])  # which say nothing here
    try:
        data = utils.usable(data, 1, alphabet)
    except DataError:
        print(audit.drop(columns="files").to_string(), utils.listing(audit), sep="\n")
        raise
    if test is None:
        train, validation, test = utils.split(data, seed)
    else:
        test = test.take(np.array([alphabet is None or label in alphabet for label in test.labels]))
        train, validation = hold_out(data, 50)
    return Parts(origin, alphabet or Alphabet.from_labels(data.labels), train, validation, test, audit)
