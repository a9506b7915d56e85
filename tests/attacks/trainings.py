"""Damage the checkpoints of trainings: the next run says so, sets them aside, and begins anew."""

import contextlib
import io
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np

from ocr import paths
from ocr.backend import keras
from ocr.training import loop
from tests.attacks.measure import Report, peak


def _changed(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Write a checkpoint anew, a valid file, with other arrays."""

    def damage(file: Path) -> None:
        with np.load(file) as saved:
            arrays = dict(saved)
        change(arrays)
        np.savez(file, **arrays)

    return damage


def _bytes(change: Callable[[bytearray], object]) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        data = bytearray(file.read_bytes())
        change(data)
        file.write_bytes(data)

    return damage


def _flip(data: bytearray) -> None:
    data[len(data) // 3] ^= 4


def _zero(data: bytearray) -> None:
    data[100:300] = bytes(200)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut off": _bytes(lambda data: data.__delitem__(slice(len(data) // 2, None))),
    "empty": _bytes(lambda data: data.clear()),
    "text": lambda file: file.write_text("no checkpoint"),
    "a flipped bit": _bytes(_flip),
    "zeroed bytes": _bytes(_zero),
    "a missing array": _changed(lambda arrays: arrays.pop("v1")),
    "an array of another shape": _changed(lambda arrays: arrays.update(v0=np.zeros((7, 7)))),
    "a state that is no JSON": _changed(lambda arrays: arrays.update(state=np.array("{"))),
    "a state that is a list": _changed(lambda arrays: arrays.update(state=np.array("[]"))),
}


def fit(name: str, epochs: int = 3) -> tuple[list[float], str]:
    """Train a network of two weights; return its log of losses and what is printed."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    x = np.ones((4, 2), np.float32)
    stream = ((x, x[:, :1]) for _ in itertools.count())
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        log = loop.run(name, model, lambda epoch: stream, 1, epochs, {}, None)
    return list(log["loss"]), printed.getvalue()


def damage_checkpoints(folder: Path) -> Report:
    """Damage a checkpoint in each way, train again: the same losses as before."""
    faults, worst, busy = [], 0.0, time.process_time()
    with mock.patch.multiple(paths, CACHE=folder / "cache", LOGS=folder / "logs"):
        good, _ = fit("mine")
        (file,) = (folder / "cache").glob("mine-*.npz")
        shutil.copy(file, folder / "good")
        for what, damage in DAMAGES.items():
            shutil.copy(folder / "good", file)
            damage(file)
            started = time.perf_counter()
            try:
                losses, printed = fit("mine")
            except Exception as error:
                faults.append(f"{what}: {type(error).__name__}")
                continue
            worst = max(worst, time.perf_counter() - started)
            if losses != good or "is damaged" not in printed:
                faults.append(f"{what}: {losses}, {printed}")
            if not file.with_suffix(".damaged").exists():
                faults.append(f"{what}: not set aside")
    what = f"checkpoints damaged in {len(DAMAGES)} ways"
    return Report(what, len(DAMAGES), worst, time.process_time() - busy, peak(), faults)


def attacks() -> Iterator[Report]:
    """Damage checkpoints in all ways."""
    with TemporaryDirectory() as folder:
        yield damage_checkpoints(Path(folder))
