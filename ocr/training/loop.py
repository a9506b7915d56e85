"""The training loop shared by all networks: progress, checkpoints, logs for TensorBoard."""

import hashlib
import shutil
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from ocr import paths
from ocr.backend import keras
from ocr.reading.ctc import log_softmax
from ocr.reading.images import normalise
from ocr.training import distributed, progress
from ocr.training.checkpoint import Checkpoint, callback_facts

PATIENCE = 20 * 60  # seconds of training after which a person is asked


def predict(
    model, images: np.ndarray, normalisation: str = "standard", batch_size: int = 64
) -> np.ndarray:
    """Predict log-probabilities, (n, time, classes) or (n, classes), of uint8 images (n, H, W, C).

    `model` maps normalised images to logits.
    """
    with distributed.detached(model) as local:
        parts = [
            local.predict_on_batch(normalise(images[i : i + batch_size], normalisation))
            for i in range(0, len(images), batch_size)
        ]
    return log_softmax(np.concatenate(parts))


def digest(weights: Sequence[np.ndarray]) -> str:
    """Hash weights into one sha256 hex digest."""
    found = hashlib.sha256()
    for array in weights:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


class Monitor(keras.callbacks.Callback):
    """Add to the log of each epoch: `learning_rate`, `cpu_s` and the results of `check`.

    `cpu_s` counts the CPU-seconds of training so far, without validation. `check` is a function
    without arguments that returns a dict of floats, or None.
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
        rate = self.model.optimizer.learning_rate
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))
        logs.update(self.check() if self.check else {})


def _in_notebook() -> bool:
    """Tell whether a kernel runs this program, which shows what is printed below a cell."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


class Progress(keras.callbacks.Callback):
    """Show a progress bar on a terminal; elsewhere print `lines` lines a training.

    Epochs restored from a checkpoint are printed, too, so that a log is complete. In a notebook,
    where the curves are drawn, one line is printed: the last epoch.
    """

    def __init__(self, checkpoint: Checkpoint, name: str, lines: int = 10):
        super().__init__()
        self.name, self.epochs = name, checkpoint.epochs
        notebook = _in_notebook()
        self.every = self.epochs if notebook else max(1, self.epochs // lines)
        self.bar = None
        self.started, self.first = time.monotonic(), checkpoint.epoch
        self.last: tuple[int, dict] | None = None
        self.printed = -1  # the epoch of the last line
        if checkpoint.rows and not notebook:
            print(f"{name}: epochs 1 to {len(checkpoint.rows)} come from .cache/", flush=True)
        if sys.stderr.isatty():
            self.bar = tqdm(desc=name, total=self.epochs, initial=checkpoint.epoch, unit="epoch")
        else:
            for epoch, row in enumerate(checkpoint.rows):
                self._line(epoch, self._shown(row))

    @staticmethod
    def _shown(logs):
        return {key: f"{logs[key]:.3f}" for key in ("loss", "val_loss", "val_exact") if key in logs}

    def _line(self, epoch, shown, wanted=False):
        self.last = epoch, shown
        if wanted or (epoch + 1) % self.every == 0 or epoch + 1 == self.epochs:
            self.printed = epoch
            words = [*(f"{key} {value}" for key, value in shown.items()), *self._left(epoch + 1)]
            text = "  ".join(words)
            print(f"{self.name}: epoch {epoch + 1:3d} of {self.epochs}  {text}", flush=True)

    def _left(self, done: int) -> list[str]:
        """Say how long it will still take, by what the epochs since the last line took.

        Trainings that are to come for the same reader count as long as this one. A list of one
        word, or none.
        """
        left = self.epochs - done + self.epochs * progress.parts_left()
        if done <= self.first or not left or _in_notebook():
            return []
        now = time.monotonic()
        each = (now - self.started) / (done - self.first)
        self.started, self.first = now, done
        return [f"{_minutes(each * left)} left"]

    def on_epoch_end(self, epoch, logs=None):
        progress.report(self.name, epoch + 1, self.epochs, logs)
        if self.bar:
            self.bar.set_postfix(self._shown(logs))
            self.bar.update()
        else:
            self._line(epoch, self._shown(logs))

    def on_train_end(self, logs=None):
        if self.bar:
            self.bar.close()
        elif self.last and self.printed < self.last[0]:  # stopped early
            self._line(*self.last, wanted=True)


class Patience(keras.callbacks.Callback):
    """Ask once on a terminal, PATIENCE seconds after a process's first training began: go on?

    "n" stops it as Ctrl-C does: the same command goes on from the last epoch.
    """

    since: float | None = None  # of all trainings of this process
    asked = False

    def __init__(self, checkpoint: Checkpoint, name: str):
        super().__init__()
        self.name, self.first, self.epochs = name, checkpoint.epoch, checkpoint.epochs

    def on_train_begin(self, logs=None):
        self.started = time.monotonic()
        Patience.since = Patience.since or self.started

    def on_epoch_end(self, epoch, logs=None):
        now, left = time.monotonic(), self.epochs - epoch - 1
        spent = now - (self.since or now)
        if self.asked or spent < PATIENCE or not left or not sys.stdin or not sys.stdin.isatty():
            return
        Patience.asked = True
        minutes = (now - self.started) / (epoch + 1 - self.first) * left / 60
        question = (
            f"\n{self.name}: {spent / 60:.0f} minutes gone, about {minutes:.0f} to come for the "
            f"other {left} epochs. Go on? [Y/n] "
        )
        if input(question).strip().lower().startswith("n"):
            raise KeyboardInterrupt


class Board(keras.callbacks.TensorBoard):
    """Write the log of a training to logs/NAME for TensorBoard, restored epochs included."""

    def __init__(self, checkpoint: Checkpoint, name: str):
        super().__init__(log_dir=str(paths.LOGS / name), write_graph=False)
        self.rows = list(checkpoint.rows)

    def on_train_begin(self, logs=None):
        shutil.rmtree(self.log_dir, ignore_errors=True)
        super().on_train_begin(logs)
        for epoch, row in enumerate(self.rows):
            self.on_epoch_end(epoch, row)


def run(
    name: str, model, stream, steps: int, epochs: int, settings: dict, check, callbacks=()
) -> pd.DataFrame:
    """Fit `model` on endless batches, with progress, checkpoints and logs; return the log.

    stream     function of the first epoch's number that returns the batches; under distributed
               training it makes only this worker's rows of each batch (`distributed.own_rows`)
    steps      batches an epoch
    settings   what decides the result besides model and epochs, see `Checkpoint`
    check      function that returns a dict of floats to log after each epoch, or None
    """
    monitor = Monitor(check)
    settings = settings | {"callbacks": [callback_facts(callback) for callback in callbacks]}
    kinds = keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau
    stateful = [callback for callback in callbacks if isinstance(callback, kinds)]
    checkpoint = Checkpoint(name, model, settings, epochs, [*stateful, monitor])
    model.optimizer.build(model.trainable_variables)  # or TensorFlow traces the first step twice
    shown = Progress(checkpoint, name, lines=10 if check else 1)
    distributed.agree(checkpoint.path.name, checkpoint.epoch)
    board = [Board(checkpoint, name)] if keras.backend.backend() == "tensorflow" else []
    model.fit(
        stream(checkpoint.epoch),
        shuffle=False,
        verbose=0,
        steps_per_epoch=steps,
        epochs=epochs,
        initial_epoch=checkpoint.epoch,
        callbacks=[monitor, *callbacks, checkpoint, shown, *board, Patience(checkpoint, name)],
    )
    if distributed.joined:
        raise distributed.WorkerFinished
    return checkpoint.history
