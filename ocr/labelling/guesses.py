"""Guesses: what a reader would answer, shown in the text field.

`Guesser` is the seam between the page and what reads and trains behind it, see loop/loop.py.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ocr.labelling.images import Images
from ocr.reading.bulk import BatchReader, read_many

PUBLISH = 1.0  # seconds between new sets of guesses


class Guess(NamedTuple):
    """What a reader reads in an image; see `Reading`."""

    text: str
    confidence: float
    trusted: bool = False


class Doubt(NamedTuple):
    """A label that a reader contradicts: what it reads, and how sure it is."""

    file: str
    label: str
    text: str
    confidence: float


class Guesser:
    """What gives guesses, while it reads or trains; this one has no reader. Methods return at once.

    After `start` it may work in the background.
    """

    def start(self) -> None:
        """Begin to work in the background."""

    def status(self) -> dict[str, Any]:
        """Describe what it does.

        {"text": a line for the person, "share": 0 to 1 or None}; what trains adds "training" (is it
        the share of a training?), "problem" (a line), "doubts" (how many) and "version", another
        one where the curve or the doubts are others.
        """
        return {"text": "", "share": None}

    def guesses(self) -> Mapping[str, Guess]:
        """Return {image: guess}: an object that does not change; another one when guesses do."""
        return NOTHING_YET

    def curve(self, rate: float | None) -> dict[str, Any]:
        """Describe the scores so far: {"points": dicts, "words": sentences, "forecast": rows}.

        rate: labels a minute, None where it is not known.
        """
        return {"points": [], "words": [], "forecast": []}

    def doubts(self) -> Sequence[Doubt]:
        """List the labels for a second look, the surest contradictions first."""
        return ()

    def keep(self, file: str, label: str) -> None:
        """Note that a label is right, whatever a reader says."""

    def close(self) -> None:
        """Stop."""


NOTHING_YET: Mapping[str, Guess] = MappingProxyType({})


def read(reader: BatchReader, images: Images, names: Iterable[str]) -> Iterator[tuple[str, Guess]]:
    """Read images; those that cannot be opened are left out, and noted in `images.faults`."""
    names = list(names)
    for name, result in zip(names, read_many(reader, images.found(names), batch=16)):
        if result.reading is not None:
            yield (
                name,
                Guess(result.reading.text, result.reading.confidence, result.reading.trusted),
            )
        else:
            images.faults[name] = str(result.error)


class ReaderGuesses(Guesser):
    """Read images with a reader, in the background.

    order: the images in the order in which they will be asked for. before: older guesses, which
    hold until an image has been read.
    """

    def __init__(
        self,
        reader: BatchReader,
        name: str,
        images: Images,
        order: Sequence[str],
        before: Mapping[str, Guess] = NOTHING_YET,
    ):
        self._reader, self._name, self._images, self._order = reader, name, images, order
        self._guesses = before
        self._read, self._done, self._stopped = 0, False, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def _run(self) -> None:
        found = dict(self._guesses)
        published = 0.0
        for k, (name, guess) in enumerate(read(self._reader, self._images, self._order), start=1):
            if self._stopped.is_set():
                return
            found[name] = guess
            self._read = k
            if time.monotonic() - published > PUBLISH:
                self._guesses, published = dict(found), time.monotonic()
        self._guesses = found
        self._done = True

    def status(self) -> dict[str, Any]:
        """Describe how far the reading is."""
        total = len(self._order)
        if self._done:
            return {"text": f"{self._name} has read {total:,} images", "share": 1.0}
        text = f"{self._name} reads: {self._read:,} of {total:,} images"
        return {"text": text, "share": self._read / max(1, total)}

    def guesses(self) -> Mapping[str, Guess]:
        """Return the guesses so far."""
        return self._guesses

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        if self._thread.ident:
            self._thread.join(timeout=5)
