""" "Any": read a picture with several readers, and let their trust say which one it suits.

    readers = {name: Reader.load(name) for name in ("captcha", "numbers", "char_cnn", "dual_input")}
    AnyReader(readers).read("picture.png")       # Reading(text='12.50', ..., reader='numbers')

What a reader reads, and whether two read the same, comes from their contracts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ocr.reading.contract import ReaderError, known_readers
from ocr.reading.decoders import REFUSED, DecodingOptions, Reading
from ocr.reading.images import MAX_PIXELS, ImageError, open_image
from ocr.reading.inputs import Prepared
from ocr.reading.reader import Reader

NUMBER, CODE, HANDWRITING, CHARACTER = "number", "code", "handwriting", "character"
READS = (NUMBER, CODE, HANDWRITING, CHARACTER)  # what readers read, see `reads`
OF_NUMBERS = frozenset("0123456789.,/-+:")
ANY = "any"
HALF = 0.5  # confidence from which a reading is more likely right than wrong
SHAPE = 0.1  # by which the shape of a picture may differ from that of a code's reader
WIDE = 2.0  # times as wide as high: the most that a picture of one character is
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
    """A picture as each reader takes it; `chosen` names the one whose reading was given."""

    prepared: dict[str, Prepared]
    size: tuple[int, int]
    chosen: str | None = None


@dataclass(frozen=True)
class AnyOptions:
    """How each reader decodes: those that cannot read so are left out."""

    each: Mapping[str, DecodingOptions] = field(default_factory=dict)


class AnyReader:
    """Read each picture with all of several readers; give the reading of the one it suits.

    Of readers that read the same the best is asked. A picture that suits none is refused.
    """

    def __init__(self, readers: Mapping[str, Reader]):
        twins = same_as(readers)
        self.readers = {name: each for name, each in readers.items() if name not in twins}

    @classmethod
    def load(cls) -> "AnyReader":
        """Load all readers that are known by a name of their own. Raises ReaderError."""
        names = [name for name in known_readers() if "/" not in name]
        if not names:
            raise ReaderError("no readers yet: train one: ocr train --help")
        return cls({name: Reader.load(name) for name in names})

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
        prepared, errors = {}, []
        for name, reader in self.readers.items():
            try:
                prepared[name] = reader.input.prepare(picture)
            except ImageError as error:
                errors.append(error)
        if not prepared:
            raise errors[0]
        return Candidates(prepared, picture.size)

    def read_prepared(
        self, prepared: Sequence[Candidates], options: AnyOptions | None = None
    ) -> list[Reading]:
        """Read preprocessed images: a reading each, with its reader's name, or REFUSED."""
        how = options or self.options()
        found: list[dict[str, Reading]] = [{} for _ in prepared]
        for name, decoding in how.each.items():
            rows = [k for k, each in enumerate(prepared) if name in each.prepared]
            inputs = [prepared[k].prepared[name] for k in rows]
            for k, reading in zip(rows, self.readers[name].read_prepared(inputs, decoding)):
                found[k][name] = reading
        return [self._chosen(*each) for each in zip(prepared, found)]

    def _chosen(self, candidates: Candidates, readings: dict[str, Reading]) -> Reading:
        views = [
            View(n, reads(self.readers[n]), *_fits(self.readers[n], candidates.size), each)
            for n, each in readings.items()
            if each.text
        ]
        candidates.chosen, trusted = choose(views)
        if candidates.chosen is None:
            return REFUSED
        return readings[candidates.chosen]._replace(reader=candidates.chosen, trusted=trusted)


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


def choose(views: Sequence[View]) -> tuple[str | None, bool]:
    """Choose among the readings of one picture: the reader's name, and whether to trust it.

    A kind is possible where its reading is more likely right than wrong (a code's in a picture of
    its shape). Of one character that takes the trust of its reader, or two that agree; of one
    Western digit, a second reader that sees it, too, else it may be a letter or a sign that looks
    like it, and is not trusted. A code goes before a number, and that before a character, but for
    one digit that readers of characters read otherwise.
    """
    characters = [v for v in views if v.reads in (HANDWRITING, CHARACTER) and v.single]
    seen = Counter(v.reading.text.casefold() for v in characters)
    found: dict[str, View] = {}
    for view in sorted(views, key=lambda view: view.reading.confidence):
        text, sure = view.reading.text.casefold(), view.reading.confidence >= HALF
        if view.reads == CODE:
            possible = sure and view.shaped
        elif view.reads == NUMBER:
            alone = len(text) == 1 and not seen[text]
            possible = view.reading.trusted if alone else sure
        else:
            possible = view.single and (view.reading.trusted or (sure and seen[text] > 1))
        if possible:
            found[view.reads if view.reads in (CODE, NUMBER) else CHARACTER] = view
    code, number, character = (found.get(kind) for kind in (CODE, NUMBER, CHARACTER))
    best = code or number or character
    if number and character and not code:
        digit = len(number.reading.text) == 1
        surer = number.reading.confidence >= character.reading.confidence
        best = number if (seen[number.reading.text] if digit else surer) else character
    if best is None:
        return None, False
    return best.name, best.reading.trusted and not _doubtful(best, number, characters)


def _doubtful(best: View, number: View | None, characters: Sequence[View]) -> bool:
    """Is it one sign that readers of numbers and of characters see differently?

    A Western digit wants a reader of characters that sees it, too. No reader of characters knows
    the others, some of which look like letters: there, none may see one.
    """
    if number is None or len(number.reading.text) != 1:
        return False
    if best is not number:
        return _eastern(number) and number.reading.trusted
    texts = {v.reading.text for v in characters if v.reading.confidence >= HALF}
    if _eastern(number):
        return bool(texts)
    return all(v.reading.text != number.reading.text for v in characters)


def _eastern(view: View) -> bool:
    """Is it a number in Arabic-Indic or Persian digits?"""
    return view.reading.script not in (None, "western")
