"""Pictures of numbers, of single characters and of everything else, to tell them apart.

Numbers are drawn as readers of numbers have them to train on; characters and strangers as readers
of characters have them. Handwriting and photographs are taken from the data folders, where found.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ocr.datasets import digits, emnist
from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError, list_files
from ocr.datasets.sources import own_source
from ocr.drawing import captchas, strangers, symbols
from ocr.drawing.numbers import mixture, nonsense
from ocr.drawing.surfaces import worn
from ocr.reading.anything import SIGNS
from ocr.reading.images import ImageError, open_image
from ocr.reading.inputs import SIDE, Line
from ocr.reading.scripts import MARKS, SYMBOLS
from ocr.training.number_kinds import number_kinds

SIZE = (32, 128)  # pixels of the input, (height, width)
NEITHER = MARKS["unreadable"]
KNOWN = A_NUMBER, A_CHARACTER = SIGNS[0], SIGNS[1]
EITHER = A_NUMBER + A_CHARACTER
WESTERN_DIGIT = "one Western digit"  # a number as well as a character
SHARES = {  # of the pictures that are drawn or taken
    "number": 0.25,
    "digit": 0.12,
    "eastern digit": 0.04,
    "handwritten character": 0.1,
    "photographed character": 0.05,
    "printed character": 0.12,
    "stranger": 0.2,
    "nonsense": 0.08,
    "CAPTCHA": 0.04,
}
PHOTOGRAPHS = ("chars62/pen_photos.zip", "chars62/street_view.zip")  # in a data folder
OTHER_ALPHABETS = tuple(  # those of strangers, less the digits among them
    "".join(sign for sign in signs if sign not in "٢٣٤") for signs in strangers.ALPHABETS
)
TURNS = (*strangers.TURNS, *["discs, boxes, ticks"] * 3)  # which look like 0, 1 and 11
KEPT = 10  # of so many handwritten characters, one is kept for validation
Pair = tuple[str, np.ndarray | Image.Image]  # label, picture


class Pictures:
    """Draw and take pictures of a `part`, "train" or "test": other fonts, other hands.

    folders: where data is looked for. Labels are the signs of SIGNS, or NEITHER. What may be
    a number as well as a character is labelled by chance, and named WESTERN_DIGIT.
    """

    def __init__(self, folders: Iterable[str | Path], part: str = "train"):
        places, train = [Path(folder) for folder in folders], part == "train"
        self.numbers = number_kinds(places, part)
        self.printer = strangers.Printer(strangers.FAMILIES if train else strangers.HELD_OUT)
        self.printer.alphabets = OTHER_ALPHABETS
        self.turns = [kind for kind in TURNS if kind != "number, sum, time"]
        self.hands = _characters(places, train)
        self.digits = [
            digits.load_handwritten(script, part, places, False)[0]
            for script in ("persian", "arabic")
        ]
        found = (folder / name for name in PHOTOGRAPHS for folder in places)
        self.photographs = [_Photographs(path, train) for path in found if path.is_file()]
        self.makers: dict[str, Callable[[np.random.Generator], Pair]] = {
            "digit": self._digit,
            "eastern digit": self._eastern,
            "printed character": self._printed,
            "stranger": self._stranger,
            "nonsense": self._nonsense,
        }
        if len(self.hands):
            self.makers["handwritten character"] = self._hand
        if self.photographs:
            self.makers["photographed character"] = self._photograph

    def draw(self, count: int, seed: int) -> Labelled:
        """Make about `count` pictures, inputs uint8 (n, 32, 128, 1), named by SHARES.

        Those in which no ink is found are left out. The same arguments give the same pixels.
        """
        line, rng = Line(SIZE), np.random.default_rng(seed)
        images, labels, names = [], [], []
        with tqdm(total=count, desc="pictures", unit=" images", disable=None) as bar:
            for name, share in SHARES.items():
                for label, picture in self._some(name, round(share * count), rng):
                    bar.update()
                    try:
                        images.append(line.prepare(open_image(picture)).pixels)
                    except ImageError:
                        continue
                    either = label == EITHER
                    labels.append(KNOWN[rng.integers(2)] if either else label)
                    names.append(WESTERN_DIGIT if either else name)
        return Labelled(np.array(images), labels, names)

    def _some(self, name: str, count: int, rng: np.random.Generator) -> Iterator[Pair]:
        """Make `count` pictures of one of SHARES, or none where its data is not found."""
        if name == "number":
            return self._numbers(count, rng)
        if name == "CAPTCHA":
            drawn = captchas.captchas(count, seed=int(rng.integers(2**31)))
            return ((NEITHER, picture) for _, picture in drawn)
        make = self.makers.get(name)
        return iter(()) if make is None else (make(rng) for _ in range(count))

    def _numbers(self, count: int, rng: np.random.Generator) -> Iterator[Pair]:
        """Draw numbers, some with signs around them, some cut off."""
        seed = (int(rng.integers(2**31)),)
        for label, picture in mixture.pairs(self.numbers, count, seed, refused=0.0):
            yield _of(label), picture

    def _digit(self, rng: np.random.Generator) -> Pair:
        """Draw one digit of any script."""
        kinds = [kind for kind in self.numbers.values() if not kind.take]
        shares = np.array([kind.share for kind in kinds])
        kind = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
        ink = kind.write(str(rng.integers(10)), rng)
        surface = kind.surface or worn.PRINT
        label, picture = worn.picture(ink, rng, surface)
        return _of(label), picture

    def _eastern(self, rng: np.random.Generator) -> Pair:
        data = self.digits[rng.integers(len(self.digits))]
        return A_NUMBER, _page(data.images[rng.integers(len(data))][..., 0], rng)

    def _hand(self, rng: np.random.Generator) -> Pair:
        k = rng.integers(len(self.hands))
        return _of(self.hands.labels[k]), _page(self.hands.images[k][..., 0], rng)

    def _photograph(self, rng: np.random.Generator) -> Pair:
        label, picture = self.photographs[rng.integers(len(self.photographs))].take(rng)
        return _of(label), picture

    def _printed(self, rng: np.random.Generator) -> Pair:
        text = symbols.ALPHANUMERIC[rng.integers(len(symbols.ALPHANUMERIC))]
        surface = strangers.CALM if rng.random() < 0.6 else strangers.SURFACE
        picture = self.printer.picture(text, rng, surface)
        return _of(text), strangers.coloured(picture, rng) if rng.random() < 0.4 else picture

    def _stranger(self, rng: np.random.Generator) -> Pair:
        name = self.turns[rng.integers(len(self.turns))]
        picture = strangers.KINDS[name](self.printer, rng)
        colours = picture.ndim == 2 and rng.random() < 0.3
        return NEITHER, strangers.coloured(picture, rng) if colours else picture

    def _nonsense(self, rng: np.random.Generator) -> Pair:
        """Draw what readers of numbers refuse, less single letters, which are characters."""
        ways = [way for way in nonsense.KINDS if way is not nonsense.sign]
        kinds = [kind for kind in self.numbers.values() if not kind.take]
        kind = kinds[rng.integers(len(kinds))]
        way = ways[rng.integers(len(ways))]
        return NEITHER, way(kind.write, rng, kind.surface or worn.PRINT)[1]


class _Photographs:
    """Photographs of characters in a zip: those to train on, or those to choose by."""

    def __init__(self, path: Path, train: bool):
        source = own_source(path, "index")
        data = source.train if train else source.validation
        files = {found.name: found.read for found in list_files(path)}
        pairs = [(label, name) for label, name in zip(data.labels, data.names) if name in files]
        self.found = [(label, files[name]) for label, name in pairs]

    def take(self, rng: np.random.Generator) -> Pair:
        """Take one; half of them lose up to 8 % at each side."""
        label, read = self.found[rng.integers(len(self.found))]
        picture = open_image(read())
        if rng.random() < 0.5:
            lost = 0.08 * rng.random(4) * (*picture.size, *picture.size) * (1, 1, -1, -1)
            ends = lost + (0, 0, *picture.size)
            left, top, right, low = (int(end) for end in ends)
            picture = picture.crop((left, top, right, low))
        return label, picture


def _of(text: str) -> str:
    """Label a text: one letter is a character, one Western digit either, other digits a number."""
    if text.isascii() and text.isalpha():
        return A_CHARACTER
    text = "".join(sign for sign in text if sign in SYMBOLS)
    if not text:
        return NEITHER
    return EITHER if text.isascii() and len(text) == 1 else A_NUMBER


def _page(glyph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a character in EMNIST's form on more paper; most are dark on light then."""
    page = np.pad(glyph, int(rng.integers(40)))
    return page if rng.random() < 0.4 else 255 - page


def _characters(folders: Iterable[Path], train: bool) -> Labelled:
    """Load EMNIST's training images, those to train on or those kept; none where not found."""
    for folder in (place for each in folders for place in (each, each / "emnist")):
        try:
            data = emnist.load_emnist(folder, "byclass", "train")
        except (DataError, OSError):
            continue
        kept = np.arange(len(data)) % KEPT == 0
        return data.take(~kept if train else kept)
    return Labelled(np.zeros((0, SIDE, SIDE, 1), np.uint8), [], [])
