"""Kill -9 a training, and an archive run, again and again: what they leave in the end is whole.

Each is the command in a process of its own, killed at random moments with all that it started.
Then it runs to its end, and its result is compared with that of a run that nothing disturbed.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas

from ocr.archive import results
from ocr.drawing.captchas import captchas
from ocr.paths import CACHE, MODELS, ROOT
from tests.attacks.measure import Report

TRAIN = "from ocr.cli.train import main\nmain()"
READ = (  # with small partitions, so that there are many
    "from ocr.archive import results\nfrom ocr.cli.read import main\n"
    "results.LEAST, results.EVERY = 40, 20\nraise SystemExit(main())"
)


def start(program: str, arguments: list[object], folder: Path) -> subprocess.Popen:
    """Start a program in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(program: str, arguments: list[object], folder: Path) -> list[str]:
    """Run a program to its end; return what is wrong."""
    status = start(program, arguments, folder).wait(1200)
    return [f"undisturbed, it ended with status {status}"] if status else []


def kill(
    count: int, begin: Callable[[], subprocess.Popen], progress: Callable[[], int]
) -> list[str]:
    """Kill count times, each up to half a second after progress was made; return what was lost."""
    chance, before = random.Random(0), progress()
    for _ in range(count):
        running, until = begin(), time.monotonic() + 60
        while progress() <= before and running.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        if running.poll() is not None:
            return [f"it ended by itself, with status {running.returncode}"]
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        if (now := progress()) < before:
            return [f"{before} parts were done, then {now}"]
        before = now
    return []


def training(folder: Path, count: int) -> Report:
    """Kill a training: the reader of the one that ends is that of one that nobody killed."""
    (folder / "data").mkdir()
    for k, (label, picture) in enumerate(captchas(40, seed=5, size=(40, 120))):
        picture.save(folder / "data" / f"{label}_{k}.png")
    what = ["captcha", "--data", folder / "data", "--name", "mine", "--epochs", 3 * count]
    what += ["--folds", 2]
    projects, faults, started = [folder / "one", folder / "other"], list[str](), time.monotonic()
    for project in projects:
        shutil.copytree(ROOT / "ocr", project / "ocr", ignore=shutil.ignore_patterns("__pyc*"))
        shutil.copy(ROOT / "CTCLayer.py", project)  # by which it knows that it is a checkout
    one, other = projects
    faults += end(TRAIN, what, one)
    faults += kill(count, lambda: start(TRAIN, what, other), lambda: _epochs(other))
    faults += [f"{path.name} is there too early" for path in (other / MODELS.name).glob("[!.]*")]
    faults += end(TRAIN, what, other)
    files = [project / MODELS.name / "mine" / "model.onnx" for project in projects]
    if all(map(Path.exists, files)) and files[0].read_bytes() != files[1].read_bytes():
        faults.append("another reader came out")
    faults += [f"{path.name} is left" for path in (other / MODELS.name).glob(".*.part")]
    return Report(f"{count} kills of a training", count, time.monotonic() - started, 0, 0, faults)


def _epochs(project: Path) -> int:
    """Count the epochs in all checkpoints; each must be whole."""
    done = 0
    for path in (project / CACHE.name).glob("*.npz"):
        with np.load(path) as saved:
            done += len(json.loads(str(saved["state"]))["rows"])
    return done


def archive(folder: Path, count: int, images: int = 12_000) -> Report:
    """Kill a run over an archive: in the end each image was read once, with the same text."""
    (folder / "in").mkdir()
    for k, (_, picture) in enumerate(captchas(100, seed=1)):
        picture.save(folder / "in" / f"{k:04}.png")
    for k in range(100, images):
        os.link(folder / "in" / f"{k % 100:04}.png", folder / "in" / f"{k:04}.png")
    one, other = folder / "one", folder / "other"
    what = [folder / "in", "--cluster", "local", "--output"]
    faults, started = list[str](), time.monotonic()
    faults += end(READ, [*what, one], ROOT)
    faults += kill(count, lambda: start(READ, [*what, other], ROOT), lambda: _parts(other))
    faults += end(READ, [*what, other], ROOT)
    texts = [pandas.read_parquet(out).set_index("path")["text"] for out in (one, other)]
    if len(texts[1]) != images or not texts[1].index.is_unique:
        faults.append(f"{len(texts[1])} rows, {texts[1].index.nunique()} images of {images}")
    elif not texts[1].sort_index().equals(texts[0].sort_index()):
        faults.append("other texts than those of a run that nobody killed")
    return Report(f"{count} kills of an archive", count, time.monotonic() - started, 0, 0, faults)


def _parts(out: Path) -> int:
    return sum(map(len, results.list_files(out).values())) if out.exists() else 0


def attacks(count: int = 20) -> Iterator[Report]:
    """Kill each command twenty times."""
    for attack in (archive, training):
        with TemporaryDirectory() as folder:
            yield attack(Path(folder), count)
