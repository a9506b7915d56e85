"""Picture numbers as cameras and scanners see them: worn print, frames, shadows, few pixels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ocr.drawing.ink import Ink, Writer, kept
from ocr.drawing.surfaces import camera, glass, placing, textures
from ocr.drawing.surfaces.placing import TALL

FAR = 200_000  # sixteenths of a pixel: lines end there


@dataclass(frozen=True)
class Surface:
    """What numbers are on, as shares of the pictures that have each feature."""

    light_ink: float = 0.22  # light signs on dark ground
    faint: float = 0.3
    missing: float = 0.3  # dots missing in the print
    pattern: float = 0.18  # fine lines, as on cheques
    frame: float = 0.3  # edges of a cell, a plate, a window
    rules: float = 0.18  # lines below, or between the digits
    neighbours: float = 0.08  # pieces of other lines at the upper and lower edge
    shadow: float = 0.5
    embossed: float = 0.05
    few_pixels: float = 0.45  # taken from afar, then enlarged
    jpeg: float = 0.4
    black_white: float = 0.04
    tilt: float = 1.0  # strength of rotation, slant and perspective
    cut: float = 0.0  # cut off within a digit
    glass: float = 0.0  # behind a pane of glass


PRINT = Surface()
PAPER = Surface(light_ink=0.04, faint=0.45, missing=0.08, pattern=0.3, frame=0.4, embossed=0.0)
SCREEN = Surface(
    light_ink=0.4, missing=0.05, pattern=0.05, frame=0.5, rules=0.0, shadow=0.9, glass=0.5
)
ROLL = Surface(light_ink=0.6, faint=0.25, missing=0.1, pattern=0.03, frame=0.7, shadow=0.7)


def pictures(
    write: Writer, texts: Iterable[str], seed: int, surface: Surface = PRINT
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw pairs (label, grey picture uint8 (height, width)), one for each of the `texts`.

    The same arguments give the same pixels. About 1,500 a second on one core.
    """
    rng = np.random.default_rng(seed)
    for text in texts:
        yield picture(write(text, rng), rng, surface)


def picture(
    ink: Ink, rng: np.random.Generator, surface: Surface = PRINT, other: Ink | None = None
) -> tuple[str, np.ndarray]:
    """Picture one number: its label, and uint8 (height, width). other: ink of a neighbour."""
    if rng.random() < surface.missing:
        ink = _with_missing_dots(ink, rng)
    matrix, size, scale = placing.place(ink, rng, surface.tilt)
    signs = ink.signs
    if surface.cut and rng.random() < surface.cut:
        matrix, size, signs = placing.cut(ink, matrix, size, rng)
    laid = _warp(ink.pixels, matrix, size, scale)
    ground = _ground(size, matrix, ink, rng, surface, other)
    shot = _paint(laid, ground, rng, surface)
    return "".join(signs), camera.shoot(
        shot, scale * TALL, rng, surface.few_pixels, surface.black_white, surface.jpeg
    )


# --- ink ------------------------------------------------------------------------------------------


def _with_missing_dots(ink: Ink, rng: np.random.Generator) -> Ink:
    """Let print lose dots: paper shows where blurred noise is high; no sign is lost whole."""
    high, wide = ink.pixels.shape
    grain = textures.cut(textures.speckle()[:6], high, wide, rng)
    lost = grain > rng.uniform(0.6, 2.0)
    keep = 0.0 if rng.random() < 0.5 else rng.uniform(0, 0.6)
    pixels = np.where(lost, (ink.pixels * keep).astype(np.uint8), ink.pixels)
    for k in np.flatnonzero(kept(pixels, ink.pixels, ink.spans) < 0.4):
        columns = slice(*ink.spans[k])
        pixels[:, columns] = ink.pixels[:, columns]
    return ink._replace(pixels=pixels)


