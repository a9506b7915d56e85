"""Reader: image -> text with a confidence, by ONNX Runtime. No TensorFlow, no Keras.

    from ocr import Reader
    Reader.load("models/captcha").read("picture.png")          # Reading(text='226md', confidence=0.99...)

A reader is a folder with three files: model.onnx (reads), model.keras (for training on) and reader.json, its
contract: kind ("ctc", a string; "class", one character), alphabet, input, decoding, the data it was trained on, scores,
versions, and the digest of model.onnx. A reader of kind "ensemble" has folders 1, 2, ... instead, each a reader of kind
"class", and in its reader.json how they work in sequence (in_sequence). training/export.py writes them.
"""

import hashlib
import os
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ocr.paths import MODELS
from ocr.reading.constraints import Bound, bind
from ocr.reading.contract import ReaderError, output_shape, read_contract
from ocr.reading.ctc import Alphabet, align, best, confidence, log_softmax, prefix_beam
from ocr.reading.glyphs import glyph
from ocr.reading.images import MAX_PIXELS, Placed, normalise, open_image, place, to_uint8
from ocr.reading.lines import line
from ocr.reading.views import views

BATCH = 64  # images in the network at a time


class Reading(NamedTuple):
    """What was read in one image.

    confidence    the probability, 0..1, that the network gives to `text` (of a string, all its alignments added up)
    alternatives  ((text, confidence), ...) best first, `text` among them; empty unless asked for with `top`
    spans         ((left, right), ...) of each character, in pixels of the image as given; empty unless asked for. CTC
                  reads a character at a peak, so there a span marks where it was read, not its whole width
    """

    text: str
    confidence: float
    alternatives: tuple = ()
    spans: tuple = ()


class Prepared(NamedTuple):
    """An image on its way into the network: uint8 (H, W, C), and how the picture of `size` (width, height) lies in it."""

    pixels: np.ndarray
    placed: Placed
    size: tuple[int, int]


