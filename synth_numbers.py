"""Number strings that we draw ourselves, seeded: printed in three scripts, or put together of handwritten digits.

`numbers` says what is written; a `write` function, made by `press` or `hand`, gives the ink of one string; `pictures` lays it
on paper as forms have it.
"""
from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from batching import distort
from digits import NUMBERS, SCRIPTS
from images import ImageError, to_uint8
from lines import line
from synth import FONT, SIGNS, UNSEEN, _stretch, _weighted, fonts
from utils import Labelled

WESTERN = SIGNS + ("alegreya_sans", "arimo", "assistant", "barlow", "black_ops_one", "bodoni_moda", "cabin", "cinzel",
                   "cormorant_garamond", "dosis", "fira_sans", "fjalla_one", "frank_ruhl_libre", "gravitas_one", "ibm_plex_mono",
                   "inconsolata", "inter", "jetbrains_mono", "josefin_sans", "lato", "libre_franklin", "merriweather",
                   "montserrat", "noto_serif", "orbitron", "outfit", "overpass", "press_start_2p",
                   "rajdhani", "raleway", "red_hat_display", "roboto", "russo_one", "saira_condensed", "space_grotesk",
                   "space_mono", "spectral", "titillium_web", "vollkorn", "work_sans")
WESTERN_UNSEEN = UNSEEN + ("nunito", "source_code_pro")  # kept for tests
ARABIC = ("almarai", "amiri", "cairo", "ibm_plex_sans_arabic", "noto_sans_arabic")
POINT, THOUSANDS = "٫٬"
ARABIC_UNSEEN = ("noto_kufi_arabic", "tajawal")
SAME = 0.97  # correlation of two fonts' digits from which they count as one
DATES = {8: ("dd/dd/dd", "d/d/dddd", "dd-dd-dd"), 9: ("d/dd/dddd", "dd/d/dddd"),
         10: ("dd/dd/dddd", "dddd/dd/dd", "dd-dd-dddd", "dddd-dd-dd", "dd.dd.dddd")}


# --- what is written ---------------------------------------------------------------------------------------------

def numbers(count: int, seed: int = 0, lengths: tuple[int, int] = (1, 16), signs: str = NUMBERS) -> list[str]:
    """Numbers of so many characters as forms have them: plain, decimal, in thousands, negative, dates, ranges; of these `signs`.

    Digits are always among them; `signs` says which separators may be.
    """
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        form = _form(rng, int(rng.integers(lengths[0], lengths[1] + 1)))
        if set(form) - {"d"} <= set(signs):
            found.append("".join(str(rng.integers(10)) if c == "d" else c for c in form))
    return found


