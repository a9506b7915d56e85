"""Train the network that tells kinds of pictures apart: python -m ocr.training.kinds FOLDER."""

import argparse
from pathlib import Path

from ocr import scores
from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.datasets.download import data_folders
from ocr.datasets.splits import fingerprint
from ocr.reading.contract import describe
from ocr.reading.ctc import Alphabet
from ocr.training import classifier, export
from ocr.training.kinds.pictures import KNOWN, NEITHER, SIZE, WESTERN_DIGIT, Pictures
from ocr.training.loop import predict

ALPHABET = Alphabet("".join(KNOWN) + NEITHER)
CHANNELS = (16, 32, 40, 64, 96)  # of the convolutions, the first two with stride 2
BATCH = 128
ON = "pictures in other fonts and hands"


def network() -> keras.Model:
    """Build a network from images (32, 128, 1) to logits (3,)."""
    layers = keras.layers
    x = image = keras.Input((*SIZE, 1), name="image")
    for k, channels in enumerate(CHANNELS):
        if k > 2:
            x = layers.MaxPooling2D(2)(x)
        strides = 2 if k < 2 else 1
        x = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    peaks = layers.Flatten()(layers.MaxPooling2D((2, 8))(x))
    x = layers.Concatenate()([peaks, layers.GlobalAveragePooling2D()(x)])
    return keras.Model(image, layers.Dense(len(ALPHABET.symbols))(layers.Dropout(0.2)(x)))


def measure(network: keras.Model, data: Labelled) -> dict:
    """Score a network; one Western digit is right as either kind."""
    found = [ALPHABET.symbols[k] for k in predict(network, data.images).argmax(axis=1)]
    either = [name == WESTERN_DIGIT and sign != NEITHER for sign, name in zip(found, data.names)]
    right = [sign if free else label for sign, label, free in zip(found, data.labels, either)]
    result = scores.score(found, right)
    print(f"{result}; {ON}")
    return {"on": ON, **result._asdict()}


def main(arguments: list[str] | None = None) -> None:
    """Draw, train, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=120_000, help="pictures to train on")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    export.reserve(given.folder)
    unseen = Pictures(data_folders(), "test").draw(given.count // 40, given.seed + 1)
    validation, test = unseen.take(slice(0, None, 2)), unseen.take(slice(1, None, 2))
    train = Pictures(data_folders()).draw(given.count, given.seed)
    steps = len(train) // BATCH
    options = {"epochs": given.epochs, "steps": steps, "batch_size": BATCH, "seed": given.seed}
    trained, _ = classifier.train(
        *("kinds", network, train, validation, ALPHABET),
        **options,
        normalisation="standard",
        smoothing=0.02,
    )
    export.save(
        given.folder, trained, facts(train, measure(trained, test), given.seed), test.images
    )


def facts(train: Labelled, score: dict, seed: int) -> dict:
    """Build the contract."""
    about = {"name": "pictures of many kinds", "count": len(train), "digest": fingerprint(train)}
    return describe(
        kind="class",
        alphabet=ALPHABET,
        size=SIZE,
        channels=1,
        normalisation="standard",
        fit="line",
        decoding={},
        data=about | {"terms": "see data/README.md"},
        scores=[score],
        seed=seed,
        marks={"unreadable": NEITHER},
    )


if __name__ == "__main__":
    main()
