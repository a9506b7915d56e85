"""The training process: it trains one job after another, until its connection closes.

It closes when the desk does, and when the desk's process dies, however it dies: nothing is left
running, nor in the working folder.
"""

import contextlib
import io
import multiprocessing
import os
import queue
import re
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from ocr import paths
from ocr.training import recipes

NICE = 10  # the page comes first
EPOCH = re.compile(r": epoch +(\d+) of (\d+) ")  # as training/loop.py prints its progress


@dataclass(frozen=True)
class Job:
    """What to train.

    kind     a recipe
    data     a folder of images with labels.csv
    reader   where the reader is to be saved
    seed     of the split and the training
    options  further arguments of `recipes.train`
    """

    kind: str
    data: Path
    reader: Path
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)


class Event(NamedTuple):
    """What a training reports: an epoch, that it is done, or why it failed (one line)."""

    state: str
    epoch: int = 0
    epochs: int = 0
    problem: str = ""


EPOCHS, DONE, FAILED = "epoch", "done", "failed"


def train(job: Job) -> None:
    """Train a job by its recipe. Raises DataError, ReaderError: one line each."""
    recipes.train(job.kind, job.data, job.reader, seed=job.seed, **job.options)


def serve(
    connection: Connection, work: Path, log: Path, train: Callable[[Job], object] = train
) -> None:
    """Train the jobs that come through a connection, and report through it; ends the process.

    work: a folder of the process's own, removed at the end. log: what a training prints goes there.
    """
    _step_back()
    _redirect(log)
    for place in ("CACHE", "LOGS", "FIGURES"):  # nobody resumes from it or looks at it
        setattr(paths, place, work / place.lower())
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_watch, args=(connection, jobs, work), daemon=True).start()
    while True:
        event = _run(jobs.get(), connection, train, log)
        shutil.rmtree(work / "cache", ignore_errors=True)  # checkpoints of a finished training
        with contextlib.suppress(OSError):
            connection.send(event)


def _step_back() -> None:
    """Leave Ctrl-C to the page, and the processor, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.setsid()  # a group, with the processes that draw, which can be ended together
        os.nice(NICE)


def _redirect(log: Path) -> None:
    """Let all that is printed go to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)


def _watch(connection: Connection, jobs: "queue.SimpleQueue[Job]", work: Path) -> None:
    """Take jobs; where the connection closes, end this process and those that it has started."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            jobs.put(connection.recv())
    for child in multiprocessing.active_children():
        child.kill()
    shutil.rmtree(work, ignore_errors=True)
    os._exit(0)


class _Output(io.TextIOBase):
    """Pass on what a training prints, and report its epochs."""

    def __init__(self, connection: Connection):
        self.connection, self.out = connection, sys.__stdout__

    def write(self, text: str) -> int:
        """Pass a text on."""
        found = EPOCH.search(text)
        if found:
            with contextlib.suppress(OSError):
                self.connection.send(Event(EPOCHS, int(found[1]), int(found[2])))
        return self.out.write(text) if self.out else len(text)

    def flush(self) -> None:
        """Pass it on now."""
        if self.out:
            self.out.flush()


def _run(job: Job, connection: Connection, train: Callable[[Job], object], log: Path) -> Event:
    """Train a job; return how it ended."""
    with contextlib.redirect_stdout(_Output(connection)):
        try:
            train(job)
        except Exception as error:  # the labelling goes on, whatever it is
            traceback.print_exc()
            line = " ".join(str(error).split())[:300]
            if not isinstance(error, ValueError) or type(error) is ValueError:  # not for a person
                line = f"{type(error).__name__}: {line}; see {log}"
            return Event(FAILED, problem=line)
        return Event(DONE)
