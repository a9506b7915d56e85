"""Handwritten digits: found on disk, downloaded, or drawn from fonts.

Sources: MNIST (LeCun et al.); ADBase (El-Sherif and Abdelazeem 2007, "A Two-Stage System for Arabic
Handwritten Digit Recognition Tested on a New Large Database"); HODA, Persian (Khosravi and Kabir
2007).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ocr.datasets.dataset import Labelled
from ocr.datasets.download import download, locate, sha256
from ocr.datasets.emnist import read_idx
from ocr.datasets.labels import DataError
from ocr.datasets.splits import digests
from ocr.paths import DATA
from ocr.reading.scripts import SCRIPTS

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_DIGEST = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
HANDS = {"western": "MNIST", "arabic": "ADBase", "persian": "HODA"}  # scripts with samples
DRAWN_DIGITS = 100  # of each digit, drawn to train on where no handwriting is found


def load_handwritten(
    script: str, part: str, folders: Iterable[str | Path], may_download: bool = False
) -> tuple[Labelled, str]:
    """Load handwritten digits of a `script`, a key of HANDS, as (data, what it is).

    `part` is "train" or "test"; they were written by different people, except in HODA, which is
    divided here: every tenth image is for tests, unless another is equal to it. Images are uint8
    (n, 28, 28, 1), light on black, upright; labels are Western digits. The sets are looked for in
    `folders`; MNIST is downloaded if it `may_download`; what is not there is drawn from fonts.
    Raises DataError.
    """
    if script not in HANDS or part not in ("train", "test"):
        raise DataError(
            f"no handwriting {script!r}, {part!r}: use {', '.join(HANDS)}; train or test"
        )
    stems = {
        "western": "train" if part == "train" else "t10k",
        "arabic": f"adbase-{part}",
        "persian": "hoda-train",
    }
    stem = stems[script]
    found = ((data, HANDS[script]) for data in _found(map(Path, folders), stem))
    if script == "persian":
        found = ((_tenth(data, part), what) for data, what in found)
    fetch = lambda: (_fetch_mnist(part, stem), HANDS[script])
    draw = lambda: (_draw(script, part), "drawn from fonts")
    return locate(found, fetch if may_download and script == "western" else None, draw)


def _found(folders: Iterable[Path], stem: str) -> Iterator[Labelled]:
    """Load the digits `stem` from each folder that has them."""
    for folder in folders:
        pixels = _file(folder, f"{stem}-images-idx3-ubyte")
        if pixels is None:
            continue
        numbers = _file(pixels.parent, f"{stem}-labels-idx1-ubyte")
        if numbers is None:
            raise DataError(f"{pixels}: has no {stem}-labels-idx1-ubyte beside it")
        images = read_idx(pixels.read_bytes(), str(pixels), 3)
        yield _labelled(images, read_idx(numbers.read_bytes(), str(numbers), 1), stem)


def _tenth(data: Labelled, part: str) -> Labelled:
    """Take every tenth image as the test, the others to train on; the parts share no image."""
    tenth = np.arange(len(data)) % 10 == 0
    if part == "train":
        return data.take(np.flatnonzero(~tenth))
    names = digests(data.images)
    return data.take(np.flatnonzero(tenth & ~np.isin(names, names[~tenth])))


def _file(folder: Path, name: str) -> Path | None:
    places = [folder, *(folder / name for name in ("mnist", "arabic_digits", "persian_digits"))]
    files = (place / file for place in places for file in (f"{name}.gz", name))
    return next((file for file in files if file.is_file()), None)


def _labelled(images: np.ndarray, digits: np.ndarray, stem: str) -> Labelled:
    if len(images) != len(digits) or images.shape[1:] != (28, 28) or digits.max(initial=0) > 9:
        raise DataError(
            f"{stem}: {len(digits)} labels for images {images.shape}: the files do not match; "
            "download them again"
        )
    names = [f"{stem}[{i}]" for i in range(len(digits))]
    return Labelled(images[..., None], [str(d) for d in digits.tolist()], names)


def _fetch_mnist(part: str, stem: str) -> Labelled:
    """Download MNIST as Keras distributes it. Raises DataError, ValueError or BadZipFile."""
    path = download(MNIST_URL, DATA / "mnist.npz", lambda path: sha256(path) == MNIST_DIGEST)
    with np.load(path) as arrays:
        return _labelled(arrays[f"x_{part}"], arrays[f"y_{part}"], stem)


def _draw(script: str, part: str) -> Labelled:
    """Draw distorted font digits as a substitute; the parts have different font families."""
    from ocr.drawing import fonts, symbols  # for speed: OpenCV, Matplotlib

    families = {
        ("western", "train"): fonts.HANDWRITING[1:],
        ("western", "test"): fonts.HANDWRITING[:1],
        ("arabic", "train"): ("amiri", "cairo", "almarai"),
        ("arabic", "test"): ("tajawal",),
        ("persian", "train"): ("amiri", "cairo"),
        ("persian", "test"): ("noto_kufi_arabic",),
    }[script, part]
    count, seed = (DRAWN_DIGITS, 0) if part == "train" else (DRAWN_DIGITS // 4, 1)
    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), count))
    pairs = symbols.glyphs([SCRIPTS[script][i] for i in order], seed, families)
    images = np.stack([image for _, image in pairs])
    names = [f"{script}-{part}[{i}]" for i in range(len(order))]
    return Labelled(images, [str(i) for i in order], names)
