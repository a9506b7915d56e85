"""The worst readings as one picture: each image with what it shows and what was read."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

TILE, CAPTION, COLUMNS = (360, 100), 56, 2  # pixels of an image, and of what is said below it
INK, RIGHT, WRONG, FAINT = "#1f2328", "#1a7f37", "#cf222e", "#59636e"


class Wrong(NamedTuple):
    """A wrong reading: its image, the label, the text, its confidence, the name of the image."""

    image: Image.Image
    label: str
    text: str
    confidence: float
    name: str


def picture(wrong: Sequence[Wrong]) -> Image.Image:
    """Draw wrong readings in two columns, mode "RGB"."""
    width, height = TILE[0] + 24, TILE[1] + CAPTION + 24
    rows = -(-len(wrong) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(wrong)), height * rows), "white")
    for number, each in enumerate(wrong):
        row, column = divmod(number, COLUMNS)
        sheet.paste(_tile(each), (column * width + 12, row * height + 12))
    return sheet


def _tile(wrong: Wrong) -> Image.Image:
    tile = Image.new("RGB", (TILE[0], TILE[1] + CAPTION), "white")
    scale = min(TILE[0] / wrong.image.width, TILE[1] / wrong.image.height)
    size = [max(1, round(side * scale)) for side in wrong.image.size]
    tile.paste(wrong.image.convert("RGB").resize((size[0], size[1])), (0, TILE[1] - size[1]))
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(17)
    place = 0.0
    for text, colour in (
        ("label ", INK),
        (f"{wrong.label}   ", RIGHT),
        ("read ", INK),
        (f"{wrong.text or '(nothing)'}   ", WRONG),
        (f"{wrong.confidence:.3f}", FAINT),
    ):
        draw.text((place, TILE[1] + 6), text, colour, font)
        place += font.getlength(text)
    small = ImageFont.load_default(12)
    draw.text((0, TILE[1] + 32), _end(wrong.name, small), FAINT, small)
    return tile


def _end(name: str, font) -> str:
    """Shorten a name to its end, where it is wider than a tile."""
    short = name
    while font.getlength(short) > TILE[0] and len(short) > 8:
        short = "..." + short[8:]
    return short
