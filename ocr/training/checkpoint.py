"""Checkpoint a training after each epoch, so that it can be killed and resumed."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from ocr import paths
from ocr.backend import keras
from ocr.training import distributed

MOST = 2**31  # bytes of checkpoints that are kept; the oldest go first


class CheckpointError(ValueError):
    """A checkpoint that cannot be written; the message is one line."""


def _tidy(folder: Path, keep: Path) -> None:
    """Remove the oldest checkpoints beyond MOST bytes, and what killed trainings of `keep` left."""
    size = 0
    for file in paths.checkpoints(folder):
        size += file.stat().st_size
        left = file.name.startswith(f".{keep.name}.")
        if left or (size > MOST and file != keep):
            file.unlink(missing_ok=True)


def _nameless(config, names: dict):
    """Remove the names that Keras counts up within a session; layers are known by their number."""
    if isinstance(config, dict):
        dropped = ("name", "shared_object_id")
        return {k: _nameless(value, names) for k, value in config.items() if k not in dropped}
    if isinstance(config, (list, tuple)):
        return [_nameless(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def callback_facts(callback) -> list:
    """List what decides how a callback acts: its plain attributes and its schedule."""
    kinds = (bool, int, float, str, type(None))
    plain = {k: v for k, v in vars(callback).items() if isinstance(v, kinds)}
    schedule = getattr(callback, "schedule", None)
    config = getattr(schedule, "get_config", lambda: str(schedule))()
    return [type(callback).__name__, plain, config]


def _layer_numbers(model) -> dict:
    """Number a network's layers, and those of the networks that it is made of: {name: number}."""
    names: dict[str, int | str] = {layer.name: i for i, layer in enumerate(model.layers)}
    parts = [model, *(layer for layer in model.layers if isinstance(layer, keras.Model))]
    for k, part in enumerate(parts):
        for i, operation in enumerate(
            getattr(part, "operations", part.layers)
        ):  # Sequential: layers
            names.setdefault(operation.name, f"{k}.{i}")
    return names


class Checkpoint(keras.callbacks.Callback):
    """Save the whole state of a training after each epoch; the same settings resume from it.

    The state is every variable (weights, optimizer, dropout seeds), the log, and the callbacks in
    `others` (EarlyStopping, ReduceLROnPlateau, Monitor), so that a training killed at any moment
    ends as if it had not been. A finished training is not run again: its log and weights come back
    from the file. List it last among the callbacks, and give fit `initial_epoch=checkpoint.epoch`.

    settings: what decides the result besides the compiled model and the epochs (seed, data digest,
    ...), as JSON can hold it. All of these make the file's name, so that a changed training never
    resumes from another's checkpoint.
    """

    FIELDS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter", "cpu_s")

    def __init__(self, name: str, model, settings: dict, epochs: int, others=(), folder=None):
        super().__init__()
        config = _nameless(model.get_config(), _layer_numbers(model))
        facts = [settings, epochs, config, _nameless(model.optimizer.get_config(), {})]
        text = json.dumps(facts, sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.path = Path(folder or paths.CACHE) / f"{name}-{key}.npz"
        self.others, self.epoch, self.epochs = list(others), 0, epochs
        self.rows: list[dict] = []
        self._saved: dict | None = None
        if distributed.rank == 0:
            self._prepare(model)
        if self.path.exists():
            try:
                self._load(model)
            except Exception as error:  # of zipfile, zlib, NumPy, json: they raise many kinds
                self._set_aside(name, error)

    def _prepare(self, model) -> None:
        """Tidy the folder, and check that checkpoints fit on the disk. Raises CheckpointError."""
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _tidy(folder, self.path)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise CheckpointError(
                f"{folder}: checkpoints cannot be written there ({error.strerror or error})"
            ) from None
        # float32 weights, two moments of each, the best weights; the old file stays meanwhile
        needed = 32 * model.count_params()
        if free < needed:
            raise CheckpointError(
                f"{folder}: {free / 1e6:.0f} MB are free, checkpoints take {needed / 1e6:.0f} MB: "
                "free some space"
            )

    def _load(self, model) -> None:
        """Load the state. Raises any exception where the file is damaged or another training's."""
        with np.load(self.path) as file:
            saved = dict(file)
        state = json.loads(str(saved["state"]))
        model.optimizer.build(model.trainable_variables)
        wanted = [tuple(v.shape) for v in model.variables + model.optimizer.variables]
        rows = state["rows"]
        if (
            state.get("key", self.path.stem) != self.path.stem  # older checkpoints have no key
            or not all(isinstance(row, dict) for row in rows)
            or not 0 < len(rows) <= self.epochs
            or len(state["others"]) != len(self.others)
            or [saved[f"v{i}"].shape for i in range(len(wanted))] != wanted
            or f"v{len(wanted)}" in saved
        ):
            raise ValueError("it does not belong to this training")
        self._saved, self._state, self.rows = saved, state, rows
        self.epoch = self.epochs if state["stopped"] else len(rows)
        os.utime(self.path)  # used lately, see `_tidy`

    def _set_aside(self, name: str, error: Exception) -> None:
        """Rename a damaged checkpoint, so that the training begins anew."""
        if distributed.rank == 0:
            aside = self.path.with_suffix(paths.DAMAGED)
            self.path.replace(aside)
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            print(f"{name}: its checkpoint is damaged ({reason}), set aside as {aside}", flush=True)

    @property
    def history(self) -> pd.DataFrame:
        """The log: one row an epoch, with the columns that fit and Monitor log."""
        return pd.DataFrame(self.rows, index=pd.RangeIndex(1, len(self.rows) + 1, name="epoch"))

    def on_train_begin(self, logs=None):
        if self._saved is None:
            return
        for i, variable in enumerate(self._variables()):
            variable.assign(self._saved[f"v{i}"])
        for i, (callback, fields) in enumerate(zip(self.others, self._state["others"])):
            vars(callback).update(fields)
            if f"best{i}_0" in self._saved:
                count = sum(key.startswith(f"best{i}_") for key in self._saved)
                callback.best_weights = [self._saved[f"best{i}_{j}"] for j in range(count)]
        self._saved = None

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({key: float(value) for key, value in logs.items()})
        arrays = {f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self._variables())}
        others = []
        for i, callback in enumerate(self.others):
            others.append({f: vars(callback)[f] for f in self.FIELDS if f in vars(callback)})
            for j, weights in enumerate(getattr(callback, "best_weights", None) or []):
                arrays[f"best{i}_{j}"] = weights
        if distributed.rank == 0:
            self._save(arrays, others)

    def _save(self, arrays: dict, others: list):
        state = {"rows": self.rows, "stopped": self.model.stop_training, "others": others}
        state["key"] = self.path.stem
        try:
            with paths.whole(self.path) as part, open(part, "wb") as out:
                np.savez(out, state=json.dumps(state), **arrays)
        except OSError as error:
            raise CheckpointError(
                f"{self.path.parent}: no checkpoint can be written ({error.strerror or error}): "
                "free some space, the same command goes on from the last epoch"
            ) from None

    def _variables(self):
        return self.model.variables + self.model.optimizer.variables
