"""Training networks that read strings: fit, read, evaluate."""

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.splits import fingerprint
from ocr.reading.ctc import BLANK, Alphabet, best, confidence, greedy
from ocr.scores import score
from ocr.training import distributed
from ocr.training.batches import batches
from ocr.training.loop import predict, run


def read_all(model, data: Labelled, alphabet: Alphabet, how: str = "standard", lengths=None):
    """(texts, confidences) of all images of `data`, as a Reader gives them: a list and a float array."""
    log_probs = predict(model, data.images, how)
    decoded = [best(matrix, lengths) for matrix in log_probs]
    confidences = np.array([confidence(matrix, d.indices) for matrix, d in zip(log_probs, decoded)])
    return [alphabet.decode(d.indices) for d in decoded], confidences


def evaluate(model, data: Labelled, alphabet: Alphabet, how: str) -> dict:
    """Mean CTC loss `val_loss`, `val_exact` (exact match), `val_cer`, `blanks` (share of time steps read as blank)."""
    labels = alphabet.encode_all(data.labels)
    log_probs = predict(model, data.images, how)
    steps = np.full(len(labels), log_probs.shape[1])
    losses = keras.ops.ctc_loss(
        labels, log_probs, (labels != BLANK).sum(axis=1), steps, mask_index=BLANK
    )
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
    reading,
    train: Labelled,
    validation: Labelled | None,
    alphabet: Alphabet,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    how: str = "standard",
    strength: float = 0.0,
    steps: int | None = None,
    callbacks=(),
) -> pd.DataFrame:
    """Train a compiled `model` (images and labels in, CTCLayer at its end), and return its log by epoch.

    `reading` is the same network from images to logits. `strength` is that of `batching.jitter`; `steps` a shorter epoch.
    Resumes from .cache/ where the same training was cut, and is over at once where it was finished.
    """
    settings = {
        "data": fingerprint(train),
        "validation": validation and fingerprint(validation),
        "seed": seed,
        "batch": batch_size,
        "how": how,
        "strength": strength,
        "steps": steps,
    }
    check = validation and (lambda: evaluate(reading, validation, alphabet, how))
    own = distributed.own(batch_size)
    return run(
        name,
        model,
        lambda epoch: batches(train, alphabet, batch_size, how, seed, epoch, strength, own),
        steps or len(train) // batch_size,
        epochs,
        settings,
        check,
        callbacks,
    )
