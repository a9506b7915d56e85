"""Attack the opening of images: files that cost far more than they weigh, damaged ones."""

import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.damage import mutate, originals
from ocr.reading.images import ImageError, open_image
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
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 160, 3), np.uint8)
    files = originals(Image.fromarray(pixels))

    def run() -> tuple[float, float, list[str]]:
        worst, faults = (0.0, 0.0), []
        for data in mutate(files, count, seed):
            started, busy = time.perf_counter(), time.process_time()
            try:
                opened(data)
            except Exception as error:
                faults.append(f"{type(error).__name__}: {error}")
            taken = time.process_time() - busy, time.perf_counter() - started
            worst = max(worst, taken)
        return *worst, faults

    outcome = alone(run, seconds=60 + count)
    if outcome.fault:
        return report("mutated images", [outcome])
    cpu, seconds, faults = outcome.result
    return Report("mutated images", count, seconds, cpu, outcome.peak, faults)


def attacks(count: int = 20_000) -> Iterator[Report]:
    """Open every hostile file, and so many damaged ones."""
    for what, data in hostile():
        yield attack_one(what, data)
    yield mutated(count)
