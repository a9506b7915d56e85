"""Recipes: what can be trained on your own images, and how.

This module is light (no Keras), so that the command line can list the recipes; `train` imports what
trains. A recipe names the network of a lesson, a module in ocr/networks. To add one, add an entry
here.
"""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocr.reading.reader import Reader


@dataclass(frozen=True)
class Recipe:
    """How a kind of reader is trained.

    about     a line for people
    lesson    the notebook that explains it
    trainer   module.function in ocr/training that runs it
    network   module.function in ocr/networks that builds its network
    options   keyword arguments of the trainer that the command line offers, besides data, reader,
              alphabet, epochs and seed: "labels" (how folders of characters are named), "batch",
              "script" (of numbers whose labels are in Western digits)
    settings  further keyword arguments of the trainer
    """

    about: str
    lesson: str
    trainer: str
    network: str
    options: tuple[str, ...] = ()
    settings: dict = field(default_factory=dict)


RECIPES = {
    "captcha": Recipe(
        "strings in images of one kind: CAPTCHAs, meter readings, codes (CTC)",
        "ocr.ipynb",
        "own_images.strings",
        "captcha.improved_network",
        ("batch",),
    ),
    "char_cnn": Recipe(
        "one character an image: handwriting, forms (deep CNN)",
        "notebooks/01_char_cnn.ipynb",
        "own_images.characters",
        "char_cnn.improved_network",
        ("labels",),
    ),
    "cnn_lstm": Recipe(
        "one character an image (CNN and LSTM, half the size)",
        "notebooks/02_cnn_lstm.ipynb",
        "own_images.characters",
        "cnn_lstm.repaired_network",
        ("labels",),
    ),
    "dual_input": Recipe(
        "one character an image, photographs too (colours and ink)",
        "notebooks/03_dual_input.ipynb",
        "own_images.views",
        "dual_input.improved_network",
        ("labels",),
    ),
    "numbers": Recipe(
        "numbers, in Western, Arabic-Indic or Persian digits (CTC)",
        "notebooks/05_number_reader.ipynb",
        "own_numbers.numbers",
        "numbers.improved_network",
        ("batch", "script"),
    ),
}


def train(
    name: str, data, reader, *, seed: int = 0, epochs: int | None = None, **options
) -> "Reader":
    """Train a reader by the recipe `name` on your own labelled images.

    data      a folder or zip of labelled images, see data/README.md
    reader    the folder to save the reader in; replaced if it exists
    epochs    None: chosen by the number of images
    options   alphabet, a text of the symbols to read (None: those of the labels); those of the
              recipe

    Prints the audit, the progress and the score on images held back; returns the reader. Raises
    DataError, ReaderError, WorkerError: one line each.
    """
    recipe = RECIPES[name]
    module, function = recipe.trainer.split(".")
    trainer = getattr(import_module(f"ocr.training.{module}"), function)
    module, builder = recipe.network.split(".")
    network = getattr(import_module(f"ocr.networks.{module}"), builder)
    arguments = {**recipe.settings, **options}
    return trainer(network, Path(data), Path(reader), seed=seed, epochs=epochs, **arguments)
