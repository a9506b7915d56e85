"""Handwritten digits: found on disk, downloaded, or drawn from fonts.

Sources: MNIST (LeCun et al.); ADBase (El-Sherif and Abdelazeem 2007, "A Two-Stage System for Arabic
Handwritten Digit Recognition Tested on a New Large Database").
"""

import zipfile
from pathlib import Path

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.download import download, sha256
from ocr.datasets.emnist import read_idx
from ocr.datasets.labels import DataError
from ocr.paths import DATA
from ocr.reading.scripts import SCRIPTS

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_DIGEST = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
HANDS = {"western": "MNIST", "arabic": "ADBase"}  # scripts that there is handwriting of
DRAWN_DIGITS = 100  # of each digit, drawn to train on where no handwriting is found


def load_handwritten(
    script: str, part: str, folders: list[Path], may_download: bool = False
) -> tuple[Labelled, str]:
    """Load handwritten digits of a `script` ("western", "arabic") as (data, what it is).

    `part` is "train" or "test"; they were written by different people. Images are uint8 (n, 28, 28,
    1), light on black, upright; labels are Western digits. Both sets are looked for in `folders`;
    MNIST is downloaded if it `may_download`; what is not there is drawn from fonts. Raises
    DataError.
    """
    if script not in HANDS or part not in ("train", "test"):
        raise DataError(
            f"no handwriting {script!r}, {part!r}: use western or arabic, train or test"
        )
    stem = {("western", "train"): "train", ("western", "test"): "t10k"}.get(
        (script, part), f"adbase-{part}"
    )
    for folder in folders:
        pixels = _find_digits(folder, f"{stem}-images-idx3-ubyte")
        if pixels:
            numbers = _find_digits(pixels.parent, f"{stem}-labels-idx1-ubyte")
            if numbers is None:
                raise DataError(f"{pixels}: has no {stem}-labels-idx1-ubyte beside it")
            images, digits = (
                read_idx(file.read_bytes(), str(file), dimensions)
                for file, dimensions in ((pixels, 3), (numbers, 1))
            )
            return _labelled_digits(images, digits, stem), HANDS[script]
    if script == "western" and may_download:
        try:
            path = download(
                MNIST_URL, DATA / "mnist.npz", lambda path: sha256(path) == MNIST_DIGEST
            )
            with np.load(path) as arrays:
                return _labelled_digits(arrays[f"x_{part}"], arrays[f"y_{part}"], stem), "MNIST"
        except (DataError, ValueError, zipfile.BadZipFile) as error:
            print(error)
    return _draw_digits(script, part), "drawn from fonts"


def _find_digits(folder: Path, name: str) -> Path | None:
    places = [folder, folder / "mnist", folder / "arabic_digits"]
    return next((p / n for p in places for n in (f"{name}.gz", name) if (p / n).is_file()), None)


def _labelled_digits(images: np.ndarray, digits: np.ndarray, stem: str) -> Labelled:
    if len(images) != len(digits) or images.shape[1:] != (28, 28) or digits.max(initial=0) > 9:
        raise DataError(
            f"{stem}: {len(digits)} labels for images {images.shape}: the files do not belong together; get them again"
        )
    return Labelled(
        images[..., None],
        [str(d) for d in digits.tolist()],
        [f"{stem}[{i}]" for i in range(len(digits))],
    )


def _draw_digits(script: str, part: str) -> Labelled:
    """A stand-in for handwriting: digits in fonts, bent; the families of the two parts differ."""
    from ocr.drawing import fonts, symbols

    families = {
        ("western", "train"): fonts.HANDWRITING[1:],
        ("western", "test"): fonts.HANDWRITING[:1],
        ("arabic", "train"): ("amiri", "cairo", "almarai"),
        ("arabic", "test"): ("tajawal",),
    }[script, part]
    count, seed = (DRAWN_DIGITS, 0) if part == "train" else (DRAWN_DIGITS // 4, 1)
    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), count))
    pairs = list(symbols.glyphs([SCRIPTS[script][i] for i in order], seed, families))
    names = [f"{script}-{part}[{i}]" for i in range(len(order))]
    return Labelled(np.stack([image for _, image in pairs]), [str(i) for i in order], names)
