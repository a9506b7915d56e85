"""Ask the readers that there are how many of the images to train on they read already."""

import random
from collections.abc import Mapping
from typing import NamedTuple

from ocr.cli.score import wanted
from ocr.reading.bulk import read_many
from ocr.reading.contract import ReaderError, find_reader, known_readers, read_contract
from ocr.reading.files import Found
from ocr.reading.reader import Reader
from ocr.scores import wilson

SAMPLE = 200  # images that are read
MOST = 8  # readers that are asked
WRITES = 0.5  # share of the labels whose symbols a reader must know, to be asked


class Known(NamedTuple):
    """How many of n labelled images a reader reads right, perhaps with a pattern."""

    reader: str
    pattern: str | None
    hits: int
    n: int

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.n)
        how = f" --pattern {self.pattern}" if self.pattern else ""
        return (
            f"`{self.reader}{how}` already reads {self.hits / self.n:.1%} of these "
            f"(n = {self.n}, 95 % interval {low:.1%} to {high:.1%})"
        )


def best(
    files: list[Found], labels: Mapping[str, str], single: bool, name: str, seed: int = 0
) -> Known | None:
    """Find the reader that reads most of the labelled images; None where none is worth asking.

    single: one character an image. name: of the reader to be trained, which is not asked; nor are
    those that were trained on images of the same folder.
    """
    found = [file for file in files if labels.get(file.name)]
    some = random.Random(seed).sample(found, min(SAMPLE, len(found)))
    texts = [labels[file.name] for file in some]
    asked = (_ask(reader, some, texts) for reader in _candidates(single, name, files))
    scored = [known for known in asked if known is not None]
    return max(scored, key=lambda known: known.hits, default=None)


def _candidates(single: bool, name: str, files: list[Found]) -> list[str]:
    """List the readers of the same kind that have not learnt from these images."""
    found = []
    for reader in known_readers():
        try:
            facts = read_contract(find_reader(reader))
        except ReaderError:
            continue
        origin = facts["data"]["name"].rpartition("images of ")[2]
        learnt = any(f"/{origin}/" in f"/{file.name}" for file in files[:1])
        if reader != name and not learnt and (facts["kind"] != "ctc") == single:
            found.append(reader)
    return found[:MOST]


def _ask(name: str, found: list[Found], labels: list[str]) -> Known | None:
    """Read images by a reader; None where it does not know what the labels are written in."""
    try:
        reader = Reader.load(name)
    except ReaderError:
        return None
    labels = [wanted(label, reader) for label in labels]
    symbols = set(reader.decoder.alphabet.symbols)
    if sum(map(symbols.issuperset, labels)) < WRITES * len(labels):
        return None
    pattern = shape(labels)
    readings = (row.reading for row in read_many(reader, found, reader.options(pattern=pattern)))
    hits = sum(r is not None and r.text == label for r, label in zip(readings, labels))
    return Known(name, pattern, hits, len(labels))


def shape(labels: list[str]) -> str | None:
    """Find the pattern of labels of one character: digits alone, or letters alone."""
    if not all(len(label) == 1 for label in labels):
        return None  # of strings: slow, and rarely better
    kinds = {"d": str.isdecimal, "a": str.isalpha}
    return next((sign for sign, is_kind in kinds.items() if all(map(is_kind, labels))), None)
