"""Processes that read: bounded in time and memory, ended and replaced where they exceed a bound.

The process that answers requests never opens an image itself, so that neither a picture that keeps
a decoder busy nor one that ends it takes the server with it.
"""

import contextlib
import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from ocr.reading.contract import ReaderError
from ocr.reading.pool import FORK
from ocr.serving import limits
from ocr.serving.processes.jobs import Work
from ocr.serving.processes.memory import bound_memory, give_back_memory
from ocr.serving.processes.readers import Readers

SHARED = "ocr.serving.processes.shared"  # only where processes are forked is it imported
STARTING = 60.0  # seconds in which a process loads its readers


class ProcessEnded(Exception):
    """The process that had the job ended: out of memory, or by a fault in a decoder."""


class Worker(Protocol):
    """What does jobs, one at a time."""

    @property
    def ready(self) -> bool:
        """Can it begin a job at once?"""

    def call(self, job: Work, until: float) -> list[dict[str, Any]]:
        """Do a job by `until`, of time.monotonic(). Raises TimeoutError, ProcessEnded.

        After a TimeoutError `recover` must be called.
        """

    def recover(self) -> None:
        """Become free of a job that was not done in time."""


class Here:
    """Do jobs in this process, without bounds: for tests."""

    def __init__(self, readers: Readers):
        self._readers = readers

    @property
    def ready(self) -> bool:
        """Is always ready."""
        return True

    def call(self, job: Work, until: float) -> list[dict[str, Any]]:
        """Do a job."""
        return job.run(self._readers.now(job.readers))

    def recover(self) -> None:
        """Nothing is left to do."""


class Process:
    """Do jobs in a process of its own, which is ended and replaced where it takes too long."""

    def __init__(self, places: Sequence[Path] | None = None):
        self._places = places
        self.replaced = 0
        # A server that forks: it has loaded what the processes share, and has no threads.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([SHARED if FORK else __name__])
        self._start(strict=True)

    def _start(self, strict: bool = False) -> None:
        self._connection, theirs = self._context.Pipe()
        self._loaded = False
        self._process = self._context.Process(
            target=_serve, args=(theirs, self._places, strict), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def ready(self) -> bool:
        """Has it loaded its readers, and not ended since?"""
        with contextlib.suppress(OSError, EOFError):
            if not self._loaded and self._connection.poll():
                self._connection.recv()
                self._loaded = True
        return self._loaded

    def wait(self) -> None:
        """Wait until it is ready. Raises RuntimeError where its readers cannot be loaded."""
        self._connection.poll(STARTING)
        if not self.ready:
            raise RuntimeError("a process that reads does not start: its error is above")

    def call(self, job: Work, until: float) -> list[dict[str, Any]]:
        """Do a job by `until`, of time.monotonic(). Raises TimeoutError, ProcessEnded.

        After a TimeoutError `recover` must be called.
        """
        try:
            self._connection.send(job)
            if not self._loaded:
                self._answer(until)
                self._loaded = True
            answer = self._answer(until)
        except TimeoutError:  # an OSError
            raise
        except (EOFError, OSError):
            self._replace("ended")
            raise ProcessEnded from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def recover(self) -> None:
        """Wait a little for an answer that comes too late; else replace the process."""
        try:
            self._late_answer()
            if not self._loaded:
                self._loaded = True
                self._late_answer()
        except TimeoutError:
            self._replace("took too long")
        except (EOFError, OSError):
            self._replace("ended")

    def _answer(self, until: float) -> Any:
        if not self._connection.poll(max(0.0, until - time.monotonic())):
            raise TimeoutError
        return self._connection.recv()

    def _late_answer(self) -> None:
        """Wait for an answer, longer where others keep the processors. Raises TimeoutError."""
        until, used = time.monotonic() + 6 * limits.PATIENCE, self._used()
        while not self._connection.poll(limits.PATIENCE / 10):
            if self._used() - used > limits.PATIENCE or time.monotonic() > until:
                raise TimeoutError
        self._connection.recv()

    def _used(self) -> float:
        """Measure the seconds of a processor that it has used; elsewhere than on Linux, of time."""
        if not FORK:
            return time.monotonic()
        number = self._process.pid or 0
        return time.clock_gettime(~number << 3 | 2)  # as clock_getcpuclockid(3) has it

    def _replace(self, why: str) -> None:
        logging.getLogger(__name__).warning("a process that reads %s: replaced", why)
        self.replaced += 1
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._connection.close()
        self._process.join(1)


def _serve(connection: Connection, places: Sequence[Path] | None, strict: bool) -> None:
    """Do the jobs that come through a connection until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this one
    try:
        shared = import_module(SHARED).readers if FORK and places is None else None
        readers = shared or Readers(places, strict=strict)
    except (ReaderError, RuntimeError) as error:
        sys.exit(str(error))
    with contextlib.suppress(EOFError, OSError):
        bound_memory()
        give_back_memory()
        connection.send(True)
        while True:
            connection.send(_done(connection.recv(), readers))


def _done(job: Work, readers: Readers) -> list[dict[str, Any]] | Exception:
    try:
        return job.run(readers.now(job.readers))
    except Exception as error:
        logging.getLogger(__name__).exception("a job failed")
        return RuntimeError(f"{type(error).__name__} in the process that reads")
