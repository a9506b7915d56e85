"""Batch reading: the one loop over many images, for Reader.read, commands, server and archives."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, Protocol

from ocr.reading.decoders import Reading
from ocr.reading.files import Found, printable
from ocr.reading.images import MAX_PIXELS, ImageError

BATCH = 64  # images in memory and in the network at a time
TIMED_OUT = "timed out before this image was read: send fewer images at a time"
NO_MEMORY = "too large for the memory: scale the image down first"
NOTHING = "nothing that I can read"  # of a reading without text


class Result(NamedTuple):
    """The outcome for one image: a reading with its preprocessed picture, or an error message.

    A refused image has both: a reading without text, and the error NOTHING.
    """

    name: str
    reading: Reading | None = None
    error: str | None = None
    prepared: Any = None  # Prepared, or anything.Candidates

    @property
    def timed_out(self) -> bool:
        """Was the image not started by the deadline?"""
        return self.error == TIMED_OUT


class BatchReader(Protocol):
    """What `read_many` needs of a Reader, or an AnyReader."""

    def prepare(self, image: Any, max_pixels: int = ...) -> Any:
        """Preprocess one image. Raises ImageError."""

    def read_prepared(self, prepared: list[Any], options: Any = ...) -> list[Reading]:
        """Read preprocessed images together."""


def read_many(
    reader: BatchReader,
    images: Iterable[Found],
    options: Any = None,
    *,
    batch: int = BATCH,
    max_pixels: int = MAX_PIXELS,
    deadline: float | None = None,
) -> Iterator[Result]:
    """Read images in batches and yield one Result per image, in order, `batch` at a time in memory.

    options: of the reader's `options`. An image that cannot be read, has more than `max_pixels`, or
    exhausts the memory, yields an error, one with nothing to read the error NOTHING. deadline: a
    time of time.monotonic(); images not started by then are reported as timed out.
    """
    images = iter(images)
    while some := list(islice(images, batch)):
        prepared: dict[int, Any] = {}
        errors: dict[int, str] = {}
        for i, image in enumerate(some):
            if deadline is not None and time.monotonic() > deadline:
                errors[i] = TIMED_OUT
                continue
            try:
                prepared[i] = reader.prepare(image.read(), max_pixels)
            except ImageError as error:
                errors[i] = str(error)
            except MemoryError:
                errors[i] = NO_MEMORY
        readings = dict(zip(prepared, reader.read_prepared(list(prepared.values()), options)))
        errors |= {i: NOTHING for i, reading in readings.items() if not reading.text}
        for i, image in enumerate(some):
            yield Result(printable(image.name), readings.get(i), errors.get(i), prepared.get(i))
