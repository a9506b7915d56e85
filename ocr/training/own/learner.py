"""What a recipe knows about one set of labelled images: how it trains, reads and describes."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ocr.datasets.dataset import Labelled
from ocr.reading.ctc import Alphabet
from ocr.training.own import plans
from ocr.training.own.plans import Plan


class Learner(ABC):
    """A recipe on one set of images; `course.run` makes a reader with it.

    data      the images that can be trained on
    origin    what it learns from, in words
    root      the folder or zip that they were found in
    symbols   the alphabet of the reader
    curves    titles of the columns of a training's log that are worth a picture
    """

    curves: ClassVar = {"loss": "CTC loss", "exact": "exact match"}
    few = plans.FEW  # images below which the score comes from cross-validation

    def __init__(self, data: Labelled, root: Path, symbols: Alphabet):
        self.data, self.root, self.symbols = data, root, symbols
        self.origin = f"images of {root.name}"

    @abstractmethod
    def plan(self, count: int) -> Plan:
        """Plan a training on so many images."""

    @abstractmethod
    def train(
        self,
        name: str,
        data: Labelled,
        watched: Labelled | None,
        *,
        scaled: bool = True,
        callbacks=(),
    ) -> tuple[Any, pd.DataFrame]:
        """Train on `data`; return the network, from images to logits, and its log by epoch.

        watched: images that are read after each epoch, for the log. scaled: may they also scale the
        confidence?
        """

    @abstractmethod
    def read(self, network: Any, data: Labelled) -> tuple[list[str], np.ndarray]:
        """Read images as a Reader does: (texts, uncalibrated confidences (n,))."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """List what is particular to this recipe among the arguments of `contract.describe`."""

    def truth(self, data: Labelled) -> list[str]:
        """Write the labels as `read` writes its texts."""
        return list(data.labels)
