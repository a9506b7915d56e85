"""The learning curve: labels against exact match on the gold set, and what more would bring."""

from collections.abc import Sequence
from typing import NamedTuple

from ocr.scores import wilson
from ocr.training import forecast as forecasts
from ocr.training.forecast import TWICE, Laws, fit

TARGETS = (0.8, 0.95, 0.98, 0.99, 0.995)  # shares to forecast the labels for
LITTLE = 0.01  # less than that by twice the labels: time to stop
ENOUGH = 50  # gold images that say something where all are right


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
    laws = fit(points)
    if laws is not None:
        said.append(_twice(laws, labels))
        said.extend(_target(laws, labels, best.hits / best.n, rate))
    if _is_enough(laws, labels, best):
        said.append("You can stop: twice the labels should bring less than 1 % more.")
    elif best.hits == best.n >= ENOUGH:
        said.append("You can stop: none is wrong, and more labels would show little.")
    return said


def _twice(laws: Laws, labels: int) -> str:
    """Say what twice the labels should bring."""
    brings = forecasts.twice(laws, labels)
    wide = "; so few points cannot tell more closely" if " to " in brings else ""
    return f"Twice the labels should bring {brings}{wide}."


def _target(laws: Laws, labels: int, share: float, rate: float | None) -> list[str]:
    """Say how many labels the next target takes, where that is known."""
    now = max(share, laws.right(labels))
    target = next((each for each in TARGETS if each > now + LITTLE), None)
    if target is None:
        return ["The curve is near its end: hardly an image is read wrong."]
    amount = forecasts.needed(laws, target, labels, given=labels)
    if amount is None:
        return []
    minutes = f" ({amount.of(rate)} minutes at your pace)" if rate else ""
    return [f"{100 * target:g} % should take {amount.of()} more labels{minutes}."]


def _is_enough(laws: Laws | None, labels: int, best: Point) -> bool:
    """Would twice the labels bring next to nothing, nine times of ten?"""
    if laws is None:
        return False
    most = laws.between(TWICE * labels)[1]
    return most - min(laws.right(labels), best.hits / best.n) < LITTLE


def forecast(points: Sequence[Point]) -> list[tuple[int, float, float, float]]:
    """Forecast the exact match up to twice the labels; nothing where no law fits.

    Each place is (labels, share, low, high), with the interval of the share.
    """
    laws = fit(points)
    if laws is None:
        return []
    first, last = min(p.labels for p in points), max(p.labels for p in points)
    places = [round(first + (2 * last - first) * k / 24) for k in range(25)]
    return [(labels, laws.right(labels), *laws.between(labels)) for labels in places]


def described(points: Sequence[Point]) -> list[dict]:
    """Describe the points for a picture: each with its share and its interval."""
    shown = []
    for point in points:
        if point.n:
            low, high = wilson(point.hits, point.n)
            shares = {"share": point.hits / point.n, "low": low, "high": high}
            shown.append({**point._asdict(), **shares})
    return shown
