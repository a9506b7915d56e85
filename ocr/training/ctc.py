"""Train and evaluate networks that read strings, with the CTC loss."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.splits import fingerprint
from ocr.networks.captcha import one_cycle
from ocr.reading.ctc import BLANK, Alphabet, best, confidence, greedy
from ocr.scores import score
from ocr.training import distributed
from ocr.training.batches import string_batches
from ocr.training.loop import digest, predict, run


def read_all(
    model, data: Labelled, alphabet: Alphabet, normalisation: str = "standard", lengths=None
) -> tuple[list[str], np.ndarray]:
    """Read all images of `data` as a Reader does: (texts, confidences, floats (n,))."""
    log_probs = predict(model, data.images, normalisation)
    decoded = [best(matrix, lengths) for matrix in log_probs]
    confidences = [confidence(matrix, d.indices) for matrix, d in zip(log_probs, decoded)]
    return [alphabet.decode(d.indices) for d in decoded], np.array(confidences)


def evaluate(model, data: Labelled, alphabet: Alphabet, normalisation: str) -> dict[str, float]:
    """Evaluate a network from images to logits on `data`.

    Returns the mean CTC loss `val_loss`, `val_exact` (exact match), `val_cer` (character error
    rate) and `blanks` (share of time steps read as blank).
    """
    labels = alphabet.encode_all(data.labels)
    log_probs = predict(model, data.images, normalisation)
    steps = np.full(len(labels), log_probs.shape[1])
    lengths = (labels != BLANK).sum(axis=1)
    losses = keras.ops.ctc_loss(labels, log_probs, lengths, steps, mask_index=BLANK)
    result = score([alphabet.decode(greedy(matrix).indices) for matrix in log_probs], data.labels)
    return {
        "val_loss": float(keras.ops.mean(losses)),
        "val_exact": result.exact,
        "val_cer": result.cer,
        "blanks": float((log_probs.argmax(axis=-1) == BLANK).mean()),
    }


def fit(
    name: str,
    model,
    network,
    train: Labelled,
    validation: Labelled | None,
    alphabet: Alphabet,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    normalisation: str = "standard",
    strength: float = 0.0,
    steps: int | None = None,
    passes: int = 1,
    weights: Sequence[np.ndarray] | None = None,
    callbacks=(),
) -> pd.DataFrame:
    """Train a compiled `model` (images and labels in, CTCLayer last); return its log by epoch.

    network    the same network from images to logits
    strength   of the random shifts and slants of training images (`augment.jitter`)
    steps      batches an epoch; default: each image `passes` times
    weights    those that the training began with, if they were not random

    Resumes from .cache/ where the same training was interrupted, and returns at once where it had
    ended.
    """
    settings = {
        "data": fingerprint(train),
        "validation": validation and fingerprint(validation),
        "seed": seed,
        "batch": batch_size,
        "normalisation": normalisation,
        "strength": strength,
        "steps": steps,
        **({"passes": passes} if passes > 1 else {}),
        **({} if weights is None else {"weights": digest(weights)}),
    }
    check = validation and (lambda: evaluate(network, validation, alphabet, normalisation))
    own = distributed.own_rows(batch_size)

    def stream(epoch: int):
        return string_batches(
            train, alphabet, batch_size, normalisation, seed, epoch * passes, strength, own
        )

    steps = steps or passes * (len(train) // batch_size)
    return run(name, model, stream, steps, epochs, settings, check, callbacks)


def train(
    name: str,
    build: Callable,
    data: Labelled,
    validation: Labelled | None,
    alphabet: Alphabet,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    strength: float = 0.0,
    peak: float = 3e-3,
    warmup: float = 0.15,
    passes: int = 1,
    weights: Sequence[np.ndarray] | None = None,
    callbacks=(),
):
    """Build and train a CTC network; return it, from images to logits, and its log by epoch.

    `build` is a function without arguments that returns the network; it is called after the seed is
    set. An epoch is `passes` passes over the images. weights: those to begin with. The learning
    rate follows one cycle (`networks.captcha.one_cycle`) with this `peak` and `warmup`.
    """
    keras.utils.set_random_seed(seed)
    network = build()
    if weights is not None:
        network.set_weights(weights)
    batch_size = min(batch_size, len(data))
    model = one_cycle(network, epochs * passes * (len(data) // batch_size), peak, warmup)
    log = fit(
        name,
        model,
        network,
        data,
        validation,
        alphabet,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        strength=strength,
        passes=passes,
        weights=weights,
        callbacks=callbacks,
    )
    return network, log
