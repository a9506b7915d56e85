"""Number strings that we draw ourselves, seeded: printed in three scripts, or put together of handwritten digits.

`numbers` says what is written; a `write` function, made by `press` or `hand`, gives the ink of one string; `pictures` lays it
on paper as forms have it.
"""

import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ocr.drawing.augment import distort
from ocr.drawing.fonts import FONT, printable_signs, weighted
from ocr.drawing.symbols import stretch
from ocr.reading.scripts import NUMBERS, SCRIPTS

DATES = {
    8: ("dd/dd/dd", "d/d/dddd", "dd-dd-dd"),
    9: ("d/dd/dddd", "dd/d/dddd"),
    10: ("dd/dd/dddd", "dddd/dd/dd", "dd-dd-dddd", "dddd-dd-dd", "dd.dd.dddd"),
}


def numbers(
    count: int, seed: int = 0, lengths: tuple[int, int] = (1, 16), signs: str = NUMBERS
) -> list[str]:
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
    kind = rng.choice(
        ["plain", "point", "thousands", "date", "negative", "mixed"],
        p=[0.4, 0.15, 0.1, 0.1, 0.05, 0.2],
    )
    if kind == "point" and length >= 3:
        decimals = int(rng.integers(1, min(4, length - 1)))
        return "d" * (length - 1 - decimals) + "." + "d" * decimals
    if kind == "thousands":
        forms = [
            f + end
            for f in (f"{10**n:,}" for n in range(3, 13))
            for end in ("", ".00", ".0")
            if len(f + end) == length
        ]
        return (
            "".join("d" if c.isdigit() else c for c in rng.choice(forms)) if forms else "d" * length
        )
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


def press(script: str, files: list[Path], strength: float = 0.0):
    """A function (label, rng) -> ink that prints a Western number in a `script`, in one of these fonts, each family as often.

    Ink is float32 (height, width) from 0 to 1, cut to its bounding box. The first character stands left, as in every script
    within a number. Each has its place: nothing is reordered or joined. At least one of the fonts must have all signs.
    `strength` is the standard deviation of the logarithm of its width, which makes more fonts of few.
    """
    names = [re.split(r"[-\[.]", file.name)[0] for file in files]
    families = [
        [file for file, its in zip(files, names) if its == name] for name in dict.fromkeys(names)
    ]

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        shown = dict(zip(NUMBERS, SCRIPTS[script]))
        text = [shown[c] for c in label]
        able = [
            [file for file in family if set(text) <= printable_signs(file)] for family in families
        ]
        able = [family for family in able if family]
        if not able:
            raise ValueError(f"none of the fonts has all signs of {''.join(text)!r}")
        family = able[rng.integers(len(able))]
        file = family[rng.integers(len(family))]
        font = weighted(file, int(rng.integers(0, 5)))
        stroke = int(rng.integers(0, 2))
        gap = FONT * (
            rng.uniform(0.1, 0.5) if rng.random() < 0.12 else max(-0.02, rng.normal(0.02, 0.03))
        )
        wobble = FONT * (rng.exponential(0.03) if rng.random() < 0.3 else 0)
        widths = [font.getlength(c) + 2 * stroke + gap for c in text]
        strip = Image.new("L", (int(sum(widths)) + 2 * FONT, 3 * FONT))
        draw, x = ImageDraw.Draw(strip), float(FONT)
        for c, width in zip(text, widths):
            draw.text(
                (x, 2 * FONT + rng.normal() * wobble),
                c,
                255,
                font,
                anchor="ls",
                stroke_width=stroke,
            )
            x += width
        printed = strip.crop(strip.getbbox())
        if strength:
            wide = np.exp(np.clip(rng.normal(0, strength), -0.3, 0.3))
            printed = printed.resize(
                (max(1, round(printed.width * wide)), printed.height), Image.Resampling.BICUBIC
            )
        return np.asarray(printed, np.float32) / 255

    return write


