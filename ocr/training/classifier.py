"""Training networks that tell one character: fit, read, calibrate. Import it, or training, before Keras."""

import hashlib

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.splits import fingerprint
from ocr.reading.ctc import Alphabet, log_softmax
from ocr.training import distributed
from ocr.training.batches import ahead, class_batches
from ocr.training.loop import predict, run

TRUST = 0.7  # of a learner in its teachers, beside the labels


def read_all(model, data: Labelled, alphabet: Alphabet, how: str = "unit"):
    """(texts, confidences) of single characters, as a Reader gives them; `model` gives logits (n, classes)."""
    log_probs = predict(model, data.images, how)
    return [alphabet.symbols[i] for i in log_probs.argmax(axis=-1)], np.exp(log_probs.max(axis=-1))


def evaluate(model, data: Labelled, alphabet: Alphabet, how: str) -> dict:
    """Mean cross-entropy `val_loss`, and the share of characters that are right, `val_exact`."""
    log_probs, classes = predict(model, data.images, how), alphabet.classes(data.labels)
    return {
        "val_loss": -float(log_probs[np.arange(len(classes)), classes].mean()),
        "val_exact": float((log_probs.argmax(axis=-1) == classes).mean()),
    }


def fit(
    name: str,
    model,
    train: Labelled,
    validation: Labelled | None,
    alphabet: Alphabet,
    *,
    epochs: int,
    steps: int,
    batch_size: int,
    seed: int,
    how: str = "unit",
    strength: float = 0.0,
    balanced: bool = True,
    teachers=(),
    groups: np.ndarray | None = None,
    callbacks=(),
) -> pd.DataFrame:
    """Train a `model` from images to logits (n, classes) on single characters, and return its log by epoch.

    It is compiled with a keras.losses.CategoricalCrossentropy. An epoch is `steps` batches, drawn and distorted by
    `batching.class_batches`. With `teachers`, trained models from images to logits, the targets are TRUST parts of their
    mean probabilities for the very images that the model sees, the rest the labels. `callbacks`: Keras's, beside those of
    `training.run`. Resumes like `training.fit`.
    """
    settings = {
        "data": fingerprint(train),
        "validation": validation and fingerprint(validation),
        "seed": seed,
        "batch": batch_size,
        "how": how,
        "strength": strength,
        "steps": steps,
        "balanced": balanced,
        "loss": model.loss.get_config(),
    }
    if teachers:
        weights = b"".join(w.tobytes() for teacher in teachers for w in teacher.get_weights())
        settings |= {"teachers": hashlib.sha256(weights).hexdigest(), "trust": TRUST}
    if groups is not None:
        settings |= {"groups": hashlib.sha256(np.asarray(groups, np.int64).tobytes()).hexdigest()}
    check = validation and (lambda: evaluate(model, validation, alphabet, how))

    own = distributed.own(batch_size)

    def stream(epoch):
        drawn = class_batches(
            train,
            alphabet,
            model.output_shape[-1],
            batch_size,
            steps,
            how,
            seed,
            epoch,
            strength,
            balanced,
            groups,
            own,
        )
        for images, targets in ahead(drawn):
            yield images, taught(images, targets, teachers)

    return run(name, model, stream, steps, epochs, settings, check, callbacks)


def taught(images: np.ndarray, targets: np.ndarray, teachers) -> np.ndarray:
    """Targets (n, classes) drawn towards the mean of the teachers' probabilities (Hinton et al. 2015, "Distilling")."""
    if not teachers:
        return targets
    mean = np.mean(
        [np.exp(log_softmax(teacher.predict_on_batch(images))) for teacher in teachers], axis=0
    )
    return (1 - TRUST) * targets + TRUST * mean.astype(np.float32)


def plan(images: int, batch_size: int, steps: int, epochs: int | None = None) -> tuple[int, int]:
    """(epochs, steps an epoch) to train on so many `images`: an epoch has `steps`, but passes over all at most twice.

    Where `epochs` is None each image is seen about 400 times, in 1000 to 6000 steps.
    """
    steps = min(steps, max(20, 2 * images // batch_size))
    total = min(6000, max(1000, 400 * images // batch_size))
    return epochs or -(-total // steps), steps


def one_cycle(model, steps: int, peak: float = 3e-3, decay: float = 0.02, smoothing: float = 0.1):
    """Compile a classifier: AdamW, the learning rate up to `peak` in 15 % of the steps, then down to 0 on a cosine
    (after Smith 2018, "super-convergence"); cross-entropy with smoothed labels (Szegedy et al. 2016).
    """
    warmup = int(0.15 * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=peak, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(learning_rate=rate, weight_decay=decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
    )


def calibrate(model, data: Labelled, alphabet: Alphabet, how: str = "unit") -> float:
    """Divide the logits by the temperature that suits `data` best (Guo et al. 2017), and return it.

    The last layer's weights are scaled, so that nothing else needs to know; no answer changes. It stays between 0.5 and
    2, and is 1 for fewer than 100 images, of which none may be wrong by chance: they would call for certainty.
    """
    if len(data) < 100:
        return 1.0
    log_probs, classes = predict(model, data.images, how), alphabet.classes(data.labels)
    losses = {
        t: -log_softmax(log_probs / t)[np.arange(len(classes)), classes].mean()
        for t in np.arange(0.2, 3.01, 0.02)
        if 0.5 <= t <= 2
    }
    temperature = min(losses, key=losses.get)
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    return float(temperature)
