"""Reader: from an image to text with a confidence, by ONNX Runtime. No TensorFlow, no Keras.

    from ocr import Reader
    Reader.load("captcha").read("picture.png")     # Reading(text='226md', confidence=0.99...)

A reader is a folder with three files: model.onnx (for inference), model.keras (for further
training) and reader.json, its contract, see contract.py. A reader of kind "ensemble" has folders
1, 2, ... instead, each a reader of kind "class"; its contract says how they form a cascade.
training/export.py writes them.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ocr.reading.bulk import read_many
from ocr.reading.constraints import Constraint, constrain
from ocr.reading.contract import ReaderError, find_reader, read_contract
from ocr.reading.ctc import Alphabet
from ocr.reading.decoders import DECODERS, DIGITS, WESTERN, Decoder, DecodingOptions, Reading, Trust
from ocr.reading.files import Found
from ocr.reading.images import MAX_PIXELS, ImageError, narrow, normalise, open_image
from ocr.reading.inputs import INPUTS, Input, Prepared
from ocr.reading.network import Network, open_session, widen
from ocr.reading.second_look import look_again


class Reader:
    """Read text in images with a trained network, or several. Threads may share one.

    contract    what reader.json holds
    kind        "ctc", a string; "class" or "ensemble", one character
    alphabet    the symbols of its network, without blank
    decoder     makes texts of log-probabilities; decoder.alphabet has the signs of texts, which
                patterns and lexicons may have
    scripts     names of the scripts that it keeps apart, () where there are none
    size        (height, width) of the network's input; channels, its number of channels
    widths      that the network takes, ascending, the last is that of `size`
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
        self.widths: list[int] = list(where.get("widths", [where["width"]]))
        self.input: Input = INPUTS[where["fit"]](self.size, self.channels)
        self.decoder: Decoder = DECODERS[self.kind](contract, self.input)
        self.scripts = self.decoder.scripts
        self._trust = Trust(contract)
        self.session, self.members = session, list(members)
        self._network = Cascade(members, decoding["thresholds"]) if members else Network(session)

    @classmethod
    def load(cls, name: str | Path) -> "Reader":
        """Load the reader in the folder `name`, or of that name in models/. Raises ReaderError."""
        folder = find_reader(name)
        facts = read_contract(folder)
        if facts["kind"] != "ensemble":
            return cls(facts, open_session(folder / "model.onnx", facts))
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

    def describe(self) -> dict[str, Any]:
        """Describe what it reads, and how well, for people: an object for JSON."""
        facts = self.contract
        trust = facts.get("trust")
        return {
            "kind": "string" if facts["kind"] == "ctc" else "character",
            "alphabet": self.decoder.alphabet.symbols,
            "scripts": list(self.scripts),
            "lengths": facts["decoding"].get("lengths"),
            "input": {key: facts["input"][key] for key in ("height", "width", "channels")},
            "trained_on": facts["data"]["name"],
            "scores": [
                {key: score[key] for key in ("on", "n", "exact", "low", "high")}
                for score in facts["scores"]
            ],
            "trust": trust
            and {key: trust[key] for key in ("threshold", "on", "n", "share", "right")},
        }

    def read(
        self,
        images: Any,
        top: int = 1,
        spans: bool = False,
        pattern: str | None = None,
        lexicon: Iterable[str] | None = None,
        script: str | None = None,
        digits: str = WESTERN,
        keep_other: bool = False,
    ) -> Any:
        """Read one image to a Reading, or many to a list of Readings.

        images: a path, bytes, PIL image or uint8 array (H, W) or (H, W, C); or several, as a list,
        another iterable, or an array (N, H, W, C). The others are those of `options`. Where an
        image has nothing that can be read, the text is "" and the confidence 0. Raises ImageError
        for an image that cannot be opened, and what `options` raises.
        """
        options = self.options(top, spans, pattern, lexicon, script, digits, keep_other)
        one = (
            hasattr(images, "convert")
            or isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike))
            or (isinstance(images, np.ndarray) and images.ndim < 4)
        )
        found = (Found("", partial(_same, image)) for image in ([images] if one else images))
        readings = []
        for result in read_many(self, found, options):
            if result.reading is None:
                raise ImageError(result.error)
            readings.append(result.reading)
        return readings[0] if one else readings

    def options(
        self,
        top: int = 1,
        spans: bool = False,
        pattern: str | None = None,
        lexicon: Iterable[str] | None = None,
        script: str | None = None,
        digits: str = WESTERN,
        keep_other: bool = False,
    ) -> DecodingOptions:
        """Check how to decode, for `read_prepared` and `bulk.read_many`.

        `top` = k > 1 adds the k best texts (strings by prefix beam search, whose best may, rarely,
        differ from the greedy one); `spans` adds where each character was read. `pattern` (such as
        dd/dd/dddd, see Pattern.parse) or `lexicon`, a list of words, constrains the text, in
        Western signs; the confidence stays that of the unconstrained network.

        `script`, one of `scripts`, says in which script the number is: other scripts are left out
        of the probabilities, so the confidence is higher, and no longer the one that the contract's
        trust was measured with. `digits`: "western", or "as-written", the signs of the script.
        `keep_other`: also give the contract's mark for signs that belong to no number; without
        effect beside a constraint. Raises ReaderError for a pattern or lexicon outside the alphabet
        or too long, a script that the reader does not have, other digits; ValueError for top < 1.
        """
        if top < 1:
            raise ValueError(f"top is the number of texts, at least 1, got {top}")
        if script is not None and script not in self.scripts:
            known = ", ".join(self.scripts) or "none: leave the script out"
            raise ReaderError(f"no script {script!r}: the scripts of this reader are {known}")
        if digits not in DIGITS:
            raise ReaderError(f"no digits {digits!r}: there are {' and '.join(DIGITS)}")
        constraint = self.constrain(pattern, lexicon)
        return DecodingOptions(top, spans, constraint, script, digits, keep_other)

    def constrain(
        self, pattern: str | None = None, lexicon: Iterable[str] | None = None
    ) -> Constraint | None:
        """Build the constraint of `options`. Raises ReaderError."""
        try:
            return constrain(self.decoder.alphabet, self.decoder.steps, pattern, lexicon)
        except ValueError as error:
            raise ReaderError(str(error)) from None

    @property
    def threshold(self) -> float | None:
        """The confidence from which readings are trusted; None: never."""
        return self._trust.threshold

    def trust_from(self, threshold: float) -> None:
        """Trust readings from this confidence on, 0..1, in place of the contract's."""
        self._trust = Trust(self.contract, threshold)

    def prepare(self, image: Any, max_pixels: int = MAX_PIXELS) -> Prepared:
        """Preprocess one image for the network. Raises ImageError, also above `max_pixels`."""
        return self.input.prepare(open_image(image, max_pixels))

    def read_prepared(
        self, prepared: Sequence[Prepared], options: DecodingOptions | None = None
    ) -> list[Reading]:
        """Read preprocessed images, in one run of the network for each width that they need."""
        if not prepared:
            return []
        decode = partial(self._decode, options=options or DecodingOptions())
        readings = look_again(prepared, decode, self.contract["decoding"].get("second_look", 0))
        return [self._trust.judge(reading) for reading in readings]

    def _decode(self, prepared: Sequence[Prepared], options: DecodingOptions) -> list[Reading]:
        """Run the network once for each width; decode without calibration."""
        pictures = np.stack([each.pixels for each in prepared])
        widths = [each.placed.width for each in prepared]
        return [
            self.decoder.decode(log_probs, each, options)
            for log_probs, each in zip(self._run(pictures, widths), prepared)
        ]

    def _run(self, pictures: np.ndarray, picture_widths: Sequence[int]) -> np.ndarray:
        """Compute log-probabilities of images uint8 (N, H, W, C), of full width."""
        if len(self.widths) == 1:
            return self.log_probs(normalise(pictures, self.normalisation))
        parts = [
            (rows, self.log_probs(normalise(narrowed, self.normalisation)))
            for rows, narrowed in narrow(pictures, picture_widths, self.widths)
        ]
        return widen(parts, self.decoder.steps)

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Compute the network's log-probabilities of normalised images float32 (N, H, W, C).

        Shape (N, time, classes) for strings, whose images may have any of the `widths`, and
        (N, classes) for characters.
        """
        return self._network.log_probs(batch)


def _same(image: Any) -> Any:
    return image


# --- ensembles


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
