"""Train readers on your own images: audit, split, train, evaluate, save, read.

Each trainer takes a function that builds the network and does what its lesson does, on other
images.
"""

from pathlib import Path

import numpy as np

from ocr.datasets import audit, dataset, digits, splits
from ocr.datasets.characters import Parts, own_parts
from ocr.datasets.download import data_folders
from ocr.datasets.sources import own_source
from ocr.drawing import fonts, paper
from ocr.drawing import numbers as drawn_numbers
from ocr.reading import contract, scripts
from ocr.reading.ctc import Alphabet
from ocr.reading.inputs import INPUTS
from ocr.reading.reader import Reader
from ocr.training import classifier, ctc, export
from ocr.training.reports import finish, report, show_audit, show_curves, show_parts

CHARACTER_STEPS = 1600  # steps an epoch: 102,400 images


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
    )
    return finish(folder, trained, facts, test)


def batch_and_peak(batch: int | None, usual: int, peak: float = 3e-3) -> tuple[int, float]:
    """Choose (images a step, peak learning rate): the rate goes with the square root of the batch.

    That is the rule for Adam (Malladi et al. 2022).
    """
    return batch or usual, peak * ((batch or usual) / usual) ** 0.5


# --- numbers -------------------------------------------------------------------------------------

SHARES = {"print, western": 0.27, "print, arabic": 0.24, "print, persian": 0.06}
SHARES |= {"hand, western": 0.24, "hand, arabic": 0.19}
NUMBER_SIZE = (32, 256)


def numbers(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    alphabet: str | None = None,
    batch: int | None = None,
    strings: int = 20_000,
) -> Reader:
    """Train a reader of numbers on labelled images and on as many drawn numbers, as lesson 05 does.

    Labels may be in Western, Arabic-Indic or Persian digits; what is read comes out in Western
    ones. `strings` numbers are drawn.
    """
    export.reserve(folder)
    data = dataset.load_labelled(path, NUMBER_SIZE, fit="line")
    data.labels = [scripts.to_western(label) for label in data.labels]
    more = sorted(set("".join(data.labels)) - set(scripts.NUMBERS))
    symbols = Alphabet(alphabet or scripts.NUMBERS + "".join(more))
    time_steps = NUMBER_SIZE[1] // 4
    data, table = audit.audited(data, time_steps, symbols)
    show_audit(table)
    own, validation, test = splits.split(data, seed)
    show_parts(folder.name, own, validation, test)
    drawn = draw_numbers(strings, seed)
    drawn = drawn.take(np.array([label in symbols for label in drawn.labels]))
    train = dataset.join([drawn] + [own] * max(1, len(drawn) // len(own)))
    print(f"trained together with {len(drawn):,} drawn numbers")
    size, peak = batch_and_peak(batch, 32)
    trained, log = ctc.train(
        folder.name,
        lambda: network(*NUMBER_SIZE, len(symbols)),
        train,
        validation,
        symbols,
        epochs=epochs or max(3, 280_000 // len(train)),
        batch_size=size,
        seed=seed,
        strength=0.25,
        peak=peak,
        warmup=1 / 7,
    )
    show_curves(folder.name, log, trained, {"loss": "CTC loss", "exact": "exact match"})
    texts, sure = ctc.read_all(trained, test, symbols)
    facts = contract.describe(
        kind="ctc",
        alphabet=symbols,
        size=NUMBER_SIZE,
        channels=1,
        normalisation="standard",
        fit="line",
        decoding={"time_steps": time_steps, "lengths": None},
        data=splits.provenance(train, f"drawn numbers and images of {path.name}", "yours"),
        scores=[report(folder.name, test, texts, sure)],
        seed=seed,
    )
    return finish(folder, trained, facts, test)


def draw_numbers(count: int, seed: int) -> dataset.Labelled:
    """Draw `count` numbers of 1 to 16 characters in the kinds' SHARES: print and handwriting."""
    writers = {}
    families = {"western": fonts.WESTERN, "arabic": fonts.ARABIC, "persian": fonts.ARABIC}
    for script, names in families.items():
        files = fonts.faces(names, script, installed=True)
        writers[f"print, {script}"] = drawn_numbers.press(script, files, strength=0.12)
    for script in ("western", "arabic"):
        hands, _ = digits.load_handwritten(script, "train", data_folders())
        writers[f"hand, {script}"] = drawn_numbers.hand(script, hands.images, hands.labels, 0.5)
    parts = []
    for k, (kind, share) in enumerate(SHARES.items()):
        texts = drawn_numbers.numbers(max(1, round(count * share)), seed + k)
        pictures = paper.pictures(writers[kind], texts, seed + k)
        parts.append(dataset.from_pairs(pictures, NUMBER_SIZE, "line"))
    return dataset.join(parts)


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
    texts, sure = classifier.read_all(trained, parts.test, symbols, kind.normalisation)
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
    )
    return finish(folder, trained, facts, parts.test)
