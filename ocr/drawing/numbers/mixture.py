"""Draw the pictures that a reader of numbers is trained on: a mixture of kinds, endless, in blocks.

A block is drawn from its own seed, so that any process may draw any block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ocr.drawing.ink import Ink, Writer
from ocr.drawing.numbers import nonsense
from ocr.drawing.numbers.amounts import amount
from ocr.drawing.surfaces import paper, worn
from ocr.reading.ctc import steps_needed
from ocr.reading.images import ImageError
from ocr.reading.inputs import Line
from ocr.reading.scripts import to_western

TWICE = 2  # pictures of one ink, on different surfaces
MOST = 22  # symbols of a label
STRIDE = 4  # pixels of a time step


@dataclass(frozen=True)
class Kind:
    """One kind of number: who writes it, on what, and its share of the pictures."""

    share: float
    write: Writer
    surface: worn.Surface | None = None  # None: clean paper, as forms have it
    arabic: bool = False  # words beside it may be Arabic
    take: Callable[[np.random.Generator], nonsense.Pair] | None = None  # a photograph instead


@dataclass(frozen=True)
class Block:
    """Network inputs: pixels uint8 (n, H, W, 1), labels, widths of the pictures in pixels."""

    pixels: np.ndarray
    labels: list[str]
    widths: np.ndarray


def pairs(
    kinds: Mapping[str, Kind],
    count: int,
    seed: tuple[int, ...],
    foreign: float = 0.12,
    refused: float = 0.1,
    cut: float = 0.06,
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw `count` pairs (label, grey picture uint8 (height, width)).

    foreign: share of the numbers with signs that belong to no number; refused: share of pictures
    that are no number; cut: share of the numbers that are cut off.
    """
    rng = np.random.default_rng(seed)
    chosen = list(kinds.values())
    shares = np.array([kind.share for kind in chosen])
    other: Ink | None = None
    done = 0
    while done < count:
        kind = chosen[rng.choice(len(chosen), p=shares / shares.sum())]
        if rng.random() < refused:
            yield nonsense.nonsense(kind.write, rng, kind.surface or worn.PRINT)
            done += 1
            continue
        if kind.take:
            yield kind.take(rng)
            done += 1
            continue
        ink = kind.write(amount(rng, foreign, kind.arabic), rng)
        for _ in range(min(TWICE, count - done)):
            yield _pictured(ink, kind, rng, cut, other)
            done += 1
        other = ink


def _pictured(
    ink: Ink, kind: Kind, rng: np.random.Generator, cut: float, other: Ink | None
) -> tuple[str, np.ndarray]:
    if kind.surface is None:
        return paper.picture(ink, rng)
    return worn.picture(ink, rng, replace(kind.surface, cut=cut), other)


def block(
    kinds: Mapping[str, Kind],
    count: int,
    seed: tuple[int, ...],
    size: tuple[int, int],
    western: bool = False,
    **shares: float,
) -> Block:
    """Draw a block of `count` pictures, less the blank, the too narrow and the too long ones.

    western: label every script in Western signs. shares: see `pairs`.
    """
    drawn = pairs(kinds, count, seed, **shares)
    if western:
        drawn = ((to_western(label), picture) for label, picture in drawn)
    found = block_of(drawn, size)
    fits = [
        len(label) <= MOST and STRIDE * steps_needed(label) <= width
        for label, width in zip(found.labels, found.widths)
    ]
    labels = [label for label, fit in zip(found.labels, fits) if fit]
    return Block(found.pixels[fits], labels, found.widths[fits])


def block_of(drawn: Iterable[tuple[str, np.ndarray]], size: tuple[int, int]) -> Block:
    """Prepare pairs (label, picture uint8 (H, W) or (H, W, 3)) as a network gets them.

    size: (height, width) of the network's input. Pictures without ink are left out.
    """
    line = Line(size)
    pixels, labels, widths = [], [], []
    for label, picture in drawn:
        try:
            prepared = line.prepare(Image.fromarray(picture))
        except ImageError:
            continue
        pixels.append(prepared.pixels)
        labels.append(label)
        widths.append(prepared.placed.width)
    found = np.array(pixels, np.uint8).reshape(-1, *size, 1)
    return Block(found, labels, np.array(widths, np.int64))
