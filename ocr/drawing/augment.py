"""Augment: distort glyphs, restyle views, jitter text lines."""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

cv2.setNumThreads(1)  # a training has one thread

GRID = 5  # points of the elastic field, a side
ZOOM = 0.05  # by how much the views are scaled, standard deviation of the logarithm


def distort(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """uint8 glyphs (N, H, W, 1), light on black, each rotated, slanted, scaled, shifted and bent a little at random.

    At strength 1, standard deviations of 4 degrees, 4 degrees and 5 %, shifts up to 1/30 of the side, and a smooth
    elastic field (Simard et al. 2003) of 1/45 of the side on a grid of 5 x 5 points. Black comes in from outside. About
    100,000 images of 28 x 28 a second on one core.
    """
    return _moved(
        images, rng, strength, np.ones((len(images), 1, 1), np.float32), cv2.BORDER_CONSTANT
    )


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
    colour[swapped] = np.take_along_axis(
        colour[swapped],
        rng.permuted(np.tile([0, 1, 2], (len(swapped), 1)), axis=1)[:, None, None],
        3,
    )
    inverted = rng.random((count, 1, 1, 1)) < 0.25 * strength
    values = np.where(inverted, 255 - colour, colour).astype(np.float32)
    contrast, bright = (
        np.exp(rng.normal(0, 0.25 * strength, (count, 1, 1, 1))),
        rng.normal(0, 20 * strength, (count, 1, 1, 1)),
    )
    tint, grain = (
        rng.normal(0, 8 * strength, (count, 1, 1, 3)),
        rng.exponential(3 * strength, (count, 1, 1, 1)),
    )
    values = (values - 128) * contrast.astype(np.float32) + (128 + bright + tint).astype(np.float32)
    values += rng.standard_normal(values.shape, np.float32) * grain.astype(np.float32)
    return np.concatenate([np.clip(values, 0, 255).astype(np.uint8), ink], axis=3)


def _moved(
    images: np.ndarray, rng: np.random.Generator, strength: float, zoom: np.ndarray, border: int
) -> np.ndarray:
    """`distort`, each image scaled by its `zoom` (N, 1, 1), and what comes in from outside by OpenCV's rule `border`."""
    count, height, width, channels = images.shape
    angle, slant, wide, high = (rng.normal(0, strength, (count, 4)) * (0.07, 0.07, 0.05, 0.05)).T
    matrix = (
        np.array(
            [
                [(1 + wide) * np.cos(angle), slant - np.sin(angle)],
                [np.sin(angle), (1 + high) * np.cos(angle)],
            ],
            np.float32,
        ).transpose(2, 0, 1)
        * zoom
    )
    centre = np.array([width - 1, height - 1], np.float32) / 2
    shift = rng.uniform(-1, 1, (count, 2)) * strength * (width / 30, height / 30)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    points = np.stack([x.ravel(), y.ravel()]) - centre[:, None]
    where = (matrix @ points + (centre + shift)[:, :, None].astype(np.float32)).reshape(
        count, 2, height, width
    )
    up = [
        cv2.resize(np.eye(GRID, dtype=np.float32), (GRID, side), interpolation=cv2.INTER_CUBIC)
        for side in (height, width)
    ]
    where += (
        up[0]
        @ (
            rng.standard_normal((count, 2, GRID, GRID), np.float32)
            * strength
            * max(height, width)
            / 45
        )
        @ up[1].T
    )
    where = np.ascontiguousarray(where.transpose(0, 2, 3, 1))
    moved = [
        cv2.remap(image, to, None, cv2.INTER_LINEAR, borderMode=border)
        for image, to in zip(images, where)
    ]
    return np.stack(moved).reshape(count, height, width, channels)


AUGMENTATIONS: dict[str, Callable[[np.ndarray, np.random.Generator, float], np.ndarray]] = {
    "distort": distort,  # glyphs
    "restyle": restyle,  # views
}


def jitter(image: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """A uint8 (H, W, C) image a little rotated, slanted, scaled and shifted, as the next one from the source might be."""
    return shifted(image, draw_shift(rng, strength))


def draw_shift(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Six random numbers of a `jitter`: angle, slant, width, height, right, down."""
    return np.concatenate(
        [rng.normal(0, strength, 4) * (0.03, 0.08, 0.05, 0.05), rng.uniform(-1, 1, 2) * strength]
    )


def shifted(image: np.ndarray, how: np.ndarray) -> np.ndarray:
    height, width, channels = image.shape
    angle, slant, wide, high = how[:4]
    shift = how[4:] * (0.02 * width, 0.06 * height)
    matrix = np.array(
        [
            [(1 + wide) * np.cos(angle), slant - np.sin(angle)],
            [np.sin(angle), (1 + high) * np.cos(angle)],
        ]
    )
    centre = np.array([width, height]) / 2
    offset = centre + shift - matrix @ centre
    picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
    ground = np.median(image.reshape(-1, channels), axis=0).astype(int).tolist()
    moved = picture.transform(
        (width, height),
        Image.Transform.AFFINE,
        (*matrix[0], offset[0], *matrix[1], offset[1]),
        Image.Resampling.BILINEAR,
        fillcolor=ground[0] if channels == 1 else tuple(ground),
    )
    return np.asarray(moved).reshape(image.shape)
