"""Train, evaluate and calibrate networks that read one character."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.splits import fingerprint
from ocr.reading.ctc import Alphabet, log_softmax
from ocr.training import distributed
from ocr.training.batches import class_batches, prefetch
from ocr.training.loop import digest, predict, run

TRUST = 0.7  # weight of the teachers' probabilities in a pupil's targets; the labels have the rest


def read_all(
    model, data: Labelled, alphabet: Alphabet, normalisation: str = "unit"
) -> tuple[list[str], np.ndarray]:
    """Read all images of `data` as a Reader does: (characters, confidences, floats (n,))."""
    log_probs = predict(model, data.images, normalisation)
    return [alphabet.symbols[i] for i in log_probs.argmax(axis=-1)], np.exp(log_probs.max(axis=-1))


def evaluate(model, data: Labelled, alphabet: Alphabet, normalisation: str) -> dict[str, float]:
    """Evaluate on `data`: mean cross-entropy `val_loss`, share of right characters `val_exact`."""
    log_probs, classes = predict(model, data.images, normalisation), alphabet.classes(data.labels)
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
    normalisation: str = "unit",
    strength: float = 0.0,
    balanced: bool = True,
    teachers=(),
    groups: np.ndarray | None = None,
    augmentation: str = "distort",
    weights: Sequence[np.ndarray] | None = None,
    callbacks=(),
) -> pd.DataFrame:
    """Train a `model` from images to logits (n, classes); return its log by epoch.

    It is compiled with a keras.losses.CategoricalCrossentropy. An epoch is `steps` batches, drawn
    and augmented by `batches.class_batches`. With `teachers`, trained models from images to logits,
    the targets are TRUST parts of their mean probabilities for the very images that the model sees,
    the rest the labels. weights: those that it began with, if they were not random. Resumes like
    `ctc.fit`.
    """
    settings = {
        "data": fingerprint(train),
        "validation": validation and fingerprint(validation),
        "seed": seed,
        "batch": batch_size,
        "normalisation": normalisation,
        "augmentation": augmentation,
        "strength": strength,
        "steps": steps,
        "balanced": balanced,
        "loss": model.loss.get_config(),
    }
    if teachers:
        taught = [array for teacher in teachers for array in teacher.get_weights()]
        settings |= {"teachers": digest(taught), "trust": TRUST}
    if weights is not None:
        settings |= {"weights": digest(weights)}
    if groups is not None:
        settings |= {"groups": hashlib.sha256(np.asarray(groups, np.int64).tobytes()).hexdigest()}
    check = validation and (lambda: evaluate(model, validation, alphabet, normalisation))
    sampling: dict[str, Any] = {
        "normalisation": normalisation,
        "seed": seed,
        "strength": strength,
        "balanced": balanced,
        "groups": groups,
        "augmentation": augmentation,
        "own": distributed.own_rows(batch_size),
    }

    def stream(epoch: int):
        outputs = model.output_shape[-1]
        drawn = class_batches(train, alphabet, outputs, batch_size, steps, epoch=epoch, **sampling)
        for images, targets in prefetch(drawn):
            yield images, distilled(images, targets, teachers)

    return run(name, model, stream, steps, epochs, settings, check, callbacks)


def distilled(images: np.ndarray, targets: np.ndarray, teachers) -> np.ndarray:
    """Blend targets (n, classes) with the teachers' mean probabilities (Hinton et al. 2015).

    Teachers may lack the last classes: images of these keep their targets.
    """
    if not teachers:
        return targets
    opinions = [np.exp(log_softmax(teacher.predict_on_batch(images))) for teacher in teachers]
    opinion = np.mean(opinions, axis=0).astype(np.float32)
    classes = opinion.shape[1]
    known = targets[:, :classes].sum(axis=1, keepdims=True)  # 1, or 0: a class that they lack
    blended = targets * (1 - TRUST * known)
    blended[:, :classes] += TRUST * known * opinion
    return blended


def plan(images: int, batch_size: int, steps: int, epochs: int | None = None) -> tuple[int, int]:
    """Plan a training on so many images: (epochs, steps an epoch).

    An epoch has `steps`, but passes over all images at most twice. Where `epochs` is None each
    image is seen about 400 times, in 1000 to 6000 steps.
    """
    steps = min(steps, max(20, 2 * images // batch_size))
    total = min(6000, max(1000, 400 * images // batch_size))
    return epochs or -(-total // steps), steps


def one_cycle(model, steps: int, peak: float = 3e-3, decay: float = 0.02, smoothing: float = 0.1):
    """Compile a classifier with AdamW and a one-cycle learning rate (after Smith 2018).

    The rate climbs to `peak` in 15 % of the steps, then falls to 0 on a cosine; cross-entropy has
    smoothed labels (Szegedy et al. 2016).
    """
    warmup = int(0.15 * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=peak, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(learning_rate=rate, weight_decay=decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
    )


def train(
    name: str,
    build: Callable,
    data: Labelled,
    validation: Labelled | None,
    alphabet: Alphabet,
    *,
    epochs: int | None,
    steps: int,
    batch_size: int,
    seed: int,
    smoothing: float = 0.1,
    normalisation: str = "unit",
    peak: float = 3e-3,
    weights: Sequence[np.ndarray] | None = None,
    scaled: bool = True,
    **sampling,
):
    """Build, train and calibrate a classifier; return (images to logits, log by epoch).

    `build` is a function without arguments that returns the network; it is called after the seed is
    set. Epochs and steps go through `plan`, the learning rate follows `one_cycle`. sampling:
    strength, groups, augmentation, teachers, as `fit` has them. weights: those to begin with. On
    `validation`, if there is any, the temperature is chosen, unless the network shall not be
    `scaled` by it.
    """
    keras.utils.set_random_seed(seed)
    network = build()
    if weights is not None:
        network.set_weights(weights)
    epochs, steps = plan(len(data), batch_size, steps, epochs)
    one_cycle(network, epochs * steps, peak, smoothing=smoothing)
    log = fit(
        name,
        network,
        data,
        validation,
        alphabet,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        normalisation=normalisation,
        weights=weights,
        **sampling,
    )
    if validation is None or not scaled:
        return network, log
    temperature = calibrate(network, validation, alphabet, normalisation)
    print(f"{name}: {network.count_params():,} parameters, temperature {temperature:.2f}")
    return network, log


def calibrate(model, data: Labelled, alphabet: Alphabet, normalisation: str = "unit") -> float:
    """Divide the logits by the temperature that suits `data` best (Guo et al. 2017), and return it.

    The last layer's weights are scaled, so that nothing else needs to know; no answer changes. The
    temperature stays between 0.5 and 2. With fewer than 100 images a perfect score would push it to
    its minimum, so 1 is returned.
    """
    if len(data) < 100:
        return 1.0
    log_probs, classes = predict(model, data.images, normalisation), alphabet.classes(data.labels)
    rows = np.arange(len(classes))
    losses = {
        t: -log_softmax(log_probs / t)[rows, classes].mean()
        for t in np.arange(0.2, 3.01, 0.02)
        if 0.5 <= t <= 2
    }
    temperature = min(losses, key=lambda t: losses[t])
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    return float(temperature)
