"""Labelled images, decoded once."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ocr.datasets.labels import Columns, DataError, list_files, read_labels
from ocr.reading.ctc import steps_needed
from ocr.reading.files import Found
from ocr.reading.images import ImageError, open_image
from ocr.reading.inputs import INPUTS, Input

MAX_WIDTH = 4096  # pixels that an input is enlarged to for long labels


@dataclass
class Labelled:
    """A labelled data set, decoded, and what was left out.

    images      uint8 (n, height, width, channels)
    labels      texts (n)
    names       file names (n)
    sizes       (width, height) of each file, or empty
    unreadable  {file name: reason}
    unlabelled  file names
    missing     names that labels.csv lists without an image
    """

    images: np.ndarray
    labels: list[str]
    names: list[str]
    sizes: list[tuple[int, int]] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows) -> "Labelled":
        """Select images by row numbers or a boolean mask, in their order."""
        rows = np.arange(len(self))[rows]
        return Labelled(
            self.images[rows],
            [self.labels[i] for i in rows],
            [self.names[i] for i in rows],
            [self.sizes[i] for i in rows] if self.sizes else [],
        )


def load_labelled(
    path: str | os.PathLike,
    size: tuple[int, int] | None = None,
    channels: int = 1,
    fit: str = "picture",
    columns: Columns | None = None,
) -> Labelled:
    """Load the labelled images of text in a folder or zip, preprocessed for a network.

    size      (height, width); None: chosen by `input_size`
    fit       name of the preprocessing in `inputs.INPUTS`, as "picture" or "line"
    columns   of labels.csv, see `labels.parse_table`

    Unreadable and unlabelled images are listed in the result. Raises DataError where `path` is
    missing or has no labelled image that can be read.
    """
    files = list_files(path)
    labels, missing = read_labels(files, columns)
    if not labels:
        count = sum(f.is_image for f in files)
        why = "name them LABEL.png, or write a labels.csv with the columns file,label"
        if missing:
            why = f"labels.csv lists {missing[0]}, which does not exist"
        raise DataError(f"{path}: {count} images, none with a label: {why}")
    if size is None:
        sizes = (f.size() for f in files if f.name in labels)
        size = input_size([s for s in sizes if s], labels.values())
    return decode(path, files, labels, missing, INPUTS[fit](size, channels))


def decode(
    path: str | os.PathLike,
    files: list[Found],
    labels: dict[str, str],
    missing: list[str],
    kind: Input,
) -> Labelled:
    """Decode those of `files` that have a label, each preprocessed by `kind`.

    Images without a label, or that cannot be read, are listed in the result, as are folders that
    cannot be opened. Raises DataError where no image can be read.
    """
    from tqdm import tqdm  # for speed of `import utils`: 30 ms

    found = [f for f in files if f.name in labels]
    closed = [f for f in files if f.name.endswith("/")]  # folders that cannot be opened
    images = np.zeros((len(found), *kind.size, kind.channels), np.uint8)
    kept: list[str] = []
    sizes: list[tuple[int, int]] = []
    unreadable: dict[str, str] = {}
    for f in tqdm(closed + found, desc="decoding", unit=" images", disable=None):
        try:
            picture = open_image(f.read())
            images[len(kept)] = kind.prepare(picture).pixels
        except ImageError as error:
            unreadable[f.name] = str(error)
        else:
            kept.append(f.name)
            sizes.append(picture.size)
    if not kept:
        name, why = next(iter(unreadable.items()))
        raise DataError(
            f"{path}: none of its {len(found)} labelled images can be read; {name}: {why}"
        )
    return Labelled(
        images[: len(kept)],
        [labels[name] for name in kept],
        kept,
        sizes,
        unreadable,
        [f.name for f in files if f.is_image and f.name not in labels],
        missing,
    )


def input_size(
    sizes: Iterable[tuple[int, int]],
    labels: Collection[str],
    stride: int = 4,
    max_height: int = 64,
) -> tuple[int, int]:
    """Choose the (height, width) of a network's input for images of these (width, height).

    Theirs, if all agree; else at most `max_height` high, and as wide as all but the widest 5 %, a
    multiple of `stride`. It is enlarged where all but the longest 5 % of the labels would otherwise
    have fewer than twice the time steps (of `stride` pixels) that they need. A label that is far
    longer than the others is left to the audit, and so is one that needs more than MAX_WIDTH.
    """
    shapes = np.array(list(sizes) or [(200, 50)], dtype=float)
    height = min(float(np.median(shapes[:, 1])), max_height)
    width = height * float(np.quantile(shapes[:, 0] / shapes[:, 1], 0.95))
    needed = 2 * stride * float(np.quantile([steps_needed(label) for label in labels], 0.95))
    grow = min(max(1.0, needed / width), max(1.0, MAX_WIDTH / width))
    return max(8, round(height * grow)), int(np.ceil(width * grow / stride - 1e-6)) * stride


def join(parts: list[Labelled]) -> Labelled:
    """Concatenate the images, labels and names of several data sets."""
    return Labelled(
        np.concatenate([part.images for part in parts]),
        [label for part in parts for label in part.labels],
        [name for part in parts for name in part.names],
    )


def from_pairs(
    pairs: Iterable[tuple[str, np.ndarray]],
    size: tuple[int, int],
    fit: str = "line",
    name: str = "drawn",
) -> Labelled:
    """Make a data set of drawn pairs (label, picture uint8), preprocessed for a network.

    Images are uint8 (n, *size, 1), named NAME[0], NAME[1], ...; size and fit: see `load_labelled`.
    """
    kind = INPUTS[fit](size)
    labels: list[str] = []
    images: list[np.ndarray] = []
    sizes: list[tuple[int, int]] = []
    unreadable: dict[str, str] = {}
    for i, (label, pixels) in enumerate(pairs):
        picture = Image.fromarray(pixels)
        try:
            images.append(kind.prepare(picture).pixels)
        except ImageError as error:
            unreadable[f"{name}[{i}]: {label}"] = str(error)
            continue
        labels.append(label)
        sizes.append(picture.size)
    names = [f"{name}[{i}]" for i in range(len(labels))]
    return Labelled(np.stack(images), labels, names, sizes, unreadable)
