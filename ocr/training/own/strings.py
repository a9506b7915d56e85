"""Train readers of strings in images of one kind, as ocr.ipynb does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ocr.datasets import audit, dataset
from ocr.datasets.dataset import Labelled
from ocr.datasets.gold import gold_names
from ocr.datasets.labels import Columns
from ocr.reading import contract
from ocr.reading.ctc import Alphabet
from ocr.reading.reader import Reader
from ocr.training import ctc, export
from ocr.training.own import course, measure, plans, starting
from ocr.training.own.learner import Learner
from ocr.training.own.plans import Plan
from ocr.training.reports import show_audit

BATCH = 16
PEAK = 3e-3  # learning rate, from random weights
AGAIN = 0.5  # its share where the training begins with the weights of a reader
STRENGTH = 0.5  # of the augmentation
COST = 1.75e-7  # CPU-seconds for a pixel of an image in a training step, measured


class Strings(Learner):
    """A recipe of strings on one set of images.

    build    makes the network
    lengths  (least, most) symbols where all labels agree, else None
    first    the weights that trainings begin with, None for random ones
    """

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
        batch: int | None,
        first: list[np.ndarray] | None,
    ):
        super().__init__(data, root, symbols)
        self.build, self.fit, self.seed, self.first = build, fit, seed, first
        self.epochs, self.batch = epochs, batch or BATCH
        counts = sorted({len(label) for label in data.labels})
        self.lengths = (counts[0], counts[0]) if len(counts) == 1 else None

    def plan(self, count: int) -> Plan:
        """Plan a training on so many images."""
        height, width = self.data.images.shape[1:3]
        batch = min(self.batch, count)
        epochs, passes = plans.string_epochs(count, batch, self.first is not None)
        if self.epochs:
            epochs, passes = self.epochs, 1
        steps = epochs * passes * (count // batch)
        return Plan(epochs, passes, steps * batch * height * width * COST)

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
        plan = self.plan(len(data))
        share = 1.0 if self.first is None else AGAIN
        return ctc.train(
            name,
            self.build,
            data,
            watched,
            self.symbols,
            epochs=plan.epochs,
            passes=plan.length,
            batch_size=self.batch,
            seed=self.seed,
            strength=STRENGTH,
            peak=peak_rate(self.batch, BATCH, PEAK * share),
            weights=self.first,
            callbacks=callbacks,
        )

    def read(self, network: Any, data: Labelled) -> tuple[list[str], np.ndarray]:
        """Read images as a Reader does: (texts, uncalibrated confidences (n,))."""
        return ctc.read_all(network, data, self.symbols, lengths=self.lengths)

    def describe(self) -> dict[str, Any]:
        """List what is particular to this recipe among the arguments of `contract.describe`."""
        height, width = self.data.images.shape[1:3]
        return {
            "kind": "ctc",
            "size": (height, width),
            "channels": 1,
            "normalisation": "standard",
            "fit": self.fit,
            "decoding": {"time_steps": width // 4, "lengths": self.lengths},
        }


def peak_rate(batch: int, usual: int, peak: float) -> float:
    """Choose the peak learning rate: it goes with the square root of the images a step.

    That is the rule for Adam (Malladi et al. 2022).
    """
    return peak * (batch / usual) ** 0.5


def strings(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None = None,
    alphabet: str | None = None,
    batch: int | None = None,
    fit: str = "picture",
    start: str | None = None,
    columns: Columns | None = None,
    test: Path | None = None,
    curve: bool = False,
    **asked,
) -> Reader:
    """Train a CTC reader of strings in images of one kind, as ocr.ipynb does.

    fit: name of the preprocessing in `inputs.INPUTS`. start: a reader whose weights the training
    begins with. columns: of labels.csv. test: labelled images that are only tested on. curve: also
    train on parts of the labels, and forecast. asked: replace, folds and together of
    `course.Wishes`.
    """
    export.reserve(folder)
    data = _load(path, fit, columns, start)
    height, width = data.images.shape[1:3]
    print(f"images of {path.name}: {len(data)} images, {height} x {width} pixels (height x width)")
    given = Alphabet.from_labels([alphabet]) if alphabet else None
    data, table = audit.audited(data, width // 4, given)
    show_audit(table)
    symbols = given or Alphabet.from_labels(data.labels)
    print(f"{len(symbols) - 1} symbols and blank: {symbols.symbols}")
    build = lambda: network(height, width, len(symbols))
    learner = Strings(
        data,
        path,
        symbols,
        build,
        fit=fit,
        seed=seed,
        epochs=epochs,
        batch=batch,
        first=None if start is None else starting.weights(start, build, symbols),
    )
    wishes = course.Wishes(
        seed=seed,
        chosen=epochs is not None,
        gold=frozenset(gold_names(path, data.names)),
        test=None if test is None else _to_test(test, data, fit, columns, symbols),
        **asked,
    )
    return measure.run(learner, folder, wishes) if curve else course.run(learner, folder, wishes)


def _load(path: Path, fit: str, columns: Columns | None, start: str | None) -> Labelled:
    """Load labelled images; as high as those of the reader to start from, if there is one."""
    data = dataset.load_labelled(path, fit=fit, columns=columns)
    if start is None:
        return data
    height, width = data.images.shape[1:3]
    wanted = contract.read_contract(contract.find_reader(start))["input"]["height"]
    if wanted == height:
        return data
    size = wanted, max(4, 4 * round(width * wanted / height / 4))
    return dataset.load_labelled(path, size, fit=fit, columns=columns)


def _to_test(
    path: Path, like: Labelled, fit: str, columns: Columns | None, symbols: Alphabet
) -> Labelled:
    """Load images to test on; those whose labels the reader cannot write count as errors."""
    size = like.images.shape[1:3]
    test = dataset.load_labelled(path, size, fit=fit, columns=columns)
    strange = sorted(set("".join(test.labels)) - set(symbols.symbols))
    if strange:
        print(f"{path.name}: labels have {''.join(strange)}, which the reader will not know")
    return course.only_tested(test, path)
