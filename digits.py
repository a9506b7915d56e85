"""Digits of other scripts: what they are in Western ones, and images of handwritten ones (MNIST, ADBase).

Sources: MNIST (LeCun et al.), ADBase (El-Sherif and Abdelazeem 2007, "A Two-Stage System for Arabic Handwritten Digit
Recognition Tested on a New Large Database").
"""
from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import numpy as np

import synth
from download import download, sha256
from emnist import read_idx
from labels import DataError
from utils import ROOT, Labelled, data_folders, full_profile

NUMBERS = "0123456789./-,"  # what a number is written with, in Western signs
SCRIPTS = {"western": NUMBERS, "arabic": "٠١٢٣٤٥٦٧٨٩٫/-٬", "persian": "۰۱۲۳۴۵۶۷۸۹٫/-٬"}  # sign for sign
_OTHERS = {"\u060c": ",", "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2044": "/", "\u2215": "/"}
_TABLE = str.maketrans({**_OTHERS, **{sign: western for signs in SCRIPTS.values() for sign, western in zip(signs, NUMBERS)}})
HANDS = {"western": "MNIST", "arabic": "ADBase"}  # scripts of which there is handwriting
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_DIGEST = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
DRAWN = 100  # of each digit drawn to train on where no handwriting is found


def to_western(text: str) -> str:
    """A number in Western signs, whatever its script; marks that only steer the direction of writing are dropped.

    U+0660-0669 and U+06F0-06F9 become 0-9, the Arabic decimal sign a point, the thousands sign and the Arabic comma a
    comma, dashes and the minus sign a hyphen. Everything else stays. Digits of these scripts run left to right.
    """
    return "".join(c for c in text.translate(_TABLE) if unicodedata.category(c) != "Cf")


def load_handwritten(script: str, part: str, download_allowed: bool | None = None) -> tuple[Labelled, str]:
    """Handwritten digits of a `script` ("western", "arabic") as (data, what it is); `part` is "train" or "test".

    Images are uint8 (n, 28, 28, 1), light on black, upright; labels are Western digits. The two parts were written
    by different people. MNIST is found, else (in the full profile) downloaded; ADBase is found; else digits are drawn from fonts.
    """
    if script not in HANDS or part not in ("train", "test"):
        raise DataError(f"no handwriting {script!r}, {part!r}: use western or arabic, train or test")
    stem = {("western", "train"): "train", ("western", "test"): "t10k"}.get((script, part), f"adbase-{part}")
    for folder in data_folders():
        pixels = _find(folder, f"{stem}-images-idx3-ubyte")
        if pixels:
            numbers = _find(pixels.parent, f"{stem}-labels-idx1-ubyte")
            if numbers is None:
                raise DataError(f"{pixels}: has no {stem}-labels-idx1-ubyte beside it")
            images, digits = read_idx(pixels.read_bytes(), str(pixels), 3), read_idx(numbers.read_bytes(), str(numbers), 1)
            return _labelled(images, digits, stem), HANDS[script]
    if script == "western" and (full_profile() if download_allowed is None else download_allowed):
        try:
            path = download(MNIST_URL, ROOT / "data" / "mnist.npz", lambda path: sha256(path) == MNIST_DIGEST)
            with np.load(path) as arrays:
                return _labelled(arrays[f"x_{part}"], arrays[f"y_{part}"], stem), "MNIST"
        except (DataError, ValueError, zipfile.BadZipFile) as error:
            print(error)
    return _drawn(script, part), "drawn by synth.py from fonts"


def _find(folder: Path, name: str) -> Path | None:
    places = [folder, folder / "mnist", folder / "arabic_digits"]
    return next((p / n for p in places for n in (f"{name}.gz", name) if (p / n).is_file()), None)


def _labelled(images: np.ndarray, digits: np.ndarray, stem: str) -> Labelled:
    if len(images) != len(digits) or images.shape[1:] != (28, 28) or digits.max(initial=0) > 9:
        raise DataError(f"{stem}: {len(digits)} labels for images {images.shape}: the files do not belong together; get them again")
    return Labelled(images[..., None], [str(d) for d in digits.tolist()], [f"{stem}[{i}]" for i in range(len(digits))])


def _drawn(script: str, part: str) -> Labelled:
    """A stand-in for handwriting: digits in fonts, bent; the families of the two parts differ."""
    families = {("western", "train"): synth.HANDWRITING[1:], ("western", "test"): synth.HANDWRITING[:1],
                ("arabic", "train"): ("amiri", "cairo", "almarai"), ("arabic", "test"): ("tajawal",)}[script, part]
    count, seed = (DRAWN, 0) if part == "train" else (DRAWN // 4, 1)
    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), count))
    pairs = list(synth.glyphs([SCRIPTS[script][i] for i in order], seed, families))
    return Labelled(np.stack([image for _, image in pairs]), [str(i) for i in order], [f"{script}-{part}[{i}]" for i in range(len(order))])
