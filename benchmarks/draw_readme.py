"""Draw the README's picture: python -m benchmarks.draw_readme

Four drawn pictures and a drawn form are read by the shipped readers; what was read, where and how
sure is written beside them. Two SVG files in docs/pictures/, for light and dark pages, and the
badges. Needs the fonts of requirements.txt.
"""

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr import Reader, Reading
from ocr.drawing import fonts
from ocr.drawing.numbers import displays, printing
from ocr.drawing.numbers.handwriting import Hands, hand
from ocr.drawing.surfaces import worn
from ocr.forms.reading import FormReader
from ocr.forms.template import load_form
from ocr.paths import DATA, ROOT

FOLDER = ROOT / "docs" / "pictures"
WIDE, CARD, GAP = 640, 312, 16  # of the picture, of a card, between cards
PART = (105, 285, 1175, 630)  # of the form: left, top, right, bottom in its pixels
COLOURS = ("box", "ink", "soft", "good", "bad")
THEMES = {
    "light": ("#f1f2ee", "#1b1f24", "#57606a", "#116329", "#9a3412"),
    "dark": ("#1e2329", "#e8eaed", "#a9b1ba", "#7ee2a0", "#ffb37a"),
}


def captcha(label: str, seed: int) -> Image.Image:
    """Draw a CAPTCHA as those of captcha_images_v2 look, grey 200 x 50 pixels."""
    rng = np.random.default_rng(seed)
    shades = np.linspace(190, 252, 200).astype(np.uint8)
    picture = Image.fromarray(np.repeat(shades[None], 50, axis=0)).resize((800, 200))
    draw = ImageDraw.Draw(picture)
    font, x = ImageFont.truetype(str(fonts.faces(("open_sans",), "western")[0]), 152), 120.0
    for sign in label:
        draw.text((x, 172), sign, 0, font, anchor="ls", stroke_width=2)
        x += font.getlength(sign) * 0.95
    heights = rng.integers((60, 40, 100, 110), (90, 90, 140, 160))
    draw.line([*zip((80, 280, 520, 730), map(int, heights))], 0, 7, "curve")
    return picture.resize((200, 50), Image.Resampling.BICUBIC)


def samples() -> Iterator[tuple[str, str, Image.Image]]:
    """Draw what is read: (name, reader, picture)."""
    yield "CAPTCHA", "captcha", captcha("4ny2b", 8)
    pen = Hands().add(np.zeros((10, 28, 28, 1), np.uint8), list("0123456789"))
    written = hand("western", pen, joined=0.2, drawn=1.0)
    yield "logbook cell", "numbers", _worn(written, "37.5", 4, worn.PAPER)
    rolls = displays.rolls(fonts.faces(("roboto", "overpass"), "western"))
    yield "meter", "numbers", _worn(rolls, "048213", 3, worn.ROLL)
    press = printing.press("arabic", fonts.faces(("noto_kufi_arabic",), "arabic"))
    yield "Arabic price", "numbers", _worn(press, "1,250.75", 1, worn.PRINT)


def _worn(write, text: str, seed: int, surface: worn.Surface) -> Image.Image:
    ((_, pixels),) = worn.pictures(write, [text], seed, surface)
    return Image.fromarray(pixels)


def _embedded(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.convert("L").quantize(32).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}">{escape(text)}</text>'


