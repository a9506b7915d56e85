"""The training process as the desk sees it: start a job, hear of it, cancel it."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ocr.labelling.loop import worker
from ocr.labelling.loop.worker import FAILED, Event, Job

SPAWN = multiprocessing.get_context("spawn")  # a fork would hold the folder's lock, too
PATIENCE = 3.0  # seconds that a process is given to end by itself


class Trainer:
    """A process that trains, started with the first job and kept for the next ones.

    log: the file that trainings print to. train: what is run there, importable by name.
    """

    def __init__(self, log: Path, train: Callable[[Job], object] = worker.train):
        self._log, self._train = log, train
        self._work: Path | None = None
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process, None where there is none."""
        return self._process.pid if self._process else None

    @property
    def work(self) -> Path:
        """A folder for what a training needs; removed with the process."""
        if self._work is None:
            self._work = Path(tempfile.mkdtemp(prefix="ocr-label-"))
        return self._work

    def start(self, job: Job) -> None:
        """Begin with a job; the one before must have ended."""
        if self._process is None or not self._process.is_alive():
            self._end()
            self._connection, theirs = SPAWN.Pipe()
            arguments = (theirs, self.work, self._log, self._train)
            self._process = SPAWN.Process(target=worker.serve, args=arguments)
            self._process.start()
            theirs.close()
        assert self._connection is not None
        with contextlib.suppress(OSError):  # `events` says that it has died
            self._connection.send(job)

    def events(self) -> list[Event]:
        """List what has been reported since the last call."""
        found: list[Event] = []
        if self._connection is None or self._process is None:
            return found
        try:
            while self._connection.poll():
                found.append(self._connection.recv())
        except (EOFError, OSError):
            self._process.join(PATIENCE)
            code = self._process.exitcode
            self._end()
            why = f"signal {-code}; too little memory?" if code and code < 0 else f"status {code}"
            found.append(Event(FAILED, problem=f"its process ended ({why}); see {self._log}"))
        return found

    def cancel(self) -> None:
        """End the process, and those that it has started; remove its folder."""
        self._end()
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
        self._work = None

    def _end(self) -> None:
        """End the process, and those that it has started."""
        if self._connection is not None:
            self._connection.close()  # which ends it
        if self._process is not None:
            self._process.join(PATIENCE)
            _kill(self._process)
        self._process = self._connection = None


def _kill(process: SpawnProcess) -> None:
    """Kill what is left of a process and its group."""
    if sys.platform != "win32" and process.pid:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.is_alive():
        process.kill()
    process.join()
