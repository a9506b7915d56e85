"""Batch reading: the one loop over many images, for Reader.read, commands, server and archives."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, Protocol

from ocr.reading.constraints import Constraint
from ocr.reading.decoders import Reading
from ocr.reading.files import Found, printable
from ocr.reading.images import MAX_PIXELS, ImageError
from ocr.reading.inputs import Prepared

BATCH = 64  # images in memory and in the network at a time
TIMED_OUT = "timed out before this image was read: send fewer images at a time"
NO_MEMORY = "too large for the memory: scale the image down first"


class Result(NamedTuple):
    """The outcome for one image: a reading with its preprocessed picture, or an error message."""

    name: str
    reading: Reading | None = None
    error: str | None = None
    prepared: Prepared | None = None

    @property
    def timed_out(self) -> bool:
        """Was the image not started by the deadline?"""
        return self.error == TIMED_OUT


class BatchReader(Protocol):
    """What `read_many` needs of a Reader."""

    def prepare(self, image: Any, max_pixels: int = ...) -> Prepared:
        """Preprocess one image. Raises ImageError."""

    def read_prepared(
        self,
        prepared: list[Prepared],
        top: int = ...,
        spans: bool = ...,
        constraint: Constraint | None = ...,
    ) -> list[Reading]:
        """Read preprocessed images in one run of the network."""


def read_many(
    reader: BatchReader,
    images: Iterable[Found],
    *,
    batch: int = BATCH,
    top: int = 1,
    spans: bool = False,
    constraint: Constraint | None = None,
    max_pixels: int = MAX_PIXELS,
    deadline: float | None = None,
) -> Iterator[Result]:
    """Read images in batches and yield one Result per image, in order, `batch` at a time in memory.

    top, spans, constraint: as in Reader.read_prepared. An image that cannot be read, has more than
    `max_pixels`, or exhausts the memory, yields an error. deadline: a time of time.monotonic();
    images not started by then are reported as timed out.
    """
    images = iter(images)
    while some := list(islice(images, batch)):
        prepared: dict[int, Prepared] = {}
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
        found = reader.read_prepared(list(prepared.values()), top, spans, constraint)
        readings = dict(zip(prepared, found))
        for i, image in enumerate(some):
            yield Result(printable(image.name), readings.get(i), errors.get(i), prepared.get(i))
