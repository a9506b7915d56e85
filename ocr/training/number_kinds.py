"""The kinds of numbers that a reader is trained and tested on: who writes them, on what."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ocr.datasets import digits, emnist, real
from ocr.datasets.labels import DataError
from ocr.drawing import fonts
from ocr.drawing.numbers.displays import display, rolls
from ocr.drawing.numbers.hands import Hands
from ocr.drawing.numbers.handwriting import hand
from ocr.drawing.numbers.mixture import Kind
from ocr.drawing.numbers.nonsense import Pair
from ocr.drawing.numbers.photographs import photographs
from ocr.drawing.numbers.printing import press
from ocr.drawing.surfaces import worn
from ocr.reading import scripts
from ocr.reading.images import open_image

SHARES = {
    "print, western": 0.26,
    "display": 0.07,
    "rolls": 0.04,
    "print, arabic": 0.11,
    "print, persian": 0.07,
    "hand, western": 0.32,
    "hand, arabic": 0.065,
    "hand, persian": 0.065,
}
LETTERS = "ACDFHJKLMNPRTWXadfhkmnprtwxz"  # that no digit of any script looks like
FAMILIES = {
    "western": (fonts.WESTERN, fonts.WESTERN_UNSEEN),
    "arabic": (fonts.ARABIC, fonts.ARABIC_UNSEEN),
    "persian": (fonts.ARABIC, fonts.ARABIC_UNSEEN),
}


def number_kinds(
    folders: Iterable[str | Path],
    part: str = "train",
    installed: bool = True,
    download: bool = False,
    worn_print: bool = True,
    joined_hands: bool = True,
    lost_points: float = 0.0,
    plates: float = 0.0,
    more_hands: float = 0.0,
) -> dict[str, Kind]:
    """Make the kinds of numbers of a `part`, "train" or "test": other fonts and other hands.

    folders: where handwritten digits are looked for. installed: train with the fonts of this
    machine, too. download: fetch MNIST where it is not found. worn_print: on worn surfaces, with
    displays; else on clean paper. joined_hands: digits touch and overlap, in pen strokes too; else
    they stand apart. lost_points: see `printing.press`. plates: share of photographs of Egyptian
    plates, half a of the real set, where it is found. more_hands: added to the share of Western
    handwriting.
    """
    places, train = list(folders), part == "train"
    found = {}
    for script, (seen, unseen) in FAMILIES.items():
        files = fonts.faces(seen if train else unseen, script, installed=installed and train)
        own = 1.0 if script == "western" else 0.5
        write = press(
            script, files, 0.15 if train else 0.0, own, 0.12 * (worn_print and train), lost_points
        )
        surface = worn.PRINT if worn_print else None
        found[f"print, {script}"] = Kind(0, write, surface, script != "western")
        source = _hands(script, part, places, joined_hands and train, download)
        drawn = 0.35 * (joined_hands and script == "western" and train)
        write = hand(script, source, own, float(joined_hands), drawn)
        surface = worn.PAPER if worn_print else None
        found[f"hand, {script}"] = Kind(0, write, surface, script != "western")
    if worn_print:
        files = fonts.faces(FAMILIES["western"][0 if train else 1], "western")
        found["display"] = Kind(0, display, worn.SCREEN)
        found["rolls"] = Kind(0, rolls(files), worn.ROLL)
    if plates and train and (samples := real.load_real(places, "egypt")):
        found["plates"] = Kind(0, display, take=_photographs(samples))
    shares = SHARES | {"plates": plates}
    shares["hand, western"] += more_hands
    return {kind: replace(found[kind], share=shares[kind]) for kind in shares if kind in found}


def _photographs(samples: list[real.Sample]) -> Callable[[np.random.Generator], Pair]:
    """Take the photographs of half a, labelled in Arabic-Indic digits."""
    own = str.maketrans(scripts.NUMBERS, scripts.SCRIPTS["arabic"])
    some = [sample for sample in samples if sample.half == "a"]
    pictures = [np.asarray(open_image(sample.image).convert("L")) for sample in some]
    return photographs(pictures, [sample.label.translate(own) for sample in some])


def _hands(script: str, part: str, folders: list[str | Path], more: bool, download: bool) -> Hands:
    """Load the handwriting of a script; `more`: for Western numbers also EMNIST's digits."""
    data, _ = digits.load_handwritten(script, part, folders, download)
    hands = Hands().add(data.images, data.labels)
    places = [place for folder in folders for place in (folder, Path(folder) / "emnist")]
    for folder in places if more else ():
        try:
            signs = emnist.load_emnist(folder, "byclass", "train")
        except (DataError, OSError):
            continue
        names = np.array(signs.labels)
        if script == "western":
            rows = np.isin(names, list("0123456789"))
            hands.add(signs.images[rows], names[rows].tolist())
        hands.letters = signs.images[np.isin(names, list(LETTERS))][..., 0]
        break
    return hands