def hand(script: str, data, strength: float = 0.0):
    """A function (label, rng) -> ink, as of `press`, that puts a number together of handwritten digits (28 x 28, light on black).

    Points and dashes are drawn as strokes; `strength` is that of batching.distort, which makes more hands of few.
    """
    of = {d: np.flatnonzero(np.array(data.labels) == d) for d in "0123456789"}

    def write(label: str, rng: np.random.Generator) -> np.ndarray:
        pen, gap, wobble = rng.uniform(1.5, 3), rng.normal(3, 1.5), rng.exponential(0.7)
        dot = rng.uniform(
            0.35, 0.8
        )  # ADBase enlarges every digit alike, but people write its zero as a dot
        signs = [
            data.images[rng.choice(of[c])] if c in of else _stroke(c, script, pen, rng)[..., None]
            for c in label
        ]
        parts = []
        for c, part in zip(
            label,
            distort(np.stack(signs), rng, strength)[..., 0]
            if strength
            else np.stack(signs)[..., 0],
        ):
            if c == "0" and script != "western":
                part = cv2.warpAffine(
                    part, np.array([[dot, 0, 14 * (1 - dot)], [0, dot, 14 * (1 - dot)]]), (28, 28)
                )
            columns = np.flatnonzero(part.max(axis=0) > 32)
            parts.append(part[:, columns[0] : columns[-1] + 1])
        lefts = np.cumsum(
            [0] + [p.shape[1] + max(1, gap + rng.normal(0, 1)) for p in parts]
        ).astype(int)
        strip = np.zeros((48, lefts[-1] + 28), np.uint8)
        for part, left in zip(parts, lefts):
            top = 10 + int(np.clip(round(rng.normal() * wobble), -8, 8))
            spot = strip[top : top + 28, left : left + part.shape[1]]
            np.maximum(spot, part, out=spot)
        rows, columns = (
            np.flatnonzero(strip.max(axis=1) > 32),
            np.flatnonzero(strip.max(axis=0) > 32),
        )
        ink = strip[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255
        return cv2.resize(ink, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)

    return write


def _stroke(sign: str, script: str, pen: float, rng: np.random.Generator) -> np.ndarray:
    """A separator drawn with a pen, light on black, uint8 (28, 28), at its place between digits 4 to 24 pixels high."""
    canvas = Image.new("L", (112, 112))  # four times as large, for smooth edges
    jitter = rng.normal(0, 0.8, (2, 2))
    middle = 14
    half = 4 if script == "western" else 8  # longer than a zero, which is a dot or a short stroke
    ends = {
        "-": ((middle - half, 14), (middle + half, 14)),
        ",": ((middle + 1, 22), (middle - 1.5, 26)),
        "/": ((middle + 6, 1), (middle - 6, 27)),  # longer than a 1
        ".": ((middle, 23), (middle + 0.1, 23)),
    }[sign]
    if (
        script != "western" and sign in ".,"
    ):  # the Arabic decimal sign, and that of thousands, which stands high
        ends = (
            ((middle + 2, 19), (middle - 2, 26))
            if sign == "."
            else ((middle + 1, 3), (middle - 1.5, 8))
        )
    if sign == "." and script == "western":
        jitter *= 0.3
    (x0, y0), (x1, y1) = 4 * (np.array(ends) + jitter)
    draw, radius = ImageDraw.Draw(canvas), 2 * pen
    for t in np.linspace(0, 1, 30):
        x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(canvas.resize((28, 28), Image.Resampling.BOX))


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
    turn = scale * np.array(
        [[np.cos(angle), -np.sin(angle) - slant], [np.sin(angle), np.cos(angle)]]
    )
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) @ turn.T
    far = (
        max(0.8, 4 - 0.5 * wide / tall) if rng.random() < 0.15 else 0.8
    )  # short ones may lie on much paper
    left, right = scale * tall * rng.uniform(0.05, far, 2) + 2
    top, bottom = scale * tall * rng.uniform(0.05, 0.5, 2) + 2
    shift = (left, top) - corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) + (left + right, top + bottom)).astype(int)
    matrix = np.column_stack([turn, shift])
    soft = (
        cv2.GaussianBlur(np.pad(ink, 8), (0, 0), max(0.3, 0.4 / scale))
        if scale < 0.9
        else np.pad(ink, 8)
    )
    laid = cv2.warpAffine(
        soft,
        matrix @ np.array([[1, 0, -8], [0, 1, -8], [0, 0, 1]]),
        size.tolist(),
        flags=cv2.INTER_LINEAR,
    )
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
        strokes = [
            ((x0, y0), (x1, y0)),
            ((x1, y0), (x1, y1)),
            ((x1, y1), (x0, y1)),
            ((x0, y1), (x0, y0)),
        ]
    else:  # a ruled line with short marks standing on it
        strokes = [((x0, y1), (x1, y1))] + [
            ((x, y1), (x, y1 - 0.12 * high)) for x in np.arange(x0, x1 + 1, 0.8 * high)
        ]
    for ends in strokes:
        (ax, ay), (bx, by) = (matrix[:, :2] @ np.array(end) + matrix[:, 2] for end in ends)
        cv2.line(
            lines,
            (round(16 * ax), round(16 * ay)),
            (round(16 * bx), round(16 * by)),
            float(rng.uniform(0.4, 1)),
            int(rng.integers(1, 3)),
            cv2.LINE_AA,
            shift=4,
        )
    return lines


def _on_paper(ink: np.ndarray, lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ink and lines on paper, uint8 (height, width). However bad the picture is, a person can read it: thin ink does not
    vanish in blur, and texture and noise stay a fraction of the contrast."""
    height, width = ink.shape
    light = rng.random() < 0.25
    ground = rng.uniform(130, 255)
    colour = rng.uniform(0, ground - 75)
    contrast, line_colour = ground - colour, rng.uniform(0, ground - 30)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.normal(0, 10, 2)
    texture = rng.standard_normal((7, 7)).astype(np.float32) * min(
        rng.exponential(4), contrast / 15
    )
    paper = (
        ground + slope[0] * x + slope[1] * y + stretch(7, height) @ texture @ stretch(7, width).T
    )
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
