"""Save a trained network as a reader: its files and its contract, all of it or nothing.

`python -m ocr.training.export FOLDER` writes FOLDER/model.onnx from FOLDER/model.keras; networks of
another backend than TensorFlow are exported so, in a process of its own.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from ocr import paths
from ocr.backend import keras
from ocr.reading.contract import ReaderError, write_contract
from ocr.reading.ctc import log_softmax
from ocr.reading.images import normalise
from ocr.reading.reader import Reader

ANY_SIDE = 64  # pixels of a side that the network leaves open


def reserve(folder) -> Path:
    """Check, before hours of training, that a reader can be saved as `folder`.

    Raises ReaderError. A reader that a killed save had moved aside is brought back, what else it
    left is removed.
    """
    folder = Path(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise ReaderError(f"{folder} is a file: choose another name for the reader")
        folder.parent.mkdir(parents=True, exist_ok=True)
        pattern = rf"\.{re.escape(folder.name)}\.[0-9a-f]+\.(old|part|trial)"
        for left in sorted(folder.parent.glob(".*")):
            if not re.fullmatch(pattern, left.name):
                continue
            if left.suffix == ".old" and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left)
        trial = folder.parent / f".{folder.name}.{os.getpid()}.trial"
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise ReaderError(
            f"{folder.parent}: a reader cannot be saved there ({error.strerror or error}); "
            "make the folder writable or choose another"
        ) from None
    return folder


def save(folder, model, facts: dict, examples: np.ndarray, tolerance: float = 1e-4) -> Path:
    """Save a Keras model from images to logits as a reader: all of it or nothing.

    `facts` come from `contract.describe`. `examples`, uint8 images (n, H, W, C), are read by Keras
    and by ONNX Runtime; log-probabilities that differ by more than `tolerance` raise ReaderError.
    An older reader in `folder` is replaced.
    """
    with paths.whole(reserve(folder)) as part:
        part.mkdir()
        _write(part, model, facts, examples, tolerance)
    return Path(folder)


def save_ensemble(
    folder, models, members: list[dict], facts: dict, examples: np.ndarray, tolerance: float = 1e-4
) -> Path:
    """Save several models, each with a contract in `members`, as one reader (an ensemble)."""
    with paths.whole(reserve(folder)) as part:
        digests = []
        for k, (model, member) in enumerate(zip(models, members, strict=True), start=1):
            (part / str(k)).mkdir(parents=True)
            digests.append(_write(part / str(k), model, member, examples, tolerance))
        write_contract(part, facts | {"decoding": facts["decoding"] | {"members": digests}})
        Reader.load(part)
    return Path(folder)


def _write(folder: Path, model, facts: dict, examples: np.ndarray, tolerance: float) -> str:
    """Write the three files of a reader; return the digest of its model.onnx."""
    model = keras.Model(model.inputs, model.outputs, name="reader")  # without optimizer and loss
    batch = normalise(examples, facts["input"]["normalisation"])
    logits = np.asarray(model.predict_on_batch(batch))
    model.save(folder / "model.keras")
    _export(model, folder)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    write_contract(folder, facts | {"onnx_sha256": digest})
    difference = float(np.abs(Reader.load(folder).log_probs(batch) - log_softmax(logits)).max())
    if difference > tolerance:
        raise ReaderError(
            f"Keras and ONNX differ by {difference:.1e}, more than {tolerance}: "
            "the reader is not saved"
        )
    return digest


def _export(model, folder: Path):
    """Write model.onnx; by a process with TensorFlow where the network lives on another backend."""
    if keras.backend.backend() == "tensorflow":
        to_onnx(model, folder / "model.onnx")
        return
    command = [sys.executable, "-m", "ocr.training.export", str(Path(folder).resolve())]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        command, cwd=paths.PACKAGE.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise ReaderError(f"TensorFlow, which exports to ONNX, failed: {last}")


def to_onnx(model, file):
    """Export a Keras model, on TensorFlow, to an ONNX file."""
    shape = [1, *(side or ANY_SIDE for side in model.input_shape[1:])]
    model.predict_on_batch(np.zeros(shape, np.float32))  # it must have been called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx asks for np.object
        model.export(file, format="onnx", verbose=False)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    to_onnx(keras.models.load_model(target / "model.keras"), target / "model.onnx")
