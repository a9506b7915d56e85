"""Checkpoint: the whole state of a training after each epoch."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.paths import CACHE
from ocr.training import distributed


def _nameless(config, names: dict):
    """A Keras configuration without the names it counts up within a session; layers are known by their number."""
    if isinstance(config, dict):
        return {
            key: _nameless(value, names)
            for key, value in config.items()
            if key not in ("name", "shared_object_id")
        }
    if isinstance(config, (list, tuple)):
        return [_nameless(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def callback_facts(callback) -> list:
    """What decides how a callback acts: its plain attributes, and the configuration of its schedule."""
    plain = {
        k: v
        for k, v in vars(callback).items()
        if isinstance(v, (bool, int, float, str, type(None)))
    }
    schedule = getattr(callback, "schedule", None)
    return [
        type(callback).__name__,
        plain,
        schedule.get_config() if hasattr(schedule, "get_config") else str(schedule),
    ]


def _numbers(model) -> dict:
    """{name: number} of a network's layers, and of what is inside the networks that it is made of."""
    names = {layer.name: i for i, layer in enumerate(model.layers)}
    for k, part in enumerate(
        [model, *(layer for layer in model.layers if isinstance(layer, keras.Model))]
    ):
        for i, operation in enumerate(
            getattr(part, "operations", part.layers)
        ):  # a Sequential has layers only
            names.setdefault(operation.name, f"{k}.{i}")
    return names


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole state of a training after each epoch; the next run with the same `settings` resumes from there.

    The state is every variable (weights, optimizer, dropout seeds), the log, and the callbacks in `others`
    (EarlyStopping, ReduceLROnPlateau, Monitor), so that a training killed at any moment ends as if it had not been. A finished
    training is not run again: its log and weights come back from the file. List it last among the callbacks, and give
    fit `initial_epoch=checkpoint.epoch`.

    settings: what decides the result beside the compiled model and the epochs (seed, data digest, ...), as JSON can
    hold it. All of these make the file's name, so that a changed training never resumes from another.
    """

    FIELDS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter", "cpu_s")

    def __init__(
        self, name: str, model, settings: dict, epochs: int, others=(), folder: Path | None = None
    ):
        super().__init__()
        facts = [
            settings,
            epochs,
            _nameless(model.get_config(), _numbers(model)),
            _nameless(model.optimizer.get_config(), {}),
        ]
        key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[
            :16
        ]
        self.path = Path(folder or CACHE) / f"{name}-{key}.npz"
        self.others, self.rows, self.epoch, self.epochs = list(others), [], 0, epochs
        self._saved = None
        if self.path.exists():
            with np.load(self.path) as saved:
                self._saved = dict(saved)
            self._state = json.loads(str(self._saved["state"]))
            self.rows = self._state["rows"]
            self.epoch = epochs if self._state["stopped"] else len(self.rows)

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch, with the columns that fit and Monitor log."""
        return pd.DataFrame(self.rows, index=pd.RangeIndex(1, len(self.rows) + 1, name="epoch"))

    def on_train_begin(self, logs=None):
        if self._saved is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        with open(part, "wb") as out:
            np.savez(out, state=json.dumps(state), **arrays)
        part.replace(self.path)

    def _variables(self):
        return self.model.variables + self.model.optimizer.variables
