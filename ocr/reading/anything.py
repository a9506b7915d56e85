""" "Any": read a picture with several readers, and find out which of them it suits.

    readers = {name: Reader.load(name) for name in ("captcha", "numbers", "char_cnn", "dual_input")}
    AnyReader(readers).read("picture.png")       # Reading(text='12.50', ..., reader='numbers')

What a reader reads, and whether two read the same, comes from their contracts. Whether a picture is
a number, one character, or neither, is decided by the network of models/any together with how
sure the readers are (`choose`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from ocr.reading.contract import ANY, ReaderError, known_readers
from ocr.reading.decoders import REFUSED, DecodingOptions, Reading
from ocr.reading.images import MAX_PIXELS, ImageError, normalise, open_image
from ocr.reading.inputs import Prepared
from ocr.reading.reader import Reader

NUMBER, CODE, HANDWRITING, CHARACTER = "number", "code", "handwriting", "character"
READS = (NUMBER, CODE, HANDWRITING, CHARACTER)  # what readers read, see `reads`
OF_NUMBERS = frozenset("0123456789.,/-+:")
SIGNS = "#A"  # what the network of models/any "reads" in a picture: a number, one character
HALF = 0.5  # confidence from which a reading is more likely right than wrong
SHAPE = 0.1  # by which the shape of a picture may differ from that of a code's reader
WIDE = 2.0  # times as wide as high: the most that a picture of one character is
LEAST = 0.01  # confidences are taken to be at least so far from 0 and 1
# Weights of the evidence in `choose`, fitted by `python -m benchmarks.any_weights`.
KNOWN = (0.82, 0.74, 0.49, -1.75, 0.61)
NUMBERS = (1.23, 0.53, -1.10, -0.65, 0.79)
CERTAIN = 1.0  # log-odds
UNKNOWN = "none of the readers knows this kind of picture"


def reads(reader: Reader) -> str:
    """Say what a reader reads, one of READS: strings of digits are numbers, others are codes."""
    if reader.kind == "ctc":
        numbers = reader.scripts or OF_NUMBERS.issuperset(reader.decoder.alphabet.symbols)
        return NUMBER if numbers else CODE
    return HANDWRITING if reader.input.fit == "glyph" else CHARACTER


def same_as(readers: Mapping[str, Reader]) -> dict[str, str]:
    """Map readers to a better one that reads the same signs of the same kind of picture."""
    best: dict[tuple, str] = {}
    for name, reader in readers.items():
        kind: tuple = (reads(reader), reader.decoder.alphabet.symbols, reader.input.fit)
        if reader.kind == "ctc":
            kind = (*kind, name)  # texts of one alphabet may look as different as CAPTCHAs do
        if kind not in best or _exact(reader) > _exact(readers[best[kind]]):
            best[kind] = name
    chosen = set(best.values())
    return {
        name: best[reads(reader), reader.decoder.alphabet.symbols, reader.input.fit]
        for name, reader in readers.items()
        if name not in chosen
    }


def _exact(reader: Reader) -> float:
    return max((score["exact"] for score in reader.contract["scores"]), default=0.0)


def describe(readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
    """Describe readers for people: name, what each reads, a better one of the same, and scores."""
    twins = same_as(readers)
    return [
        {
            "name": name,
            "reads": reads(reader),
            "same_as": twins.get(name),
            **reader.describe(),
        }
        for name, reader in readers.items()
    ]


@dataclass
class Candidates:
    """A picture as each reader takes it, and as the network of kinds does.

    `chosen` names the reader whose reading was given.
    """

    prepared: dict[str, Prepared]
    kind: Prepared
    size: tuple[int, int]
    chosen: str | None = None


@dataclass(frozen=True)
class AnyOptions:
    """How each reader decodes: those that cannot read so are left out."""

    each: Mapping[str, DecodingOptions] = field(default_factory=dict)


class AnyReader:
    """Read each picture with all of several readers; give the reading of the one it suits.

    Of readers that read the same the best is asked. A picture that suits none is refused. Reading
    raises ReaderError where models/any is missing or damaged.
    """

    def __init__(self, readers: Mapping[str, Reader]):
        twins = same_as(readers)
        self.readers = {name: each for name, each in readers.items() if name not in twins}

    @classmethod
    def load(cls) -> "AnyReader":
        """Load all readers that are known by a name of their own. Raises ReaderError."""
        if names := [name for name in known_readers() if "/" not in name]:
            return cls({name: Reader.load(name) for name in names})
        raise ReaderError("no readers yet: train one: ocr train --help")

    @property
    def threshold(self) -> None:
        """Each of its readers has its own."""

    def trust_from(self, threshold: float) -> None:
        """Trust readings from this confidence on, whichever reader reads."""
        for reader in self.readers.values():
            reader.trust_from(threshold)

    def options(self, **how: Any) -> AnyOptions:
        """Check how to decode, as Reader.options. Raises ReaderError where no reader can."""
        each, errors = {}, []
        for name, reader in self.readers.items():
            try:
                each[name] = reader.options(**how)
            except ReaderError as error:
                errors.append(error)
        if not each:
            raise errors[0]
        return AnyOptions(each)

    def read(self, image: Any, **how: Any) -> Reading:
        """Read one image; see Reader.read. Raises ImageError."""
        return self.read_prepared([self.prepare(image)], self.options(**how))[0]

    def prepare(self, image: Any, max_pixels: int = MAX_PIXELS) -> Candidates:
        """Preprocess one image for all readers. Raises ImageError where there is no ink for any."""
        picture = open_image(image, max_pixels)
        kind = kind_reader().input.prepare(picture)
        prepared, errors = {}, []
        for name, reader in self.readers.items():
            try:
                prepared[name] = reader.input.prepare(picture)
            except ImageError as error:
                errors.append(error)
        if not prepared:
            raise errors[0]
        return Candidates(prepared, kind, picture.size)

    def read_prepared(
        self, prepared: Sequence[Candidates], options: AnyOptions | None = None
    ) -> list[Reading]:
        """Read preprocessed images: a reading each, with its reader's name, or REFUSED."""
        if not prepared:
            return []
        how = options or self.options()
        looks = self.look(prepared, how)
        return [self._chosen(*each) for each in zip(prepared, looks)]

    def look(
        self, prepared: Sequence[Candidates], options: AnyOptions
    ) -> list[tuple[list["View"], "Kinds"]]:
        """Read with all readers: what each makes of a picture, and of which kind that may be."""
        found: list[list[View]] = [[] for _ in prepared]
        for name, decoding in options.each.items():
            reader = self.readers[name]
            rows = [k for k, each in enumerate(prepared) if name in each.prepared]
            inputs = [prepared[k].prepared[name] for k in rows]
            for k, reading in zip(rows, reader.read_prepared(inputs, decoding)):
                if reading.text:
                    fits = _fits(reader, prepared[k].size)
                    found[k].append(View(name, reads(reader), *fits, reading))
        return list(zip(found, kinds(prepared)))

    def _chosen(self, candidates: Candidates, look: tuple[list["View"], "Kinds"]) -> Reading:
        candidates.chosen, trusted = choose(*look)
        if candidates.chosen is None:
            return REFUSED
        view = next(view for view in look[0] if view.name == candidates.chosen)
        return view.reading._replace(reader=view.name, trusted=trusted)


