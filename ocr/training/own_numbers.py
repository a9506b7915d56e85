"""Train a reader of numbers on your own images, together with drawn numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ocr.datasets import audit, dataset
from ocr.datasets.dataset import Labelled
from ocr.datasets.download import data_folders
from ocr.datasets.gold import gold_names
from ocr.datasets.labels import Columns
from ocr.drawing.numbers.mixture import Block
from ocr.reading import contract, scripts
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import Alphabet
from ocr.reading.reader import Reader
from ocr.training import export
from ocr.training import numbers as training
from ocr.training.drawn import DrawnNumbers, OwnNumbers
from ocr.training.number_kinds import number_kinds
from ocr.training.own import course, measure, starting
from ocr.training.own.learner import Learner
from ocr.training.own.plans import Plan
from ocr.training.own.strings import peak_rate
from ocr.training.reports import show_audit

SIZE = (32, 256)  # pixels of the input, (height, width)
STEPS = 250  # batches an epoch
FEW_STEPS = 100  # of one epoch, where there are few images, and weights to begin with
OLD = 0.3  # share of the weights to begin with in those that are saved (Wortsman et al. 2022)
SECOND_LOOK = 0.5  # as the reader of lesson 05 has it, see `second_look.look_again`
BATCH = 64  # images a step, half of them drawn
FIRST = "numbers"  # the reader whose weights trainings begin with, where it is found
MARKS = "".join(scripts.MARKS.values())
COST = 5.8e-3  # CPU-seconds for an image in a training step, measured


class Numbers(Learner):
    """A recipe of numbers on one set of images.

    build  makes the network
    first  the weights that trainings begin with, None for random ones
    drawn  arguments of `number_kinds`
    """

    def __init__(
        self,
        data: Labelled,
        root: Path,
        symbols: Alphabet,
        build: Callable[[], Any],
        *,
        seed: int,
        epochs: int | None,
        batch: int | None,
        steps: int,
        first: list[np.ndarray] | None,
        drawn: dict[str, Any],
    ):
        super().__init__(data, root, symbols)
        self.origin = f"drawn numbers and {self.origin}"
        self.build, self.seed, self.first, self.drawn = build, seed, first, drawn
        self.epochs, self.batch, self.steps = epochs, batch or BATCH, steps
        self.few = self.few if first else 0  # from random weights one training takes hours

    def plan(self, count: int) -> Plan:
        """Plan a training; half of its images are drawn."""
        usual, steps = (10, self.steps) if self.first else (40, self.steps)
        if self.first and count < self.few:
            usual, steps = 1, min(steps, FEW_STEPS)
        epochs = self.epochs or usual
        return Plan(epochs, steps, epochs * steps * self.batch * COST)

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
        with DrawnNumbers(number_kinds, self.drawn, self.seed, SIZE) as drawn:
            network, log = training.train(
                name,
                self.build,
                drawn,
                None if watched is None else block_of(watched),
                self.symbols,
                epochs=plan.epochs,
                steps=plan.length,
                batch_size=self.batch,
                seed=self.seed,
                peak=peak_rate(self.batch, BATCH, 1.5e-3 if self.first else 3e-3),
                warmup=0.1,
                mixed=OwnNumbers(block_of(data), self.seed),
                weights=self.first,
            )
        if self.first and len(data) < self.few:  # loses less of what was known before
            pairs = zip(self.first, network.get_weights())
            network.set_weights([OLD * old + (1 - OLD) * new for old, new in pairs])
        return network, log

    def read(self, network: Any, data: Labelled) -> tuple[list[str], np.ndarray]:
        """Read images as a Reader does: (texts in Western digits, uncalibrated confidences)."""
        facts = {"alphabet": self.symbols.symbols, **self.describe()}
        return training.read_all(network, block_of(data), facts)

    def describe(self) -> dict[str, Any]:
        """List what is particular to this recipe among the arguments of `contract.describe`."""
        return {
            "kind": "ctc",
            "size": SIZE,
            "channels": 1,
            "normalisation": "standard",
            "fit": "line",
            "widths": training.WIDTHS,
            "scripts": list(scripts.SCRIPTS),
            "marks": scripts.MARKS,
            "decoding": {
                "time_steps": SIZE[1] // 4,
                "lengths": None,
                "second_look": SECOND_LOOK,
            },
        }

    def truth(self, data: Labelled) -> list[str]:
        """Write the labels in Western digits, as readings are."""
        return [scripts.to_western(label) for label in data.labels]


def numbers(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None = None,
    alphabet: str | None = None,
    batch: int | None = None,
    script: str | None = None,
    start: str | None = None,
    columns: Columns | None = None,
    test: Path | None = None,
    curve: bool = False,
    steps: int = STEPS,
    drawing: dict[str, Any] | None = None,
    **asked,
) -> Reader:
    """Train a reader of numbers on labelled images and on as many drawn numbers.

    Labels may be in the digits of any script; script: what labels in Western digits are written in.
    start: the reader whose weights the training begins with; None: FIRST, where it is found and
    fits. columns, test, curve, asked: see `strings.strings`. drawing: arguments of `number_kinds`.
    """
    export.reserve(folder)
    data = _load(path, columns, script)
    known = scripts.SYMBOLS + MARKS
    more = sorted(set("".join([*data.labels, alphabet or ""])) - set(known))
    symbols = Alphabet(known + "".join(more))
    data, table = audit.audited(data, SIZE[1] // 4, symbols)
    show_audit(table)
    build = lambda: network(SIZE[0], None, len(symbols))
    first = first_weights(build, symbols, start)
    origin = f", from {start or FIRST}" if first else ""
    print("trained together with as many drawn numbers" + origin)
    learner = Numbers(
        data,
        path,
        symbols,
        build,
        seed=seed,
        epochs=epochs,
        batch=batch,
        steps=steps,
        first=first,
        drawn={"folders": [str(place) for place in data_folders()], **(drawing or {})},
    )
    wishes = course.Wishes(
        seed=seed,
        chosen=epochs is not None,
        gold=frozenset(gold_names(path, data.names)),
        test=None if test is None else course.only_tested(_load(test, columns, script), test),
        **asked,
    )
    return measure.run(learner, folder, wishes) if curve else course.run(learner, folder, wishes)


def _load(path: Path, columns: Columns | None, script: str | None) -> Labelled:
    data = dataset.load_labelled(path, SIZE, fit="line", columns=columns)
    data.labels = [as_symbols(label, script) for label in data.labels]
    return data


def as_symbols(label: str, script: str | None = None) -> str:
    """Write a label in the symbols of the reader's alphabet, see `scripts.SYMBOLS`.

    script: what its Western digits stand for; None: themselves.
    """
    if script and script != "western":
        label = label.translate(str.maketrans(scripts.NUMBERS[:10], scripts.SCRIPTS[script][:10]))
    return label.translate(scripts.SHARED)


def block_of(data: Labelled) -> Block:
    """Convert labelled line images to a block: how wide each picture is, its padding tells."""
    return Block(data.images, data.labels, widths_of(data.images))


def widths_of(images: np.ndarray) -> np.ndarray:
    """Measure how wide the pictures in fitted images (n, H, W, 1) are, without their padding."""
    same = (images == images[:, :1, :1]).all(axis=(1, 3))  # columns of the colour at the left edge
    left = np.where(same.all(axis=1), 0, (~same).argmax(axis=1))
    right = np.where(same.all(axis=1), 0, (~same[:, ::-1]).argmax(axis=1))
    return images.shape[2] - 2 * np.minimum(left, right)


def first_weights(build, symbols: Alphabet, start: str | None) -> list[np.ndarray] | None:
    """Load the weights to begin with; those of FIRST are not missed where it is not found."""
    if start is not None:
        return starting.weights(start, build, symbols)
    if not (contract.find_reader(FIRST) / "model.keras").is_file():
        return None
    try:
        return starting.weights(FIRST, build, symbols)
    except ReaderError:  # of another edition
        return None
