"""Saving a trained network as a reader: its contract, its files, all of it or nothing. Loading is in reader.py."""
from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

from decoding import Alphabet
from images import normalise
from reader import FORMAT, Reader, ReaderError


def contract(*, kind: str, alphabet: Alphabet, size: tuple[int, int], channels: int, normalisation: str, decoding: dict,
             data: dict, scores: list[dict], seed: int, fit: str = "picture") -> dict:
    """What reader.json holds, before its files are made; see reader.py's docstring.

    kind: "ctc", a string; "class", one character. size is (height, width). fit: "picture", the whole picture scaled into
    the input; "glyph", its ink found and brought to EMNIST's form (glyphs.py). decoding: of a CTC reader `time_steps` and
    `lengths`, (least, most) symbols where all labels agree, else None; of a class reader notes for people, as `merged`.
    data: name, count, digest, terms. scores: on, n, exact, low, high, ... each.
    """
    return {
        "format": FORMAT, "kind": kind, "alphabet": alphabet.symbols,
        "input": {"height": size[0], "width": size[1], "channels": channels, "normalisation": normalisation, "fit": fit},
        "decoding": ({"blank": 0} if kind == "ctc" else {}) | decoding,
        "data": data, "scores": scores, "seed": seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in (
            "keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")}},
    }


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
        raise ReaderError(f"{folder.parent}: a reader cannot be saved there ({error.strerror or error}); "
                          "make the folder writable or choose another") from None
    return folder


def save(folder, model, facts: dict, examples: np.ndarray, tolerance: float = 1e-4) -> Path:
    """Save a Keras model from images to logits, with its `contract`, as a reader: all of it or nothing.

    `examples`, uint8 images, are read by Keras and by ONNX Runtime; logits that differ by more than `tolerance` raise
    ReaderError. An older reader in `folder` is moved aside, the new one moved in, and then the older one removed.
    """
    import keras  # here, so that what only reserves a folder starts without it

    folder = reserve(folder)
    model = keras.Model(model.inputs, model.outputs, name="reader")  # without optimizer and loss
    part = folder.parent / f".{folder.name}.{os.getpid()}.part"
    part.mkdir()
    try:
        batch = normalise(examples, facts["input"]["normalisation"])
        logits = np.asarray(model.predict_on_batch(batch))
        model.save(part / "model.keras")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # tf2onnx asks for np.object
            model.export(part / "model.onnx", format="onnx", verbose=False)
        facts = facts | {"onnx_sha256": hashlib.sha256((part / "model.onnx").read_bytes()).hexdigest()}
        (part / "reader.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        exported, = Reader.load(part)._session.run(None, {"image": batch})
        apart = float(np.abs(exported - logits).max())
        if apart > tolerance:
            raise ReaderError(f"{folder}: Keras and ONNX differ by {apart:.1e}, more than {tolerance}; not saved")
        old = folder.parent / f".{folder.name}.{os.getpid()}.old"
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
