"""Picture what has no signs on it: paper, rules, noise, textures, something like a photograph.

Pictures are uint8 (H, W), grey, or (H, W, 3), of 20 to 100 pixels of height.
"""

from collections.abc import Callable

import cv2
import numpy as np

from ocr.drawing.surfaces import textures


def ruled(rng: np.random.Generator) -> np.ndarray:
    """Draw ruled or squared paper, combs, crossing lines."""
    height, width = int(rng.integers(30, 100)), int(rng.integers(30, 160))
    page = np.zeros((height, width), np.uint8)
    thick = int(rng.integers(1, 4))
    for axis in range(2) if rng.random() < 0.5 else [int(rng.integers(2))]:
        side = (height, width)[axis]
        for spot in np.cumsum(rng.integers(9, 22, int(rng.integers(2, 8)))).tolist():
            if spot < side:
                lean = int(rng.integers(-4, 5))
                start, end = (
                    ((spot, 0), (spot + lean, height)) if axis else ((0, spot), (width, spot))
                )
                cv2.line(page, start, end, 255, thick, cv2.LINE_AA)
    return _papered(page, rng)


def _papered(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay ink, uint8 (H, W), on plain paper."""
    paper = rng.uniform(120, 250) + rng.uniform(0, 6) * _cut(textures.light, ink.shape, rng)
    paper += rng.uniform(0, 4) * _cut(textures.noise, ink.shape, rng)
    return to_bytes(paper - ink / 255.0 * rng.uniform(40, 110))


def _cut(
    bank: Callable[[], np.ndarray], size: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    return textures.cut(bank(), size[0], size[1], rng)


def to_bytes(field: np.ndarray) -> np.ndarray:
    """Clip grey levels or colours to uint8."""
    return np.clip(field, 0, 255).astype(np.uint8)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    height = int(rng.integers(20, 100))
    return height, int(height * rng.uniform(0.6, 4))


def blank(rng: np.random.Generator) -> np.ndarray:
    """Picture paper in uneven light, with grain or a stain."""
    size = _size(rng)
    field = rng.uniform(90, 245) + rng.uniform(1, 14) * _cut(textures.light, size, rng)
    field += rng.exponential(2) * _cut(textures.noise, size, rng)
    return to_bytes(field + rng.exponential(2) * _cut(textures.speckle, size, rng))


def noise(rng: np.random.Generator) -> np.ndarray:
    """Picture white or blurred noise."""
    size = _size(rng)
    bank = textures.noise if rng.random() < 0.4 else textures.speckle
    return to_bytes(rng.uniform(70, 190) + rng.uniform(12, 80) * _cut(bank, size, rng))


def texture(rng: np.random.Generator) -> np.ndarray:
    """Picture fine lines, waves and tiles, in uneven light."""
    size = _size(rng)
    field = rng.uniform(90, 220) + rng.uniform(0, 20) * _cut(textures.light, size, rng)
    if rng.random() < 0.5:
        field -= rng.uniform(20, 120) * _cut(textures.lines, size, rng)
    else:
        y, x = np.mgrid[: size[0], : size[1]] / rng.uniform(2, 14)
        turn, bend = rng.uniform(0, np.pi), rng.uniform(0, 1.5) * _cut(textures.light, size, rng)
        wave = np.sin(x * np.cos(turn) + y * np.sin(turn) + bend)
        if rng.random() < 0.4:
            wave = wave * np.sin(y * np.cos(turn) - x * np.sin(turn) + bend)
        field += rng.uniform(10, 60) * (np.tanh(3 * wave) if rng.random() < 0.4 else wave)
    return to_bytes(field + rng.exponential(5) * _cut(textures.noise, size, rng))


def photograph(rng: np.random.Generator) -> np.ndarray:
    """Picture coloured things before each other, out of focus: uint8 (H, W, 3)."""
    size = _size(rng)
    field = np.zeros((*size, 3)) + rng.uniform(20, 235, 3)
    for _ in range(int(rng.integers(1, 6))):
        depth = _cut(textures.light, size, rng) - rng.normal(0, 0.8)
        edge = 1 / (1 + np.exp(-np.clip(rng.uniform(2, 30) * depth, -30, 30)))
        colour = (
            rng.uniform(10, 245, 3)
            + rng.uniform(0, 25) * _cut(textures.light, size, rng)[..., None]
        )
        field += edge[..., None] * (colour - field)
    return to_bytes(field + rng.exponential(4) * _cut(textures.noise, size, rng)[..., None])
