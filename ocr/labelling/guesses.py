"""Guesses: what a reader would answer, shown in the text field. The place where a loop plugs in.

Whatever trains while a person labels implements `Guesser`; it gets the images and the store when it
is made, and chooses what to train on by `queue.for_training`.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ocr.labelling.images import Images
from ocr.reading.bulk import NOTHING, read_many
from ocr.reading.reader import Reader

PUBLISH = 1.0  # seconds between new sets of guesses


class Guess(NamedTuple):
    """What a reader reads in an image; see `Reading`."""

    text: str
    confidence: float
    trusted: bool = False


class Guesser(Protocol):
    """What gives guesses, while it reads or trains. All methods return at once."""

    def status(self) -> dict:
        """Describe what it does: {"text": a line for the person, "share": 0 to 1 or None}."""

    def guesses(self) -> Mapping[str, Guess]:
        """Return {image: guess}: an object that does not change; another one when guesses do."""

    def close(self) -> None:
        """Stop."""


class NoGuesses:
    """No reader, no guesses."""

    def __init__(self):
        self._guesses: Mapping[str, Guess] = {}

    def status(self) -> dict:
        return {"text": "", "share": None}

    def guesses(self) -> Mapping[str, Guess]:
        return self._guesses

    def close(self) -> None:
        """There is nothing to stop."""


class ReaderGuesses:
    """Read all images with a reader, in the background.

    order: the images in the order in which they will be asked for.
    """

    def __init__(self, reader: Reader, name: str, images: Images, order: Sequence[str]):
        self._reader, self._name, self._images, self._order = reader, name, images, order
        self._guesses: Mapping[str, Guess] = {}
        self._read, self._done, self._stopped = 0, False, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        found: dict[str, Guess] = {}
        published = 0.0
        for result in read_many(self._reader, self._images.found(self._order), batch=16):
            if self._stopped.is_set():
                return
            name = self._order[self._read]
            if result.reading is not None:
                found[name] = Guess(
                    result.reading.text, result.reading.confidence, result.reading.trusted
                )
            if result.error not in (None, NOTHING):
                self._images.faults[name] = str(result.error)
            self._read += 1
            if time.monotonic() - published > PUBLISH:
                self._guesses, published = dict(found), time.monotonic()
        self._guesses = found
        self._done = True

    def status(self) -> dict:
        total = len(self._order)
        if self._done:
            return {"text": f"{self._name} has read {total:,} images", "share": 1.0}
        text = f"{self._name} reads: {self._read:,} of {total:,} images"
        return {"text": text, "share": self._read / total}

    def guesses(self) -> Mapping[str, Guess]:
        return self._guesses

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)
