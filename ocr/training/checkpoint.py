"""Checkpoint a training after each epoch, so that it can be killed and resumed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from ocr import paths
from ocr.backend import keras
from ocr.training import distributed


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
        """The log: one row an epoch, with the columns that fit and Monitor log."""
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
        with paths.whole(self.path) as part, open(part, "wb") as out:
            np.savez(out, state=json.dumps(state), **arrays)

    def _variables(self):
        return self.model.variables + self.model.optimizer.variables
