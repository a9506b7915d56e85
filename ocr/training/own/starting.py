"""Begin a training with the weights of a reader, whose alphabet may be another one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ocr.backend import keras
from ocr.reading import contract
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import Alphabet


def folder_of(name: str) -> Path:
    """Find the folder with a reader's Keras model; of an ensemble, that of its first network.

    Raises ReaderError.
    """
    folder = contract.find_reader(name)
    facts = contract.read_contract(folder)
    if facts["kind"] == "ensemble":
        folder = folder / "1"
    if not (folder / "model.keras").is_file():
        raise ReaderError(f"--from {name}: {folder} has no model.keras to start from")
    return folder


def weights(name: str, build: Callable[[], Any], symbols: Alphabet) -> list[np.ndarray]:
    """Load the weights of a reader, as the network of `build` takes them.

    The rows of the last layer are put in the order of `symbols`; those of symbols that the reader
    does not know are zero. Raises ReaderError where the reader is of another kind.
    """
    folder = folder_of(name)
    facts = contract.read_contract(folder)
    loaded = keras.saving.load_model(folder / "model.keras", compile=False).get_weights()
    network = build()
    *body, kernel, bias = loaded
    wanted = [array.shape for array in network.get_weights()]
    if [array.shape for array in body] != wanted[:-2] or kernel.shape[0] != wanted[-2][0]:
        raise ReaderError(
            f"--from {name}: its network is another one than this recipe's: start from a reader "
            "that the same recipe has trained"
        )
    return [*body, *_rows(kernel, bias, facts, symbols)]


def _rows(
    kernel: np.ndarray, bias: np.ndarray, facts: dict, symbols: Alphabet
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the columns of the last layer for `symbols`; a CTC network has the blank first."""
    blank = [0] if facts["kind"] == "ctc" else []
    places = [facts["alphabet"].find(symbol) for symbol in symbols.symbols]
    columns = np.array(blank + [max(0, place) + len(blank) for place in places])
    known = np.array([True] * len(blank) + [place >= 0 for place in places])
    return kernel[:, columns] * known, bias[columns] * known
