"""Training batches: drawn, distorted, normalised; seeded by epoch, so that a resumed training sees what it would have."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ocr.drawing.augment import distort, draw_shift, restyle, shifted
from ocr.reading.ctc import Alphabet
from ocr.reading.images import normalise


def class_order(
    classes: np.ndarray, count: int, rng: np.random.Generator, balanced: bool = True
) -> np.ndarray:
    """`count` row numbers to train on, shuffled; `balanced`: as many of each class (to one), however many there are.

    No row comes twice before every other of its class (unbalanced: before every other) has come once.
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


ALL = slice(None)  # rows of a batch that are made: a worker makes its own


def class_batches(
    data,
    alphabet: Alphabet,
    outputs: int,
    batch_size: int,
    steps: int,
    how: str = "unit",
    seed: int = 0,
    epoch: int = 0,
    strength: float = 0.0,
    balanced: bool = True,
    groups: np.ndarray | None = None,
    own: slice = ALL,
):
    """Endless batches (float32 (B, H, W, C), one-hot float32 (B, outputs)), `steps` an epoch; see `class_order`, `distort`
    (of glyphs), `restyle` (of views).

    data: a utils.Labelled whose labels are single symbols. Class c is the alphabet's symbol number c: no blank here.
    groups: integers (n,); balanced draws take as many images of each group, by default of each class. own: the rows that each
    batch consists of; those of several workers make up the batch.
    """
    classes, one_hot = alphabet.classes(data.labels), np.eye(outputs, dtype=np.float32)
    groups = classes if groups is None else groups
    change = distort if data.images.shape[3] == 1 else restyle
    while True:
        rng = np.random.default_rng((seed, epoch))
        for rows in class_order(groups, steps * batch_size, rng, balanced).reshape(
            steps, batch_size
        ):
            images = data.images[rows]
            if strength:
                images = change(images, rng, strength)
            yield normalise(images[own], how), one_hot[classes[rows[own]]]
        epoch += 1


def ahead(batches):
    """The same batches, each made in another thread while the one before it is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches)
        while True:
            ready, coming = coming.result(), thread.submit(next, batches)
            yield ready


def batches(
    data,
    alphabet: Alphabet,
    batch_size: int,
    how: str = "standard",
    seed: int = 0,
    epoch: int = 0,
    strength: float = 0.0,
    own: slice = ALL,
):
    """Endless shuffled training batches ({"image": float32 (B, H, W, C), "label": int32 (B, L)},).

    The order, and `jitter` of that `strength`, depend on `seed` and the epoch's number only, so that a training
    resumed at `epoch` sees what it would have seen. An epoch is `len(data) // batch_size` batches. own: as in `class_batches`.
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
            yield ({"image": normalise(images, how), "label": labels[rows[own]]},)
        epoch += 1
