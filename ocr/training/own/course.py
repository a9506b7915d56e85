"""The course of a training on your own images: divide, train, score, compare, save.

Many images: a fifth is held out to test, a tenth to watch the training. Few (`plans.FEW`): every
image is scored by a network that did not see it (cross-validation), and the saved network is
trained on all of them. Images that the labelling page has kept as gold are the test, where there
are enough of them, and are never trained on.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ocr.datasets import splits
from ocr.datasets.dataset import Labelled
from ocr.datasets.gold import within
from ocr.reading import contract
from ocr.reading.reader import Reader
from ocr.training import progress
from ocr.training.own import comparing, few, plans
from ocr.training.own.learner import Learner
from ocr.training.reports import ON_TEST, finish, report, show_curves, show_samples
from ocr.training.trust import trust

GOLD = 10  # gold images that make a test
BUDGET = 110.0  # CPU-seconds for all trainings together, unless plans.LEAST folds take more
ON_GOLD = "gold images: drawn at random from the folder, never trained on"


@dataclass(frozen=True)
class Wishes:
    """How a reader is trained and scored, whatever its recipe.

    seed      of the division and the training
    replace   may a reader of the same name be replaced by a worse one?
    folds     of the cross-validation of few images; None: as many as the minutes allow; 0: train on
              all images and leave the score to the caller
    together  several workers train: hold out a fifth, however few images there are
    chosen    are the epochs the caller's choice? Then hopeless trainings go on, too
    gold      names of images that are never trained on
    test      images to test on, all others are to train on
    """

    seed: int = 0
    replace: bool = False
    folds: int | None = None
    together: bool = False
    chosen: bool = False
    gold: frozenset[str] = frozenset()
    test: Labelled | None = None


class Trained(NamedTuple):
    """A trained network, and how it, or networks like it, read images that they never saw.

    data      what it was trained on
    tested    unseen images; None where nobody asked for a score
    on        what they are, in words
    trusted   (confidences, were they right, what the images are), to calibrate on
    """

    network: Any
    log: pd.DataFrame
    data: Labelled
    tested: Labelled | None
    texts: list[str]
    sure: np.ndarray
    on: str
    trusted: tuple[np.ndarray, list[bool], str]


def run(learner: Learner, folder: Path, wishes: Wishes) -> Reader:
    """Make a reader: train, score, compare it with the one that is there, save it in `folder`.

    Raises DataError where the labels are too few, ReaderError where the reader that is there is
    better.
    """
    name = folder.name
    old = before(learner, folder, wishes)
    show_samples(name, learner.data)
    done = train(learner, name, wishes)
    show_curves(name, done.log, done.network, learner.curves)
    scores, right, known = [], [], {}
    if done.tested is not None:
        tested = replace(done.tested, labels=learner.truth(done.tested))
        scores = [report(name, tested, done.texts, done.sure, done.on)]
        right = [text == label for text, label in zip(done.texts, tested.labels)]
        known = _labels(learner, done.tested)
        comparing.check(name, old, dict(zip(known, right)))
    facts = contract.describe(
        alphabet=learner.symbols,
        data=splits.provenance(done.data, learner.origin, "yours"),
        scores=scores,
        seed=wishes.seed,
        trust=_trust(name, *done.trusted) if len(done.trusted[0]) else None,
        **learner.describe(),
    )
    reader = finish(folder, done.network, facts, done.tested or done.data)
    if done.tested is not None:
        comparing.note(folder, known, right)
    return reader


def before(learner: Learner, folder: Path, wishes: Wishes) -> comparing.Tested | None:
    """List what the reader in `folder` was tested on, see `comparing.before`."""
    labels = _labels(learner, learner.data)
    if wishes.test is not None:
        labels |= _labels(learner, wishes.test)
    return comparing.before(folder, labels, wishes.replace)


def only_tested(data: Labelled, path: Path) -> Labelled:
    """Name images that only test by their paths within the folder or zip `path`."""
    return replace(data, names=[within(path, name) for name in data.names])


def _labels(learner: Learner, data: Labelled) -> dict[str, str]:
    """The labels of images, by their paths within the learner's folder."""
    return {within(learner.root, name): label for name, label in zip(data.names, data.labels)}


