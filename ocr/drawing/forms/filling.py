"""Fill in a sheet: by hand or by machine, in pens of several colours, at times over the edge."""

from collections.abc import Mapping

import cv2
import numpy as np

from ocr.drawing.forms.sheets import DPI, Entry, Sheet
from ocr.drawing.ink import Ink, Writer
from ocr.drawing.surfaces.placing import TALL

PENS = ((25, 25, 30), (30, 45, 140), (40, 60, 170), (85, 85, 90), (20, 20, 90), (150, 30, 40))
FULL = 0.95  # of a box that ink may cover
MM = DPI / 25.4  # pixels


def fill(
    sheet: Sheet,
    values: Mapping[str, str],
    rng: np.random.Generator,
    free: Writer,
    combs: Writer | None = None,
    edge: float = 0.06,
    corrected: float = 0.0,
) -> np.ndarray:
    """Write values into the fields of a sheet: uint8 (H, W, 3) at its DPI.

    values: Western texts by the fields' names, "" for nothing; of check boxes "1" or "0".
    free: writes fields without cells; combs: those with cells, sign by sign, by
    default `free`. edge: share of the fields written over the edge of their box.
    corrected: share of the combs in which one sign is written over another.
    """
    page = np.array(sheet.picture)
    pen = np.array(PENS[rng.integers(len(PENS))])
    force = rng.uniform(0.75, 1)
    for entry in sheet.entries:
        text = values.get(entry.name, "")
        off = rng.uniform(0.12, 0.3) if rng.random() < edge else 0.0
        if entry.facts["reader"] == "check":
            if text == "1":
                _tick(page, entry, pen, rng)
        elif text and entry.cells:
            wrong = _mistaken(text, rng) if corrected and rng.random() < corrected else None
            _in_cells(page, entry, text, combs or free, pen, force, off, rng, wrong)
        elif text:
            _on_line(page, entry, free(text, rng), pen, force, off, rng)
    return page


def _on_line(page, entry: Entry, ink: Ink, pen, force, off, rng: np.random.Generator) -> None:
    left, top, width, height = entry.box
    tall = rng.uniform(3.8, 5.5) * MM / TALL
    high, wide = ink.pixels.shape
    scale = min(tall, FULL * height / high, FULL * width / wide)
    pixels = _scaled(ink.pixels, scale)
    high, wide = pixels.shape
    x = left + rng.uniform(0.02, 1) ** 2 * max(0, width - wide) * 0.5
    y = top + (height - high) * rng.uniform(0.3, 0.7) + off * high * rng.choice((-1, 1))
    _put(page, pixels, x, y, pen, force)


def _mistaken(text: str, rng: np.random.Generator) -> tuple[int, str]:
    """Choose which digit of a text is first written wrong, counted without separators, and how."""
    signs = [c for c in text if c.isalnum()]
    number = int(rng.integers(len(signs)))
    return number, str(rng.choice([c for c in "0123456789" if c != signs[number]]))


def _in_cells(
    page, entry: Entry, text, write, pen, force, off, rng: np.random.Generator, wrong=None
) -> None:
    """Write each sign of a text into a cell, from the left; separators have none.

    wrong: (number, sign), a sign that lies beneath that of the same number.
    """
    left, top, width, height = entry.box
    assert entry.cells
    cell = width / entry.cells
    tall = rng.uniform(4.2, 6.0) * MM / TALL
    lean = rng.normal(0, 0.06, 2)
    person = int(rng.integers(2**31))
    signs = list(enumerate([c for c in text if c.isalnum()][: entry.cells]))
    for number, sign in signs if wrong is None else [*signs, wrong]:
        ink = write(sign, np.random.default_rng(person)).pixels
        high, wide = ink.shape
        scale = min(tall, 0.92 * height / high, 0.9 * cell / wide)
        pixels = _scaled(ink, scale)
        high, wide = pixels.shape
        dx, dy = (lean + rng.normal(0, 0.05, 2)) * (cell, height)
        spare = ((height - high) / 2, (cell - wide) / 2)
        y = top + spare[0] + np.clip(dy, -spare[0], spare[0]) + off * high
        x = left + cell * number + spare[1] + np.clip(dx, -spare[1], spare[1]) + off * wide * 0.6
        _put(page, pixels, x, y, pen, force)


def _tick(page, entry: Entry, pen, rng: np.random.Generator) -> None:
    left, top, width, height = entry.box
    marks = {
        "cross": [[(0.1, 0.1), (0.9, 0.9)], [(0.9, 0.1), (0.1, 0.9)]],
        "tick": [[(0.1, 0.5), (0.4, 0.9), (1.1, -0.2)]],
    }
    for path in marks[rng.choice(list(marks))]:
        points = (np.array(path) + rng.normal(0, 0.06, (len(path), 2))) * (width, height)
        points = (points + (left, top)) * 16
        thick = int(rng.integers(2, 5))
        way = [points.astype(np.int32)]
        cv2.polylines(page, way, False, pen.tolist(), thick, cv2.LINE_AA, 4)


def _scaled(pixels: np.ndarray, scale: float) -> np.ndarray:
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, size, interpolation=way)


def _put(page: np.ndarray, pixels: np.ndarray, x: float, y: float, pen, force: float) -> None:
    """Blend ink uint8 (h, w) into a page, in place; what lies outside the page is lost."""
    left, top = round(x), round(y)
    height, width = page.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + pixels.shape[1], width), min(top + pixels.shape[0], height)
    if x1 <= x0 or y1 <= y0:
        return
    part = pixels[y0 - top : y1 - top, x0 - left : x1 - left, None] * (force / 255)
    spot = page[y0:y1, x0:x1]
    spot[:] = np.minimum(spot, spot + part * (pen - spot)).round().astype(np.uint8)
