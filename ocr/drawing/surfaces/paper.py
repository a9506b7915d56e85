"""Lay written numbers on paper, as forms have them."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from ocr.drawing.augment import upsampling
from ocr.drawing.fonts import EM
from ocr.drawing.ink import Ink, Writer


def pictures(
    write: Writer, texts: Iterable[str], seed: int = 0
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw pairs (label, grey picture uint8 (height, width)), one for each of the `texts`.

    write: a writer, from `printing.press` or `handwriting.hand`; the label is in the signs that it
    wrote. The same arguments give the same pixels. About 600 per second on one core.
    """
    rng = np.random.default_rng(seed)
    for text in texts:
        yield picture(write(text, rng), rng)


def picture(ink: Ink, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Lay ink on paper: its label, and uint8 (height, width).

    Small rotation and slant; paper with light and texture, dark on light or light on dark; ruled
    lines and boxes; blur, noise, salt and pepper. No ink is cut off.
    """
    laid, lines = _lay_out(ink.pixels.astype(np.float32) / 255, rng)
    return ink.label, _on_paper(laid, lines, rng)


def _lay_out(ink: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scale, rotate and slant ink, add margins: (ink, form lines), float32 (H, W) from 0 to 1."""
    high, wide = ink.shape
    tall = max(high, min(EM * 0.7, 2.5 * wide))  # a dash is less high than a digit
    scale = rng.uniform(16, 40) / tall
    angle, slant = np.clip(rng.normal(0, (0.025, 0.08)), -0.09, 0.2)
    turn = scale * np.array(
        [[np.cos(angle), -np.sin(angle) - slant], [np.sin(angle), np.cos(angle)]]
    )
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) @ turn.T
    spacious = rng.random() < 0.15
    far = max(0.8, 4 - 0.5 * wide / tall) if spacious else 0.8  # the shorter, the more paper
    left, right = scale * tall * rng.uniform(0.05, far, 2) + 2
    top, bottom = scale * tall * rng.uniform(0.05, 0.5, 2) + 2
    shift = (left, top) - corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) + (left + right, top + bottom)).astype(int)
    matrix = np.column_stack([turn, shift])
    padded = np.pad(ink, 8)
    if scale < 0.9:
        padded = cv2.GaussianBlur(padded, (0, 0), max(0.3, 0.4 / scale))
    unpad = np.array([[1, 0, -8], [0, 1, -8], [0, 0, 1]])
    laid = cv2.warpAffine(padded, matrix @ unpad, size.tolist(), flags=cv2.INTER_LINEAR)
    return laid, _form_lines(laid.shape, matrix, (wide, high), rng)


def _form_lines(
    shape: tuple[int, ...], matrix: np.ndarray, ink_size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Draw what a form prints around a number, float32 of `shape` from 0 to 1.

    Nothing, a ruled line below, a box, or a line with tick marks; transformed by `matrix`, (2, 3),
    as the ink of `ink_size` (width, height) is.
    """
    lines = np.zeros(shape, np.float32)
    kind = rng.choice(["none", "ruled", "box", "ticks"], p=[0.7, 0.12, 0.12, 0.06])
    if kind == "none":
        return lines
    for ends in _strokes(kind, *ink_size, rng):
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


def _strokes(kind: str, wide: int, high: int, rng: np.random.Generator) -> list[tuple]:
    """List the lines of a form, each as its two ends (x, y), around ink of this size."""
    gap = EM * rng.uniform(0.08, 0.35, 4)
    x0, y0, x1, y1 = -gap[0], -gap[1], wide + gap[2], high + gap[3]
    if kind == "ruled":
        return [((x0 - 20 * EM, y1), (x1 + 20 * EM, y1))]
    if kind == "box":
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return list(zip(corners, corners[1:] + corners[:1]))
    ticks = np.arange(x0, x1 + 1, 0.8 * high)
    return [((x0, y1), (x1, y1))] + [((x, y1), (x, y1 - 0.12 * high)) for x in ticks]


def _on_paper(ink: np.ndarray, lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint ink and lines on paper, uint8 (height, width).

    However bad the picture is, a person can read it: thin ink does not vanish in blur, and texture
    and noise stay a fraction of the contrast.
    """
    height, width = ink.shape
    light = rng.random() < 0.25
    ground = rng.uniform(130, 255)
    colour = rng.uniform(0, ground - 75)
    contrast, line_colour = ground - colour, rng.uniform(0, ground - 30)
    paper = _texture(height, width, ground, contrast, rng)
    sigma = max(min(rng.gamma(1.5, 0.35), height / 30), 0.2)
    soft, soft_lines = (cv2.GaussianBlur(what, (0, 0), sigma) for what in (ink, lines))
    core = soft[ink > 0.5]
    if len(core):
        soft = soft * max(1, 0.65 / max(0.1, float(np.median(core))))
    paper += soft_lines * (line_colour - paper)
    paper += soft.clip(0, 1) * (colour - paper)
    paper = paper + rng.normal(0, min(rng.exponential(4), contrast / 9), paper.shape)
    if rng.random() < 0.1:
        share, dice = rng.uniform(0, 0.012), rng.random(paper.shape)
        paper = np.where(dice < share, 0, np.where(dice > 1 - share, 255, paper))
    pixels = np.clip(paper, 0, 255).astype(np.uint8)
    return 255 - pixels if light else pixels


def _texture(
    height: int, width: int, ground: float, contrast: float, rng: np.random.Generator
) -> np.ndarray:
    """Make paper of brightness `ground` with uneven light and texture, float64 (height, width)."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.normal(0, 10, 2)
    texture = rng.standard_normal((7, 7)).astype(np.float32)
    texture = texture * min(rng.exponential(4), contrast / 15)
    smooth = upsampling(7, height) @ texture @ upsampling(7, width).T
    return ground + slope[0] * x + slope[1] * y + smooth
