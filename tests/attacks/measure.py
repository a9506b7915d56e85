"""Measure an attack: each call in a process of its own, bounded in time and memory."""

import contextlib
import os
import pickle
import resource
import signal
import time
from collections.abc import Callable
from typing import Any, NamedTuple

GIB = 2**30


class Outcome(NamedTuple):
    """How one call ended: seconds by the clock and of a processor, MB added, result, fault."""

    seconds: float
    cpu: float
    peak: float
    result: Any = None
    fault: str = ""


class Report(NamedTuple):
    """An attack's figures: what, how many calls, the worst of them, the faults.

    cpu and peak are of the worst call, or of the whole process where all calls run in it.
    """

    what: str
    n: int
    worst: float
    cpu: float
    peak: float
    faults: list[str]

    def __str__(self) -> str:
        worst = f"worst {self.worst:6.2f} s ({self.cpu:.3f} of a processor)"
        return (
            f"{self.what:56} n {self.n:6,}  {worst}  peak {self.peak:4.0f} MB  "
            f"faults {len(self.faults)}"
        )


def alone(call: Callable[..., Any], *arguments: Any, seconds: float = 20, memory: int = 8 * GIB):
    """Call a function in a forked process, killed after so many seconds; return its Outcome.

    An exception is a fault; what the call expects, it catches. memory: bytes of address space.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with contextlib.suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            with os.fdopen(writing, "wb") as out:
                pickle.dump(_measured(call, arguments), out)
        os._exit(0)
    os.close(writing)
    started = time.perf_counter()
    with os.fdopen(reading, "rb") as answer, _alarm(child, seconds):
        data = answer.read()
        os.waitpid(child, 0)
    if data:
        return pickle.loads(data)
    return Outcome(
        time.perf_counter() - started, 0, 0, None, f"not done in {seconds:.0f} s, or died"
    )


def _measured(call: Callable[..., Any], arguments: tuple) -> Outcome:
    before, started, busy = peak(), time.perf_counter(), time.process_time()
    try:
        result, fault = call(*arguments), ""
    except BaseException as error:
        result, fault = None, f"{type(error).__name__}: {str(error)[:100]}"
    taken, busy = time.perf_counter() - started, time.process_time() - busy
    return Outcome(taken, busy, peak() - before, result, fault)


def peak() -> float:
    """Read the largest memory that this process has used, in MB; a fork starts with its own."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


@contextlib.contextmanager
def _alarm(child: int, seconds: float):
    """Kill a process when the time is over."""

    def kill(*_):
        os.kill(child, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def report(what: str, outcomes: list[Outcome], faults: list[str] | None = None) -> Report:
    """Sum up: the worst time, the highest peak, all faults."""
    found = [each.fault for each in outcomes if each.fault] + (faults or [])
    worst = [max(getattr(o, key) for o in outcomes) for key in ("seconds", "cpu", "peak")]
    return Report(what, len(outcomes), *worst, found)
