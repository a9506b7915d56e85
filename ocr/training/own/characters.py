"""Train readers of single characters, as lessons 01 to 03 do."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ocr.datasets.audit import audited
from ocr.datasets.characters import load_characters, own_characters
from ocr.datasets.dataset import Labelled
from ocr.datasets.gold import gold_names
from ocr.datasets.labels import Columns
from ocr.datasets.sources import absent
from ocr.datasets.twins import load_views, with_twins
from ocr.reading.ctc import Alphabet
from ocr.reading.inputs import INPUTS
from ocr.reading.reader import Reader
from ocr.training import classifier, export
from ocr.training.own import course, measure, starting
from ocr.training.own.learner import Learner
from ocr.training.own.plans import Plan
from ocr.training.reports import show_audit

STEPS = 1600  # steps an epoch: 102,400 images
BATCH = 64
PEAK = 3e-3  # learning rate, from random weights
AGAIN = 0.3  # its share where the training begins with the weights of a reader
COST = 1.1e-3  # CPU-seconds for an image in a training step, measured


class Characters(Learner):
    """A recipe of single characters on one set of images.

    build  makes the network
    fit    name of the preprocessing in `inputs.INPUTS`
    first  the weights that trainings begin with, None for random ones
    twins  {name of a picture: its binary twin}, trained on, too
    """

    curves: ClassVar = {"loss": "cross-entropy", "exact": "exact match"}

    def __init__(
        self,
        data: Labelled,
        root: Path,
        symbols: Alphabet,
        build: Callable[[], Any],
        *,
        fit: str,
        seed: int,
        epochs: int | None,
        first: list[np.ndarray] | None = None,
        twins: Mapping[str, np.ndarray] | None = None,
    ):
        super().__init__(data, root, symbols)
        self.build, self.seed, self.epochs, self.first = build, seed, epochs, first
        self.fit, self.kind, self.twins = fit, INPUTS[fit].fixed(), dict(twins or {})

    def plan(self, count: int) -> Plan:
        """Plan a training on so many images."""
        epochs, steps = classifier.plan(count, BATCH, STEPS, self.epochs)
        if self.first is not None and not self.epochs:
            epochs = max(1, epochs // 4)
        return Plan(epochs, steps, epochs * steps * BATCH * COST)

    def train(
        self,
        name: str,
        data: Labelled,
        watched: Labelled | None,
        *,
        scaled: bool = True,
        callbacks=(),
    ) -> tuple[Any, pd.DataFrame]:
        """Train on `data`; return the network, from images to logits, and its log by epoch."""
        return classifier.train(
            name,
            self.build,
            with_twins(data, self.twins),
            watched,
            self.symbols,
            epochs=self.plan(len(data)).epochs,
            steps=STEPS,
            batch_size=BATCH,
            seed=self.seed,
            strength=1.0,
            normalisation=self.kind.normalisation,
            augmentation=self.kind.augmentation,
            peak=PEAK * (1 if self.first is None else AGAIN),
            weights=self.first,
            scaled=scaled,
            callbacks=callbacks,
        )

    def read(self, network: Any, data: Labelled) -> tuple[list[str], np.ndarray]:
        """Read images as a Reader does: (characters, uncalibrated confidences (n,))."""
        return classifier.read_all(network, data, self.symbols, self.kind.normalisation)

    def describe(self) -> dict[str, Any]:
        """List what is particular to this recipe among the arguments of `contract.describe`."""
        return {
            "kind": "class",
            "size": self.kind.size,
            "channels": self.kind.channels,
            "normalisation": self.kind.normalisation,
            "fit": self.fit,
            "decoding": {},
        }


def characters(
    network,
    path: Path,
    folder: Path,
    *,
    alphabet: str | None = None,
    labels: str | None = None,
    fit: str = "glyph",
    columns: Columns | None = None,
    test: Path | None = None,
    **asked,
) -> Reader:
    """Train a reader of single characters on paper, as lessons 01 and 02 do.

    labels: how folders are named, "hex", "index" or "name"; None: found out. fit: name of the
    preprocessing in `inputs.INPUTS`, which also knows the normalisation and the augmentation.
    columns: of labels.csv. test: labelled images that are only tested on. asked: as `_run` has it.
    """
    export.reserve(folder)
    data, symbols, table = own_characters(path, labels, alphabet, fit, columns)
    show_audit(table)
    only_tested = None if test is None else (load_characters(test, labels, fit, columns), test)
    return _run(network, path, folder, data, symbols, only_tested, fit=fit, **asked)


def views(
    network,
    path: Path,
    folder: Path,
    *,
    alphabet: str | None = None,
    labels: str | None = None,
    columns: Columns | None = None,
    test: Path | None = None,
    **asked,
) -> Reader:
    """Train a reader of single characters of any kind, photographs too, as lesson 03 does.

    Arguments as those of `characters`.
    """
    export.reserve(folder)
    found, twins, problems = load_views(path, labels, columns)
    data, table = audited(found, 1, Alphabet.from_labels([alphabet]) if alphabet else None)
    if twins or problems:
        what = f"also learnt from, in training images; {len(problems)} missing or not usable"
        table.loc["binary twins"] = len(twins), what, problems
    symbols = Alphabet.from_labels([alphabet] if alphabet else data.labels)
    if missing := absent("".join(data.labels)):
        what = f"{missing}: the reader will not know these"
        table.loc["no images of"] = len(missing), what, []
    show_audit(table)
    only_tested = None if test is None else (load_views(test, labels, columns)[0], test)
    asked |= {"fit": "views", "twins": twins}
    return _run(network, path, folder, data, symbols, only_tested, **asked)


def _run(
    network,
    path: Path,
    folder: Path,
    data: Labelled,
    symbols: Alphabet,
    test: tuple[Labelled, Path] | None,
    *,
    fit: str,
    seed: int,
    epochs: int | None = None,
    start: str | None = None,
    curve: bool = False,
    twins: Mapping[str, np.ndarray] | None = None,
    **asked,
) -> Reader:
    """Make a reader of these images; start, curve and asked: see `strings.strings`."""
    print(f"images of {path.name}: {len(symbols.symbols)} classes: {symbols.symbols}")
    build = lambda: network(len(symbols.symbols))
    learner = Characters(
        data,
        path,
        symbols,
        build,
        fit=fit,
        seed=seed,
        epochs=epochs,
        first=None if start is None else starting.weights(start, build, symbols),
        twins=twins,
    )
    wishes = course.Wishes(
        seed=seed,
        chosen=epochs is not None,
        gold=frozenset(gold_names(path, data.names)),
        test=None if test is None else course.only_tested(*test),
        **asked,
    )
    return measure.run(learner, folder, wishes) if curve else course.run(learner, folder, wishes)
