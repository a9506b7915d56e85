"""Draw the page's example pictures: python -m benchmarks.draw_examples

They are drawn once and committed; needs the fonts of requirements.txt.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import utils
from ocr.drawing import fonts, symbols
from ocr.drawing.numbers import printing
from ocr.drawing.numbers.hands import Hands
from ocr.drawing.numbers.handwriting import hand
from ocr.drawing.surfaces import paper
from ocr.paths import PACKAGE

FOLDER = PACKAGE / "serving" / "static" / "examples"


def draw(folder: Path = FOLDER):
    """Draw three numbers, a sign and a character as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    western = printing.press("western", fonts.faces(("roboto_slab",), "western"))
    arabic = printing.press("arabic", fonts.faces(("noto_kufi_arabic",), "arabic"))
    digits, _ = utils.load_handwritten("western", "test")
    hands = Hands().add(digits.images, digits.labels)
    write = hand("western", hands, joined=0.0)
    _save(folder / "western.png", paper.pictures(western, ["12/03/2024"], 7))
    _save(folder / "arabic.png", paper.pictures(arabic, ["1,250.75"], 7))
    _save(folder / "hand.png", paper.pictures(write, ["40917"], 16))
    _save(folder / "sign.png", symbols.signs("R", 4))
    ((_, glyph),) = symbols.glyphs("7", 3)
    Image.fromarray(255 - glyph[:, :, 0]).resize((112, 112)).save(folder / "character.png")


def _save(file: Path, drawn):
    ((_, picture),) = drawn
    Image.fromarray(np.asarray(picture)).save(file)


if __name__ == "__main__":
    draw()
