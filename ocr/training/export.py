"""Saving a trained network as a reader: its contract, its files, all of it or nothing. Loading is in reader.py."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ocr.backend import keras
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import log_softmax
from ocr.reading.images import normalise
from ocr.reading.reader import Reader


def reserve(folder) -> Path:
    """Make sure, before hours of training, that a reader can be saved as `folder`. Raises ReaderError."""
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not folder.is_dir():
            raise ReaderError(f"{folder} is a file: choose another name for the reader")
        for left in sorted(folder.parent.glob(".*")):  # by a save that was killed
            if not re.fullmatch(rf"\.{re.escape(folder.name)}\.\d+\.(old|part)", left.name):
                continue
            if left.suffix == ".old" and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left)
        trial = folder.parent / f".{folder.name}.{os.getpid()}.part"
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise ReaderError(
            f"{folder.parent}: a reader cannot be saved there ({error.strerror or error}); "
            "make the folder writable or choose another"
        ) from None
    return folder


def save(folder, model, facts: dict, examples: np.ndarray, tolerance: float = 1e-4) -> Path:
    """Save a Keras model from images to logits, with its `contract`, as a reader: all of it or nothing.

    `examples`, uint8 images, are read by Keras and by ONNX Runtime; logits that differ by more than `tolerance` raise
    ReaderError. An older reader in `folder` is moved aside, the new one moved in, and then the older one removed.
    """
    with _replaced(reserve(folder)) as part:
        _write(part, model, facts, examples, tolerance)
    return Path(folder)


def save_ensemble(
    folder, models, members: list[dict], facts: dict, examples: np.ndarray, tolerance: float = 1e-4
) -> Path:
    """Save several models, each with its contract in `members`, as one reader of kind "ensemble"; see `save`."""
    with _replaced(reserve(folder)) as part:
        digests = []
        for k, (model, member) in enumerate(zip(models, members, strict=True), start=1):
            (part / str(k)).mkdir()
            digests.append(_write(part / str(k), model, member, examples, tolerance))
        _describe(part, facts | {"decoding": facts["decoding"] | {"members": digests}})
        Reader.load(part)
    return Path(folder)


@contextmanager
def _replaced(folder: Path):
    """A new folder that takes the place of `folder` when all has gone well, and is removed when not."""
    part = folder.parent / f".{folder.name}.{os.getpid()}.part"
    part.mkdir()
    try:
        yield part
        old = folder.parent / f".{folder.name}.{os.getpid()}.old"
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(folder: Path, model, facts: dict, examples: np.ndarray, tolerance: float) -> str:
    """Write the three files of a reader; the digest of its model.onnx."""
    model = keras.Model(model.inputs, model.outputs, name="reader")  # without optimizer and loss
    batch = normalise(examples, facts["input"]["normalisation"])
    logits = np.asarray(model.predict_on_batch(batch))
    model.save(folder / "model.keras")
    _export(model, folder)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    _describe(folder, facts | {"onnx_sha256": digest})
    apart = float(np.abs(Reader.load(folder).log_probs(batch) - log_softmax(logits)).max())
    if apart > tolerance:
        raise ReaderError(
            f"Keras and ONNX differ by {apart:.1e}, more than {tolerance}: the reader is not saved"
        )
    return digest


def _export(model, folder: Path):
    """Write model.onnx; from TensorFlow, which a process of its own does where the network lives on another backend."""
    if keras.backend.backend() == "tensorflow":
        model.predict_on_batch(
            np.zeros((1, *model.input_shape[1:]), np.float32)
        )  # Keras exports what has been called
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # tf2onnx asks for np.object
            model.export(folder / "model.onnx", format="onnx", verbose=False)
        return
    program = "import pathlib, sys, training, keras, saving; f = pathlib.Path(sys.argv[1]); saving._export(keras.models.load_model(f / 'model.keras'), f)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=Path(__file__).parent,
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ReaderError(
            f"TensorFlow, which exports to ONNX, ended with: {(done.stderr.strip().splitlines() or [''])[-1]}"
        )


def _describe(folder: Path, facts: dict):
    (folder / "reader.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
