"""Labels for a second look: those that a reader which never saw them contradicts, and is sure.

Cross-validation: the labels are divided into FOLDS, and each fold is read by a reader trained on
the others. After confident learning (Northcutt et al. 2021, cleanlab), with one threshold for all,
since strings have no classes: a reading counts where it is as sure as most of those that agree with
their labels.
"""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from ocr.labelling.guesses import Doubt, Guess
from ocr.labelling.images import Images
from ocr.labelling.loop import selection
from ocr.labelling.queue import draw_number

FOLDS = 3  # each costs a training
MOST = 0.9  # share of the agreeing readings that are at least as sure as the threshold
SURE = 0.5  # no less: then the label is less likely than the reading
AGREEING = 10  # readings that agree, to learn a threshold from


def fold_of(name: str, nearly_same: Collection[str], seed: int) -> int:
    """Assign an image to a fold; near-duplicates are in the same one."""
    return draw_number(seed, "fold", min([name, *nearly_same])) % FOLDS


def doubts(
    labels: Mapping[str, str],
    readings: Mapping[str, Guess],
    plain: Callable[[str], str] = str,
) -> list[Doubt]:
    """List the labels that readings contradict, the surest first.

    readings: of readers that were not trained on these images. plain: how texts are compared, as
    `scripts.to_western`.
    """
    read = {file: readings[file] for file in labels if file in readings}
    agrees = {file: plain(guess.text) == plain(labels[file]) for file, guess in read.items()}
    sure = [guess.confidence for file, guess in read.items() if agrees[file]]
    if len(sure) < AGREEING:
        return []
    threshold = max(SURE, float(np.quantile(sure, 1 - MOST)))
    found = [
        Doubt(file, labels[file], guess.text, guess.confidence)
        for file, guess in read.items()
        if not agrees[file] and guess.text and guess.confidence >= threshold
    ]
    return sorted(found, key=lambda doubt: (-doubt.confidence, doubt.file))


class SecondLook:
    """The readings of each fold by a reader that never saw it, and the folds to come.

    readings  {fold: {file: guess}}; None is the fold of the gold images, which no reader sees
    left      folds of this round that are not read yet
    plain     how texts are compared, see `doubts`
    """

    def __init__(self, images: Images, seed: int):
        self._images, self._seed = images, seed
        self._labels: dict[str, str] | None = None  # when the last round began
        self.left: list[int] = []
        self.readings: dict[int | None, Mapping[str, Guess]] = {}
        self.plain: Callable[[str], str] = str

    def is_due(self, labels: Mapping[str, str]) -> bool:
        """Is a fold to be read: of this round, or of a new one since enough labels are new?"""
        if len(labels) < selection.LEAST * FOLDS:
            return False
        if self.left or self._labels is None:
            return True
        return selection.changes(labels, self._labels) >= selection.wanted(self._labels)

    def next_fold(self, labels: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Choose the next fold: its number, and the labels to train on."""
        if not self.left:
            self._labels, self.left = labels, list(range(FOLDS))
        fold = self.left.pop(0)
        held = self.held_out(labels, fold)
        return fold, {file: label for file, label in labels.items() if file not in held}

    def held_out(self, labels: Mapping[str, str], fold: int) -> list[str]:
        """List the images of a fold."""
        twins = self._images.twins
        near = {file: twins.get(file, ()) for file in labels}
        return [file for file in labels if fold_of(file, near[file], self._seed) == fold]

    def doubts(self, labels: Mapping[str, str], is_kept: Callable[[str, str], bool]) -> list[Doubt]:
        """List the labels that are contradicted, those that a person has confirmed left out."""
        readings = {file: g for some in list(self.readings.values()) for file, g in some.items()}
        found = doubts(labels, readings, self.plain)
        return [doubt for doubt in found if not is_kept(doubt.file, doubt.label)]