class Kinds(NamedTuple):
    """Probabilities of what a picture shows."""

    number: float
    character: float
    neither: float


@cache
def kind_reader() -> Reader:
    """Load the network that tells kinds of pictures apart, once a process. Raises ReaderError."""
    return Reader.load(ANY)


def kinds(candidates: Sequence[Candidates]) -> list[Kinds]:
    """Compute the probabilities of what pictures show."""
    reader = kind_reader()
    pixels = np.stack([each.kind.pixels for each in candidates])
    log_probs = reader.log_probs(normalise(pixels, reader.normalisation))
    return [Kinds(*map(float, row)) for row in np.exp(log_probs)]


class View(NamedTuple):
    """What one reader makes of a picture.

    shaped: has the picture the shape that the reader takes? single: is it no wider than a character
    may be? reading: with a text.
    """

    name: str
    reads: str
    shaped: bool
    single: bool
    reading: Reading


def _fits(reader: Reader, size: tuple[int, int]) -> tuple[bool, bool]:
    shape = size[0] / size[1]
    wanted = reader.size[1] / reader.size[0]
    whole = reader.input.fit == "picture"
    return not whole or abs(shape / wanted - 1) <= SHAPE, shape <= WIDE


def choose(views: Sequence[View], kinds: Kinds) -> tuple[str | None, bool]:
    """Choose among the readings of one picture: the reader's name, and whether to trust it.

    A code's reading is taken where it is more likely right than wrong in a picture of its reader's
    shape. Else two sums of log-odds decide: that the picture is of a known kind, and that it is a
    number rather than a character. One Western digit is both: where a reader of characters agrees,
    the number is given. A reader's trust counts where both are CERTAIN.
    """
    codes = [v for v in views if v.reads == CODE and v.shaped and v.reading.confidence >= HALF]
    if code := surest(codes):
        return code.name, code.reading.trusted
    characters = [v for v in views if v.reads in (HANDWRITING, CHARACTER) and v.single]
    number, character = surest([v for v in views if v.reads == NUMBER]), surest(characters)
    known = weigh(KNOWN, known_evidence(number, character, kinds))
    rather = weigh(NUMBERS, number_evidence(number, character, kinds))
    agreed = digit(number) and any(v.reading.text == number.reading.text for v in characters)
    best = number if character is None or agreed or (number and rather > 0) else character
    if best is None or known < 0:
        return None, False
    clear = agreed or number is None or character is None or abs(rather) >= CERTAIN
    return best.name, best.reading.trusted and clear and known >= CERTAIN


def surest(views: Sequence[View]) -> View | None:
    """Return the view with the highest confidence, None of none."""
    return max(views, key=lambda view: view.reading.confidence, default=None)


def digit(number: View | None) -> TypeGuard[View]:
    """Is it a number of one sign?"""
    return number is not None and len(number.reading.text) == 1


def known_evidence(number: View | None, character: View | None, kinds: Kinds) -> tuple[float, ...]:
    """List the evidence that a picture shows a number or a character, for the weights KNOWN."""
    return (
        _log(kinds.number + kinds.character) - _log(kinds.neither),
        _log_odds(number),
        _log_odds(character),
        digit(number),
    )


def number_evidence(number: View | None, character: View | None, kinds: Kinds) -> tuple[float, ...]:
    """List the evidence that it is a number rather than a character, for the weights NUMBERS."""
    kind = _log(kinds.number) - _log(kinds.character)
    return kind, _log_odds(number), _log_odds(character), digit(number)


def weigh(weights: Sequence[float], evidence: Sequence[float]) -> float:
    """Sum weighted evidence; the last weight is added."""
    return sum(weight * each for weight, each in zip(weights, evidence)) + weights[-1]


def _log(probability: float) -> float:
    return math.log(max(LEAST / 10, probability))


def _log_odds(view: View | None) -> float:
    """Compute the log-odds of a reading's confidence; no reading counts as the least."""
    within = min(max(view.reading.confidence if view else 0.0, LEAST), 1 - LEAST)
    return math.log(within / (1 - within))
