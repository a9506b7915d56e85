"""Write numbers by hand: from pictures of single digits that overlap, or in pen strokes."""

import cv2
import numpy as np

from ocr.drawing.augment import GRID, upsampling
from ocr.drawing.ink import OPEN, OTHER, Ink, Part, Writer, compose, kept, split
from ocr.drawing.numbers import joins, strokes
from ocr.drawing.numbers.hands import Hands, Source
from ocr.reading.scripts import NUMBERS, SCRIPTS, SHARED

SCALE = 2  # pixels of the ink for one of a digit's picture
STROKED = {"1": 0.5, "7": 0.4, "9": 0.25, "2": 0.2, "4": 0.2, "8": 0.2}  # in pen strokes; else 0.12
EUROPEAN = {  # shapes in pen strokes among pictures
    "1": (2, 3, 6, 7, 9, 2, 3, 1, 10, 11, 12, 13, 10, 12, 14, 15),
    "7": (1, 2, 4, 5, 6, 7, 8),
}
DOTTED = "٠"  # written as a dot, which the pictures enlarge
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def hand(
    script: str, hands: Hands, separators: float = 1.0, joined: float = 1.0, drawn: float = 0.0
) -> Writer:
    """Make a writer that composes a handwritten number of pictures of single digits.

    separators: share of the numbers that have the script's own decimal sign, others a full stop.
    joined: 0 keeps a gap between digits; 1 lets them touch and overlap, drift and slant. drawn:
    share of the numbers written in pen strokes (`strokes.SHAPES`; "western" only).
    """
    own = dict(zip(NUMBERS, SCRIPTS[script]))
    full_stop = own | {".": "."}

    def write(text: str, rng: np.random.Generator) -> Ink:
        signs = own if rng.random() < separators else full_stop
        pieces = [p if p[0] in (OPEN, " ") else signs[p] for p in split(text)]
        source = hands.sources[rng.integers(len(hands.sources))]
        style = _Style(rng, joined, drawn > 0 and rng.random() < drawn)
        parts = _line_up(pieces, text, source, hands.letters, style, rng)
        ink = compose(parts)
        return _finish(ink, style, rng)

    return write


class _Style:
    """What the signs of one number have in common: pen, slant, spacing, shapes."""

    def __init__(self, rng: np.random.Generator, joined: float, drawn: bool):
        self.drawn, self.joined = drawn, joined
        self.pen = float(np.clip(rng.gamma(6, 0.62), 1.6, 7))
        self.slant = rng.normal(0.1, 0.2) * joined
        self.drift = rng.normal(0, 0.04) * joined  # slope of the baseline
        self.wobble = rng.exponential(1.3)
        self.gap = rng.normal(3.0, 3.6) if joined else max(2.0, rng.normal(6, 3))
        self.spread = 2.2 * joined + 0.8
        self.size = abs(rng.normal(0, 0.07)) * joined
        self.shapes = rng.integers(0, 60, 128)  # a person's shape of each sign
        self.steady = rng.random() < 0.8
        self.thick = int(rng.choice((-1, 0, 1), p=(0.45, 0.42, 0.13)))
        dice = rng.random(10)
        self.stroked = {d for d in "0123456789" if drawn or dice[int(d)] < STROKED.get(d, 0.12)}
        self.nought = rng.uniform(0.5, 0.85) if joined and rng.random() < 0.2 else 1.0
        self.dot = rng.uniform(0.35, 0.8)
        self.known: dict[str, np.ndarray] = {}  # the picture taken of each digit
        again = joined * rng.uniform(0.3, 1.0)
        self.alike = again if rng.random() < 0.5 else 0.0  # share of the digits that repeat theirs
        self.rank = rng.random() if joined else None  # of the digits' slant
        self.ligatures = joined * rng.uniform(0.3, 1.0) if rng.random() < 0.25 else 0.0

    def shape(self, sign: str, rng: np.random.Generator) -> int:
        """Choose the shape of a sign."""
        return int(self.shapes[ord(sign) % 128] if self.steady else rng.integers(0, 60))


