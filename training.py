"""What every training shares: one thread, progress, a checkpoint to resume from, TensorBoard's logs; and CTC's training.

Needs Keras, so nothing on the reading side imports it. Import it before Keras: it sets one thread a training, which on
networks of this size is as fast as two, costs less, and makes two runs of the same seed identical.
"""
from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path

for _name, _value in {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
                      "TF_CPP_MIN_LOG_LEVEL": "3"}.items():
    os.environ.setdefault(_name, _value)

_stderr = os.dup(2)  # TensorFlow prints lines about oneDNN and CUDA before it can be asked not to
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
try:
    import keras
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # not a word for each network that is traced anew
import numpy as np
import pandas as pd
from keras import ops
from tqdm import tqdm

import workers
from batching import batches
from decoding import BLANK, Alphabet, best, confidence, greedy, log_softmax
from images import normalise
from scores import score
from utils import ROOT, Labelled, fingerprint

CACHE = ROOT / ".cache"  # ignored by git, as is
LOGS = ROOT / "logs"     # what TensorBoard shows


def predict(model, images: np.ndarray, how: str = "standard", batch_size: int = 64) -> np.ndarray:
    """Log-probabilities (n, time, classes) or (n, classes) of uint8 images (n, H, W, C), by a model from images to logits."""
    with workers.alone(model) as one:
        parts = [one.predict_on_batch(normalise(images[i:i + batch_size], how)) for i in range(0, len(images), batch_size)]
    return log_softmax(np.concatenate(parts))


def read_all(model, data: Labelled, alphabet: Alphabet, how: str = "standard", lengths=None):
    """(texts, confidences) of all images of `data`, as a Reader gives them: a list and a float array."""
    log_probs = predict(model, data.images, how)
    decoded = [best(matrix, lengths) for matrix in log_probs]
    confidences = np.array([confidence(matrix, d.indices) for matrix, d in zip(log_probs, decoded)])
    return [alphabet.decode(d.indices) for d in decoded], confidences


class Monitor(keras.callbacks.Callback):
    """Adds to the log of each epoch: `learning_rate`, `cpu_s` (training so far, without validation), and what
    `check` (a function without arguments, or None) returns, a dict of floats.
    """

    def __init__(self, check=None):
        super().__init__()
        self.check = check
        self.cpu_s = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.cpu_s += time.process_time() - self.started
        logs["cpu_s"] = self.cpu_s
        logs["learning_rate"] = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        logs.update(self.check() if self.check else {})


def evaluate(model, data: Labelled, alphabet: Alphabet, how: str) -> dict:
    """Mean CTC loss `val_loss`, `val_exact` (exact match), `val_cer`, `blanks` (share of time steps read as blank)."""
    labels = alphabet.encode_all(data.labels)
    log_probs = predict(model, data.images, how)
    steps = np.full(len(labels), log_probs.shape[1])
    losses = ops.ctc_loss(labels, log_probs, (labels != BLANK).sum(axis=1), steps, mask_index=BLANK)
    result = score([alphabet.decode(greedy(matrix).indices) for matrix in log_probs], data.labels)
    return {"val_loss": float(ops.mean(losses)), "val_exact": result.exact, "val_cer": result.cer,
            "blanks": float((log_probs.argmax(axis=-1) == BLANK).mean())}


