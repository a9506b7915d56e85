"""Train the network that finds corrected signs: python -m ocr.training.overwritten FOLDER.

See ocr/reading/overwritten.py. It sees the ink of one cell of a comb: one sign, by hand or in
print, or one over another by the same hand.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ocr import scores
from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.digits import load_handwritten
from ocr.datasets.download import data_folders
from ocr.datasets.splits import fingerprint
from ocr.drawing import fonts
from ocr.drawing.ink import Writer
from ocr.drawing.numbers.hands import Hands
from ocr.drawing.numbers.handwriting import hand
from ocr.drawing.numbers.printing import press
from ocr.reading.contract import describe
from ocr.reading.ctc import Alphabet
from ocr.reading.overwritten import SIDE, shape_of
from ocr.training import classifier, export
from ocr.training.loop import predict
from ocr.training.number_kinds import FAMILIES

ONE, TWO = "1", "2"  # how many signs a cell has
ALPHABET = Alphabet(ONE + TWO)
OVER, PRINTED, SEPARATOR = 0.5, 0.2, 0.03  # shares of the cells
LINED = 0.06  # share of the cells beside which a line is left over
PAGE = 120  # pixels of a side of the paper that a cell is written on
TALL = (16.0, 64.0)  # pixels of a sign's height, from a scan of 100 to one of 300 dpi
INK = (0.2, 0.4)  # of the darkest ink, from which a pixel is ink
CHANNELS = (24, 48, 64)
BATCH = 128
ON = "cells by other hands"


class Cells:
    """Write signs into cells, in scripts of FAMILIES, as people or fonts of a `part` do."""

    def __init__(self, part: str = "train"):
        self.hands: list[Writer] = []
        self.prints: list[Writer] = []
        for script, families in FAMILIES.items():
            data, _ = load_handwritten(script, part, data_folders())
            own = Hands().add(data.images, data.labels)
            self.hands.append(hand(script, own, joined=0.0))
            self.prints.append(press(script, fonts.faces(families[part == "test"], script)))

    def draw(self, count: int, seed: int) -> Labelled:
        """Draw shapes uint8 (n, 28, 28, 1), labelled ONE or TWO."""
        rng = np.random.default_rng(seed)
        images, labels = [], []
        for _ in tqdm(range(count), desc="cells", disable=None):
            signs, write = self._choose(rng)
            shape = shape_of(_scanned(_written(signs, write, rng), rng))
            images.append(shape[..., None])
            labels.append(ONE if len(signs) == 1 else TWO)
        return Labelled(np.array(images), labels, ["cell"] * count)

    def _choose(self, rng: np.random.Generator) -> tuple[list[str], Writer]:
        """Choose the signs of a cell, the last on top, and who writes them."""
        kind, script = rng.random(), rng.integers(len(self.hands))
        if kind < OVER:
            return [str(d) for d in rng.choice(10, 2, replace=False)], self.hands[script]
        digit = [str(rng.integers(10))]
        if kind < OVER + PRINTED:
            return digit, self.prints[script]
        if kind < OVER + PRINTED + SEPARATOR:
            return [str(rng.choice(list("./-")))], self.hands[script]
        return digit, self.hands[script]


def _written(signs: list[str], write: Writer, rng: np.random.Generator) -> np.ndarray:
    """Write signs over each other, by one person: ink float (PAGE, PAGE), 1 where it is black."""
    page, person = np.zeros((PAGE, PAGE)), int(rng.integers(2**31))
    scale = float(np.exp(rng.uniform(*np.log(TALL)))) / 48  # a writer's digits are 48 high
    for sign in signs:
        ink = write(sign, np.random.default_rng(person)).pixels
        size = [int(np.clip(round(scale * side), 1, PAGE - 8)) for side in ink.shape]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        ink = cv2.resize(ink, size[::-1], interpolation=way)
        off = rng.normal(0, 0.05, 2) * 48 * scale
        y, x = (int(np.clip(PAGE / 2 - s / 2 + d, 0, PAGE - s)) for s, d in zip(size, off))
        spot = page[y : y + size[0], x : x + size[1]]
        spot += (1 - spot) * ink / 255 * rng.uniform(0.75, 1)
    if rng.random() < LINED:
        _leave_line(page, rng)
    return page


def _leave_line(page: np.ndarray, rng: np.random.Generator) -> None:
    """Leave, in place, what cleaning left of the line between two cells."""
    rows, columns = np.flatnonzero(page.max(axis=1) > 0.2), np.flatnonzero(page.max(axis=0) > 0.2)
    if not len(rows):
        return
    away = int(rng.integers(2, 8))
    column = columns[-1] + away if rng.random() < 0.5 else columns[0] - away
    if 0 <= column < PAGE:
        top, bottom = np.sort(rng.integers(rows[0] - 4, rows[-1] + 4, 2)).clip(0, PAGE)
        page[top:bottom, column] = np.maximum(page[top:bottom, column], rng.uniform(0.2, 0.7))


def _scanned(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur ink, add noise, and find it again: bool (PAGE, PAGE), at least one pixel True."""
    tall = float(np.count_nonzero(page.max(axis=1) > 0.2))
    seen: np.ndarray = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 0.3 + 0.03 * tall))
    seen += rng.normal(0, rng.uniform(0, 0.03), seen.shape)
    mask = (seen > rng.uniform(*INK) * seen.max()).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= max(4, (0.06 * tall) ** 2)
    kept[0] = False
    return kept[labels] if kept.any() else mask > 0


