"""Training batches: drawn, distorted, normalised; seeded by epoch, so that a resumed training sees what it would have."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from PIL import Image

from decoding import Alphabet
from images import normalise

cv2.setNumThreads(1)  # a training has one thread
GRID = 5              # points of the elastic field, a side
ZOOM = 0.05           # by how much the views are scaled, standard deviation of the logarithm


def distort(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """uint8 glyphs (N, H, W, 1), light on black, each rotated, slanted, scaled, shifted and bent a little at random.

    At strength 1, standard deviations of 4 degrees, 4 degrees and 5 %, shifts up to 1/30 of the side, and a smooth
    elastic field (Simard et al. 2003) of 1/45 of the side on a grid of 5 x 5 points. Black comes in from outside. About
    100,000 images of 28 x 28 a second on one core.
    """
    return _moved(images, rng, strength, np.ones((len(images), 1, 1), np.float32), cv2.BORDER_CONSTANT)


def restyle(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """uint8 views (N, H, W, 4) of views.py as another camera, lamp and pen might have made them.

    Both views are distorted alike, and scaled by ZOOM (at strength 1), with the edges drawn out; then
    the colour view alone gets other contrast, brightness and tint, its colours swapped or inverted, blur and noise.
    """
    count = len(images)
    zoom = np.exp(rng.normal(0, ZOOM * strength, (count, 1, 1))).astype(np.float32)
    moved = _moved(images, rng, strength, zoom, cv2.BORDER_REPLICATE)
    ink = np.where(moved[..., 3:] > 127, np.uint8(255), np.uint8(0))
    colour = moved[..., :3]
    blurred = rng.random(count) < 0.3 * strength
    for i, sigma in zip(np.flatnonzero(blurred), rng.uniform(0.4, 1.2, blurred.sum())):
        colour[i] = cv2.GaussianBlur(colour[i], (5, 5), sigma)
    swapped = np.flatnonzero(rng.random(count) < 0.5 * strength)
    colour[swapped] = np.take_along_axis(colour[swapped], rng.permuted(np.tile([0, 1, 2], (len(swapped), 1)), axis=1)[:, None, None], 3)
    inverted = rng.random((count, 1, 1, 1)) < 0.25 * strength
    values = np.where(inverted, 255 - colour, colour).astype(np.float32)
    contrast, bright = np.exp(rng.normal(0, 0.25 * strength, (count, 1, 1, 1))), rng.normal(0, 20 * strength, (count, 1, 1, 1))
    tint, grain = rng.normal(0, 8 * strength, (count, 1, 1, 3)), rng.exponential(3 * strength, (count, 1, 1, 1))
    values = (values - 128) * contrast.astype(np.float32) + (128 + bright + tint).astype(np.float32)
    values += rng.standard_normal(values.shape, np.float32) * grain.astype(np.float32)
    return np.concatenate([np.clip(values, 0, 255).astype(np.uint8), ink], axis=3)


def _moved(images: np.ndarray, rng: np.random.Generator, strength: float, zoom: np.ndarray, border: int) -> np.ndarray:
    """`distort`, each image scaled by its `zoom` (N, 1, 1), and what comes in from outside by OpenCV's rule `border`."""
    count, height, width, channels = images.shape
    angle, slant, wide, high = (rng.normal(0, strength, (count, 4)) * (0.07, 0.07, 0.05, 0.05)).T
    matrix = np.array([[(1 + wide) * np.cos(angle), slant - np.sin(angle)],
                       [np.sin(angle), (1 + high) * np.cos(angle)]], np.float32).transpose(2, 0, 1) * zoom
    centre = np.array([width - 1, height - 1], np.float32) / 2
    shift = rng.uniform(-1, 1, (count, 2)) * strength * (width / 30, height / 30)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    points = np.stack([x.ravel(), y.ravel()]) - centre[:, None]
    where = (matrix @ points + (centre + shift)[:, :, None].astype(np.float32)).reshape(count, 2, height, width)
    up = [cv2.resize(np.eye(GRID, dtype=np.float32), (GRID, side), interpolation=cv2.INTER_CUBIC) for side in (height, width)]
    where += up[0] @ (rng.standard_normal((count, 2, GRID, GRID), np.float32) * strength * max(height, width) / 45) @ up[1].T
    where = np.ascontiguousarray(where.transpose(0, 2, 3, 1))
    moved = [cv2.remap(image, to, None, cv2.INTER_LINEAR, borderMode=border) for image, to in zip(images, where)]
    return np.stack(moved).reshape(count, height, width, channels)