def _nameless(config, names: dict):
    """A Keras configuration without the names it counts up within a session; layers are known by their number."""
    if isinstance(config, dict):
        return {key: _nameless(value, names) for key, value in config.items() if key not in ("name", "shared_object_id")}
    if isinstance(config, (list, tuple)):
        return [_nameless(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _facts(callback) -> list:
    """What decides how a callback acts: its plain attributes, and the configuration of its schedule."""
    plain = {k: v for k, v in vars(callback).items() if isinstance(v, (bool, int, float, str, type(None)))}
    schedule = getattr(callback, "schedule", None)
    return [type(callback).__name__, plain, schedule.get_config() if hasattr(schedule, "get_config") else str(schedule)]


def _numbers(model) -> dict:
    """{name: number} of a network's layers, and of what is inside the networks that it is made of."""
    names = {layer.name: i for i, layer in enumerate(model.layers)}
    for k, part in enumerate([model, *(layer for layer in model.layers if isinstance(layer, keras.Model))]):
        for i, operation in enumerate(getattr(part, "operations", part.layers)):  # a Sequential has layers only
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

    def __init__(self, name: str, model, settings: dict, epochs: int, others=(), folder: Path | None = None):
        super().__init__()
        facts = [settings, epochs, _nameless(model.get_config(), _numbers(model)), _nameless(model.optimizer.get_config(), {})]
        key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]
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
        arrays = {f"v{i}": ops.convert_to_numpy(v) for i, v in enumerate(self._variables())}
        others = []
        for i, callback in enumerate(self.others):
            others.append({f: vars(callback)[f] for f in self.FIELDS if f in vars(callback)})
            for j, weights in enumerate(getattr(callback, "best_weights", None) or []):
                arrays[f"best{i}_{j}"] = weights
        if workers.rank == 0:
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


class Progress(keras.callbacks.Callback):
    """A bar on a terminal; elsewhere `lines` printed lines a training, those of epochs from a checkpoint too."""

    def __init__(self, checkpoint: Checkpoint, name: str, lines: int = 10):
        super().__init__()
        self.name, self.epochs = name, checkpoint.epochs
        self.every = max(1, self.epochs // lines)
        self.bar = None
        if checkpoint.rows:
            print(f"{name}: epochs 1 to {len(checkpoint.rows)} come from .cache/", flush=True)
        if sys.stderr.isatty():
            self.bar = tqdm(desc=name, total=self.epochs, initial=checkpoint.epoch, unit="epoch")
        else:
            for epoch, row in enumerate(checkpoint.rows):
                self._line(epoch, self._shown(row))

    @staticmethod
    def _shown(logs):
        return {key: f"{logs[key]:.3f}" for key in ("loss", "val_loss", "val_exact") if key in logs}

    def _line(self, epoch, shown):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.epochs:
            text = "  ".join(f"{key} {value}" for key, value in shown.items())
            print(f"{self.name}: epoch {epoch + 1:3d} of {self.epochs}  {text}", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        if self.bar:
            self.bar.set_postfix(self._shown(logs))
            self.bar.update()
        else:
            self._line(epoch, self._shown(logs))

    def on_train_end(self, logs=None):
        if self.bar:
            self.bar.close()


class Board(keras.callbacks.TensorBoard):
    """Writes the log of a training for TensorBoard, with the epochs that come from its checkpoint: logs/NAME."""

    def __init__(self, checkpoint: Checkpoint, name: str):
        super().__init__(log_dir=str(LOGS / name), write_graph=False)
        self.rows = list(checkpoint.rows)

    def on_train_begin(self, logs=None):
        shutil.rmtree(self.log_dir, ignore_errors=True)
        super().on_train_begin(logs)
        for epoch, row in enumerate(self.rows):
            self.on_epoch_end(epoch, row)


def run(name: str, model, stream, steps: int, epochs: int, settings: dict, check, callbacks=()) -> pd.DataFrame:
    """Fit on the endless batches of `stream(epoch)`, with progress, checkpoints and TensorBoard's logs; the log by epoch.

    stream: makes a worker's own rows of each batch, all rows where there is one process (workers.own). check: a function that gives a dict of floats to log after each epoch, or None. settings: see Checkpoint.
    """
    monitor = Monitor(check)
    settings = settings | {"callbacks": [_facts(callback) for callback in callbacks]}
    stateful = [c for c in callbacks if isinstance(c, (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau))]
    checkpoint = Checkpoint(name, model, settings, epochs, [*stateful, monitor])
    progress = Progress(checkpoint, name, lines=10 if check else 1)
    workers.agree(checkpoint.path.name, checkpoint.epoch)
    board = [Board(checkpoint, name)] if keras.backend.backend() == "tensorflow" else []
    model.fit(stream(checkpoint.epoch), shuffle=False, verbose=0, steps_per_epoch=steps, epochs=epochs,
              initial_epoch=checkpoint.epoch, callbacks=[monitor, *callbacks, checkpoint, progress, *board])
    if workers.joined:
        raise workers.Trained
    return checkpoint.history


def fit(name: str, model, reading, train: Labelled, validation: Labelled | None, alphabet: Alphabet, *, epochs: int,
        batch_size: int, seed: int, how: str = "standard", strength: float = 0.0, steps: int | None = None,
        callbacks=()) -> pd.DataFrame:
    """Train a compiled `model` (images and labels in, CTCLayer at its end), and return its log by epoch.

    `reading` is the same network from images to logits. `strength` is that of `batching.jitter`; `steps` a shorter epoch.
    Resumes from .cache/ where the same training was cut, and is over at once where it was finished.
    """
    settings = {"data": fingerprint(train), "validation": validation and fingerprint(validation), "seed": seed,
                "batch": batch_size, "how": how, "strength": strength, "steps": steps}
    check = validation and (lambda: evaluate(reading, validation, alphabet, how))
    own = workers.own(batch_size)
    return run(name, model, lambda epoch: batches(train, alphabet, batch_size, how, seed, epoch, strength, own),
               steps or len(train) // batch_size, epochs, settings, check, callbacks)
