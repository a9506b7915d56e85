"""Augment images for training: distort glyphs, restyle views, jitter text lines.

All randomness comes from the generator passed in: the same state gives the same pixels.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image

cv2.setNumThreads(1)  # training is single-threaded

GRID = 5  # control points per side of the elastic field
ZOOM = 0.05  # standard deviation of the logarithm of the scale of views


def distort(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Distort glyphs: rotate, slant, scale, shift and bend each a little at random.

    images: uint8 (N, H, W, 1), light on black; so is the result, and pixels from outside are black.
    At strength 1 the standard deviations are 4 degrees (rotation and slant) and 5 % (scale), shifts
    are at most 1/30 of the side, and the smooth elastic field (Simard et al. 2003) has 1/45 of the
    side on a grid of 5 x 5 points. About 100,000 images of 28 x 28 per second on one core.
    """
    scale = np.ones((len(images), 1, 1), np.float32)
    return _warp(images, rng, strength, scale, cv2.BORDER_CONSTANT)


def restyle(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Restyle views as if taken with another camera, lamp and pen.

    images: uint8 (N, H, W, 4), colour and binary ink, as `inputs.views` makes them; so is the
    result. Both parts are distorted alike and scaled by ZOOM (at strength 1), with edge pixels
    repeated; then the colour part alone gets blur, swapped or inverted channels, other contrast,
    brightness and tint, and noise.
    """
    scale = np.exp(rng.normal(0, ZOOM * strength, (len(images), 1, 1))).astype(np.float32)
    warped = _warp(images, rng, strength, scale, cv2.BORDER_REPLICATE)
    ink = np.where(warped[..., 3:] > 127, np.uint8(255), np.uint8(0))
    colour = warped[..., :3]
    _blur(colour, rng, strength)
    _swap_channels(colour, rng, strength)
    return np.concatenate([_relight(colour, rng, strength), ink], axis=3)


def _blur(colour: np.ndarray, rng: np.random.Generator, strength: float):
    """Blur some of the images, in place."""
    blurred = rng.random(len(colour)) < 0.3 * strength
    for i, sigma in zip(np.flatnonzero(blurred), rng.uniform(0.4, 1.2, blurred.sum())):
        colour[i] = cv2.GaussianBlur(colour[i], (5, 5), sigma)


def _swap_channels(colour: np.ndarray, rng: np.random.Generator, strength: float):
    """Permute the colour channels of some of the images, in place."""
    swapped = np.flatnonzero(rng.random(len(colour)) < 0.5 * strength)
    order = rng.permuted(np.tile([0, 1, 2], (len(swapped), 1)), axis=1)
    colour[swapped] = np.take_along_axis(colour[swapped], order[:, None, None], 3)


def _relight(colour: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Invert some colour images, uint8 (N, H, W, 3); change contrast, brightness, tint, noise."""
    one = (len(colour), 1, 1, 1)
    inverted = rng.random(one) < 0.25 * strength
    values = np.where(inverted, 255 - colour, colour).astype(np.float32)
    contrast = np.exp(rng.normal(0, 0.25 * strength, one)).astype(np.float32)
    brightness = rng.normal(0, 20 * strength, one)
    tint = rng.normal(0, 8 * strength, (len(colour), 1, 1, 3))
    grain = rng.exponential(3 * strength, one).astype(np.float32)
    values = (values - 128) * contrast + (128 + brightness + tint).astype(np.float32)
    values += rng.standard_normal(values.shape, np.float32) * grain
    return np.clip(values, 0, 255).astype(np.uint8)


AUGMENTATIONS: dict[str, Callable[[np.ndarray, np.random.Generator, float], np.ndarray]] = {
    "distort": distort,  # glyphs
    "restyle": restyle,  # views
}


def _warp(
    images: np.ndarray, rng: np.random.Generator, strength: float, scale: np.ndarray, border: int
) -> np.ndarray:
    """Warp images as `distort` does, each scaled by its `scale`, float32 (N, 1, 1).

    border: OpenCV's rule for pixels from outside.
    """
    count, height, width, channels = images.shape
    turn = _turns(rng.normal(0, strength, (count, 4)) * (0.07, 0.07, 0.05, 0.05)) * scale
    centre = np.array([width - 1, height - 1], np.float32) / 2
    shift = rng.uniform(-1, 1, (count, 2)) * strength * (width / 30, height / 30)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    points = np.stack([x.ravel(), y.ravel()]) - centre[:, None]
    source = turn @ points + (centre + shift)[:, :, None].astype(np.float32)
    source = source.reshape(count, 2, height, width)
    field = rng.standard_normal((count, 2, GRID, GRID), np.float32)
    field = field * strength * max(height, width) / 45
    source += upsampling(GRID, height) @ field @ upsampling(GRID, width).T
    source = np.ascontiguousarray(source.transpose(0, 2, 3, 1))
    second: Any = None  # the first map has both coordinates; OpenCV's stubs forbid None
    warped = [
        cv2.remap(image, where, second, cv2.INTER_LINEAR, borderMode=border)
        for image, where in zip(images, source)
    ]
    return np.stack(warped).reshape(count, height, width, channels)


def _turns(parameters: np.ndarray) -> np.ndarray:
    """Make matrices, float32 (N, 2, 2), from (N, 4) angles, slants, widths and heights."""
    angle, slant, wide, high = parameters.T
    rows = [
        [(1 + wide) * np.cos(angle), slant - np.sin(angle)],
        [np.sin(angle), (1 + high) * np.cos(angle)],
    ]
    return np.array(rows, np.float32).transpose(2, 0, 1)


@lru_cache
def upsampling(points: int, side: int) -> np.ndarray:
    """Make the matrix, float32 (side, points), that interpolates `points` values smoothly."""
    identity = np.eye(points, dtype=np.float32)
    return cv2.resize(identity, (points, side), interpolation=cv2.INTER_CUBIC)


def jitter(image: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Jitter one image of a string: rotate, slant, scale and shift it a little at random.

    image: uint8 (H, W, C); so is the result. Pixels from outside get the image's median colour.
    """
    return shifted(image, draw_shift(rng, strength))


def draw_shift(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Draw the parameters of a `jitter`, float64 (6,): angle, slant, width, height, right, down."""
    spread = rng.normal(0, strength, 4) * (0.03, 0.08, 0.05, 0.05)
    return np.concatenate([spread, rng.uniform(-1, 1, 2) * strength])


def shifted(image: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Apply the parameters of `draw_shift` to an image, uint8 (H, W, C)."""
    height, width, channels = image.shape
    angle, slant, wide, high = parameters[:4]
    shift = parameters[4:] * (0.02 * width, 0.06 * height)
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
