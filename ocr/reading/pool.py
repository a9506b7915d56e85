"""Batch reading with several processes: each has the reader, takes some images, gives results."""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any

from ocr.reading.bulk import Result, read_many
from ocr.reading.decoders import DecodingOptions
from ocr.reading.files import Found, printable
from ocr.reading.reader import Reader

SHARE = 32  # images that a process takes at a time
AHEAD = 8  # shares for each process that may be done before an earlier one
WORTH = 200  # images for each process, at least: starting one takes time, too
CHECKED = 1.0  # seconds after which an idle process looks whether it is still needed
LOST = "the process that read it was ended (too little memory?): read it alone, or scale it down"
# Where it is safe a process is a copy of this one, which has the reader; else it loads its own.
# A fork copies one thread only, so nothing here starts another; ONNX Runtime has none of its own.
FORK = sys.platform == "linux"

Make = Callable[[], tuple[Reader, DecodingOptions | None]]


def usable_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_in_processes(
    make: Make, images: Iterable[Found], processes: int, share: int = SHARE
) -> Iterator[Result]:
    """Read images with several processes and yield one Result per image, in order.

    As `bulk.read_many`, but for the preprocessed pictures, which are None. make: gives the reader
    and the decoding options in each process; it is called there, and must be picklable where
    processes are not forked. An image whose process ends, twice, yields an error.
    """
    images, pool = iter(images), [_Process(make) for _ in range(processes)]
    done: dict[int, list[Result]] = {}
    sent = given = 0
    try:
        while True:
            for process in filter(lambda each: each.idle, pool):
                some = list(islice(images, share)) if sent < given + AHEAD * processes else []
                if some:
                    process.send(sent, some)
                    sent += 1
            if given == sent:
                return
            for number, results in _answers(pool):
                done[number] = results
            while given in done:
                yield from done.pop(given)
                given += 1
    finally:
        for process in pool:
            process.stop()


def _answers(pool: list["_Process"]) -> Iterator[tuple[int, list[Result]]]:
    """Wait until processes have results; yield (number of the share, its results)."""
    busy = {process.connection: process for process in pool if not process.idle}
    for connection in wait(list(busy)):
        yield busy[connection].receive()


class _Process:
    """A process that reads the shares that it is sent, one at a time."""

    def __init__(self, make: Make):
        self._make = make
        self._number, self._images = 0, list[Found]()
        self._start()

    @property
    def idle(self) -> bool:
        """Has it nothing to read?"""
        return not self._images

    def _start(self) -> None:
        context: Any = multiprocessing.get_context("fork" if FORK else "spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._make, os.getpid()), daemon=True
        )
        self._process.start()
        theirs.close()

    def send(self, number: int, images: list[Found]) -> None:
        """Give it a share to read."""
        self._number, self._images = number, images
        self._send(images)

    def _send(self, images: list[Found]) -> None:
        with contextlib.suppress(OSError):  # it has ended, which `receive` will find
            self.connection.send([(image.name, image.read) for image in images])

    def receive(self) -> tuple[int, list[Result]]:
        """Take the results of its share, one image at a time where they end the process."""
        results = self._answer()
        if results is None:
            results = [self._alone(image) for image in self._images]
        self._images = []
        return self._number, results

    def _answer(self) -> list[Result] | None:
        """Take results; None, and a new process, where it has ended."""
        try:
            return [Result(*result) for result in self.connection.recv()]
        except (EOFError, OSError):
            self.stop()
            self._start()
            return None

    def _alone(self, image: Found) -> Result:
        self._send([image])
        results = self._answer()
        return results[0] if results else Result(printable(image.name), error=LOST)

    def stop(self) -> None:
        """End the process."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _serve(connection: Connection, make: Make, parent: int) -> None:
    """Read what comes through a connection until the process at its other end closes it, or ends.

    A fork inherits its brothers' connections, so that the end of the parent closes none of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    reader, options = make()
    try:
        while True:
            while not connection.poll(CHECKED):
                if os.getppid() != parent:
                    return
            images = [Found(name, read) for name, read in connection.recv()]
            results = read_many(reader, images, options, batch=len(images))
            connection.send([tuple(result._replace(prepared=None)) for result in results])
    except (EOFError, OSError):
        return
