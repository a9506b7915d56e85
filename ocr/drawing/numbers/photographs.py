"""Vary photographs of numbers: other angles, other light, other cameras."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ocr.drawing.surfaces import camera, textures


def photographs(
    pictures: Sequence[np.ndarray], labels: Sequence[str]
) -> Callable[[np.random.Generator], tuple[str, np.ndarray]]:
    """Make a function of a generator that takes one of the pictures and varies it.

    pictures: uint8 (height, width), grey, each with its label; digits at least half as high as the
    picture. Returns (label, uint8 (height, width)).
    """

    def take(rng: np.random.Generator) -> tuple[str, np.ndarray]:
        k = int(rng.integers(len(pictures)))
        return labels[k], _varied(pictures[k], rng)

    return take


def _varied(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn, slant and scale a picture a little, light it anew, and take it with another camera."""
    height, width = picture.shape
    scale = np.exp(rng.normal(0, 0.25)) * min(1.0, 90 / height)
    angle, slant = rng.normal(0, (0.04, 0.08))
    wide = np.exp(rng.normal(0, 0.08))
    turn = scale * np.array(
        [[wide * np.cos(angle), -np.sin(angle) - slant], [np.sin(angle), np.cos(angle)]]
    )
    size = max(16, round(width * scale * wide)), max(12, round(height * scale))
    centre = np.array([width, height]) / 2
    shift = np.array(size) / 2 - turn @ centre + rng.normal(0, 0.02, 2) * size
    matrix = np.column_stack([turn, shift])
    turned = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    scene = turned.astype(np.float32)
    contrast, brightness = np.exp(rng.normal(0, 0.25)), rng.normal(0, 15)
    scene = (scene - scene.mean()) * contrast + scene.mean() + brightness
    shade = min(rng.exponential(0.1), 0.4) * scene.std()
    scene += shade * textures.cut(textures.light(), size[1], size[0], rng)
    return camera.shoot(scene, size[1] / 2, rng)
