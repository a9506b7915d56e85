"""The learning curve: labels against exact match on the gold set, and what more would bring."""

from collections.abc import Sequence
from math import ceil, exp, log
from typing import NamedTuple

import numpy as np

from ocr.scores import wilson

POINTS = 3  # numbers of labels that a curve takes at least
FLAT = 2.0  # standard errors that a slope must differ from 0 by
STEPS = 25  # of Newton's method
EDGE = 1e-2  # weight of a level of 0, where there are no errors, or only errors
TARGETS = (0.8, 0.95, 0.98, 0.99, 0.995)  # shares to forecast the labels for
FAR = 10  # times the labels given so far: forecasts beyond say only that
LITTLE = 0.01  # less than that by twice the labels: time to stop
ENOUGH = 50  # gold images that say something where all are right


class Normal(NamedTuple):
    """A normal distribution."""

    mean: float
    deviation: float


# Measured: captcha_images_v2 1.1 (91 % with 70 images, 99.4 % with 728), drawn CAPTCHAs 0.9 (85.5 %
# with 200, 98.7 % with 3,000); steeper where reading begins.
SLOPE = Normal(1.0, 1.0)


class Point(NamedTuple):
    """One training: its score on the gold set.

    labels   given when it began, gold ones included
    trained  images that it trained on
    hits, n  gold images read right, and all of them
    time     when it ended, UTC, ISO 8601
    saved    did its reader take the place of the one before?
    """

    labels: int
    trained: int
    hits: int
    n: int
    time: str = ""
    saved: bool = True


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


def fit(points: Sequence[Point]) -> Law | None:
    """Fit the odds of an error by least squares on logits; None where it says nothing.

    That is with fewer than POINTS numbers of labels, and where errors do not clearly get fewer.
    Iteratively reweighted, which is logistic regression on log labels: points count by n p (1 - p),
    little where nothing is read yet. A SLOPE to start from keeps few images from claiming much.
    """
    points = [point for point in points if point.n and point.labels]
    if len({point.labels for point in points}) < POINTS:
        return None
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
    if found[1] < FLAT * deviation:
        return None
    return Law(float(found[0] + found[1] * middle), float(found[1]))


# --- in words


def words(points: Sequence[Point], labels: int, rate: float | None = None) -> list[str]:
    """Say what the points mean to a person: sentences.

    labels: given so far; rate: labels a minute, None where it is not known.
    """
    points = [point for point in points if point.n]
    if not points:
        return []
    best = next((point for point in reversed(points) if point.saved), points[-1])
    low, high = wilson(best.hits, best.n)
    said = [
        f"{best.hits} of {best.n} right ({round(100 * low)} to {round(100 * high)} %): gold "
        f"images, never trained on, read by the reader of {best.labels:,} labels."
    ]
    law = fit(points)
    if law is not None:
        said.append(_forecast(law, labels, best.hits / best.n, rate))
    if _is_enough(law, labels, best):
        said.append("You can stop: twice the labels should bring less than 1 % more.")
    elif best.hits == best.n >= ENOUGH:
        said.append("You can stop: none is wrong, and more labels would show little.")
    return said


def _forecast(law: Law, labels: int, share: float, rate: float | None) -> str:
    """Say how many labels the next target takes."""
    now = max(share, law.right(labels))
    target = next((each for each in TARGETS if each > now + LITTLE), None)
    if target is None:
        return "The curve is near its end: hardly an image is read wrong."
    percent = f"{100 * target:g} %"
    more = ceil(law.labels(target)) - labels
    if more > FAR * labels:
        return f"By this curve {percent} would take more than {FAR * labels:,} labels."
    rounded = _rounded(max(more, 1))
    minutes = f" ({max(1, round(rounded / rate)):,} minutes at your pace)" if rate else ""
    return f"About {rounded:,} more labels should bring {percent}{minutes}."


def _is_enough(law: Law | None, labels: int, best: Point) -> bool:
    """Would twice the labels bring next to nothing?"""
    if law is None:
        return False
    return law.right(2 * labels) - min(law.right(labels), best.hits / best.n) < LITTLE


def _rounded(count: int) -> int:
    """Round to two figures: forecasts are not better."""
    step = 10 ** max(0, len(str(count)) - 2)
    return round(count / step) * step


def forecast(points: Sequence[Point]) -> list[tuple[int, float]]:
    """Forecast the exact match up to twice the labels: (labels, share); nothing without a law."""
    law = fit(points)
    if law is None:
        return []
    first, last = min(p.labels for p in points), max(p.labels for p in points)
    places = [round(first + (2 * last - first) * k / 24) for k in range(25)]
    return [(labels, law.right(labels)) for labels in places]


def described(points: Sequence[Point]) -> list[dict]:
    """Describe the points for a picture: each with its share and its interval."""
    shown = []
    for point in points:
        if point.n:
            low, high = wilson(point.hits, point.n)
            shares = {"share": point.hits / point.n, "low": low, "high": high}
            shown.append({**point._asdict(), **shares})
    return shown
