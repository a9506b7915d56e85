"""Textures to paint on: noise, uneven light, and the fine lines of security print.

They are drawn once in a process, from a fixed seed, and cut out at random places.
"""

from functools import cache

import cv2
import numpy as np

HEIGHT, WIDTH = 192, 768  # pixels of a texture; what is cut out is repeated beyond


def cut(bank: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a random (height, width) out of a random texture of a bank (n, HEIGHT, WIDTH)."""
    texture = bank[rng.integers(len(bank))]
    if height > HEIGHT or width > WIDTH:
        times = -(-height // HEIGHT), -(-width // WIDTH)
        texture = np.tile(texture, times)
    y = int(rng.integers(0, texture.shape[0] - height + 1))
    x = int(rng.integers(0, texture.shape[1] - width + 1))
    return texture[y : y + height, x : x + width]


@cache
def noise() -> np.ndarray:
    """Draw white noise, float32 (n, HEIGHT, WIDTH), of deviation 1."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((8, HEIGHT, WIDTH), np.float32)


@cache
def speckle() -> np.ndarray:
    """Draw blurred noise of several grain sizes, float32 (n, HEIGHT, WIDTH), of deviation 1."""
    rng = np.random.default_rng(2)
    found = []
    for sigma in (0.7, 0.9, 1.1, 1.4, 1.8, 2.4, 3.2, 5.0):
        grain = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH), np.float32), (0, 0), sigma)
        found.append(grain / grain.std())
    return np.stack(found)


@cache
def light() -> np.ndarray:
    """Draw uneven light, shadows and reflections, float32 (n, HEIGHT, WIDTH), of deviation 1."""
    rng = np.random.default_rng(3)
    found = []
    for k in range(24):
        field = np.zeros((HEIGHT, WIDTH), np.float32)
        for size in (2, 4, 8, 16, 32)[: 2 + k % 4]:
            grid = rng.standard_normal((size + 1, 4 * size + 1), np.float32) / size**0.7
            field += cv2.resize(grid, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        if k % 4 == 3:  # with an edge, as a shadow has
            field = np.tanh(4 * (field - np.median(field)))
        found.append((field - field.mean()) / field.std())
    return np.stack(found)


@cache
def lines() -> np.ndarray:
    """Draw patterns of fine lines (guilloche, ruled and squared paper), float32 from 0 to 1."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    found = []
    for k in range(48):
        total = np.zeros((HEIGHT, WIDTH), np.float32)
        for _ in range(1 + k % 3):
            angle = rng.normal(0, 0.15) + rng.choice((0, 0, np.pi / 2, rng.uniform(0, np.pi)))
            along = x * np.cos(angle) + y * np.sin(angle)
            across = -x * np.sin(angle) + y * np.cos(angle)
            wave = rng.uniform(0, 8) * np.sin(along / rng.uniform(6, 40) + rng.uniform(0, 6))
            wave += rng.uniform(0, 5) * np.sin(along / rng.uniform(15, 90))
            period = rng.uniform(3.5, 14)
            phase = np.abs((across + wave) / period % 1 - 0.5) * period
            total = np.maximum(total, np.clip(rng.uniform(0.5, 1.3) - phase + 0.3, 0, 1))
        found.append(total)
    return np.stack(found)
