"""Measure what the README claims of readers and trainings: python -m benchmarks.reading [NAME ...]

NAME: speed, memory, seeds, training, drawing, peers, number_peers, families; the first three by
default.
CPU-seconds are of this process (time.process_time), on one thread: other programs do not count.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

import utils
from benchmarks import peers, samples
from ocr.datasets import dataset
from ocr.drawing import fonts, symbols
from ocr.reading import bulk
from ocr.reading.files import find_images
from ocr.reading.images import normalise
from ocr.reading.reader import Reader

ARCHIVE = 100_000  # images in the memory test


def speed(rounds: int = 20):
    """Measure CPU-ms an image of each shipped reader on one core, the least of `rounds`.

    From pixels, or a PNG file, to text and confidence; and of the network alone.
    """
    characters = samples.characters()
    pages = samples.pages(characters)
    signs = np.stack([picture for _, picture in symbols.signs(symbols.ALPHANUMERIC + "AB")])
    _, numbers = samples.printed_numbers("western", fonts.WESTERN_UNSEEN, 64)
    captchas = dataset.load_labelled(utils.find_captchas()[0]).images[:64]
    for name, pixels, files in (
        ("captcha", captchas, samples.captchas()),
        ("char_cnn", characters, pages),
        ("cnn_lstm", characters, pages),
        ("dual_input", signs, list(map(samples.png, signs))),
        ("numbers", numbers, list(map(samples.png, numbers))),
    ):
        _speed_of(Reader.load(name), name, list(pixels), files, rounds)


def _speed_of(reader: Reader, name: str, pixels: list, files: list[bytes], rounds: int):
    prepared = np.stack([reader.prepare(image).pixels for image in pixels])
    ready = normalise(prepared, reader.normalisation)
    singles = np.split(ready, len(ready))  # batches of one

    def cost(work: Callable[[], object]) -> float:
        return min(cpu_ms(work) for _ in range(rounds)) / len(pixels)

    print(
        f"{name:10} reading, one core, CPU-ms an image: "
        f"batch 1 {cost(lambda: [reader.read(image) for image in pixels]):.2f} "
        f"(the network alone {cost(lambda: [reader.log_probs(one) for one in singles]):.2f}), "
        f"batch 64 {cost(lambda: reader.read(pixels)):.2f} "
        f"({cost(lambda: reader.log_probs(ready)):.2f}); "
        f"batch 1 from PNG bytes {cost(lambda: [reader.read(file) for file in files]):.2f}"
    )


def cpu_ms(work: Callable[[], object]) -> float:
    """Measure the CPU time of this process for some work, in milliseconds."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def memory(count: int = ARCHIVE):
    """Measure resident memory while the batch loop reads a folder of `count` images."""
    with tempfile.TemporaryDirectory() as folder:
        originals = samples.captchas(500)
        for i in range(count):
            (Path(folder) / f"{i:06d}.png").write_bytes(originals[i % len(originals)])
        process, marks = psutil.Process(), {}
        reader = Reader.load("captcha")
        found = tqdm(find_images(folder), total=count, unit=" images", disable=None)
        for done, result in enumerate(bulk.read_many(reader, found), start=1):
            assert result.error is None, result
            if done in (count // 100, count // 10, count // 2, count):
                marks[done] = process.memory_info().rss / 1e6
    sizes = ", ".join(f"{mb:.0f} MB after {n:,}" for n, mb in marks.items())
    print(f"memory while reading a folder: {sizes}")


def processes(count: int = 5_000, rounds: int = 3):
    """Measure `ocr read` on a folder of `count` CAPTCHAs: two processes against one, two cores.

    Whole commands, one after the other, the fastest of `rounds` each. Seconds by the clock count
    only where nothing else runs; CPU-seconds show what the second process costs.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory() as folder:
        originals = samples.captchas(500)
        for i in range(count):
            (Path(folder) / f"{i:06d}.png").write_bytes(originals[i % len(originals)])
        for reader in ("captcha", "numbers"):
            measured: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
            for _ in range(rounds):
                for number, times in measured.items():
                    times.append(_read_command(folder, reader, number))
            (one, cpu_one), (two, cpu_two) = map(min, measured.values())
            print(
                f"reading {count:,} CAPTCHAs with {reader}: {one:.1f} s with one process, "
                f"{two:.1f} s with two on two cores, {one / two:.2f} times as fast; "
                f"{cpu_one:.1f} and {cpu_two:.1f} CPU-seconds"
            )


def _read_command(folder: str, reader: str, number: int) -> tuple[float, float]:
    """Run `ocr read` with a number of processes: seconds by the clock, CPU-seconds."""
    command = [sys.executable, "-m", "ocr", "read", folder, "--model", reader]
    command += ["--processes", str(number), "--output", f"{folder}/reads.csv"]
    before, start = _cpu_of_children(), time.monotonic()
    done = subprocess.run(command, cwd=utils.ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1) and f"{folder}/reads.csv" in done.stderr, done.stderr
    return time.monotonic() - start, _cpu_of_children() - before


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _trained(name: str):
    from benchmarks import training  # for speed: Keras

    getattr(training, name)()


BENCHMARKS = {
    "speed": speed,
    "memory": memory,
    "processes": processes,
    "seeds": partial(_trained, "seeds"),
    "training": partial(_trained, "training"),
    "drawing": partial(_trained, "drawing"),
    "peers": peers.peers,
    "number_peers": peers.number_peers,
    "families": partial(_trained, "families"),
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(BENCHMARKS):
        names = ", ".join(BENCHMARKS)
        sys.exit(f"benchmarks.reading: no {', '.join(sorted(unknown))}; there are {names}")
    for name in sys.argv[1:] or ("speed", "memory", "seeds"):
        BENCHMARKS[name]()
