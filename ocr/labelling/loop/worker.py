"""The training process: it trains one job after another, until its input ends.

That is when the desk closes, and when the desk's process dies, however it dies: nothing is left
running, nor in the working folder. Jobs come as lines of JSON, events go as such.

    python -m ocr.labelling.loop.worker FOLDER LOG MODULE:FUNCTION
"""

import contextlib
import json
import multiprocessing
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ocr import paths
from ocr.training import progress, recipes

NICE = 10  # the page comes first


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

    def line(self) -> bytes:
        """Format as a line."""
        return json.dumps(asdict(self), default=str).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "Job":
        """Parse a line."""
        row = json.loads(line)
        return cls(**row | {name: Path(row[name]) for name in ("data", "reader")})


class Event(NamedTuple):
    """What a training reports: an epoch, that it is done, or why it failed (one line)."""

    state: str
    epoch: int = 0
    epochs: int = 0
    problem: str = ""

    def line(self) -> bytes:
        """Format as a line."""
        return json.dumps(self).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "Event":
        """Parse a line."""
        return cls(*json.loads(line))


EPOCHS, DONE, FAILED = "epoch", "done", "failed"


def train(job: Job) -> None:
    """Train a job by its recipe. Raises DataError, ReaderError: one line each."""
    recipes.train(job.kind, job.data, job.reader, seed=job.seed, **job.options)


def serve(work: Path, log: Path, train: Callable[[Job], object]) -> None:
    """Train the jobs that come by standard input, and report to standard output; does not return.

    work: a folder of the process's own, removed at the end. log: where standard error goes.
    """
    _step_back()
    out = _redirect()
    for place in ("CACHE", "LOGS", "FIGURES"):  # nobody resumes from it or looks at it
        setattr(paths, place, work / place.lower())
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_watch, args=(sys.stdin.buffer, jobs, work), daemon=True).start()
    while True:
        event = _run(jobs.get(), out, train, log)
        shutil.rmtree(work / "cache", ignore_errors=True)  # checkpoints of a finished training
        _report(out, event)


def _step_back() -> None:
    """Leave Ctrl-C to the page, and the processor, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(NICE)


def _redirect() -> BinaryIO:
    """Let all that is printed go where errors go, to the log; return what was standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _report(out: BinaryIO, event: Event) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: `_watch` ends the process
        out.write(event.line())
        out.flush()


def _watch(lines: BinaryIO, jobs: "queue.SimpleQueue[Job]", work: Path) -> None:
    """Take jobs; where the input ends, end this process and those that it has started."""
    for line in lines:
        jobs.put(Job.parse(line))
    for child in multiprocessing.active_children():
        child.kill()
    shutil.rmtree(work, ignore_errors=True)
    os._exit(0)


def _run(job: Job, out: BinaryIO, train: Callable[[Job], object], log: Path) -> Event:
    """Train a job; return how it ended."""
    try:
        with progress.heard(lambda at: _report(out, Event(EPOCHS, at.epoch, at.epochs))):
            train(job)
    except Exception as error:  # the labelling goes on, whatever it is
        traceback.print_exc()
        line = " ".join(str(error).split())[:300]
        if not isinstance(error, ValueError) or type(error) is ValueError:  # not for a person
            line = f"{type(error).__name__}: {line}; see {log}"
        return Event(FAILED, problem=line)
    return Event(DONE)


if __name__ == "__main__":
    module, function = sys.argv[3].split(":")
    serve(Path(sys.argv[1]), Path(sys.argv[2]), getattr(import_module(module), function))
