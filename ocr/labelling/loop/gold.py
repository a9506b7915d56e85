"""Score a new reader on the gold set, and put it in its place whole, or not at all."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ocr import paths, scores
from ocr.labelling.guesses import Guess, read
from ocr.labelling.images import Images
from ocr.reading.bulk import BatchReader
from ocr.reading.contract import read_contract, write_contract
from ocr.reading.scripts import to_western
from ocr.scores import Score
from ocr.training.own import comparing
from ocr.training.trust import trust

ON_GOLD = "gold images: drawn at random from the folder, never trained on"


class Result(NamedTuple):
    """What a reader reads in the gold images: readings, labels, which are right, the score."""

    readings: dict[str, Guess]
    labels: dict[str, str]
    right: dict[str, bool]
    score: Score | None  # None without gold images

    @property
    def hits(self) -> int:
        """How many are right."""
        return sum(self.right.values())


def plain(reader: Any) -> Callable[[str], str]:
    """How labels are compared with texts: readers of several scripts give Western digits."""
    return to_western if getattr(reader, "scripts", ()) else str


def score(reader: BatchReader, images: Images, gold: Mapping[str, str]) -> Result:
    """Read the gold images, {file: label}."""
    readings = dict(read(reader, images, gold))
    texts = [guess.text for guess in readings.values()]
    labels = [plain(reader)(gold[file]) for file in readings]
    right = {file: text == label for file, text, label in zip(readings, texts, labels)}
    found = scores.score(texts, labels) if texts else None
    return Result(readings, {file: gold[file] for file in readings}, right, found)


def is_better(hits: int, before: int | None, ours: bool) -> bool:
    """Does a new reader take the place of the one there? By the plain count, on the same images.

    Not by the interval: with few gold images nearly nothing would ever be worse. Equal counts
    favour the new one, which has learnt from more labels, unless the one there is not `ours`: a
    reader that was not trained here makes room only for a better one. before: None for none.
    """
    if before is None:
        return True
    return hits >= before if ours else hits > before


def install(reader: Path, target: Path, found: Result) -> None:
    """Copy a reader to its place, whole or not at all, with what the gold set says of it.

    Raises OSError, ReaderError.
    """
    with paths.whole(target) as part:
        shutil.copytree(reader, part)
        if found.score is None:
            return
        facts = read_contract(part)
        scored = {"on": ON_GOLD, **found.score._asdict()}
        sure = [guess.confidence for guess in found.readings.values()]
        section = trust(sure, list(found.right.values()), ON_GOLD)
        write_contract(part, facts | {"scores": [scored, *facts["scores"]], "trust": section})
        comparing.note(part, found.labels, found.right.values())
