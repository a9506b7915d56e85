"""Draw the page's examples, once: python -m app.draw_examples, in the environment of requirements.txt."""

from pathlib import Path

from PIL import Image

import utils
from ocr.drawing import fonts, numbers, paper, symbols

FOLDER = Path(__file__).parent / "static" / "examples"


def draw():
    FOLDER.mkdir(parents=True, exist_ok=True)
    digits, _ = utils.load_handwritten("western", "test")
    writes = {
        "western": (
            numbers.press("western", fonts.faces(("roboto_slab",), "western")),
            "12/03/2024",
        ),
        "arabic": (
            numbers.press("arabic", fonts.faces(("noto_kufi_arabic",), "arabic")),
            "1,250.75",
        ),
        "hand": (numbers.hand("western", digits.images, digits.labels), "40917"),
    }
    for name, (write, label) in writes.items():
        ((_, picture),) = paper.pictures(write, [label], 7)
        Image.fromarray(picture).save(FOLDER / f"{name}.png")
    ((_, picture),) = symbols.signs("R", 4)
    Image.fromarray(picture).save(FOLDER / "sign.png")
    ((_, picture),) = symbols.glyphs("7", 3)
    Image.fromarray(255 - picture[:, :, 0]).resize((112, 112)).save(FOLDER / "character.png")


if __name__ == "__main__":
    draw()