def train(learner: Learner, name: str, wishes: Wishes) -> Trained:
    """Train in the way that suits the number of images."""
    data, gold = _without_gold(learner.data, wishes.gold)
    if wishes.test is not None:
        return _tested(learner, name, wishes, data, wishes.test, ON_TEST)
    if len(gold) >= GOLD:
        return _tested(learner, name, wishes, data, gold, ON_GOLD)
    if wishes.folds == 0:
        network, log = learner.train(name, data, None)
        return Trained(network, log, data, None, [], np.zeros(0), "", (np.zeros(0), [], ""))
    if len(data) < learner.few and not wishes.together:
        return _crossed(learner, name, wishes, data)
    training, watched, test = splits.split(data, wishes.seed)
    return _held_out(learner, name, training, watched, test, ON_TEST)


def _without_gold(data: Labelled, names: frozenset[str]) -> tuple[Labelled, Labelled]:
    """Separate the gold images, and drop their exact duplicates: (others, gold)."""
    is_gold = np.array([name in names for name in data.names], bool)
    gold = data.take(is_gold)
    return (splits.without(data, gold) if len(gold) else data), gold


def _tested(
    learner: Learner, name: str, wishes: Wishes, data: Labelled, test: Labelled, on: str
) -> Trained:
    """Train on `data`, of which many leave some to watch, and score on other images."""
    data = splits.without(data, test)
    if len(data) < learner.few:
        done = _held_out(learner, name, data, None, test, on)
        if not wishes.chosen:
            few.check(len(data), done.texts, learner.truth(test))
        return done
    fold = splits.folds(data.images, 10, wishes.seed)
    return _held_out(learner, name, data.take(fold != 0), data.take(fold == 0), test, on)


def _held_out(
    learner: Learner,
    name: str,
    data: Labelled,
    watched: Labelled | None,
    test: Labelled,
    on: str,
) -> Trained:
    parts = [f"{len(data):,} to train", f"{len(test):,} to test"]
    parts[1:1] = [] if watched is None else [f"{len(watched):,} to validate"]
    print(
        ", ".join(parts)
        + f"; {plans.minutes(learner.plan(len(data)).cost + plans.EACH + plans.START)}"
    )
    network, log = learner.train(name, data, watched)
    texts, sure = learner.read(network, test)
    calibrated = test if watched is None else watched
    read, confidences = (texts, sure) if watched is None else learner.read(network, watched)
    right = [text == label for text, label in zip(read, learner.truth(calibrated))]
    what = "the test images" if watched is None else "validation images, never trained on"
    return Trained(network, log, data, test, texts, sure, on, (confidences, right, what))


def _crossed(learner: Learner, name: str, wishes: Wishes, data: Labelled) -> Trained:
    """Read each image by a network that did not see it, and train one on all of them."""
    cost = learner.plan(len(data)).cost
    count = wishes.folds or plans.folds(cost, BUDGET)
    fold = splits.folds(data.images, count, wishes.seed)
    time = plans.minutes((count + 1) * (cost + plans.EACH) + plans.START)
    print(
        f"{len(data):,} images: {count} trainings, each on all but one of {count} parts, which it "
        f"is scored on, then one on all of them; {time} of a core"
    )
    texts, sure = np.full(len(data), "", object), np.zeros(len(data))
    for k in range(count):
        held = data.take(fold == k)
        with progress.part(k, count + 1):
            rest = data.take(fold != k)
            network, _ = learner.train(f"{name}-fold{k + 1}", rest, held, scaled=False)
        texts[fold == k], sure[fold == k] = learner.read(network, held)
        if k == 0 and not wishes.chosen:
            few.check(len(rest), list(texts[fold == 0]), learner.truth(held))
    with progress.part(count, count + 1):
        network, log = learner.train(name, data, None)
    right = [text == label for text, label in zip(texts, learner.truth(data))]
    on = f"cross-validation: each image is read by one of {count} networks that never saw it"
    return Trained(network, log, data, data, list(texts), sure, on, (sure, right, on))


def _trust(name: str, sure: np.ndarray, right: list[bool], on: str) -> dict[str, Any]:
    """Calibrate the confidence on unseen images; print what is trusted."""
    found = trust(sure, right, on)
    print(
        f"{name}: trusted from confidence {found['threshold']:.3f}: {found['share']:.1%} of "
        f"{len(right)} images, {found['right']:.1%} of them right ({on})"
        if found["share"]
        else f"{name}: too few of {len(right)} images are right to trust readings ({on})"
    )
    return found
