"""Attack the opening of images: files that cost far more than they weigh, damaged ones."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

from benchmarks.damage import mutate, originals
from ocr.reading.anything import ANY
from ocr.reading.images import ImageError, open_image
from ocr.serving.processes.jobs import Job, Options, Upload
from ocr.serving.processes.readers import load_readers
from tests.attacks.measure import Report, alone, report
from tests.attacks.pictures import hostile


def opened(data: bytes) -> str:
    """Open a file; return "" or why it is refused."""
    try:
        open_image(data)
    except ImageError as error:
        return str(error)
    return ""


def attack_one(what: str, data: bytes, seconds: float = 20) -> Report:
    """Open one hostile file in a process of its own."""
    outcome = alone(opened, data, seconds=seconds)
    faults = ["not one line"] if "\n" in (outcome.result or "") else []
    shown = f"{what} ({len(data) / 1e6:.1f} MB): {'refused' if outcome.result else 'opened'}"
    return report(shown, [outcome], faults)


def mutated(count: int, seed: int = 0) -> Report:
    """Open so many damaged files of all formats, one after another in one process."""
    return _one_by_one("mutated images", lambda: [opened], count, seed)


def mutated_read(count: int, seed: int = 0) -> Report:
    """Read so many damaged files with each reader and with any, as the server does."""

    def reads() -> list[Callable[[bytes], object]]:
        readers = load_readers()

        def read(name: str, data: bytes) -> None:
            (answer,) = Job([Upload("a", data, Options(name, top=3, seen=True))]).run(readers)
            assert answer.get("text") or answer["problem"], answer

        return [partial(read, name) for name in (ANY, *readers)]

    return _one_by_one("mutated images, each by each reader and by any", reads, count, seed)


def _timed(call: Callable[[bytes], object], data: bytes, faults: list[str]) -> tuple[float, float]:
    """Do something with a file, and note a fault; return seconds of a processor, by the clock."""
    started, busy = time.perf_counter(), time.process_time()
    try:
        call(data)
    except Exception as error:
        faults.append(f"{type(error).__name__}: {error}")
    return time.process_time() - busy, time.perf_counter() - started


def _one_by_one(
    what: str, make: Callable[[], list[Callable[[bytes], object]]], count: int, seed: int
) -> Report:
    """Do several things with each of many damaged files, in one process, and time each."""
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 160, 3), np.uint8)
    files = originals(Image.fromarray(pixels))

    def run() -> tuple[float, float, list[str]]:
        worst, faults, calls = (0.0, 0.0), list[str](), make()
        for data in mutate(files, count, seed):
            for call in calls:
                taken = _timed(call, data, faults)
                if taken > worst:  # once more: what else the machine does is no part of it
                    worst = max(worst, min(taken, _timed(call, data, faults)))
        return *worst, faults

    outcome = alone(run, seconds=60 + count)
    if outcome.fault:
        return report(what, [outcome])
    cpu, seconds, faults = outcome.result
    return Report(what, count, seconds, cpu, outcome.peak, faults)


def attacks(count: int = 20_000) -> Iterator[Report]:
    """Open every hostile file, and so many damaged ones; read these, too."""
    for what, data in hostile():
        yield attack_one(what, data)
    yield mutated(count)
    yield mutated_read(count)
