"""Digests of images, and splits that keep exact duplicates on one side."""

import hashlib

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.reading.ctc import Alphabet, steps_needed


def digests(images: np.ndarray) -> np.ndarray:
    """Hash decoded images, (n, ...): sha256 hex digests (n,), equal for exact duplicates."""
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])


def fingerprint(data: Labelled) -> str:
    """Hash all images and labels, in their order, into one sha256 hex digest."""
    lines = [f"{digest} {label}" for digest, label in zip(digests(data.images), data.labels)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def provenance(data: Labelled, name: str, terms: str) -> dict:
    """Describe training data for a reader's contract: name, count of files, digest, terms."""
    count = len(set(data.names))  # an image and its binary twin share a name
    return {"name": name, "count": count, "digest": fingerprint(data), "terms": terms}


def usable(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> Labelled:
    """Select the images whose labels fit the time steps, and the `alphabet` if one is given.

    Raises DataError where too little is left to learn from.
    """
    count = len(data)
    fits = [
        steps_needed(label) <= time_steps and (alphabet is None or label in alphabet)
        for label in data.labels
    ]
    data = data.take(np.array(fits, bool))
    if len(set(digests(data.images))) < 10:
        raise DataError(
            f"{len(data)} of {count} images are usable (see the audit): training needs at least 10 "
            "different ones, better 500"
        )
    if len(set(data.labels)) == 1:
        raise DataError(
            f"all images have the label {data.labels[0]!r}: nothing to learn; check the labels, or "
            "type them: ocr label FOLDER --name NAME"
        )
    symbols = sorted(set("".join(data.labels)))
    if len(symbols) < 2:
        raise DataError(
            f"all labels consist of {symbols[0]!r} alone: nothing to learn; check the labels"
        )
    return data


def folds(images: np.ndarray, count: int = 5, seed: int = 0) -> np.ndarray:
    """Assign images (n, ...) to folds at random: integers (n,) from 0 to count - 1.

    Exact duplicates are in the same fold.
    """
    _, group = np.unique(digests(images), return_inverse=True)
    order = np.random.default_rng(seed).permutation(group.max() + 1)
    return (order % count)[group]


def split(data: Labelled, seed: int = 0) -> tuple[Labelled, Labelled, Labelled]:
    """Split into (train, validation, test): a fifth to test, an eighth of the rest to validate.

    test is fold 0 of `folds`; exact duplicates are in the same part.
    """
    fold = folds(data.images, 5, seed)
    rest = np.flatnonzero(fold != 0)
    inner = folds(data.images[rest], 8, seed + 1)
    return data.take(rest[inner != 0]), data.take(rest[inner == 0]), data.take(fold == 0)


def hold_out(data: Labelled, per_class: int, seed: int = 0) -> tuple[Labelled, Labelled]:
    """Hold out `per_class` images of each class, or a fifth of a small class: (rest, held out).

    Exact duplicates are in the same part.
    """
    _, group = np.unique(digests(data.images), return_inverse=True)
    chosen = [
        rows[: min(per_class, len(rows) // 5)] for rows in _shuffled_classes(data.labels, seed)
    ]
    held = np.isin(group, group[np.concatenate(chosen)])
    return data.take(~held), data.take(held)


def at_most(data: Labelled, per_class: int, seed: int = 0) -> Labelled:
    """Select at most `per_class` images of each class at random, in their order."""
    rows = [rows[:per_class] for rows in _shuffled_classes(data.labels, seed)]
    return data.take(np.sort(np.concatenate(rows)))


def _shuffled_classes(labels: list[str], seed: int) -> list[np.ndarray]:
    """List the row numbers of each class, shuffled."""
    rng, classes = np.random.default_rng(seed), np.array(labels)
    return [rng.permutation(np.flatnonzero(classes == label)) for label in np.unique(classes)]


def without(data: Labelled, other: Labelled) -> Labelled:
    """Drop the images of `data` that are, pixel for pixel, in `other`, too."""
    return data.take(~np.isin(digests(data.images), digests(other.images)))