def class_order(classes: np.ndarray, count: int, rng: np.random.Generator, balanced: bool = True) -> np.ndarray:
    """`count` row numbers to train on, shuffled; `balanced`: as many of each class (to one), however many there are.

    No row comes twice before every other of its class (unbalanced: before every other) has come once.
    """
    groups = [np.flatnonzero(classes == c) for c in np.unique(classes)] if balanced else [np.arange(len(classes))]
    share, extra = divmod(count, len(groups))
    more = set(rng.permutation(len(groups))[:extra].tolist())
    drawn = []
    for i, rows in enumerate(groups):
        wanted = share + (i in more)
        rounds = [rng.permutation(rows) for _ in range(-(-wanted // len(rows)))]
        drawn.append(np.concatenate([*rounds, rows[:0]])[:wanted])
    return rng.permutation(np.concatenate(drawn))


ALL = slice(None)  # rows of a batch that are made: a worker makes its own


def class_batches(data, alphabet: Alphabet, outputs: int, batch_size: int, steps: int, how: str = "unit", seed: int = 0,
                  epoch: int = 0, strength: float = 0.0, balanced: bool = True, groups: np.ndarray | None = None, own: slice = ALL):
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
        for rows in class_order(groups, steps * batch_size, rng, balanced).reshape(steps, batch_size):
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


def jitter(image: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """A uint8 (H, W, C) image a little rotated, slanted, scaled and shifted, as the next one from the source might be."""
    return _shifted(image, _shift(rng, strength))


def _shift(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Six random numbers of a `jitter`: angle, slant, width, height, right, down."""
    return np.concatenate([rng.normal(0, strength, 4) * (0.03, 0.08, 0.05, 0.05), rng.uniform(-1, 1, 2) * strength])


def _shifted(image: np.ndarray, how: np.ndarray) -> np.ndarray:
    height, width, channels = image.shape
    angle, slant, wide, high = how[:4]
    shift = how[4:] * (0.02 * width, 0.06 * height)
    matrix = np.array([[(1 + wide) * np.cos(angle), slant - np.sin(angle)],
                       [np.sin(angle), (1 + high) * np.cos(angle)]])
    centre = np.array([width, height]) / 2
    offset = centre + shift - matrix @ centre
    picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
    ground = np.median(image.reshape(-1, channels), axis=0).astype(int).tolist()
    moved = picture.transform((width, height), Image.Transform.AFFINE, (*matrix[0], offset[0], *matrix[1], offset[1]),
                              Image.Resampling.BILINEAR, fillcolor=ground[0] if channels == 1 else tuple(ground))
    return np.asarray(moved).reshape(image.shape)


def batches(data, alphabet: Alphabet, batch_size: int, how: str = "standard", seed: int = 0,
            epoch: int = 0, strength: float = 0.0, own: slice = ALL):
    """Endless shuffled training batches ({"image": float32 (B, H, W, C), "label": int32 (B, L)},).

    The order, and `jitter` of that `strength`, depend on `seed` and the epoch's number only, so that a training
    resumed at `epoch` sees what it would have seen. An epoch is `len(data) // batch_size` batches. own: as in `class_batches`.
    """
    labels = alphabet.encode_all(data.labels)
    while True:
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(data))
        for start in range(0, len(data) - batch_size + 1, batch_size):
            rows = order[start:start + batch_size]
            shifts = [_shift(rng, strength) for _ in rows][own] if strength else []
            images = data.images[rows[own]]
            if strength:
                images = np.stack([_shifted(image, shift) for image, shift in zip(images, shifts)])
            yield ({"image": normalise(images, how), "label": labels[rows[own]]},)
        epoch += 1
