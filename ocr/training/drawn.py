"""Draw numbers while a network trains on them: by other processes, each block from its own seed."""

import hashlib
import math
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ocr.drawing.augment import jitter
from ocr.drawing.numbers.mixture import Block, Kind, block
from ocr.reading.ctc import BLANK, Alphabet
from ocr.reading.images import normalise
from ocr.training.batches import ALL

BLOCK = 512  # pictures in a block
LABEL = 24  # symbols that labels are padded to: one shape for all batches
LOST = 0.04  # share of the pictures that a block leaves out, at most

_kinds: dict[str, Kind] = {}  # in a drawing process


class DrawnNumbers:
    """Endless pictures of numbers, drawn by processes beside the training.

    make       function that returns the kinds of numbers, importable by name
    arguments  its keyword arguments
    seed       with the epoch and the number of a block, it decides every pixel
    size       (height, width) of the network's input
    options    further arguments of `mixture.block`
    workers    processes; default one fewer than the cores, at least one; 0: this process draws

    Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        make: Callable[..., dict[str, Kind]],
        arguments: dict[str, Any],
        seed: int,
        size: tuple[int, int],
        options: dict[str, Any] | None = None,
        workers: int | None = None,
    ):
        self.seed, self.size, self.options = seed, size, options or {}
        self.arguments = arguments
        self.workers = max(1, (os.cpu_count() or 1) - 1) if workers is None else workers
        self._kinds = make(**arguments) if self.workers == 0 else None
        self._pool = ProcessPoolExecutor(
            max(1, self.workers),  # they start when there is something to draw
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(make, arguments),
        )

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the pictures, but for the fonts and the handwriting found."""
        return {
            "seed": self.seed,
            "size": list(self.size),
            "shares": self.options,
            "kinds": {k: v for k, v in self.arguments.items() if k != "folders"},
        }

    def __enter__(self) -> "DrawnNumbers":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, once each has drawn the block it is at."""
        self._pool.shutdown(cancel_futures=True)

    def blocks(self, epoch: int, count: int) -> Iterator[Block]:
        """Yield the blocks of an epoch, then of the next ones: `count` an epoch, in order."""
        coming: deque[Future[Block]] = deque()
        number = epoch * count
        while self._kinds is not None:
            seed = (self.seed, *divmod(number, count))
            yield block(self._kinds, BLOCK, seed, self.size, **self.options)
            number += 1
        while True:
            while len(coming) < 2 * self.workers + 1:
                seed = (self.seed, *divmod(number, count))
                coming.append(self._pool.submit(_draw, BLOCK, seed, self.size, self.options))
                number += 1
            yield coming.popleft().result()


def _begin(make: Callable[..., dict[str, Kind]], arguments: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training
    cv2.setNumThreads(1)
    _kinds.update(make(**arguments))


def _draw(
    count: int, seed: tuple[int, ...], size: tuple[int, int], options: dict[str, Any]
) -> Block:
    return block(_kinds, count, seed, size, **options)


Row = tuple[np.ndarray, np.ndarray, int]  # pixels uint8 (H, w, 1), label int32 (LABEL,), w
Batch = tuple[dict[str, np.ndarray]]


@dataclass(frozen=True)
class OwnNumbers:
    """Labelled pictures to mix with drawn ones: as many of them, jittered by `strength`."""

    block: Block
    seed: int
    strength: float = 0.5

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the pictures."""
        digest = hashlib.sha256(self.block.pixels.tobytes())
        digest.update("\n".join(self.block.labels).encode())
        return {"data": digest.hexdigest(), "seed": self.seed, "strength": self.strength}

    def rows(self, epoch: int, alphabet: Alphabet, widths: Sequence[int]) -> Iterator[Row]:
        """Yield the pictures again and again, in an order of the epoch's own."""
        rng = np.random.default_rng((self.seed, epoch))
        cropped = list(cropped_rows(self.block, alphabet, widths))
        while True:
            for k in rng.permutation(len(cropped)):
                pixels, label, width = cropped[k]
                yield jitter(pixels, rng, self.strength), label, width


def number_batches(
    drawn: DrawnNumbers,
    alphabet: Alphabet,
    widths: Sequence[int],
    batch_size: int,
    steps: int,
    epoch: int = 0,
    mixed: OwnNumbers | None = None,
    own: slice = ALL,
) -> Iterator[Batch]:
    """Yield endless batches of drawn numbers, `steps` an epoch, each of pictures of one width.

    Each is ({"image": float32 (B, H, W, 1), "label": int32 (B, LABEL), padded with blank},), where
    W is the smallest of `widths` that the pictures fit in. mixed: pictures of which there are as
    many in an epoch as drawn ones. own: the rows of each batch that are made here, see
    `batches.class_batches`.
    """
    rows = (steps + len(widths)) * batch_size  # each width leaves a batch unfinished
    count = math.ceil(rows / (1 if mixed is None else 2) / (1 - LOST) / BLOCK)
    blocks = drawn.blocks(epoch, count)
    while True:
        more = mixed.rows(epoch, alphabet, widths) if mixed else None
        coming = _interleaved(blocks, count, alphabet, widths, more)
        done = 0
        for batch in _sorted(coming, widths, batch_size):
            if done < steps:
                yield _batch(batch[own])
            done += 1
        if done < steps:
            raise RuntimeError(f"an epoch of {count} blocks gave {done} batches, not {steps}")
        epoch += 1


def _interleaved(
    blocks: Iterator[Block],
    count: int,
    alphabet: Alphabet,
    widths: Sequence[int],
    more: Iterator[Row] | None,
) -> Iterator[Row]:
    """Yield the rows of `count` blocks, each followed by one of `more`."""
    for _ in range(count):
        for row in cropped_rows(next(blocks), alphabet, widths):
            yield row
            if more is not None:
                yield next(more)


def _sorted(coming: Iterator[Row], widths: Sequence[int], batch_size: int) -> Iterator[list[Row]]:
    """Sort rows by width into batches; the first two differ in width.

    So Keras learns, from the first two batches, that the width is not constant.
    """
    waiting: dict[int, list[Row]] = {width: [] for width in widths}
    held: list[list[Row]] = []
    both = False
    for row in coming:
        width = row[2]
        waiting[width].append(row)
        if len(waiting[width]) < batch_size:
            continue
        batch, waiting[width] = waiting[width], []
        if both:
            yield batch
            continue
        held.append(batch)
        if batch[0][2] != held[0][0][2]:
            both = True
            yield from (held[0], held[-1], *held[1:-1])


def cropped_rows(block: Block, alphabet: Alphabet, widths: Sequence[int]) -> Iterator[Row]:
    """Yield the pictures of a block, cropped to the smallest of `widths` that they fit in."""
    full = block.pixels.shape[2]
    for pixels, label, wide in zip(block.pixels, block.labels, block.widths):
        width = next(w for w in widths if w >= min(wide, full))
        start = (full - width) // 2
        indices = np.full(LABEL, BLANK, np.int32)
        indices[: len(label)] = alphabet.encode(label)
        yield pixels[:, start : start + width], indices, width


def _batch(rows: list[Row]) -> Batch:
    pixels, labels, _ = zip(*rows)
    return ({"image": normalise(np.stack(pixels)), "label": np.stack(labels)},)
