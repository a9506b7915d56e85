"""Data sets that tests make: noise in files, labelled noise, EMNIST files, crosses, readers."""

import gzip

import numpy as np
from PIL import Image

from ocr.datasets import emnist
from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import CLASSES
from ocr.drawing import symbols
from ocr.reading import contract
from ocr.reading.ctc import Alphabet
from ocr.reading.inputs import with_binary


def noise(seed, size=(60, 24)):
    """Make a grey picture of noise; size: (width, height)."""
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width), np.uint8))


def save_noise(folder, names, seed=0):
    """Save a picture of noise under each of the names; return the folder."""
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise(seed + i).convert("RGB").save(folder / name)
    return folder


def labelled_noise(labels, duplicates=()):
    """Make a data set of 8 x 40 noise; duplicates: pairs of rows that hold the same picture."""
    pixels = np.random.default_rng(0).integers(0, 255, (len(labels), 8, 40, 1), np.uint8)
    for a, b in duplicates:
        pixels[b] = pixels[a]
    names = [f"{i}.png" for i in range(len(labels))]
    return Labelled(pixels, list(labels), names, [(40, 8)] * len(labels))


def classes_of_noise(counts, seed=0):
    """Make a data set of 28 x 28 noise with so many images of each class, {label: count}."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 28, 28, 1), np.uint8)
    return Labelled(images, labels, [f"{i}" for i in range(len(labels))])


def save_emnist(folder, split="byclass", count=8, part="train", packed=True, mapping=CLASSES):
    """Save EMNIST files of noise, transposed as NIST stores them: (upright images, numbers)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    numbers = rng.integers(0, len(mapping), count)
    for kind, array in (("images-idx3", images.transpose(0, 2, 1)), ("labels-idx1", numbers)):
        path = folder / f"emnist-{split}-{part}-{kind}-ubyte.gz"
        emnist.write_idx(path, array)
        if not packed:
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    lines = [f"{i} {ord(c)}" for i, c in enumerate(mapping)]
    (folder / f"emnist-{split}-mapping.txt").write_text("\n".join(lines) + "\n")
    return images, numbers


def save_page(folder, name, invert=False, seed=0):
    """Save a page with a dark stroke like a letter, off centre."""
    rng = np.random.default_rng(seed)
    pixels = np.full((128, 128), 255, np.uint8)
    x, y = rng.integers(10, 60, 2)
    pixels[y : y + 50, x : x + 8] = 0
    pixels[y : y + 8, x : x + 30] = 0
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - pixels if invert else pixels).save(folder / name)


def save_digits(folder, stem, count=20, seed=0):
    """Save the two IDX files of a set of digits: noise, labelled 0 to 9 in turn."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    images = rng.integers(0, 256, (count, 28, 28))
    emnist.write_idx(folder / f"{stem}-images-idx3-ubyte.gz", images)
    emnist.write_idx(folder / f"{stem}-labels-idx1-ubyte.gz", np.arange(count) % 10)


def cross(ink=(20, 20, 20), paper=(230, 230, 230), noise=0, stroke=3, side=28):
    """A cross, uint8 (side, side, 3), and where its ink is."""
    where = np.zeros((side, side), bool)
    middle = slice(side // 2, side // 2 + stroke)
    where[4:-4, middle] = where[middle, 4:-4] = True
    grain = np.random.default_rng(0).normal(0, noise, (side, side, 3))
    pixels = np.where(where[..., None], ink, paper) + grain
    return np.clip(pixels, 0, 255).astype(np.uint8), where


def save_means_ensemble(folder):
    """Save an ensemble of views: three networks that know the mean ink of 0, 1, 7, A in signs."""
    from ocr.backend import keras  # for speed: most tests need no Keras
    from ocr.training import export

    models = []
    for seed in range(3):
        drawn = list(symbols.signs("017A" * 30, seed=seed))
        pictures = with_binary(np.stack([picture for _, picture in drawn]))
        ink = pictures[..., 3].reshape(len(drawn), -1) / 255
        means = np.stack([ink[[s == symbol for s, _ in drawn]].mean(axis=0) for symbol in "017A"])
        image = keras.Input((28, 28, 4), name="image")
        logits = keras.layers.Dense(4)(keras.layers.Flatten()(image[..., 3]))
        models.append(keras.Model(image, logits))
        models[-1].layers[-1].set_weights([means.T / 20, -(means**2).sum(axis=1) / 40])
    common = {
        "alphabet": Alphabet("017A"),
        "size": (28, 28),
        "channels": 4,
        "normalisation": "views",
        "fit": "views",
        "scores": [],
        "seed": 0,
        "data": {"name": "means", "count": 120, "digest": "", "terms": ""},
    }
    facts = contract.describe(kind="ensemble", decoding={"thresholds": [0.6, 0.6]}, **common)
    members = [contract.describe(kind="class", decoding={}, **common) for _ in models]
    return export.save_ensemble(folder, models, members, facts, np.zeros((4, 28, 28, 4), np.uint8))
