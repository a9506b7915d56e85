"""The training process as the desk sees it: start a job, hear of it, cancel it."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ocr import paths
from ocr.labelling.loop import worker
from ocr.labelling.loop.worker import FAILED, Event, Job

PATIENCE = 3.0  # seconds that a process is given to end by itself


class Trainer:
    """A process that trains, started with the first job and kept for the next ones.

    It is a new interpreter: a fork would hold the folder's lock, too.

    log: the file that trainings print to. train: what is run there, importable by name.
    """

    def __init__(self, log: Path, train: Callable[[Job], object] = worker.train):
        self._log, self._train = log, f"{train.__module__}:{train.__name__}"
        self._work: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reported: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

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
        """Begin with a job; the one before must have ended. Raises OSError."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._open()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # `events` says that it has died
            self._process.stdin.write(job.line())
            self._process.stdin.flush()

    def _open(self) -> "subprocess.Popen[bytes]":
        """Start the process, and a thread that listens to it."""
        places = [str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        here = os.pathsep.join(filter(None, places))
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", worker.__name__, self.work, self._log, self._train],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"PYTHONPATH": here, "PYTHONSAFEPATH": "1"},
                start_new_session=True,  # a group, with the processes that draw
            )
        self._reported = queue.SimpleQueue()
        listening = process.stdout, self._reported
        threading.Thread(target=_listen, args=listening, daemon=True).start()
        return process

    def events(self) -> list[Event]:
        """List what has been reported since the last call."""
        found: list[Event] = []
        while self._process is not None and not self._reported.empty():
            event = self._reported.get()
            found.append(self._died(self._process) if event is None else event)
        return found

    def _died(self, process: "subprocess.Popen[bytes]") -> Event:
        """Say why the process has ended by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        code = process.returncode or 0
        self._end()
        why = f"signal {-code}; too little memory?" if code < 0 else f"status {code}"
        return Event(FAILED, problem=f"its process ended ({why}); see {self._log}")

    def cancel(self) -> None:
        """End the process, and those that it has started; remove its folder."""
        self._end()
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
        self._work = None

    def _end(self) -> None:
        """End the process, and those that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]  # which ends it
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # what it had started
        process.kill()
        process.wait()


def _listen(lines: IO[bytes], reported: "queue.SimpleQueue[Event | None]") -> None:
    """Queue what a process reports; None when it ends."""
    with lines:
        for line in lines:
            reported.put(Event.parse(line))
    reported.put(None)
