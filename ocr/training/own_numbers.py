"""Train a reader of numbers on your own images, together with drawn numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from ocr.backend import keras
from ocr.datasets import audit, dataset, splits
from ocr.datasets.dataset import Labelled
from ocr.datasets.download import data_folders
from ocr.drawing.numbers.mixture import Block
from ocr.reading import contract, scripts
from ocr.reading.ctc import Alphabet
from ocr.reading.reader import Reader
from ocr.training import export
from ocr.training import numbers as training
from ocr.training.drawn import DrawnNumbers, OwnNumbers
from ocr.training.number_kinds import number_kinds
from ocr.training.own_images import batch_and_peak
from ocr.training.reports import finish, report, show_audit, show_curves, show_parts
from ocr.training.trust import trust

SIZE = (32, 256)  # pixels of the input, (height, width)
STEPS = 250  # batches an epoch
BATCH = 64  # images a step, half of them drawn
MARKS = "".join(scripts.MARKS.values())


def numbers(
    network,
    path: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    alphabet: str | None = None,
    batch: int | None = None,
    script: str | None = None,
    start: str | None = "numbers",
    steps: int = STEPS,
    drawing: dict[str, Any] | None = None,
) -> Reader:
    """Train a reader of numbers on labelled images and on as many drawn numbers.

    Labels may be in the digits of any script; script: what labels in Western digits are written in.
    start: the reader whose weights the training begins with, where it is found; None: random ones.
    drawing: arguments of `number_kinds`.
    """
    export.reserve(folder)
    data = dataset.load_labelled(path, SIZE, fit="line")
    data.labels = [as_symbols(label, script) for label in data.labels]
    known = scripts.SYMBOLS + MARKS
    more = sorted(set("".join([*data.labels, alphabet or ""])) - set(known))
    symbols = Alphabet(known + "".join(more))
    data, table = audit.audited(data, SIZE[1] // 4, symbols)
    show_audit(table)
    own, validation, test = splits.split(data, seed)
    show_parts(folder.name, own, validation, test)
    network = lambda build=network: build(SIZE[0], None, len(symbols))
    first = _first_weights(network, symbols, start)
    print("trained together with as many drawn numbers" + (f", from {start}" if first else ""))
    size, peak = batch_and_peak(batch, BATCH, 1.5e-3 if first else 3e-3)
    arguments = {"folders": [str(place) for place in data_folders()], **(drawing or {})}
    with DrawnNumbers(number_kinds, arguments, seed, SIZE) as drawn:
        trained, log = training.train(
            folder.name,
            network,
            drawn,
            block_of(validation),
            symbols,
            epochs=epochs or (10 if first else 40),
            steps=steps,
            batch_size=size,
            seed=seed,
            peak=peak,
            warmup=0.1,
            mixed=OwnNumbers(block_of(own), seed),
            weights=first,
        )
    show_curves(folder.name, log, trained, {"loss": "CTC loss", "exact": "exact match"})
    facts = contract.describe(
        kind="ctc",
        alphabet=symbols,
        size=SIZE,
        channels=1,
        normalisation="standard",
        fit="line",
        widths=training.WIDTHS,
        scripts=list(scripts.SCRIPTS),
        marks=scripts.MARKS,
        decoding={"time_steps": SIZE[1] // 4, "lengths": None},
        data=splits.provenance(own, f"drawn numbers and images of {path.name}", "yours"),
        scores=[],
        seed=seed,
    )
    facts["trust"] = _trust(trained, validation, facts)
    texts, sure = training.read_all(trained, block_of(test), facts)
    test.labels = [scripts.to_western(label) for label in test.labels]
    facts["scores"] = [report(folder.name, test, texts, sure)]
    return finish(folder, trained, facts, test)


def _trust(trained, validation: Labelled, facts: dict) -> dict[str, Any]:
    """Calibrate on the validation images."""
    texts, sure = training.read_all(trained, block_of(validation), facts)
    right = [text == scripts.to_western(label) for text, label in zip(texts, validation.labels)]
    return trust(sure, right, "your validation images")


def as_symbols(label: str, script: str | None = None) -> str:
    """Write a label in the symbols of the reader's alphabet, see `scripts.SYMBOLS`.

    script: what its Western digits stand for; None: themselves.
    """
    if script and script != "western":
        label = label.translate(str.maketrans(scripts.NUMBERS[:10], scripts.SCRIPTS[script][:10]))
    return label.translate(scripts.SHARED)


def block_of(data: Labelled) -> Block:
    """Convert labelled line images to a block: how wide each picture is, its padding tells."""
    return Block(data.images, data.labels, widths_of(data.images))


def widths_of(images: np.ndarray) -> np.ndarray:
    """Measure how wide the pictures in fitted images (n, H, W, 1) are, without their padding."""
    same = (images == images[:, :1, :1]).all(axis=(1, 3))  # columns of the colour at the left edge
    left = np.where(same.all(axis=1), 0, (~same).argmax(axis=1))
    right = np.where(same.all(axis=1), 0, (~same[:, ::-1]).argmax(axis=1))
    return images.shape[2] - 2 * np.minimum(left, right)


def _first_weights(network, symbols: Alphabet, start: str | None) -> list[np.ndarray] | None:
    """Load the weights of a reader to begin with; None where it is not found or does not fit.

    Symbols that it does not read begin with weights of zero.
    """
    folder = contract.find_reader(start) if start else Path()
    if not (folder / "model.keras").is_file():
        return None
    facts = contract.read_contract(folder)
    loaded = keras.saving.load_model(folder / "model.keras", compile=False).get_weights()
    wanted = [array.shape for array in network().get_weights()]
    *body, kernel, bias = loaded
    if [array.shape for array in body] != wanted[:-2] or kernel.shape[0] != wanted[-2][0]:
        return None
    columns = [0, *(1 + facts["alphabet"].find(symbol) for symbol in symbols.symbols)]
    known = np.array([k == 0 or column > 0 for k, column in enumerate(columns)])
    return [*body, kernel[:, columns] * known, bias[columns] * known]
