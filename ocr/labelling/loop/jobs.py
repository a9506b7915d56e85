"""What is trained for a folder, and the training that runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr.labelling.loop import kinds
from ocr.labelling.loop.second_look import FOLDS
from ocr.labelling.loop.worker import Job

STRINGS = ("captcha", "numbers")  # recipes whose readers are known by their contract


@dataclass(frozen=True)
class Setup:
    """What is trained, and where it goes.

    folder    of the reader, models/NAME
    kind      the recipe; None: chosen by the labels
    alphabet  of labels, "" for any
    start     a reader whose weights the training begins with, where it is of that kind
    epochs    of each training; None: chosen by the number of images
    """

    folder: Path
    kind: str | None = None
    alphabet: str = ""
    seed: int = 0
    start: str | None = None
    epochs: int | None = None

    def job(self, labels: Mapping[str, str], data: Path, reader: Path) -> Job:
        """Describe a training on {file: label} for the process that trains. Raises ReaderError."""
        kind = self.kind or kinds.kind_of_labels(labels.values())
        options: dict[str, Any] = {"alphabet": self.alphabet} if self.alphabet else {}
        options["folds"] = 0  # the gold images are the score
        if self.epochs is not None:
            options["epochs"] = self.epochs
        if self.start and self._can_start(kind, self.start):
            options["start"] = self.start
        return Job(kind, data, reader, self.seed, options)

    @staticmethod
    def _can_start(kind: str, reader: str) -> bool:
        """Are the reader's network and the recipe's the same? Two recipes read characters."""
        return kind == kinds.kind_of_reader(reader) and (kind in STRINGS or kind == reader)


@dataclass
class Running:
    """A training: of all labels, or of those outside a fold of the second look."""

    labels: dict[str, str]
    count: int  # of all labels when it began
    kind: str
    reader: Path
    fold: int | None = None
    epoch: int = 0
    epochs: int = 0

    @property
    def share(self) -> float:
        """How far it is."""
        return self.epoch / self.epochs if self.epochs else 0.0

    def text(self, name: str) -> str:
        """Say what is trained, and how far it is."""
        what = f"training {name} ({self.kind})"
        if self.fold is not None:
            what = f"second look at the labels: training {self.fold + 1} of {FOLDS}"
        epoch = f"epoch {self.epoch:,} of {self.epochs:,}" if self.epochs else "starting"
        return f"{what} on {len(self.labels):,} images: {epoch}"
