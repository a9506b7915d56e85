"""Digests, and splits that keep exact duplicates on one side."""

import hashlib

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.reading.ctc import Alphabet, steps_needed


def digests(images: np.ndarray) -> np.ndarray:
    """One digest an image, over its decoded pixels: equal digests are exact duplicates."""
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])


def fingerprint(data: Labelled) -> str:
    """One digest over all images and labels, in their order."""
    lines = [f"{digest} {label}" for digest, label in zip(digests(data.images), data.labels)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def usable(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> Labelled:
    """The images whose labels fit the time steps, and the `alphabet` if one is given.

    Raises DataError where too little is left to learn from.
    """
    count = len(data)
    data = data.take(
        np.array(
            [
                steps_needed(label) <= time_steps and (alphabet is None or label in alphabet)
                for label in data.labels
            ]
        )
    )
    if len(set(digests(data.images))) < 10:
        raise DataError(
            f"{len(data)} of {count} images are usable (the audit says why): training needs at least 10 "
            "different ones, better 500"
        )
    if len(set(data.labels)) == 1:
        raise DataError(
            f"all images have the label {data.labels[0]!r}: nothing to tell apart, check the labels"
        )
    symbols = sorted(set("".join(data.labels)))
    if len(symbols) < 2:
        raise DataError(
            f"all labels consist of {symbols[0]!r} alone: nothing to tell apart, check the labels"
        )
    return data


def folds(images: np.ndarray, count: int = 5, seed: int = 0) -> np.ndarray:
    """A fold number 0..count-1 for each image, by a seed; exact duplicates share theirs."""
    _, group = np.unique(digests(images), return_inverse=True)
    order = np.random.default_rng(seed).permutation(group.max() + 1)
    return (order % count)[group]


def split(data: Labelled, seed: int = 0) -> tuple[Labelled, Labelled, Labelled]:
    """(train, validation, test): test is fold 0 of `folds`, a fifth; validation an eighth of the rest."""
    fold = folds(data.images, 5, seed)
    rest = np.flatnonzero(fold != 0)
    inner = folds(data.images[rest], 8, seed + 1)
    return data.take(rest[inner != 0]), data.take(rest[inner == 0]), data.take(fold == 0)


def hold_out(data: Labelled, per_class: int, seed: int = 0) -> tuple[Labelled, Labelled]:
    """(the rest, `per_class` images of each class, or a fifth of a small one); exact duplicates stay on one side."""
    rng = np.random.default_rng(seed)
    _, group = np.unique(digests(data.images), return_inverse=True)
    labels = np.array(data.labels)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(rng.permutation(rows)[: min(per_class, len(rows) // 5)])
    held = np.isin(group, group[np.concatenate(chosen)])
    return data.take(~held), data.take(held)


def at_most(data: Labelled, per_class: int, seed: int = 0) -> Labelled:
    """At most `per_class` images of each class, by a seed, in their order."""
    rng = np.random.default_rng(seed)
    labels = np.array(data.labels)
    rows = [
        rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)
    ]
    return data.take(np.sort(np.concatenate(rows)))


def without(data: Labelled, other: Labelled) -> Labelled:
    """`data` but for images that are, pixel for pixel, in `other` too."""
    return data.take(~np.isin(digests(data.images), digests(other.images)))


def provenance(data: Labelled, name: str, terms: str) -> dict:
    """Describe training data for a reader's contract: name, count of files, digest, terms."""
    count = len(set(data.names))  # an image and its binary twin share a name
    return {"name": name, "count": count, "digest": fingerprint(data), "terms": terms}
