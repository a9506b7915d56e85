"""What to train on, when to train again, and when a training has become stale."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ocr.labelling import queue, table
from ocr.labelling.images import Images
from ocr.labelling.journal import LABELLED
from ocr.labelling.store import Store

FIRST = 20  # labels from which on there is training
LEAST = 10  # images that a recipe needs, and changes that are worth a training
# A training is repeated when a fifth of its labels is new. Errors fall about as a power of their
# number: a fifth more leaves 8 to 17 % fewer, which more often than not is worth the minutes. And
# trainings on 20, 24, 29, ... labels together cost five times the last one, not its square.
SHARE = 0.2
RESTING = 60.0  # seconds without an answer, after which any change is worth a training
NEARLY = 0.8  # share of a training from which on it is not cancelled for more labels


class Chosen(NamedTuple):
    """Labels, {file: label}: those that may be trained on, and those only scored on.

    aside: all that may not be trained on, gold or nearly the same. labelled: number of all labels.
    """

    training: dict[str, str]
    gold: dict[str, str]
    aside: set[str]
    labelled: int


def choose(store: Store, images: Images) -> Chosen:
    """Divide the labels that there are now: what nearly repeats a gold image is not trained on."""
    entries = {
        file: entry
        for file, entry in store.answered().items()
        if entry.state == LABELLED and file in images and file not in images.faults
    }
    images.compare(entries)
    gold = {file: entry.gold for file, entry in entries.items()}
    chosen = queue.for_training(gold, lambda name: images.twins.get(name, ()))
    return Chosen(
        {file: entry.label for file, entry in entries.items() if file in chosen},
        {file: entry.label for file, entry in entries.items() if entry.gold},
        set(entries) - chosen,
        len(entries),
    )


def changes(now: Mapping[str, str], before: Mapping[str, str]) -> int:
    """Count the images whose label is new, another one or gone."""
    return sum(now.get(file) != before.get(file) for file in {*now, *before})


def wanted(before: Mapping[str, str] | int) -> int:
    """Count the changes from which on it is worth to train again; before: what was trained on."""
    count = before if isinstance(before, int) else len(before)
    return max(LEAST, round(SHARE * count))


def is_stale(job: Mapping[str, str], now: Chosen, share: float) -> bool:
    """Is a training on these labels not worth its end?

    That is where one of its images has come to gold's side, and where twice as many labels have
    been given in the meantime, unless it nearly ends.
    """
    if not now.aside.isdisjoint(job):
        return True
    return share < NEARLY and changes(now.training, job) >= len(job)


def lay_out(folder: Path, images: Images, labels: Mapping[str, str]) -> None:
    """Make a folder of exactly these labelled images, to train on: links, or else copies."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    for file, label in labels.items():
        with contextlib.suppress(FileNotFoundError):  # deleted in the meantime
            _link(images.folder.resolve() / file, folder / file)
            rows.append(table.row(file, label))
    (folder / table.NAME).write_bytes(table.render(rows))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        raise FileNotFoundError(source)
    try:
        os.symlink(source, target)
    except OSError:  # Windows, unless in developer mode; some file systems
        shutil.copyfile(source, target)