def network() -> keras.Model:
    """Build a network from shapes (28, 28, 1) to logits (2,)."""
    layers = keras.layers
    x = image = keras.Input((SIDE, SIDE, 1), name="image")
    for channels in CHANNELS:
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(48, activation="relu")(layers.Dropout(0.3)(layers.Flatten()(x)))
    return keras.Model(image, layers.Dense(len(ALPHABET.symbols))(x))


def measure(network: keras.Model, data: Labelled) -> dict:
    """Score a network, and report how many corrections it finds with few false ones."""
    log_probs = predict(network, data.images, "unit")
    result = scores.score([ALPHABET.symbols[k] for k in log_probs.argmax(axis=1)], data.labels)
    print(f"{result}; {ON}")
    two = np.array(data.labels) == TWO
    for false in (0.01, 0.003, 0.001):
        least = np.quantile(log_probs[~two, 1], 1 - false)
        print(f"{false:.1%} false: {np.mean(log_probs[two, 1] > least):.1%} found", end="; ")
        print(f"from {np.exp(least):.4f}")
    return {"on": ON, **result._asdict()}


def main(arguments: list[str] | None = None) -> None:
    """Draw, train, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60_000, help="cells to train on")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    export.reserve(given.folder)
    unseen = Cells("test").draw(given.count // 10, given.seed + 1)
    validation, test = unseen.take(slice(0, None, 2)), unseen.take(slice(1, None, 2))
    train = Cells().draw(given.count, given.seed)
    options = {"epochs": given.epochs, "steps": len(train) // BATCH, "batch_size": BATCH}
    trained, _ = classifier.train(
        *("overwritten", network, train, validation, ALPHABET),
        **options,
        seed=given.seed,
        smoothing=0.02,
        balanced=False,
    )
    score = measure(trained, test)
    export.save(given.folder, trained, facts(train, score, given.seed), test.images)


def facts(train: Labelled, score: dict, seed: int) -> dict:
    """Build the contract."""
    about = {"name": "cells drawn by ocr.training.overwritten", "count": len(train)}
    about |= {"digest": fingerprint(train), "terms": "see data/README.md"}
    return describe(
        kind="class",
        alphabet=ALPHABET,
        size=(SIDE, SIDE),
        channels=1,
        normalisation="unit",
        fit="picture",
        decoding={},
        data=about,
        scores=[score],
        seed=seed,
    )


if __name__ == "__main__":
    main()
