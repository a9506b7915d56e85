"""What every training shares: progress, a checkpoint to resume from, TensorBoard's logs."""

import shutil
import sys
import time

import numpy as np
import pandas as pd
from tqdm import tqdm

from ocr.backend import keras
from ocr.paths import LOGS
from ocr.reading.ctc import log_softmax
from ocr.reading.images import normalise
from ocr.training import distributed
from ocr.training.checkpoint import Checkpoint, callback_facts


def predict(model, images: np.ndarray, how: str = "standard", batch_size: int = 64) -> np.ndarray:
    """Log-probabilities (n, time, classes) or (n, classes) of uint8 images (n, H, W, C), by a model from images to logits."""
    with distributed.alone(model) as one:
        parts = [
            one.predict_on_batch(normalise(images[i : i + batch_size], how))
            for i in range(0, len(images), batch_size)
        ]
    return log_softmax(np.concatenate(parts))


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
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        logs.update(self.check() if self.check else {})


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


def run(
    name: str, model, stream, steps: int, epochs: int, settings: dict, check, callbacks=()
) -> pd.DataFrame:
    """Fit on the endless batches of `stream(epoch)`, with progress, checkpoints and TensorBoard's logs; the log by epoch.

    stream: makes a worker's own rows of each batch, all rows where there is one process (distributed.own). check: a function that gives a dict of floats to log after each epoch, or None. settings: see Checkpoint.
    """
    monitor = Monitor(check)
    settings = settings | {"callbacks": [callback_facts(callback) for callback in callbacks]}
    stateful = [
        c
        for c in callbacks
        if isinstance(c, (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau))
    ]
    checkpoint = Checkpoint(name, model, settings, epochs, [*stateful, monitor])
    progress = Progress(checkpoint, name, lines=10 if check else 1)
    distributed.agree(checkpoint.path.name, checkpoint.epoch)
    board = [Board(checkpoint, name)] if keras.backend.backend() == "tensorflow" else []
    model.fit(
        stream(checkpoint.epoch),
        shuffle=False,
        verbose=0,
        steps_per_epoch=steps,
        epochs=epochs,
        initial_epoch=checkpoint.epoch,
        callbacks=[monitor, *callbacks, checkpoint, progress, *board],
    )
    if distributed.joined:
        raise distributed.Trained
    return checkpoint.history
