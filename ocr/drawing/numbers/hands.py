"""Pictures of single handwritten digits, in the order of their slant."""

from collections.abc import Sequence

import numpy as np

ALIKE = 0.12  # standard deviation of the slant's rank within one number


class Hands:
    """Pictures of single handwritten signs, in sources of which a number takes one.

    add(images, labels): uint8 (n, 28, 28, 1), light on black, and one label each: Western digits.
    letters: uint8 (n, 28, 28), drawn where a text has signs that belong to no number.
    """

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.letters: np.ndarray = np.zeros((0, 28, 28), np.uint8)

    def add(self, images: np.ndarray, labels: Sequence[str]) -> "Hands":
        """Add a source of digits."""
        self.sources.append(Source(images[..., 0], labels))
        return self


class Source:
    """Pictures of digits, uint8 (n, 28, 28), those of each digit by their slant."""

    def __init__(self, images: np.ndarray, labels: Sequence[str]):
        names, lean = np.array(labels), slants(images)
        self.images = images
        self.rows: dict[str, np.ndarray] = {}
        for digit in "0123456789":
            rows = np.flatnonzero(names == digit)
            self.rows[digit] = rows[np.argsort(lean[rows], kind="stable")]

    def take(self, digit: str, slant: float | None, rng: np.random.Generator) -> np.ndarray:
        """Take a picture of a digit, uint8 (28, 28), at random, or one that slants alike.

        slant: its rank among the slants of this digit, 0 to 1.
        """
        rows = self.rows[digit]
        place = rng.random() if slant is None else slant + rng.normal(0, ALIKE)
        image: np.ndarray = self.images[rows[int(np.clip(place, 0, 0.9999) * len(rows))]]
        return image


def slants(images: np.ndarray) -> np.ndarray:
    """Compute by how many columns each picture's ink shifts a row, float64 (n,), from its moments.

    images: uint8 (n, H, W), light on black.
    """
    found = np.zeros(len(images))
    high, wide = images.shape[1:]
    y, x = np.arange(high, dtype=np.float32), np.arange(wide, dtype=np.float32)
    for start in range(0, len(images), 4096):
        part = images[start : start + 4096].astype(np.float32)
        rows, columns, mass = part.sum(axis=2), part.sum(axis=1), part.sum(axis=(1, 2)) + 1e-3
        yy = y - (rows @ y / mass)[:, None]
        shift = (columns @ x / mass)[:, None]
        along = (part @ x) - shift * rows  # of each row: its ink's distance from the middle
        found[start : start + 4096] = (along * yy).sum(axis=1) / ((rows * yy**2).sum(axis=1) + 1e-3)
    return found
