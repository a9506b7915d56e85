"""Displays behind glass: dark edges, reflections, the bars of the window."""

import cv2
import numpy as np


def behind(picture: np.ndarray, contrast: float, rng: np.random.Generator) -> np.ndarray:
    """Photograph a picture, float32 (height, width) in grey levels, behind a pane of glass.

    contrast: grey levels between ink and ground; reflections are up to that bright.
    """
    high, wide = picture.shape
    shot = picture * _lit(high, wide, rng)
    for _ in range(int(rng.integers(0, 4))):
        shot += contrast * rng.uniform(-0.3, 0.65) * _reflection(high, wide, rng)
    for left in (True, False):
        if rng.random() < 0.4:
            width = max(2, round(high * rng.uniform(0.03, 0.25)))
            columns = slice(0, width) if left else slice(wide - width, wide)
            shot[:, columns] += contrast * rng.choice((-1.0, 0.6)) * rng.uniform(0.4, 1.1)
    return shot * min(1.0, 255 / float(shot.max()))


def _lit(high: int, wide: int, rng: np.random.Generator) -> np.ndarray:
    """Compute how much light each place has: least at the edges, float32 (high, wide)."""
    middle, power = rng.uniform(0.2, 0.8, 2), rng.uniform(1.5, 5)
    across = np.abs(np.linspace(0, 1, wide, dtype=np.float32) - middle[0]) / 0.7
    down = np.abs(np.linspace(0, 1, high, dtype=np.float32) - middle[1]) / 0.7
    beside, above = rng.uniform(0, (0.7, 0.5))
    dark = beside * across[None] ** power + above * down[:, None] ** power
    return 1 - np.minimum(dark, 0.9)


def _reflection(high: int, wide: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a bright area with sharp or blurred edges, float32 (high, wide) from 0 to 1."""
    centre = rng.uniform(0, 1, 2) * (wide, high)
    corners = centre + rng.normal(0, 0.6 * high, (int(rng.integers(3, 7)), 2))
    hull = cv2.convexHull(corners.astype(np.float32))
    area = np.zeros((high, wide), np.float32)
    cv2.fillPoly(area, [np.round(16 * hull).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    blur = high * rng.choice((0.02, 0.1, 0.25))
    return cv2.GaussianBlur(area, (0, 0), max(0.3, blur))