def _form(rng: np.random.Generator, length: int) -> str:
    kind = rng.choice(["plain", "point", "thousands", "date", "negative", "mixed"], p=[0.4, 0.15, 0.1, 0.1, 0.05, 0.2])
    if kind == "point" and length >= 3:
        decimals = int(rng.integers(1, min(4, length - 1)))
        return "d" * (length - 1 - decimals) + "." + "d" * decimals
    if kind == "thousands":
        forms = [f + end for f in (f"{10 ** n:,}" for n in range(3, 13)) for end in ("", ".00", ".0") if len(f + end) == length]
        return "".join("d" if c.isdigit() else c for c in rng.choice(forms)) if forms else "d" * length
    if kind == "date" and length in DATES:
        return str(rng.choice(DATES[length]))
    if kind == "negative" and length >= 2:
        return "-" + "d" * (length - 1)
    if kind == "mixed" and length >= 3:
        form = ["d"] * length
        for place in sorted(rng.integers(1, length - 1, int(rng.integers(1, 2 + length // 4)))):
            if form[place - 1] == "d":
                form[place] = str(rng.choice(list("./-,")))
        return "".join(form)
    return "d" * length


# --- ink ---------------------------------------------------------------------------------------------------------

def faces(families: tuple[str, ...], script: str, installed: bool = False) -> list[Path]:
    """The font files of these fontpkg families that have the digits of a `script`; with `installed`, also those found on
    this machine (of families not kept for tests, with digits that look like digits and unlike those of the others)."""
    files = [file for file in fonts(families) if set(SCRIPTS[script][:10]) <= _signs(file)]
    if installed:
        kept = {name.replace("_", "") for name in WESTERN_UNSEEN + ARABIC_UNSEEN}
        found = sorted(Path(f) for f in font_manager.findSystemFonts(fontext="ttf"))
        found = [f for f in found if set(SCRIPTS[script][:10]) <= _signs(f) and "talic" not in f.name and "blique" not in f.name
                 and not any(f.name.lower().replace("-", "").startswith(name) for name in kept)]
        usual, had = np.mean([_shapes(file, script) for file in files], axis=0), [_shapes(file, script).ravel() for file in files]
        for file in found:
            shapes = _shapes(file, script)
            if ((shapes @ usual.T).argmax(axis=1) == np.arange(10)).sum() < 3:
                continue  # prints stars, weather or prayers
            if np.max(np.array(had) @ shapes.ravel()) < SAME * shapes.size:
                files.append(file)
                had.append(shapes.ravel())
    return files


@lru_cache(maxsize=None)
def _shapes(file: Path, script: str) -> np.ndarray:
    """A font's ten digits, each cut out, scaled to 12 x 12 pixels and standardised: float64 (10, 144)."""
    font, shapes = ImageFont.truetype(str(file), FONT), []
    for digit in SCRIPTS[script][:10]:
        picture = Image.new("L", (4 * FONT, 4 * FONT))
        ImageDraw.Draw(picture).text((FONT, 3 * FONT), digit, 255, font, anchor="ls")
        shapes.append(np.asarray(picture.crop(picture.getbbox()).resize((12, 12), Image.Resampling.BOX), float).ravel())
    shapes = np.array(shapes)
    return (shapes - shapes.mean(axis=1, keepdims=True)) / (shapes.std(axis=1, keepdims=True) + 1e-6)


@lru_cache(maxsize=None)
def _signs(file: Path) -> set[str]:
    """What a font can print, but for Arabic signs that look like others: thousands at the baseline, a decimal sign like a slash."""
    try:
        with TTFont(str(file), lazy=True, fontNumber=0) as font:
            signs = {chr(code) for code in font.getBestCmap() or ()}
        if not {POINT, THOUSANDS, "٨"} <= signs:
            return signs
        font = ImageFont.truetype(str(file), FONT)
        point, thousands, digit = (-font.getbbox(sign, anchor="ls")[1] for sign in (POINT, THOUSANDS, "٨"))
        return signs - ({THOUSANDS} if thousands < 0.7 * digit else set()) - ({POINT} if point > 0.6 * digit else set())
    except Exception:  # fontTools raises what it finds: not a font to draw with
        return set()


def press(script: str, files: list[Path], strength: float = 0.0):
    """A function (label, rng) -> ink that prints a Western number in a `script`, in one of these fonts, each family as often.

    Ink is float32 (height, width) from 0 to 1, cut to its bounding box. The first character stands left, as in every script
    within a number. Each has its place: nothing is reordered or joined. At least one of the fonts must have all signs.
    `strength` is the standard deviation of the logarithm of its width, which makes more fonts of few.
    """
    names = [re.split(r"[-\[.]", file.name)[0] for file in files]
    families = [[file for file, its in zip(files, names) if its == name] for name in dict.fromkeys(names)]

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        shown = dict(zip(NUMBERS, SCRIPTS[script]))
        text = [shown[c] for c in label]
        able = [[file for file in family if set(text) <= _signs(file)] for family in families]
        able = [family for family in able if family]
        if not able:
            raise ValueError(f"none of the fonts has all signs of {''.join(text)!r}")
        family = able[rng.integers(len(able))]
        file = family[rng.integers(len(family))]
        font = _weighted(file, int(rng.integers(0, 5)))
        stroke = int(rng.integers(0, 2))
        gap = FONT * (rng.uniform(0.1, 0.5) if rng.random() < 0.12 else max(-0.02, rng.normal(0.02, 0.03)))
        wobble = FONT * (rng.exponential(0.03) if rng.random() < 0.3 else 0)
        widths = [font.getlength(c) + 2 * stroke + gap for c in text]
        strip = Image.new("L", (int(sum(widths)) + 2 * FONT, 3 * FONT))
        draw, x = ImageDraw.Draw(strip), float(FONT)
        for c, width in zip(text, widths):
            draw.text((x, 2 * FONT + rng.normal() * wobble), c, 255, font, anchor="ls", stroke_width=stroke)
            x += width
        printed = strip.crop(strip.getbbox())
        if strength:
            wide = np.exp(np.clip(rng.normal(0, strength), -0.3, 0.3))
            printed = printed.resize((max(1, round(printed.width * wide)), printed.height), Image.Resampling.BICUBIC)
        return np.asarray(printed, np.float32) / 255
    return write


def hand(script: str, data: Labelled, strength: float = 0.0):
    """A function (label, rng) -> ink, as of `press`, that puts a number together of handwritten digits (28 x 28, light on black).

    Points and dashes are drawn as strokes; `strength` is that of batching.distort, which makes more hands of few.
    """
    of = {d: np.flatnonzero(np.array(data.labels) == d) for d in "0123456789"}

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        pen, gap, wobble = rng.uniform(1.5, 3), rng.normal(3, 1.5), rng.exponential(0.7)
        dot = rng.uniform(0.35, 0.8)  # ADBase enlarges every digit alike, but people write its zero as a dot
        signs = [data.images[rng.choice(of[c])] if c in of else _stroke(c, script, pen, rng)[..., None] for c in label]
        parts = []
        for c, part in zip(label, distort(np.stack(signs), rng, strength)[..., 0] if strength else np.stack(signs)[..., 0]):
            if c == "0" and script != "western":
                part = cv2.warpAffine(part, np.array([[dot, 0, 14 * (1 - dot)], [0, dot, 14 * (1 - dot)]]), (28, 28))
            columns = np.flatnonzero(part.max(axis=0) > 32)
            parts.append(part[:, columns[0]:columns[-1] + 1])
        lefts = np.cumsum([0] + [p.shape[1] + max(1, gap + rng.normal(0, 1)) for p in parts]).astype(int)
        strip = np.zeros((48, lefts[-1] + 28), np.uint8)
        for part, left in zip(parts, lefts):
            top = 10 + int(np.clip(round(rng.normal() * wobble), -8, 8))
            spot = strip[top:top + 28, left:left + part.shape[1]]
            np.maximum(spot, part, out=spot)
        rows, columns = np.flatnonzero(strip.max(axis=1) > 32), np.flatnonzero(strip.max(axis=0) > 32)
        ink = strip[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].astype(np.float32) / 255
        return cv2.resize(ink, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    return write


def _stroke(sign: str, script: str, pen: float, rng: np.random.Generator) -> np.ndarray:
    """A separator drawn with a pen, light on black, uint8 (28, 28), at its place between digits 4 to 24 pixels high."""
    canvas = Image.new("L", (112, 112))  # four times as large, for smooth edges
    jitter = rng.normal(0, 0.8, (2, 2))
    middle = 14
    half = 4 if script == "western" else 8  # longer than a zero, which is a dot or a short stroke
    ends = {"-": ((middle - half, 14), (middle + half, 14)), ",": ((middle + 1, 22), (middle - 1.5, 26)),
            "/": ((middle + 6, 1), (middle - 6, 27)),  # longer than a 1
            ".": ((middle, 23), (middle + 0.1, 23))}[sign]
    if script != "western" and sign in ".,":  # the Arabic decimal sign, and that of thousands, which stands high
        ends = ((middle + 2, 19), (middle - 2, 26)) if sign == "." else ((middle + 1, 3), (middle - 1.5, 8))
    if sign == "." and script == "western":
        jitter *= 0.3
    (x0, y0), (x1, y1) = 4 * (np.array(ends) + jitter)
    draw, radius = ImageDraw.Draw(canvas), 2 * pen
    for t in np.linspace(0, 1, 30):
        x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(canvas.resize((28, 28), Image.Resampling.BOX))


# --- paper -------------------------------------------------------------------------------------------------------

def pictures(write, labels, seed: int = 0):
    """Yield a pair (label, grey picture uint8 (height, width)) for each of these numbers, written by `write`.

    Small rotation and slant; paper with light and texture, dark on light or light on dark; ruled lines and boxes; blur,
    noise, salt and pepper. No ink is cut off. The same arguments give the same pixels. About 400 a second on one core.
    """
    rng = np.random.default_rng(seed)
    for label in labels:
        yield label, _on_paper(*_laid(write(label, rng), rng), rng)


def _laid(ink: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(ink, lines of the form), float32 (height, width) from 0 to 1: scaled, turned, slanted, with margins."""
    high, wide = ink.shape
    tall = max(high, min(FONT * 0.7, 2.5 * wide))  # a dash is not as high as a digit
    scale = rng.uniform(16, 40) / tall
    angle, slant = np.clip(rng.normal(0, (0.025, 0.08)), -0.09, 0.2)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle) - slant], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) @ turn.T
    far = max(0.8, 4 - 0.5 * wide / tall) if rng.random() < 0.15 else 0.8  # short ones may lie on much paper
    left, right = scale * tall * rng.uniform(0.05, far, 2) + 2
    top, bottom = scale * tall * rng.uniform(0.05, 0.5, 2) + 2
    shift = (left, top) - corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) + (left + right, top + bottom)).astype(int)
    matrix = np.column_stack([turn, shift])
    soft = cv2.GaussianBlur(np.pad(ink, 8), (0, 0), max(0.3, 0.4 / scale)) if scale < 0.9 else np.pad(ink, 8)
    laid = cv2.warpAffine(soft, matrix @ np.array([[1, 0, -8], [0, 1, -8], [0, 0, 1]]), size.tolist(), flags=cv2.INTER_LINEAR)
    return laid, _form_lines(laid.shape, matrix, (wide, high), rng)


def _form_lines(shape, matrix: np.ndarray, ink_size, rng: np.random.Generator) -> np.ndarray:
    """What a form prints around a number: nothing, a ruled line below, a box, or a box and marks; turned with the number."""
    lines = np.zeros(shape, np.float32)
    kind = rng.choice(["none", "ruled", "box", "ticks"], p=[0.7, 0.12, 0.12, 0.06])
    if kind == "none":
        return lines
    wide, high = ink_size
    gap = FONT * rng.uniform(0.08, 0.35, 4)
    x0, y0, x1, y1 = -gap[0], -gap[1], wide + gap[2], high + gap[3]
    if kind == "ruled":
        x0, x1 = x0 - 20 * FONT, x1 + 20 * FONT
        strokes = [((x0, y1), (x1, y1))]
    elif kind == "box":
        strokes = [((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))]
    else:  # a ruled line with short marks standing on it
        strokes = [((x0, y1), (x1, y1))] + [((x, y1), (x, y1 - 0.12 * high)) for x in np.arange(x0, x1 + 1, 0.8 * high)]
    for ends in strokes:
        (ax, ay), (bx, by) = (matrix[:, :2] @ np.array(end) + matrix[:, 2] for end in ends)
        cv2.line(lines, (round(16 * ax), round(16 * ay)), (round(16 * bx), round(16 * by)), float(rng.uniform(0.4, 1)),
                 int(rng.integers(1, 3)), cv2.LINE_AA, shift=4)
    return lines


def _on_paper(ink: np.ndarray, lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ink and lines on paper, uint8 (height, width). However bad the picture is, a person can read it: thin ink does not
    vanish in blur, and texture and noise stay a fraction of the contrast."""
    height, width = ink.shape
    light = rng.random() < 0.25
    ground = rng.uniform(130, 255)
    colour = rng.uniform(0, ground - 75)
    contrast, line_colour = ground - colour, rng.uniform(0, ground - 30)
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j].astype(np.float32)
    slope = rng.normal(0, 10, 2)
    texture = rng.standard_normal((7, 7)).astype(np.float32) * min(rng.exponential(4), contrast / 15)
    paper = ground + slope[0] * x + slope[1] * y + _stretch(7, height) @ texture @ _stretch(7, width).T
    blur = min(rng.gamma(1.5, 0.35), height / 30)
    soft, soft_lines = (cv2.GaussianBlur(what, (0, 0), max(blur, 0.2)) for what in (ink, lines))
    core = soft[ink > 0.5]
    soft *= max(1, 0.65 / max(0.1, float(np.median(core)))) if len(core) else 1
    paper += soft_lines * (line_colour - paper)
    paper += soft.clip(0, 1) * (colour - paper)
    paper = paper + rng.normal(0, min(rng.exponential(4), contrast / 9), paper.shape)
    if rng.random() < 0.1:
        share, dice = rng.uniform(0, 0.012), rng.random(paper.shape)
        paper = np.where(dice < share, 0, np.where(dice > 1 - share, 255, paper))
    paper = np.clip(paper, 0, 255).astype(np.uint8)
    return 255 - paper if light else paper


def labelled(pairs, size: tuple[int, int], fit: str = "line", name: str = "drawn") -> Labelled:
    """Drawn pairs as a data set of images uint8 (n, *size, 1), by a reader's road: "line" (lines.py) or "picture" (images.py)."""
    labels, images, sizes, unreadable = [], [], [], {}
    for i, (label, picture) in enumerate(pairs):
        picture = Image.fromarray(picture)
        try:
            images.append(line(picture, size)[0] if fit == "line" else to_uint8(picture, size))
        except ImageError as error:
            unreadable[f"{name}[{i}]: {label}"] = str(error)
            continue
        labels.append(label)
        sizes.append(picture.size)
    return Labelled(np.stack(images), labels, [f"{name}[{i}]" for i in range(len(labels))], sizes, unreadable)