class Reader:
    """Reads images with a trained network, or several. Threads may share it."""

    def __init__(self, contract: dict, session=None, members: list["Reader"] = ()):
        self.contract = contract
        self.alphabet = Alphabet(contract["alphabet"])
        self.size = contract["input"]["height"], contract["input"]["width"]
        self.channels, self.how = contract["input"]["channels"], contract["input"]["normalisation"]
        self.kind, self.fit = contract["kind"], contract["input"]["fit"]
        self._session, self._members = session, members
        if self.kind == "ctc":
            self.lengths = contract["decoding"]["lengths"]
            self._stride = self.size[1] / contract["decoding"]["time_steps"]

    @classmethod
    def load(cls, folder) -> "Reader":
        """The reader in `folder`, or in models/ under that name. Raises ReaderError."""
        folder = Path(folder)
        if not (folder / "reader.json").exists() and (MODELS / folder).is_dir():
            folder = MODELS / folder
        facts = read_contract(folder)
        if facts["kind"] != "ensemble":
            return cls(facts, _open_session(folder / "model.onnx", facts))
        return cls(
            facts,
            members=[
                cls._member(folder, k, digest, facts)
                for k, digest in enumerate(facts["decoding"]["members"], start=1)
            ],
        )

    @classmethod
    def _member(cls, folder: Path, number: int, digest: str, facts: dict) -> "Reader":
        if not (folder / str(number) / "reader.json").is_file():
            raise ReaderError(
                f"{folder}: its member {number} is missing; restore the folder, or train the reader again"
            )
        member = cls.load(folder / str(number))
        if member.contract["onnx_sha256"] != digest or any(
            member.contract[key] != facts[key] for key in ("alphabet", "input")
        ):
            raise ReaderError(
                f"{folder}: its member {number} is not the one that its reader.json describes; restore the "
                "folder, or train the reader again"
            )
        return member

    def read(
        self, images, top: int = 1, spans: bool = False, pattern: str | None = None, lexicon=None
    ):
        """One Reading for one image, a list of Readings for many.

        images: a path, bytes, PIL image or uint8 array (H, W) or (H, W, C); or several, as a list, another iterable, or
        an array (N, H, W, C). `top` = k > 1 adds the k best texts (of strings by prefix beam search, of which the most
        probable may, rarely, be another than the greedy one); `spans` adds where each character was read. `pattern`
        (as dd/dd/dddd, see binding.pattern) or `lexicon`, a list of words, binds the reading to what may stand there; the
        confidence stays that of the unbound network. Raises images.ImageError for an image that cannot be read, ReaderError for
        a pattern or lexicon that this reader cannot read.
        """
        if top < 1:
            raise ValueError(f"top = {top}: at least 1 text is read")
        bound = self.bind(pattern, lexicon)
        one = (
            hasattr(images, "convert")
            or isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike))
            or (isinstance(images, np.ndarray) and images.ndim < 4)
        )
        images, readings = iter([images] if one else images), []
        while batch := [self.prepare(image) for image in islice(images, BATCH)]:
            readings += self.read_prepared(batch, top, spans, bound)
        return readings[0] if one else readings

    def prepare(self, image, max_pixels: int = MAX_PIXELS) -> Prepared:
        """One image as the network takes it. Raises images.ImageError, also for a file of more pixels."""
        picture = open_image(image, max_pixels)
        if self.fit == "picture":
            return Prepared(
                to_uint8(picture, self.size, self.channels),
                place(picture.size, self.size),
                picture.size,
            )
        if self.fit == "line":
            return Prepared(*line(picture, self.size), picture.size)
        return Prepared(*(glyph if self.fit == "glyph" else views)(picture), picture.size)

    def bind(self, pattern: str | None = None, lexicon=None) -> Bound | None:
        """What readings are bound to, for `read_prepared`; see `read`. Raises ReaderError."""
        try:
            return bind(
                self.alphabet,
                self.contract["decoding"]["time_steps"] if self.kind == "ctc" else 1,
                pattern,
                lexicon,
            )
        except ValueError as error:
            raise ReaderError(str(error)) from None

    def read_prepared(
        self,
        prepared: list[Prepared],
        top: int = 1,
        spans: bool = False,
        bound: Bound | None = None,
    ) -> list[Reading]:
        """A Reading for each prepared image, all in one run of the network."""
        if not prepared:
            return []
        batch = normalise(np.stack([p.pixels for p in prepared]), self.how)
        return [
            self._reading(matrix, p, top, spans, bound)
            for matrix, p in zip(self.log_probs(batch), prepared)
        ]

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Log-probabilities, (N, classes) or (N, time, classes), of normalised images float32 (N, H, W, C)."""
        if self._members:
            asked = [
                lambda rows, member=member: member.log_probs(batch[rows])
                for member in self._members
            ]
            return in_sequence(asked, self.contract["decoding"]["thresholds"], len(batch))[0]
        (logits,) = self._session.run(None, {"image": batch})
        return log_softmax(logits)

    def _reading(
        self, log_probs, prepared: Prepared, top: int, spans: bool, bound: Bound | None
    ) -> Reading:
        texts = (self._string if self.kind == "ctc" else self._character)(log_probs, top, bound)
        text, sure = texts[0]
        where = ()
        if spans and self.kind == "ctc":
            steps = align(log_probs, self.alphabet.encode(text))
            where = tuple(
                self._pixels(a * self._stride, b * self._stride, prepared) for a, b in steps
            )
        elif spans and self.fit == "views":  # what of the picture was looked at
            where = (self._pixels(0, self.size[1], prepared),)
        elif spans:
            middle, half = self.size[1] / 2, prepared.placed.width / 2
            where = (self._pixels(middle - half, middle + half, prepared),)
        return Reading(text, sure, tuple(texts) if top > 1 else (), where)

    def _string(self, log_probs, top: int, bound: Bound | None) -> list[tuple[str, float]]:
        if bound:
            found = bound.best(log_probs, max(10, top), top)
        elif top > 1:
            found = prefix_beam(log_probs, width=max(10, top), top=top, lengths=self.lengths)
        else:
            found = [best(log_probs, self.lengths)]
        texts = [(self.alphabet.decode(d.indices), confidence(log_probs, d.indices)) for d in found]
        return sorted(texts, key=lambda pair: -pair[1])

    def _character(self, log_probs, top: int, bound: Bound | None) -> list[tuple[str, float]]:
        order = np.argsort(-log_probs, kind="stable")
        if bound:
            order = order[np.isin(order + 1, bound.first())]  # the alphabet's indices begin with 1
        order = order[:top]
        return [(self.alphabet.symbols[i], float(np.exp(log_probs[i]))) for i in order]

    def _pixels(self, left: float, right: float, prepared: Prepared) -> tuple[float, float]:
        """From pixels of the network's input to those of the picture, kept inside it."""
        spot, width = prepared.placed, prepared.size[0]
        left, right = ((x - spot.left) / spot.scale for x in (left, right))
        return round(max(0.0, left), 1), round(min(float(width), right), 1)


def in_sequence(members, thresholds, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Several classifiers, one after another: the first that is sure enough answers, the unsure images pass on, and in
    the end all members vote by the mean of their probabilities.

    members: functions from row numbers to log-probabilities (rows, classes). thresholds: for all but the last member, the
    probability from which its answer stands. Returns log-probabilities (count, classes), and how many members each of
    the `count` images was shown to, ints (count,).
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


def _open_session(path: Path, facts: dict):
    os.environ.setdefault(
        "ORT_DISABLE_TELEMETRY", "1"
    )  # else it keeps a number for this user, and reports to its maker
    import onnxruntime

    try:
        model = path.read_bytes()
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    if hashlib.sha256(model).hexdigest() != facts["onnx_sha256"]:
        raise ReaderError(
            f"{path}: not the file that its reader.json describes, or damaged; restore both together, or "
            "train the reader again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = (
        1  # as fast as two for networks of this size
    )
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
            f"{path.with_name('reader.json')}: its input {shape[1:]} or output {output[1:]} does not fit "
            f"{path.name}; restore both together, or train the reader again"
        )
    return session
