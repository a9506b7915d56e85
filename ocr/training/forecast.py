"""Forecast the exact match that more labels bring: errors fall as a power of the labels."""

from collections.abc import Iterable
from math import exp, log
from typing import NamedTuple, Protocol

import numpy as np

TWICE = 2  # times the labels: as far as forecasts were measured; beyond, "at least" is the word
POINTS = 3  # numbers of labels that a curve takes at least
FLAT = 2.0  # standard errors that a slope must differ from 0 by
STEPS = 40  # of Fisher scoring
EDGE = 1e-2  # weight of a level of 0, where there are no errors, or only errors
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


# What is assumed before there is a curve. Measured: captcha_images_v2 1.2 (91 % with 70 images,
# 99.4 % with 728), drawn CAPTCHAs 0.9 (85.5 % with 200, 98.7 % with 3,000); 0.3 to 1.3 in short
# trainings on small images.
SLOPE = Normal(0.8, 0.3)
ANY = 10.0  # deviation that assumes next to nothing


class Law(NamedTuple):
    """errors an image = exp(level) * labels ** -slope; without any it is read right.

    Errors come independently (Poisson), so that exact match = exp(-errors an image).
    """

    level: float
    slope: float

    def right(self, labels: float) -> float:
        """Forecast the exact match with so many labels."""
        return exp(-exp(min(self.level - self.slope * log(labels), 50.0)))

    def labels(self, right: float) -> float:
        """Forecast the labels that an exact match takes."""
        return exp(min((self.level - log(-log(right))) / self.slope, 50.0))


def fit(points: Iterable[Scored]) -> Law | None:
    """Fit a law; None where the points say nothing.

    That is with fewer than POINTS numbers of labels, and where errors do not clearly get fewer.
    """
    points = [point for point in points if point.n and point.labels]
    if len({point.labels for point in points}) < POINTS:
        return None
    x = np.log([point.labels for point in points])
    n = np.array([point.n for point in points], float)
    right = np.array([point.hits for point in points]) / n
    law, deviation = _fit(x, n, right, Normal(SLOPE.mean, ANY))
    if law.slope < FLAT * deviation:
        return None
    return _fit(x, n * np.exp(NEARER * (x - x.max())) / (1 + SCATTER * n), right, SLOPE)[0]


def _fit(x: np.ndarray, n: np.ndarray, right: np.ndarray, slope: Normal) -> tuple[Law, float]:
    """Fit a law to shares `right` of `n` images at log labels `x`: (law, slope's standard error).

    A generalised linear model with the link log(-log(right)), by Fisher scoring. slope: what is
    assumed of it; the standard error is that of the posterior.
    """
    middle = x.mean()
    design = np.stack([np.ones_like(x), middle - x], axis=1)
    prior = np.diag([EDGE, slope.deviation**-2])
    found = start = np.array([0.0, slope.mean])
    for _ in range(STEPS):
        errors = np.exp(np.clip(design @ found, -12, 3))
        wrong = -np.expm1(-errors)
        gradient = design.T @ (n * errors * (1 - wrong - right) / wrong) - prior @ (found - start)
        hessian = design.T @ ((n * errors**2 * (1 - wrong) / wrong)[:, None] * design) + prior
        found = found + np.clip(np.linalg.solve(hessian, gradient), -1, 1)
    deviation = np.sqrt(np.linalg.inv(hessian)[1, 1])
    return Law(float(found[0] + found[1] * middle), float(found[1])), float(deviation)
