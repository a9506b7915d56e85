"""Reader: from an image to text with a confidence, by ONNX Runtime. No TensorFlow, no Keras.

    from ocr import Reader
    Reader.load("captcha").read("picture.png")     # Reading(text='226md', confidence=0.99...)

A reader is a folder with three files: model.onnx (for inference), model.keras (for further
training) and reader.json, its contract, see contract.py. A reader of kind "ensemble" has folders
1, 2, ... instead, each a reader of kind "class"; its contract says how they form a cascade.
training/export.py writes them.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ocr.reading.bulk import read_many
from ocr.reading.constraints import Constraint, constrain
from ocr.reading.contract import ReaderError, find_reader, output_shape, read_contract
from ocr.reading.ctc import Alphabet, log_softmax
from ocr.reading.decoders import DECODERS, Decoder, Reading
from ocr.reading.files import Found
from ocr.reading.images import MAX_PIXELS, ImageError, normalise, open_image
from ocr.reading.inputs import INPUTS, Input, Prepared


class Reader:
    """Read text in images with a trained network, or several. Threads may share one.

    contract    what reader.json holds
    kind        "ctc", a string; "class" or "ensemble", one character
    alphabet    the symbols it reads
    size        (height, width) of the network's input; channels, its number of channels
    input       how pictures are preprocessed, normalisation how pixels are scaled
    session     its ONNX Runtime session, None for an ensemble
    members     the readers of an ensemble
    """

    def __init__(self, contract: dict, session: Any = None, members: Sequence["Reader"] = ()):
        where, decoding = contract["input"], contract["decoding"]
        self.contract = contract
        self.kind: str = contract["kind"]
        self.alphabet = Alphabet(contract["alphabet"])
        self.size: tuple[int, int] = (where["height"], where["width"])
        self.channels: int = where["channels"]
        self.normalisation: str = where["normalisation"]
        self.input: Input = INPUTS[where["fit"]](self.size, self.channels)
        self.decoder: Decoder = DECODERS[self.kind](self.alphabet, self.input, decoding)
        self.session, self.members = session, list(members)
        self._network = Cascade(members, decoding["thresholds"]) if members else Network(session)

    @classmethod
    def load(cls, name: str | Path) -> "Reader":
        """Load the reader in the folder `name`, or of that name in models/. Raises ReaderError."""
        folder = find_reader(name)
        facts = read_contract(folder)
        if facts["kind"] != "ensemble":
            return cls(facts, _open_session(folder / "model.onnx", facts))
        digests = facts["decoding"]["members"]
        members = [cls._member(folder, k, d, facts) for k, d in enumerate(digests, start=1)]
        return cls(facts, members=members)

    @classmethod
    def _member(cls, folder: Path, number: int, digest: str, facts: dict) -> "Reader":
        """Load a member of an ensemble and compare it with the ensemble's contract."""
        if not (folder / str(number) / "reader.json").is_file():
            raise ReaderError(
                f"{folder}: member {number} is missing; restore the folder, or train the reader "
                "again"
            )
        member = cls.load(folder / str(number))
        if member.contract.get("onnx_sha256") != digest or any(
            member.contract[key] != facts[key] for key in ("alphabet", "input")
        ):
            raise ReaderError(
                f"{folder}: member {number} does not match reader.json; restore the folder, or "
                "train the reader again"
            )
        return member

    def read(
        self,
        images: Any,
        top: int = 1,
        spans: bool = False,
        pattern: str | None = None,
        lexicon: Iterable[str] | None = None,
    ) -> Any:
        """Read one image to a Reading, or many to a list of Readings.

        images: a path, bytes, PIL image or uint8 array (H, W) or (H, W, C); or several, as a list,
        another iterable, or an array (N, H, W, C). `top` = k > 1 adds the k best texts (strings by
        prefix beam search, whose best may, rarely, differ from the greedy one); `spans` adds where
        each character was read. `pattern` (such as dd/dd/dddd, see Pattern.parse) or `lexicon`, a
        list of words, constrains the text; the confidence stays that of the unconstrained network.
        Raises ImageError for an image that cannot be read, ReaderError for a pattern or lexicon
        outside the alphabet or too long, ValueError for top < 1.
        """
        if top < 1:
            raise ValueError(f"top is the number of texts, at least 1, got {top}")
        constraint = self.constrain(pattern, lexicon)
        one = (
            hasattr(images, "convert")
            or isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike))
            or (isinstance(images, np.ndarray) and images.ndim < 4)
        )
        found = (Found("", partial(_same, image)) for image in ([images] if one else images))
        readings = []
        for result in read_many(self, found, top=top, spans=spans, constraint=constraint):
            if result.error is not None:
                raise ImageError(result.error)
            readings.append(result.reading)
        return readings[0] if one else readings

    def constrain(
        self, pattern: str | None = None, lexicon: Iterable[str] | None = None
    ) -> Constraint | None:
        """Build the constraint for `read_prepared`, see `read`. Raises ReaderError."""
        try:
            return constrain(self.alphabet, self.decoder.steps, pattern, lexicon)
        except ValueError as error:
            raise ReaderError(str(error)) from None

    def prepare(self, image: Any, max_pixels: int = MAX_PIXELS) -> Prepared:
        """Preprocess one image for the network. Raises ImageError, also above `max_pixels`."""
        return self.input.prepare(open_image(image, max_pixels))

    def read_prepared(
        self,
        prepared: Sequence[Prepared],
        top: int = 1,
        spans: bool = False,
        constraint: Constraint | None = None,
    ) -> list[Reading]:
        """Read preprocessed images, all in one run of the network."""
        if not prepared:
            return []
        batch = normalise(np.stack([p.pixels for p in prepared]), self.normalisation)
        return [
            self._decode(log_probs, p, top, spans, constraint)
            for log_probs, p in zip(self.log_probs(batch), prepared)
        ]

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Run the network: normalised images float32 (N, H, W, C) to log-probabilities.

        Returns (N, time, classes) for strings, (N, classes) for characters.
        """
        return self._network.log_probs(batch)

    def _decode(
        self,
        log_probs: np.ndarray,
        prepared: Prepared,
        top: int,
        spans: bool,
        constraint: Constraint | None,
    ) -> Reading:
        texts = self.decoder.texts(log_probs, top, constraint)
        text, sure = texts[0]
        where = self.decoder.spans(log_probs, text, prepared) if spans else ()
        return Reading(text, sure, tuple(texts) if top > 1 else (), where)


def _same(image: Any) -> Any:
    return image


# --- networks


class Network:
    """Run one network by an ONNX Runtime session."""

    def __init__(self, session: Any):
        self.session = session

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Compute log-probabilities of normalised images float32 (N, H, W, C)."""
        (logits,) = self.session.run(None, {"image": batch})
        return log_softmax(logits)


