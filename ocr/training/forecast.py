"""Forecast the exact match that more labels bring, and say how far the forecast can be wrong.

Errors fall as a power of the labels, down to some that no label mends. Which power, and how many
are left, is found from the points of a learning curve, as far as these can tell: all laws are kept,
each weighted by how well it explains the points (Bayes), so that a forecast has an interval.
"""

from collections.abc import Iterable
from math import log
from typing import NamedTuple, Protocol

import numpy as np

TWICE = 2  # times the labels: as far as forecasts were measured
POINTS = 3  # numbers of labels that a curve takes at least
INTERVAL = 0.05, 0.95  # quantiles: the truth lies between them nine times of ten
NEAR = 0.05  # half of an interval's width; wider ones are no figure
FAR = 10  # times the labels: beyond it is said only that it is beyond
# Trained again, with another seed, a network reads a few points more or less: a variance that does
# not fall with the number of images read, as if there were at most 1 / SCATTER of them.
SCATTER = 0.01
# Where reading begins the curve is steeper than later: a point at half the labels counts half.
NEARER = 1.0


class Scored(Protocol):
    """A reader's score: `hits` of `n` images read right, trained with so many labels."""

    @property
    def labels(self) -> int: ...
    @property
    def hits(self) -> int: ...
    @property
    def n(self) -> int: ...


class Normal(NamedTuple):
    """A normal distribution."""

    mean: float
    deviation: float


# What is assumed before there is a curve. Measured slopes: captcha_images_v2 1.2 (91 % with 70
# images, 99.4 % with 728), drawn CAPTCHAs 0.9 (85.5 % with 200, 98.7 % with 3,000); where reading
# begins 2 and more; 0.3 to 1.3 in short trainings on small images, which end before all is learnt.
SLOPE = Normal(1.2, 0.6)
SLOPES = np.linspace(-1, 4, 51)
LEVELS = np.linspace(-8, 3, 111)  # log of the errors an image, with the most labels of the curve
FLOORS = np.array([0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2])  # errors an image that stay
NO_FLOOR = 0.5  # probability that all errors go
FLAT = 0.025  # probability of a curve that does not rise, from which on nothing is forecast


class Laws:
    """Laws of a learning curve, each with its probability.

    errors an image = exp(level) * (labels / most) ** -slope + floor, and exact match is
    exp(-errors): errors come independently (Poisson), and without any the image is read right.
    """

    def __init__(self, most: int, probabilities: np.ndarray):
        """Take the probabilities (LEVELS, SLOPES, FLOORS) of laws; most: labels of the curve."""
        likely = probabilities.ravel() > 1e-6 * probabilities.max()
        self.most, self.weights = most, probabilities.ravel()[likely]
        grid = np.meshgrid(LEVELS, SLOPES, FLOORS, indexing="ij")
        self.level, self.slope, self.floor = (part.ravel()[likely] for part in grid)

    def right(self, labels: float) -> float:
        """Forecast the exact match with so many labels: the median."""
        return self._quantiles(self._right(labels), (0.5,))[0]

    def between(self, labels: float) -> tuple[float, float]:
        """Forecast the exact match with so many labels: its interval, see INTERVAL."""
        low, high = self._quantiles(self._right(labels), INTERVAL)
        return low, high

    def labels(self, right: float) -> tuple[float, float, float]:
        """Forecast the labels that an exact match takes: (least, median, most), see INTERVAL.

        Infinite where no number of labels may bring it.
        """
        left = -log(right) - self.floor
        slope = np.maximum(self.slope, 1e-3)
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.where(left > 0, (self.level - np.log(left)) / slope, np.inf)
        needed = self.most * np.exp(np.where(power > 50, np.inf, power))
        low, middle, high = self._quantiles(needed, (INTERVAL[0], 0.5, INTERVAL[1]))
        return low, middle, high

    def _right(self, labels: float) -> np.ndarray:
        errors = np.exp(np.minimum(self.level - self.slope * log(labels / self.most), 50.0))
        return np.exp(-errors - self.floor)

    def _quantiles(self, values: np.ndarray, shares: Iterable[float]) -> list[float]:
        order = np.argsort(values)
        below = np.cumsum(self.weights[order]) / self.weights.sum()
        return [float(values[order][np.searchsorted(below, share)]) for share in shares]


def fit(points: Iterable[Scored]) -> Laws | None:
    """Fit the laws to a curve; None where the points say nothing.

    That is with fewer than POINTS numbers of labels, and where errors do not clearly get fewer.
    """
    points = [point for point in points if point.n and point.labels]
    if len({point.labels for point in points}) < POINTS:
        return None
    most = max(point.labels for point in points)
    explained = np.stack([_log_likelihood(point, most) for point in points])
    if _probabilities(explained.sum(axis=0)[..., 0]).sum(axis=0)[SLOPES <= 0].sum() > FLAT:
        return None
    weights = np.array([(p.labels / most) ** NEARER / (1 + SCATTER * p.n) for p in points])
    slopes = -0.5 * ((SLOPES - SLOPE.mean) / SLOPE.deviation) ** 2
    floors = np.where(FLOORS == 0, NO_FLOOR, (1 - NO_FLOOR) / (len(FLOORS) - 1))
    fits = np.tensordot(weights, explained, 1)
    return Laws(most, _probabilities(fits + slopes[:, None] + np.log(floors)))


def _log_likelihood(point: Scored, most: int) -> np.ndarray:
    """Compute how well each law explains a point: (LEVELS, SLOPES, FLOORS)."""
    power = LEVELS[:, None] - SLOPES * log(point.labels / most)
    errors = np.exp(np.clip(power, -12, 3.5))[..., None] + FLOORS
    return (point.n - point.hits) * np.log(-np.expm1(-errors)) - point.hits * errors


def _probabilities(logs: np.ndarray) -> np.ndarray:
    shares = np.exp(logs - logs.max())
    return shares / shares.sum()


# --- in words


def twice(laws: Laws, labels: int) -> str:
    """Say what twice the labels should bring: "97 %", or "78 to 94 %" where a figure would lie."""
    low, high = laws.between(TWICE * labels)
    if high - low > 2 * NEAR:
        return f"{round(100 * low)} to {round(100 * high)} %"
    likely = round(100 * laws.right(TWICE * labels))
    return f"{likely} %" if likely < 100 else "more than 99 %"


class Amount(NamedTuple):
    """A number of labels, as well as it is known: `words`, such as "{} to {}", take `numbers`."""

    words: str
    numbers: tuple[float, ...]

    def of(self, unit: float = 1.0) -> str:
        """Say it in labels, or in another unit of so many labels, rounded to two figures."""
        return self.words.format(*(f"{_rounded(number / unit):,}" for number in self.numbers))


def needed(laws: Laws, right: float, labels: int, given: int = 0) -> Amount | None:
    """Say how many labels an exact match takes; None where that is not known at all.

    labels: given so far; given: leave so many of them out of the count.
    """
    least, likely, most = laws.labels(right)
    far = FAR * labels
    if least > far:
        return Amount("more than {}", (far,))
    if most <= TWICE * labels:
        return Amount("about {}", (likely - given,))
    if most > far:
        return Amount("at least {}", (least - given,)) if least > labels else None
    if least <= labels:
        return Amount("up to {}", (most - given,))
    return Amount("{} to {}", (least - given, most - given))


def _rounded(number: float) -> int:
    """Round to two figures, as forecasts are not better; at least 1."""
    step = 10 ** max(0, len(str(int(number))) - 2)
    return max(1, round(number / step) * step)
