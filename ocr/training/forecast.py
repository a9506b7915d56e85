"""Forecast the exact match that more labels bring: a power law of the odds of an error."""

from collections.abc import Iterable, Sequence
from math import exp, log
from typing import NamedTuple, Protocol

import numpy as np

POINTS = 3  # numbers of labels that a curve takes at least
FLAT = 2.0  # standard errors that a slope must differ from 0 by
STEPS = 25  # of Newton's method
EDGE = 1e-2  # weight of a level of 0, where there are no errors, or only errors


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


# Measured: captcha_images_v2 1.1 (91 % with 70 images, 99.4 % with 728), drawn CAPTCHAs 0.9 (85.5 %
# with 200, 98.7 % with 3,000). Where reading begins the curve is steeper by far, and says nothing
# of what follows.
SLOPE = Normal(1.0, 1.0)
BEGUN = 0.25  # exact match


class Law(NamedTuple):
    """odds of an error = exp(level) * labels ** -slope: a power law where errors are rare."""

    level: float
    slope: float

    def right(self, labels: float) -> float:
        """Forecast the exact match with so many labels."""
        return 1 / (1 + exp(self.level - self.slope * log(labels)))

    def labels(self, right: float) -> float:
        """Forecast the labels that an exact match takes."""
        return exp(min((self.level - log((1 - right) / right)) / self.slope, 50.0))


def fit(points: Iterable[Scored]) -> Law | None:
    """Fit the odds of an error; None where the points say nothing.

    That is with fewer than POINTS numbers of labels, and where errors do not clearly get fewer. A
    second fit leaves out the points at which, by the first one, reading had not BEGUN.
    """
    points = [point for point in points if point.n and point.labels]
    if len({point.labels for point in points}) < POINTS:
        return None
    law, _ = _fit(points)
    later = [point for point in points if law.right(point.labels) >= BEGUN]
    law, deviation = _fit(later if len({point.labels for point in later}) > 1 else points)
    return None if law.slope < FLAT * deviation else law


def _fit(points: Sequence[Scored]) -> tuple[Law, float]:
    """Fit a law by logistic regression on log labels: the law, and its slope's standard error.

    Iteratively reweighted least squares. A SLOPE to start from keeps few images from claiming much;
    it does not count in the standard error.
    """
    x = np.log([point.labels for point in points])
    n = np.array([point.n for point in points], float)
    wrong = n - [point.hits for point in points]
    middle = x.mean()
    design = np.stack([np.ones_like(x), middle - x], axis=1)
    prior = np.array([[EDGE, 0.0], [0.0, SLOPE.deviation**-2]])
    found = start = np.array([0.0, SLOPE.mean])
    for _ in range(STEPS):
        errors = 1 / (1 + np.exp(-(design @ found)))
        hessian = design.T * (n * errors * (1 - errors)) @ design
        gradient = design.T @ (wrong - n * errors) - prior @ (found - start)
        found = found + np.clip(np.linalg.solve(hessian + prior, gradient), -1, 1)
    deviation = np.sqrt(np.linalg.inv(hessian + prior * [[1, 0], [0, EDGE]])[1, 1])
    return Law(float(found[0] + found[1] * middle), float(found[1])), float(deviation)