class Cascade:
    """Run the members of an ensemble one after another, see `cascade`."""

    def __init__(self, members: Sequence[Reader], thresholds: Sequence[float]):
        self.members, self.thresholds = members, thresholds

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Compute log-probabilities (N, classes) of normalised images float32 (N, H, W, C)."""
        members = [lambda rows, m=member: m.log_probs(batch[rows]) for member in self.members]
        return cascade(members, self.thresholds, len(batch))[0]


def cascade(
    members: Sequence[Callable[[np.ndarray], np.ndarray]], thresholds: Sequence[float], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Combine classifiers in a cascade: the first confident one answers, unsure images move on.

    members: functions from row numbers to log-probabilities (rows, classes). thresholds: for all
    but the last member, the probability from which its answer is final; where no member is
    confident, all vote by the mean of their probabilities. Returns log-probabilities (count,
    classes), and how many members saw each of the `count` images, ints (count,).
    """
    rows, asked = np.arange(count), np.ones(count, int)
    opinions = [members[0](rows)]
    answers = opinions[0].copy()
    for member, threshold in zip(members[1:], thresholds, strict=True):
        unsure = np.exp(opinions[-1].max(axis=1)) < threshold
        if not unsure.any():
            return answers, asked
        rows, opinions = rows[unsure], [opinion[unsure] for opinion in opinions]
        opinions.append(member(rows))
        answers[rows], asked[rows] = opinions[-1], len(opinions)
    answers[rows] = np.log(np.mean(np.exp(opinions), axis=0))
    return answers, asked


def _open_session(path: Path, facts: dict) -> Any:
    """Open model.onnx in ONNX Runtime and check it against the contract. Raises ReaderError."""
    # Else ONNX Runtime keeps a number for this user, and reports to its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # here for speed: only loading a reader needs it

    try:
        model = path.read_bytes()
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    if hashlib.sha256(model).hexdigest() != facts["onnx_sha256"]:
        raise ReaderError(
            f"{path}: does not match the digest in reader.json; restore both together, or train "
            "the reader again"
        )
    options = onnxruntime.SessionOptions()
    # One thread is as fast as two for networks of this size.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base but Exception
        raise ReaderError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it "
            f"({' '.join(str(error).split())[:150]})"
        ) from None
    shape = [1, *(facts["input"][key] for key in ("height", "width", "channels"))]
    output = output_shape(facts)
    try:
        (logits,) = session.run(None, {"image": np.zeros(shape, np.float32)})
        fits = list(logits.shape) == output
    except Exception:
        fits = False
    if not fits:
        raise ReaderError(
            f"{path.with_name('reader.json')}: its input {shape[1:]} or output {output[1:]} does "
            f"not fit {path.name}; restore both together, or train the reader again"
        )
    return session