def _image(picture: Image.Image, x: float, y: float, wide: float, high: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
    return f'<image {place} href="{_embedded(picture)}"/>'


def card(x: float, y: float, name: str, picture: Image.Image, reading: Reading) -> list[str]:
    """Draw one card: a picture, where each character was read, the text, how sure it is."""
    scale = min(280 / picture.width, 84 / picture.height)
    wide, high = picture.width * scale, picture.height * scale
    left, top = x + (CARD - wide) / 2, y + 14 + (84 - high) / 2
    style = "good" if reading.trusted else "bad"
    lines = [f'<rect x="{x}" y="{y}" width="{CARD}" height="176" rx="10" class="box"/>']
    lines.append(_image(picture, left, top, wide, high))
    for a, b in reading.spans or ():
        place = f'x="{left + a * scale + 1:.1f}" y="{y + 102}" width="{(b - a) * scale - 2:.1f}"'
        lines.append(f'<rect {place} height="4" class="{style}"/>')
    lines.append(_text(x + 16, y + 138, reading.text, "read"))
    lines.append(_text(x + 16, y + 163, name, "soft"))
    sure = f"{reading.confidence:.1%}, {'trusted' if reading.trusted else 'check'}"
    return [*lines, f'<g text-anchor="end">{_text(x + CARD - 16, y + 163, sure, style)}</g>']


def form_card(y: float) -> tuple[list[str], float]:
    """Draw the form with what was read in its fields: (lines, height)."""
    folder, scale = DATA / "forms" / "meter", WIDE / (PART[2] - PART[0])
    scan = Image.open(folder / "filled" / "1.png").convert("RGB")
    page = FormReader([load_form(folder / "form.json")]).read(scan)
    high = (PART[3] - PART[1]) * scale
    shown = scan.crop(PART).resize((round(WIDE * 1.5), round(high * 1.5)))
    lines = [_image(shown, 0, y, WIDE, high), f'<g transform="translate(0 {y:.0f})">']
    for each in page.fields:
        if each.corners[2][1] > PART[3]:
            continue  # further down
        points = [((a - PART[0]) * scale, (b - PART[1]) * scale) for a, b in each.corners]
        style = "fine" if page.accepted(each) else "doubt"
        outline = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        lines.append(f'<polygon points="{outline}" class="{style} field"/>')
        if not each.field.is_check_box:
            place = max(a for a, _ in points) + 6, points[1][1] + 13
            lines.append(_text(*place, each.text, f"{style} value"))
            lines.append(_text(place[0], place[1] + 15, f"{each.confidence:.0%}", f"{style} value"))
    return [*lines, "</g>"], high


STYLE = Template("""<style>
text { font: 17px system-ui, sans-serif }
.read { font: 600 28px ui-monospace, monospace; fill: $ink } .soft { fill: $soft }
.box { fill: $box } .good { fill: $good } .bad { fill: $bad }
.fine { fill: #116329 } .doubt { fill: #b33a00 } .value { font-size: 15px }
.fine.field { stroke: #116329 } .doubt.field { stroke: #b33a00 }
.field { fill: none; stroke-width: 2.5 }
</style>""")


def badge(name: str, value: str) -> str:
    """Draw a badge: what it is about, and what it says."""
    left, right = (10 + 7 * len(text) for text in (name, value))
    size = f'width="{left + right}" height="20"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">
<title>{name}: {value}</title><rect {size} rx="3" fill="#3d444d"/>
<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{right - 3}z" fill="#0b57a4"/>
<g fill="#fff" font-family="Verdana, sans-serif" font-size="11" text-anchor="middle">
<text x="{left / 2}" y="14">{name}</text>
<text x="{left + right / 2}" y="14">{value}</text></g></svg>
"""


def draw(folder: Path = FOLDER) -> str:
    """Write readings-light.svg and readings-dark.svg; return what was read, for their alt text."""
    names = {reader: Reader.load(reader) for reader in ("captcha", "numbers")}
    lines, said = [], []
    for k, (name, reader, picture) in enumerate(samples()):
        reading = names[reader].read(picture, spans=True)
        said.append(f"{name} {reading.text} {reading.confidence:.1%}")
        lines += card(k % 2 * (CARD + GAP), k // 2 * (176 + GAP), name, picture, reading)
    top = 2 * (176 + GAP)
    form, high = form_card(top)
    size = f'viewBox="0 0 {WIDE} {top + high:.0f}" width="{WIDE}" height="{top + high:.0f}"'
    folder.mkdir(parents=True, exist_ok=True)
    for theme, colours in THEMES.items():
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        svg = "\n".join(
            [head, STYLE.substitute(dict(zip(COLOURS, colours))), *lines, *form, "</svg>\n"]
        )
        (folder / f"readings-{theme}.svg").write_text(svg, encoding="utf-8")
    for name, value in (("licence", "MIT"), ("Python", "3.11 to 3.13")):
        (folder / f"{name.lower()}.svg").write_text(badge(name, value), encoding="utf-8")
    return "; ".join(said)


if __name__ == "__main__":
    print(draw())
