"""Reader: image -> text with a confidence, by ONNX Runtime. No TensorFlow, no Keras.

    from reader import Reader
    Reader.load("models/captcha").read("picture.png")          # Reading(text='226md', confidence=0.99...)

A reader is a folder with three files: model.onnx (reads), model.keras (for training on) and reader.json, its
contract: kind, alphabet, input, decoding, the data it was trained on, scores, versions, and the digest of model.onnx.
"""
from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import warnings
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from decoding import Alphabet, align, best, confidence, log_softmax, prefix_beam
from images import Placed, normalise, open_image, place, to_uint8

FORMAT = 1  # of reader.json
BATCH = 64  # images in the network at a time
MODELS = Path(__file__).resolve().parent / "models"


class ReaderError(ValueError):
    """A reader that cannot be loaded or saved; the message is one line that names the file and what to do."""


class Reading(NamedTuple):
    """What was read in one image.

    confidence    the probability, 0..1, that the network gives to `text`, all its alignments added up
    alternatives  ((text, confidence), ...) best first, `text` among them; empty unless asked for with `top`
    spans         ((left, right), ...) of each character's time steps, in pixels of the image as given; empty unless
                  asked for. CTC reads a character at a peak, so a span marks where it was read, not its whole width
    """
    text: str
    confidence: float
    alternatives: tuple = ()
    spans: tuple = ()


class Prepared(NamedTuple):
    """An image on its way into the network: uint8 (H, W, C), and how the picture of `width` pixels lies in it."""
    pixels: np.ndarray
    placed: Placed
    width: int


def contract(*, alphabet: Alphabet, size: tuple[int, int], channels: int, normalisation: str, time_steps: int,
             lengths: tuple[int, int] | None, data: dict, scores: list[dict], seed: int) -> dict:
    """What reader.json holds for a CTC reader, before its files are made; see the module's docstring.

    size is (height, width). lengths binds readings to (least, most) symbols, where all labels agree; None does not.
    data: name, count, digest, terms. scores: on, n, exact, low, high, cer each.
    """
    return {
        "format": FORMAT, "kind": "ctc", "alphabet": alphabet.symbols,
        "input": {"height": size[0], "width": size[1], "channels": channels, "normalisation": normalisation},
        "decoding": {"blank": 0, "time_steps": time_steps, "lengths": lengths and list(lengths)},
        "data": data, "scores": scores, "seed": seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in (
            "keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")}},
    }


