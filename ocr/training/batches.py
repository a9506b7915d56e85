"""Training batches: drawn, augmented, normalised, seeded by epoch so that trainings resume."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.drawing.augment import AUGMENTATIONS, draw_shift, shifted
from ocr.reading.ctc import Alphabet
from ocr.reading.images import normalise

ALL = slice(None)  # rows of a batch that are made here; a worker makes only its own


def class_order(
    classes: np.ndarray, count: int, rng: np.random.Generator, balanced: bool = True
) -> np.ndarray:
    """Draw `count` row numbers to train on, shuffled: integers (count,).

    With `balanced` each class has the same share (to one), however many images it has. No row comes
    twice before every other of its class (unbalanced: before every other row) has come once.
    """
    groups = (
        [np.flatnonzero(classes == c) for c in np.unique(classes)]
        if balanced
        else [np.arange(len(classes))]
    )
    share, extra = divmod(count, len(groups))
    more = set(rng.permutation(len(groups))[:extra].tolist())
    drawn = []
    for i, rows in enumerate(groups):
        wanted = share + (i in more)
        rounds = [rng.permutation(rows) for _ in range(-(-wanted // len(rows)))]
        drawn.append(np.concatenate([*rounds, rows[:0]])[:wanted])
    return rng.permutation(np.concatenate(drawn))


def class_batches(
    data: Labelled,
    alphabet: Alphabet,
    outputs: int,
    batch_size: int,
    steps: int,
    normalisation: str = "unit",
    seed: int = 0,
    epoch: int = 0,
    strength: float = 0.0,
    balanced: bool = True,
    groups: np.ndarray | None = None,
    augmentation: str = "distort",
    own: slice = ALL,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield endless batches of single characters, `steps` an epoch, drawn by `class_order`.

    Each is (images float32 (B, H, W, C), one-hot float32 (B, outputs)). Class c is the alphabet's
    symbol number c: there is no blank here.

    groups         integers (n,): balanced draws take as many images of each group; default: of each
                   class
    augmentation   "distort" (glyphs) or "restyle" (views), with this `strength`; 0 leaves images as
                   they are
    own            the rows of each batch that are made; those of all workers make up the batch
    """
    classes, one_hot = alphabet.classes(data.labels), np.eye(outputs, dtype=np.float32)
    groups = classes if groups is None else groups
    augment = AUGMENTATIONS[augmentation]
    while True:
        rng = np.random.default_rng((seed, epoch))
        order = class_order(groups, steps * batch_size, rng, balanced)
        for rows in order.reshape(steps, batch_size):
            images = data.images[rows]
            if strength:
                images = augment(images, rng, strength)
            yield normalise(images[own], normalisation), one_hot[classes[rows[own]]]
        epoch += 1


def prefetch(batches: Iterator) -> Iterator:
    """Yield the same batches, each prepared in another thread while the one before it is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches)
        while True:
            ready, coming = coming.result(), thread.submit(next, batches)
            yield ready


def string_batches(
    data: Labelled,
    alphabet: Alphabet,
    batch_size: int,
    normalisation: str = "standard",
    seed: int = 0,
    epoch: int = 0,
    strength: float = 0.0,
    own: slice = ALL,
) -> Iterator[tuple[dict[str, np.ndarray]]]:
    """Yield endless shuffled batches of strings.

    Each is ({"image": float32 (B, H, W, C), "label": int32 (B, L), padded with blank},).

    The order, and `augment.jitter` of that `strength`, depend on `seed` and the epoch's number
    only, so that a training resumed at `epoch` sees what it would have seen. An epoch has
    `len(data) // batch_size` batches. own: as in `class_batches`.
    """
    labels = alphabet.encode_all(data.labels)
    while True:
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(data))
        for start in range(0, len(data) - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            shifts = [draw_shift(rng, strength) for _ in rows][own] if strength else []
            images = data.images[rows[own]]
            if strength:
                images = np.stack([shifted(image, shift) for image, shift in zip(images, shifts)])
            yield ({"image": normalise(images, normalisation), "label": labels[rows[own]]},)
        epoch += 1