def _line_up(
    pieces: list[str],
    text: str,
    source: Source,
    letters: np.ndarray,
    style: _Style,
    rng: np.random.Generator,
) -> list[Part]:
    """Write signs side by side, by the distance of their ink, not of their boxes."""
    parts: list[Part] = []
    x, before = 0.0, None
    western = split(text)
    for piece, plain in zip(pieces, western):
        if piece == " ":
            x += rng.uniform(8, 24)
            before = None
            continue
        for sign, pixels, top in _drawn(piece, plain, source, letters, style, rng):
            gap = style.gap + rng.normal(0, style.spread)
            near = _distance(before, pixels, top) if before is not None else 0.0
            x = x - near + gap if before is not None else x + max(0, gap)
            lift = rng.normal() * style.wobble + style.drift * x
            part = Part(sign, pixels, x, top + lift)
            if before is not None and gap < 0 and _hidden(parts[-1], part):
                x -= gap
                part = part._replace(left=x)
            if style.ligatures and parts and before is not None:
                parts += joins.ligature(parts[-1], part, style.ligatures, style.pen, rng)
            parts.append(part)
            before = (pixels, top)
            x += pixels.shape[1]
    return parts


def _distance(before: tuple[np.ndarray, int], pixels: np.ndarray, top: int) -> float:
    """Measure by how many pixels two signs, box beside box, can approach until their ink touches.

    Rows within 3 pixels of each other count as one; at most 40 % of the narrower one.
    """
    left, left_top = before
    y0, y1 = max(left_top, top), min(left_top + left.shape[0], top + pixels.shape[0])
    most = 0.4 * min(left.shape[1], pixels.shape[1])
    if y1 - y0 < 2:
        return most
    one, two = left[y0 - left_top : y1 - left_top] > 100, pixels[y0 - top : y1 - top] > 100
    free = np.where(one.any(axis=1), one[:, ::-1].argmax(axis=1), 99).astype(np.float32)
    more = np.where(two.any(axis=1), two.argmax(axis=1), 99).astype(np.float32)
    room = cv2.erode(np.stack([free, more], axis=1), np.ones((5, 1), np.uint8)).sum(axis=1)
    return float(min(room.min(), most))


def _hidden(before: Part, part: Part) -> bool:
    """Tell whether one of two signs is written over the other: a third of its ink is in both."""
    x, y = round(part.left) - round(before.left), round(part.top) - round(before.top)
    if x >= before.pixels.shape[1]:
        return False
    one = before.pixels[max(y, 0) :, max(x, 0) :]
    other = part.pixels[max(-y, 0) :, max(-x, 0) :]
    high, wide = np.minimum(one.shape, other.shape)
    both = np.minimum(one[:high, :wide], other[:high, :wide]).sum(dtype=np.int64)
    least = min(before.pixels.sum(dtype=np.int64), part.pixels.sum(dtype=np.int64))
    return bool(both > least / 3)


def _drawn(
    piece: str,
    plain: str,
    source: Source,
    letters: np.ndarray,
    style: _Style,
    rng: np.random.Generator,
) -> list[tuple[str, np.ndarray, int]]:
    """Draw a sign, or letters for signs that belong to no number: (symbol, ink, top) of each."""
    if piece[0] == OPEN:
        known = [c for c in piece[1:] if c in "=:~+"]
        if known or not len(letters):
            sign = known[0] if known else "="
            return [(OTHER, *strokes.stroke_sign(sign, 0, rng, style.pen))]
        count = min(len(piece) - 1, 6)
        found = [_placed(letters[rng.integers(len(letters))], style, rng) for _ in range(count)]
        return [(OTHER if i == 0 else "", *sign) for i, sign in enumerate(found)]
    symbol = piece.translate(SHARED)
    if not plain.isdigit():
        return [(symbol, *_separator(piece, style, rng))]
    if piece.isascii() and style.joined and plain in style.stroked:
        shape = style.shape(plain, rng)
        if not style.drawn and plain in EUROPEAN:
            shape = EUROPEAN[plain][shape % len(EUROPEAN[plain])]
        ink, zero = strokes.stroke_sign(plain, shape, rng, style.pen)
        scale = np.exp(rng.normal(0, style.size)) * (style.nought if plain == "0" else 1)
        return [(symbol, *_resized(ink, -zero, scale))]
    image = style.known.get(plain)
    if image is None or rng.random() > style.alike:
        image = style.known[plain] = source.take(plain, style.rank, rng)
    if symbol == DOTTED:
        image = _shrink(image, style.dot)
    elif symbol == "0" and style.nought < 1:
        image = _shrink(image, style.nought)
    return [(symbol, *_placed(image, style, rng))]