class Reader:
    """Reads images with one trained network. Threads may share it."""

    def __init__(self, session, contract: dict):
        self.contract = contract
        self.alphabet = Alphabet(contract["alphabet"])
        self.size = contract["input"]["height"], contract["input"]["width"]
        self.channels, self.how = contract["input"]["channels"], contract["input"]["normalisation"]
        self.lengths = contract["decoding"]["lengths"]
        self._session = session
        self._stride = self.size[1] / contract["decoding"]["time_steps"]

    @classmethod
    def load(cls, folder) -> "Reader":
        """The reader in `folder`, or in models/ under that name. Raises ReaderError."""
        folder = Path(folder)
        if not (folder / "reader.json").exists() and (MODELS / folder).is_dir():
            folder = MODELS / folder
        facts = _read_contract(folder)
        session = _open_session(folder / "model.onnx", facts)
        return cls(session, facts)

    def read(self, images, top: int = 1, spans: bool = False):
        """One Reading for one image, a list of Readings for many.

        images: a path, bytes, PIL image or uint8 array (H, W) or (H, W, C); or several, as a list, another iterable, or
        an array (N, H, W, C). `top` = k > 1 adds the k best texts by prefix beam search, of which the most probable
        may, rarely, be another than the greedy one; `spans` adds where each character was read. Raises
        images.ImageError for an image that cannot be read.
        """
        one = hasattr(images, "convert") or isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)) or (
            isinstance(images, np.ndarray) and images.ndim < 4)
        images, readings = iter([images] if one else images), []
        while batch := [self.prepare(image) for image in islice(images, BATCH)]:
            readings += self.read_prepared(batch, top, spans)
        return readings[0] if one else readings

    def prepare(self, image) -> Prepared:
        """One image as the network takes it. Raises images.ImageError."""
        picture = open_image(image)
        return Prepared(to_uint8(picture, self.size, self.channels), place(picture.size, self.size), picture.width)

    def read_prepared(self, prepared: list[Prepared], top: int = 1, spans: bool = False) -> list[Reading]:
        """A Reading for each prepared image, all in one run of the network."""
        if not prepared:
            return []
        batch = normalise(np.stack([p.pixels for p in prepared]), self.how)
        logits, = self._session.run(None, {"image": batch})
        return [self._reading(matrix, p, top, spans) for matrix, p in zip(log_softmax(logits), prepared)]

    def _reading(self, log_probs, prepared: Prepared, top: int, spans: bool) -> Reading:
        if top > 1:
            found = prefix_beam(log_probs, width=max(10, top), top=top, lengths=self.lengths)
        else:
            found = [best(log_probs, self.lengths)]
        texts = [(self.alphabet.decode(d.indices), confidence(log_probs, d.indices)) for d in found]
        texts.sort(key=lambda pair: -pair[1])
        text, sure = texts[0]
        where = ()
        if spans:
            where = tuple(self._pixels(span, prepared) for span in align(log_probs, self.alphabet.encode(text)))
        return Reading(text, sure, tuple(texts) if top > 1 else (), where)

    def _pixels(self, span: tuple[int, int], prepared: Prepared) -> tuple[float, float]:
        spot = prepared.placed
        left, right = ((step * self._stride - spot.left) / spot.scale for step in span)
        return round(max(0.0, left), 1), round(min(float(prepared.width), right), 1)


def _read_contract(folder: Path) -> dict:
    path = folder / "reader.json"
    if not path.is_file():
        known = ", ".join(sorted(p.parent.relative_to(MODELS).as_posix() for p in MODELS.rglob("reader.json")
                                 if not p.parent.name.startswith("."))) or "none yet"
        raise ReaderError(f"no reader in {folder}: the readers in models/ are {known}; train one with train.py")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT or facts["kind"] != "ctc":
            raise ReaderError(f"{path}: format {facts['format']}, kind {facts['kind']!r}; this version reads format "
                              f"{FORMAT}, kind 'ctc': train the reader again, or update")
        where, how = facts["input"], facts["decoding"]
        lengths = how["lengths"] or [0, how["time_steps"]]
        numbers = [where["height"], where["width"], where["channels"], how["time_steps"], *lengths]
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or len(lengths) != 2 or how["blank"] != 0:
            raise ValueError("a size, length or blank is not what it must be")
        Alphabet(facts["alphabet"])
        normalise(np.zeros((1, 1, 1, 1), np.uint8), where["normalisation"])
        facts["onnx_sha256"].lower()
    except ReaderError:
        raise
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReaderError(f"{path}: damaged ({type(error).__name__}: {error}); train the reader again") from None
    return facts


def _open_session(path: Path, facts: dict):
    import onnxruntime

    try:
        model = path.read_bytes()
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    if hashlib.sha256(model).hexdigest() != facts["onnx_sha256"]:
        raise ReaderError(f"{path}: not the file that its reader.json describes, or damaged; restore both together, or "
                          "train the reader again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # as fast as two for networks of this size
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base but Exception
        raise ReaderError(f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it "
                          f"({' '.join(str(error).split())[:150]})") from None
    shape = [1, *(facts["input"][key] for key in ("height", "width", "channels"))]
    output = [1, facts["decoding"]["time_steps"], len(facts["alphabet"]) + 1]
    try:
        logits, = session.run(None, {"image": np.zeros(shape, np.float32)})
        fits = list(logits.shape) == output
    except Exception:
        fits = False
    if not fits:
        raise ReaderError(f"{path.with_name('reader.json')}: its input {shape[1:]} or output {output[1:]} does not fit "
                          f"{path.name}; restore both together, or train the reader again")
    return session


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
    folder = reserve(folder)
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
