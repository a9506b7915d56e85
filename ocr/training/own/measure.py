"""Measure the learning curve: train on parts of the labels, and forecast what more would bring."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr import scores
from ocr.datasets import splits
from ocr.datasets.dataset import Labelled
from ocr.reading.reader import Reader
from ocr.training import forecast
from ocr.training.own import course
from ocr.training.own.course import Wishes
from ocr.training.own.learner import Learner

SHARES = (1 / 8, 1 / 4, 1 / 2)
LEAST = 10  # labels that a part must have
MOST = 2000  # images that a part is scored on
TARGETS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995)


class Part(NamedTuple):
    """A training on some of the labels: how it read others, and what it took."""

    labels: int
    hits: int
    n: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        low, high = scores.wilson(self.hits, self.n)
        return (
            f"{self.labels:8,} {self.hits / self.n:12.1%}   ({low:.0%} to {high:.0%}, n = "
            f"{self.n:,}) {self.seconds / 60:8.1f} {self.cpu / 60:8.1f}"
        )


def run(learner: Learner, folder: Path, wishes: Wishes) -> Reader:
    """Make a reader as `course.run` does; train on parts of the labels, too, and forecast."""
    course.before(learner, folder, wishes)  # refused before all trainings, not after some
    data = splits.without(learner.data, wishes.test) if wishes.test else learner.data
    parts = [_part(learner, folder.name, some, rest) for some, rest in _divide(data, wishes)]
    started = time.monotonic(), time.process_time()
    reader = course.run(learner, folder, wishes)
    spent = time.monotonic() - started[0], time.process_time() - started[1]
    score = reader.contract["scores"][0]
    labels = reader.contract["data"]["count"]
    parts.append(Part(labels, round(score["exact"] * score["n"]), score["n"], *spent))
    print("\n  labels  exact match   (95 % interval)           minutes  CPU-min")
    print(*parts, sep="\n")
    print(*words(parts), sep="\n")
    return reader


def _divide(data: Labelled, wishes: Wishes):
    """Yield (some images, others to score on), growing; exact duplicates are on one side."""
    data = data.take(np.array([name not in wishes.gold for name in data.names], bool))
    order = splits.folds(data.images, len(data), wishes.seed)  # a number for each different image
    for share in SHARES:
        some = order < share * len(data)
        if some.sum() >= LEAST:
            yield data.take(some), data.take(np.flatnonzero(~some)[:MOST])


def _part(learner: Learner, name: str, some: Labelled, rest: Labelled) -> Part:
    started = time.monotonic(), time.process_time()
    network, _ = learner.train(f"{name}-of{len(some)}", some, None)
    texts, _ = learner.read(network, rest)
    hits = sum(text == label for text, label in zip(texts, learner.truth(rest)))
    spent = time.monotonic() - started[0], time.process_time() - started[1]
    return Part(len(some), hits, len(rest), *spent)


def words(parts: list[Part]) -> list[str]:
    """Say what more labels would bring: sentences."""
    laws = forecast.fit(parts)
    if laws is None:
        return ["the curve says nothing yet about more labels: it does not clearly rise"]
    labels = parts[-1].labels
    share = parts[-1].hits / parts[-1].n
    said = [f"twice the labels, {2 * labels:,}, should read {forecast.twice(laws, labels)} right"]
    target = next((each for each in TARGETS if each > max(share, laws.right(labels)) + 0.01), None)
    amount = target and forecast.needed(laws, target, labels)
    if amount:
        said.append(f"{target:.1%} should take {amount.of()} labels in all")
    return said