def _placed(image: np.ndarray, style: _Style, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Enlarge a sign's picture, uint8 (28, 28), to (ink, top): digits reach from 0 to HEIGHT."""
    rows, columns = image.max(axis=1) > 32, image.max(axis=0) > 32
    if not rows.any():
        return np.full((2, 2), 255, np.uint8), 38
    y0, y1 = int(rows.argmax()), len(rows) - int(rows[::-1].argmax())
    x0, x1 = int(columns.argmax()), len(columns) - int(columns[::-1].argmax())
    scale = SCALE * np.exp(rng.normal(0, style.size))
    size = max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale))
    ink = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC)
    middle = SCALE * ((y0 + y1) / 2 - 14) + 20
    return ink, round(middle - size[1] / 2)


def _resized(ink: np.ndarray, top: int, scale: float) -> tuple[np.ndarray, int]:
    size = max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR), round(top * scale)


def _separator(sign: str, style: _Style, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Write a separator with the pen: (ink, top)."""
    pen = style.pen * (rng.uniform(1, 1.5) if sign in ".:" else 1)
    ink, zero = strokes.stroke_sign(sign, style.shape(sign, rng), rng, pen)
    lift = 0
    if sign == "." and rng.random() < 0.15:
        lift = int(rng.integers(5, 20))
    if sign == "-" and style.dot < 0.5:
        ink = cv2.resize(ink, None, fx=1.6, fy=1)
    return ink, -zero - lift


def _shrink(zero: np.ndarray, scale: float) -> np.ndarray:
    """Scale a zero, uint8 (28, 28), to a dot."""
    shift = 14 * (1 - scale)
    return cv2.warpAffine(zero, np.array([[scale, 0, shift], [0, scale, shift]]), (28, 28))


def _finish(ink: Ink, style: _Style, rng: np.random.Generator) -> Ink:
    """Slant the number, bend it a little, and thin or thicken its strokes."""
    height, width = ink.pixels.shape
    margin = 6
    extra = int(abs(style.slant) * height) + 2 * margin
    shift = margin + max(0.0, style.slant) * height
    matrix = np.array([[1, -style.slant, shift], [0, 1, margin]])
    size = (width + extra, height + 2 * margin)
    pixels = cv2.warpAffine(ink.pixels, matrix, size, flags=cv2.INTER_LINEAR)
    if style.joined:
        pixels = _bent(pixels, rng)
    if style.thick > 0 and not style.drawn:
        pixels = cv2.dilate(pixels, CROSS)
    elif style.thick < 0 and not style.drawn and _thick_enough(ink):
        pixels = cv2.convertScaleAbs(cv2.erode(pixels, CROSS), alpha=1.4)
    lean = -style.slant * height / 2
    spans = [(round(l + shift + lean), round(r + shift + lean)) for l, r in ink.spans]
    signs = [sign for sign in ink.signs if sign]
    spans = [span for span, sign in zip(spans, ink.signs) if sign]
    return cropped(Ink(pixels, signs, spans, style.slant))


def _thick_enough(ink: Ink) -> bool:
    """Tell whether a quarter of each sign's ink remains if strokes are thinned."""
    return bool(kept(cv2.erode(ink.pixels, CROSS), ink.pixels, ink.spans).min() >= 0.25)


def _bent(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bend ink by a smooth elastic field (Simard et al. 2003)."""
    height, width = pixels.shape
    points = max(2, round(width / 30)) + 1
    field = rng.normal(0, 1.3, (2, GRID, points)).astype(np.float32)
    field = upsampling(GRID, height) @ field @ upsampling(points, width).T
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return cv2.remap(pixels, x + field[0], y + field[1], cv2.INTER_LINEAR)


def cropped(ink: Ink) -> Ink:
    """Crop ink to its bounding box."""
    rows = np.flatnonzero((ink.pixels > 24).any(axis=1))
    columns = np.flatnonzero((ink.pixels > 24).any(axis=0))
    if not len(rows):
        return ink
    y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    last = int(columns[-1] + 1 - columns[0])
    spans = [
        (max(0, left - int(columns[0])), min(last, right - int(columns[0])))
        for left, right in ink.spans
    ]
    return ink._replace(pixels=ink.pixels[y, x], spans=spans)
