"""Labelled images, decoded once. No Keras in here."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from tqdm import tqdm

from ocr.datasets.labels import DataError, list_files, read_labels
from ocr.reading.ctc import steps_needed
from ocr.reading.files import Found
from ocr.reading.images import ImageError, open_image, to_uint8
from ocr.reading.inputs import line


@dataclass
class Labelled:
    """A labelled data set, decoded once: images uint8 (n, height, width, channels), and what was left out and why."""

    images: np.ndarray
    labels: list[str]
    names: list[str]
    sizes: list[tuple[int, int]] = field(default_factory=list)  # (width, height) of each file
    unreadable: dict[str, str] = field(default_factory=dict)  # name -> reason
    unlabelled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # listed in labels.csv, but not there

    def __len__(self):
        return len(self.labels)

    def take(self, rows) -> "Labelled":
        """The images of these rows (indices or a boolean mask), in their order."""
        rows = np.arange(len(self))[rows]
        columns = self.labels, self.names, self.sizes
        return Labelled(
            self.images[rows], *([column[i] for i in rows] if column else [] for column in columns)
        )


def load_labelled(
    path, size: tuple[int, int] | None = None, channels: int = 1, fit: str = "picture"
) -> Labelled:
    """Read every labelled image of a folder or zip. `size` is (height, width); default by `input_size`. `fit`: "picture", or
    "line", cropped to the ink (lines.py).

    Unreadable and unlabelled images are listed in the result and left out. Raises DataError where `path` is
    missing or holds no labelled image that can be read.
    """
    files = list_files(path)
    labels, missing = read_labels(files)
    pictures = [f for f in files if f.is_image]
    if not labels:
        why = (
            f"labels.csv lists {missing[0]}, which is not there"
            if missing
            else ("name them LABEL.png, or write a labels.csv with the columns file,label")
        )
        raise DataError(f"{path}: {len(pictures)} images, none with a label: {why}")
    found = [f for f in pictures if f.name in labels]
    size = size or input_size([s for s in (f.size() for f in found) if s], labels.values())
    return decode(
        path,
        files,
        labels,
        missing,
        (*size, channels),
        lambda picture: (
            line(picture, size)[0] if fit == "line" else to_uint8(picture, size, channels)
        ),
    )


def decode(
    path, files: list[Found], labels: dict[str, str], missing: list[str], shape, to_pixels
) -> Labelled:
    """The images among `files` that have a label, each made uint8 of `shape` by `to_pixels` (a function of a picture).

    Those without a label, or that cannot be read, are listed. Raises DataError where none can be read.
    """
    pictures = [f for f in files if f.is_image]
    found = [f for f in pictures if f.name in labels]
    images = np.zeros((len(found), *shape), np.uint8)
    kept, sizes, unreadable = [], [], {}
    closed = [f for f in files if f.name.endswith("/")]  # folders that cannot be opened
    for f in tqdm(closed + found, desc="decoding", unit=" images", disable=None):
        try:
            picture = open_image(f.read())
            images[len(kept)] = to_pixels(picture)
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
        [labels[n] for n in kept],
        kept,
        sizes,
        unreadable,
        [f.name for f in pictures if f.name not in labels],
        missing,
    )


def input_size(sizes, labels, stride: int = 4, max_height: int = 64) -> tuple[int, int]:
    """The (height, width) of a network's input for images of these (width, height)s: theirs where they agree.

    At most `max_height` high, as wide as all but the widest twentieth, a multiple of `stride` wide; enlarged where
    that gives all but the longest twentieth of the labels fewer than twice the time steps (of `stride` pixels) they
    need. A label that is far longer than the others is left to the audit.
    """
    shapes = np.array(list(sizes) or [(200, 50)], dtype=float)
    height = min(float(np.median(shapes[:, 1])), max_height)
    width = height * float(np.quantile(shapes[:, 0] / shapes[:, 1], 0.95))
    needed = 2 * stride * np.quantile([steps_needed(label) for label in labels], 0.95)
    grow = max(1.0, needed / width)
    return max(8, round(height * grow)), int(np.ceil(width * grow / stride - 1e-6)) * stride


def join(parts: list[Labelled]) -> Labelled:
    """The images of several data sets, one after the other."""
    return Labelled(
        np.concatenate([p.images for p in parts]),
        sum((p.labels for p in parts), []),
        sum((p.names for p in parts), []),
    )


def from_pairs(pairs, size: tuple[int, int], fit: str = "line", name: str = "drawn") -> Labelled:
    """Drawn pairs as a data set of images uint8 (n, *size, 1), by a reader's road: "line" (lines.py) or "picture" (images.py)."""
    labels, images, sizes, unreadable = [], [], [], {}
    for i, (label, picture) in enumerate(pairs):
        picture = Image.fromarray(picture)
        try:
            images.append(line(picture, size)[0] if fit == "line" else to_uint8(picture, size))
        except ImageError as error:
            unreadable[f"{name}[{i}]: {label}"] = str(error)
            continue
        labels.append(label)
        sizes.append(picture.size)
    return Labelled(
        np.stack(images), labels, [f"{name}[{i}]" for i in range(len(labels))], sizes, unreadable
    )
