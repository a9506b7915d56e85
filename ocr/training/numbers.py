"""Train and evaluate readers of numbers on pictures that are drawn beside the training."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.real import Sample
from ocr.drawing.numbers.mixture import Block, block_of
from ocr.networks.captcha import one_cycle
from ocr.reading.ctc import Alphabet, greedy
from ocr.reading.decoders import DecodingOptions, Reading, StringDecoder
from ocr.reading.images import Placed, narrow, open_image
from ocr.reading.inputs import Line, Prepared
from ocr.reading.network import widen
from ocr.reading.second_look import look_again
from ocr.scores import score
from ocr.training import distributed
from ocr.training.drawn import DrawnNumbers, OwnNumbers, number_batches
from ocr.training.loop import predict, run

NOWHERE = Placed(1.0, 0, 0, 0, 0)
WIDTHS = (48, 64, 96, 128, 192, 256)  # pixels of the inputs, each four pixels a time step


def log_probabilities(
    model: Any,
    pixels: np.ndarray,
    picture_widths: Sequence[int] | np.ndarray,
    widths: Sequence[int],
) -> np.ndarray:
    """Predict log-probabilities (n, time, classes) of uint8 inputs (n, H, W, 1).

    Each is cropped to the smallest of `widths` that its picture fits in, as a Reader does.
    """
    parts = [
        (rows, predict(model, crops)) for rows, crops in narrow(pixels, picture_widths, widths)
    ]
    return widen(parts, pixels.shape[2] // 4)


def evaluate(
    model: Any, watched: Block, alphabet: Alphabet, widths: Sequence[int]
) -> dict[str, float]:
    """Evaluate a network on a block: `val_exact` (exact match) and `val_cer`, marks included."""
    found = log_probabilities(model, watched.pixels, watched.widths, widths)
    result = score([alphabet.decode(greedy(matrix).indices) for matrix in found], watched.labels)
    return {"val_exact": result.exact, "val_cer": result.cer}


def read_all(
    model: Any, block: Block, facts: Mapping[str, Any], script: str | None = None
) -> tuple[list[str], np.ndarray]:
    """Read all pictures of a block as a Reader does: (texts, uncalibrated confidences (n,)).

    The confidence is 0 where ink is unreadable or other signs interrupt the text, which is why a
    Reader would not trust it.

    facts: the alphabet, scripts, marks and decoding of the reader's contract. script: of all
    numbers, if it is known.
    """
    decoder = StringDecoder(facts, Line((block.pixels.shape[1], block.pixels.shape[2])))
    options = DecodingOptions(script=script)

    def decode(inputs: Sequence[Prepared]) -> list[Reading]:
        pixels = np.stack([each.pixels for each in inputs])
        found = log_probabilities(model, pixels, [each.placed.width for each in inputs], WIDTHS)
        return [decoder.decode(matrix, each, options) for matrix, each in zip(found, inputs)]

    prepared = [
        Prepared(pixels, NOWHERE._replace(width=int(width)), (0, 0))  # spans are not asked for
        for pixels, width in zip(block.pixels, block.widths)
    ]
    readings = look_again(prepared, decode, facts["decoding"].get("second_look", 0))
    sure = [reading.confidence if reading.trusted else 0.0 for reading in readings]
    return [reading.text for reading in readings], np.array(sure)


def read_samples(
    model: Any, samples: Sequence[Sample], facts: Mapping[str, Any], script: str | None = None
) -> tuple[list[str], np.ndarray]:
    """Read real images, see `read_all`; one in which there is no ink gives "", confidence 0."""
    size = facts["input"]["height"], facts["input"]["width"]
    pairs = ((str(k), np.asarray(open_image(s.image))) for k, s in enumerate(samples))
    block = block_of(pairs, size)
    texts, sure = [""] * len(samples), np.zeros(len(samples))
    for k, text, confidence in zip(block.labels, *read_all(model, block, facts, script)):
        texts[int(k)], sure[int(k)] = text, confidence
    return texts, sure


def train(
    name: str,
    build: Callable[[], Any],
    drawn: DrawnNumbers,
    watched: Block | None,
    alphabet: Alphabet,
    *,
    epochs: int,
    steps: int,
    batch_size: int = 64,
    seed: int = 0,
    peak: float = 3e-3,
    warmup: float = 0.05,
    widths: Sequence[int] = WIDTHS,
    mixed: OwnNumbers | None = None,
    weights: Sequence[np.ndarray] | None = None,
) -> tuple[Any, pd.DataFrame]:
    """Train a network on drawn numbers; return it, from images to logits, and its log by epoch.

    build: function without arguments that returns the network, of any width. An epoch has `steps`
    batches; no picture comes twice. The learning rate follows one cycle. mixed: your own pictures,
    as many as drawn ones. weights: those to begin with. Resumes from .cache/ where the same
    training was interrupted, and returns at once where it had ended.
    """
    keras.utils.set_random_seed(seed)
    network = build()
    if weights:
        network.set_weights(weights)
    model = one_cycle(network, epochs * steps, peak, warmup)
    settings = drawn.settings | {
        "batch": batch_size,
        "steps": steps,
        "widths": list(widths),
        "mixed": mixed and mixed.settings,
        "weights": weights and _digest(weights),
    }
    own = distributed.own_rows(batch_size)
    log = run(
        name,
        model,
        lambda epoch: number_batches(drawn, alphabet, widths, batch_size, steps, epoch, mixed, own),
        steps,
        epochs,
        settings,
        watched and (lambda: evaluate(network, watched, alphabet, widths)),
    )
    return network, log


def joined(logs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the logs of trainings that followed each other; epochs and CPU-seconds count on."""
    parts, spent = [], 0.0
    for log in logs:
        parts.append(log.assign(cpu_s=log["cpu_s"] + spent))
        spent = parts[-1]["cpu_s"].iloc[-1]
    return pd.concat(parts, ignore_index=True).rename(lambda row: row + 1).rename_axis("epoch")


def _digest(weights: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in weights:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