def _warp(
    pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int], scale: float
) -> np.ndarray:
    """Transform ink into the picture, float32 (height, width) from 0 to 1."""
    if scale < 0.75:
        height, width = pixels.shape
        small = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([width / small[0], height / small[1], 1])
    laid = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR)
    return laid.astype(np.float32) / 255


# --- ground ---------------------------------------------------------------------------------------


def _ground(
    size: tuple[int, int],
    matrix: np.ndarray,
    ink: Ink,
    rng: np.random.Generator,
    surface: Surface,
    other: Ink | None,
) -> dict[str, Any]:
    """Draw what lies around and under the ink: masks float32 (height, width), by name."""
    width, height = size
    masks: dict[str, Any] = {}
    if rng.random() < surface.frame:
        masks["frame"], masks["outside"] = _frame(size, matrix, ink, rng)
    if rng.random() < surface.rules:
        masks["rules"] = _rules(size, matrix, ink, rng)
    if rng.random() < surface.pattern:
        masks["pattern"] = textures.cut(textures.lines(), height, width, rng)
    if other is not None and rng.random() < surface.neighbours:
        masks["neighbour"] = _neighbour(size, matrix, ink, other, rng)
    return masks


def _outline(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points (n, 2) of the ink to the picture, int32 in sixteenths of a pixel."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    places = 16 * moved[:, :2] / np.where(moved[:, 2:] == 0, 1e-6, moved[:, 2:])
    return np.round(places.clip(-FAR, FAR)).astype(np.int32)


def _frame(
    size: tuple[int, int], matrix: np.ndarray, ink: Ink, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw a box around the ink, some of its sides, and what lies outside of it."""
    high, wide = ink.pixels.shape
    gap = TALL * rng.uniform(0.04, 0.45, 4)
    if rng.random() < 0.45:  # a cell: its sides lie at the edges of the picture
        gap = np.maximum(0.04 * TALL, _room(size, matrix, ink) - TALL * rng.uniform(0, 0.2, 4))
    x0, y0, x1, y1 = -gap[0], -gap[1], wide + gap[2], high + gap[3]
    round_off = TALL * rng.choice((0.0, rng.uniform(0.05, 0.3)))
    corners = np.array(
        [[x0 + round_off, y0], [x1 - round_off, y0], [x1, y0 + round_off], [x1, y1 - round_off],
         [x1 - round_off, y1], [x0 + round_off, y1], [x0, y1 - round_off], [x0, y0 + round_off]]
    )  # fmt: skip
    path = _outline(matrix, corners)
    frame = np.zeros((size[1], size[0]), np.float32)
    thick, dark = int(rng.integers(1, 4)), float(rng.uniform(0.3, 1))
    if rng.random() < 0.6:
        cv2.polylines(frame, [path], True, dark, thick, cv2.LINE_AA, 4)
    else:
        for k in np.flatnonzero(rng.random(4) < 0.5):
            ends = path[[2 * k, 2 * k + 1]]
            cv2.polylines(frame, [ends], False, dark, thick, cv2.LINE_AA, 4)
    outside = None
    if rng.random() < 0.4:
        outside = np.ones((size[1], size[0]), np.float32)
        cv2.fillPoly(outside, [path], 0.0, cv2.LINE_AA, 4)
    return frame, outside


def _room(size: tuple[int, int], matrix: np.ndarray, ink: Ink) -> np.ndarray:
    """Compute how far the edges lie from the ink: left, above, right, below, in its pixels."""
    width, height = size
    edges = [[0, height / 2, 1], [width / 2, 0, 1], [width, height / 2, 1], [width / 2, height, 1]]
    spots = np.array(edges) @ np.linalg.inv(matrix).T
    spots = spots[:, :2] / spots[:, 2:]
    high, wide = ink.pixels.shape
    return np.array([-spots[0, 0], -spots[1, 1], spots[2, 0] - wide, spots[3, 1] - high])


def _rules(
    size: tuple[int, int], matrix: np.ndarray, ink: Ink, rng: np.random.Generator
) -> np.ndarray:
    """Draw a line below the number, above and below, or combs between the digits."""
    high, wide = ink.pixels.shape
    rules = np.zeros((size[1], size[0]), np.float32)
    below = high + TALL * rng.uniform(-0.06, 0.3)
    if rng.random() < 0.3:  # written over the line
        below -= TALL * rng.uniform(0, 0.25)
    far = 40 * TALL
    kind = rng.choice(("below", "both", "comb"), p=(0.6, 0.25, 0.15))
    lines = [[[-far, below], [far, below]]]
    if kind == "both":
        above = -TALL * rng.uniform(-0.02, 0.35)
        lines.append([[-far, above], [far, above]])
    if kind == "comb":
        top = below - TALL * rng.choice((0.15, 0.4, 1.4))
        middles = [(a[1] + b[0]) / 2 for a, b in zip(ink.spans, ink.spans[1:])]
        lines += [[[x, below], [x, top]] for x in (-5, *middles, wide + 5)]
    dark, thick = float(rng.uniform(0.35, 1)), int(rng.integers(1, 3))
    for ends in lines:
        path = _outline(matrix, np.array(ends))
        cv2.polylines(rules, [path], False, dark, thick, cv2.LINE_AA, 4)
    return rules


def _neighbour(
    size: tuple[int, int], matrix: np.ndarray, ink: Ink, other: Ink, rng: np.random.Generator
) -> np.ndarray:
    """Let a piece of another line of text show at the upper or lower edge."""
    high, _ = ink.pixels.shape
    gap = TALL * rng.uniform(0.08, 0.4)
    above = rng.random() < 0.5
    top = -gap - other.pixels.shape[0] if above else high + gap
    shift = np.eye(3)
    shift[:2, 2] = rng.uniform(-TALL, TALL), top
    return _warp(other.pixels, matrix @ shift, size, 1.0)


# --- light ----------------------------------------------------------------------------------------


def _paint(
    ink: np.ndarray, masks: dict[str, Any], rng: np.random.Generator, surface: Surface
) -> np.ndarray:
    """Paint ink and what lies around it: float32 (height, width), grey levels."""
    height, width = ink.shape
    ground = rng.uniform(110, 250)
    reach = ground - rng.uniform(0, 90)
    share = rng.uniform(0.2, 0.6) if rng.random() < surface.faint else rng.uniform(0.6, 1)
    contrast = max(30.0, reach * share)
    paper = np.full((height, width), ground, np.float32)
    if rng.random() < surface.shadow:
        strength = contrast * min(rng.exponential(0.16), 0.5)
        paper += strength * textures.cut(textures.light(), height, width, rng)
    if rng.random() < 0.5:
        grain = min(rng.exponential(0.04), 0.12) * contrast
        paper += grain * textures.cut(textures.speckle(), height, width, rng)
    if (pattern := masks.get("pattern")) is not None:
        paper -= contrast * rng.uniform(0.08, 0.45) * pattern
    if (outside := masks.get("outside")) is not None:
        paper += outside * (rng.uniform(-1.0, 0.6) * contrast)
    for name in ("frame", "rules", "neighbour"):
        if (mask := masks.get(name)) is not None:
            level = -contrast * (rng.uniform(0.25, 1.1) if name != "neighbour" else 1)
            paper += mask * level
    if rng.random() < surface.embossed:
        edge = np.roll(ink, (1, 1), (0, 1)) - np.roll(ink, (-1, -1), (0, 1))
        paper += rng.uniform(0.2, 0.6) * contrast * edge
    paper += ink * (ground - contrast - paper) * rng.uniform(0.85, 1)
    if rng.random() < surface.light_ink:
        paper = 255 - paper
    if surface.glass and rng.random() < surface.glass:
        paper = glass.behind(paper, contrast, rng)
    return paper
