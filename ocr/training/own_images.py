"""Train readers on your own images: audit, split, train, evaluate, save, read.

Each trainer takes a function that builds the network and does what its lesson does, on other
images.
"""

from pathlib import Path

import numpy as np

from ocr.datasets import audit, dataset, splits
from ocr.datasets.characters import Parts, own_parts
from ocr.datasets.dataset import Labelled
from ocr.datasets.sources import own_source
from ocr.reading import contract
from ocr.reading.ctc import Alphabet
from ocr.reading.inputs import INPUTS
from ocr.reading.reader import Reader
from ocr.training import classifier, ctc, export
from ocr.training.reports import finish, report, show_audit, show_curves, show_parts
from ocr.training.trust import trust

CHARACTER_STEPS = 1600  # steps an epoch: 102,400 images
ON_VALIDATION = "validation images, never trained on"


# --- strings -------------------------------------------------------------------------------------


def strings(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    alphabet: str | None = None,
    batch: int | None = None,
    fit: str = "picture",
) -> Reader:
    """Train a CTC reader of strings in images of one kind, as ocr.ipynb does.

    fit: name of the preprocessing in `inputs.INPUTS`.
    """
    export.reserve(folder)
    data = dataset.load_labelled(path, fit=fit)
    height, width = data.images.shape[1:3]
    print(f"images of {path.name}: {len(data)} images, {height} x {width} pixels (height x width)")
    time_steps, given = width // 4, Alphabet.from_labels([alphabet]) if alphabet else None
    data, table = audit.audited(data, time_steps, given)
    show_audit(table)
    symbols = given or Alphabet.from_labels(data.labels)
    counts = sorted({len(label) for label in data.labels})
    lengths = (counts[0], counts[0]) if len(counts) == 1 else None
    print(f"{len(symbols) - 1} symbols and blank: {symbols.symbols}; label lengths:", *counts)
    train, validation, test = splits.split(data, seed)
    show_parts(folder.name, train, validation, test)
    size, peak = batch_and_peak(batch, 16)
    trained, log = ctc.train(
        folder.name,
        lambda: network(height, width, len(symbols)),
        train,
        validation,
        symbols,
        epochs=epochs or max(8, -(-40 * 728 // len(train))),  # few images: more epochs
        batch_size=size,
        seed=seed,
        strength=0.5,
        peak=peak,
    )
    show_curves(folder.name, log, trained, {"loss": "CTC loss", "exact": "exact match"})
    texts, sure = ctc.read_all(trained, test, symbols, lengths=lengths)
    facts = contract.describe(
        kind="ctc",
        alphabet=symbols,
        size=(height, width),
        channels=1,
        normalisation="standard",
        fit=fit,
        decoding={"time_steps": time_steps, "lengths": lengths},
        data=splits.provenance(train, f"images of {path.name}", "yours"),
        scores=[report(folder.name, test, texts, sure)],
        seed=seed,
        trust=_trust(
            folder.name, ctc.read_all(trained, validation, symbols, lengths=lengths), validation
        ),
    )
    return finish(folder, trained, facts, test)


def batch_and_peak(batch: int | None, usual: int, peak: float = 3e-3) -> tuple[int, float]:
    """Choose (images a step, peak learning rate): the rate goes with the square root of the batch.

    That is the rule for Adam (Malladi et al. 2022).
    """
    return batch or usual, peak * ((batch or usual) / usual) ** 0.5


# --- single characters ---------------------------------------------------------------------------


def characters(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    alphabet: str | None = None,
    labels: str | None = None,
    fit: str = "glyph",
) -> Reader:
    """Train a reader of single characters on paper, as lessons 01 and 02 do.

    labels: how folders are named, "hex", "index" or "name"; None: found out. fit: name of the
    preprocessing in `inputs.INPUTS`, which also knows the normalisation and the augmentation.
    """
    export.reserve(folder)
    parts = own_parts(path, labels, alphabet, seed, fit)
    return _classifier(network, folder, parts, fit, seed, epochs)


def views(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    alphabet: str | None = None,
    labels: str | None = None,
) -> Reader:
    """Train a reader of single characters of any kind, photographs too, as lesson 03 does."""
    export.reserve(folder)
    source = own_source(path, labels, alphabet, seed)
    divided = source.train, source.validation, source.test
    known = [alphabet] if alphabet else [label for part in divided for label in part.labels]
    parts = Parts(source.what, Alphabet.from_labels(known), *divided, source.audit)
    return _classifier(network, folder, parts, "views", seed, epochs)


def _classifier(
    network, folder: Path, parts: Parts, fit: str, seed: int, epochs: int | None
) -> Reader:
    """Train, evaluate and save a reader of single characters on these parts."""
    kind, symbols = INPUTS[fit].fixed(), parts.alphabet
    show_audit(parts.audit)
    print(f"{parts.origin}: {len(symbols.symbols)} classes: {symbols.symbols}")
    show_parts(folder.name, parts.train, parts.validation, parts.test)
    trained, log = classifier.train(
        folder.name,
        lambda: network(len(symbols.symbols)),
        parts.train,
        parts.validation,
        symbols,
        epochs=epochs,
        steps=CHARACTER_STEPS,
        batch_size=64,
        seed=seed,
        strength=1.0,
        normalisation=kind.normalisation,
        augmentation=kind.augmentation,
    )
    show_curves(folder.name, log, trained, {"loss": "cross-entropy", "exact": "exact match"})
    read = lambda part: classifier.read_all(trained, part, symbols, kind.normalisation)
    texts, sure = read(parts.test)
    facts = contract.describe(
        kind="class",
        alphabet=symbols,
        size=kind.size,
        channels=kind.channels,
        normalisation=kind.normalisation,
        fit=fit,
        decoding={},
        data=splits.provenance(parts.train, parts.origin, "yours"),
        scores=[report(folder.name, parts.test, texts, sure)],
        seed=seed,
        trust=_trust(folder.name, read(parts.validation), parts.validation),
    )
    return finish(folder, trained, facts, parts.test)


# --- trust ---------------------------------------------------------------------------------------


def _trust(name: str, read: tuple[list[str], np.ndarray], validation: Labelled) -> dict:
    """Calibrate the readings (texts, confidences) of validation images; print what is trusted."""
    texts, sure = read
    found = trust(sure, [t == l for t, l in zip(texts, validation.labels)], ON_VALIDATION)
    print(
        f"{name}: trusted from confidence {found['threshold']:.3f}: {found['share']:.1%} of "
        f"{len(validation)} validation images, {found['right']:.1%} of them right"
        if found["share"]
        else f"{name}: too few of {len(validation)} validation images are right to trust readings"
    )
    return found
