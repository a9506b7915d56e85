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
    options   keyword arguments of the trainer that the command line offers, besides those that
              all have (`train`): "labels" (how folders of characters are named), "batch",
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
        "strings in images of one kind: CAPTCHAs, codes, serial numbers (CTC)",
        "ocr.ipynb",
        "own.strings.strings",
        "captcha.improved_network",
        ("batch",),
    ),
    "char_cnn": Recipe(
        "one character an image: handwriting, forms (deep CNN)",
        "notebooks/01_char_cnn.ipynb",
        "own.characters.characters",
        "char_cnn.improved_network",
        ("labels",),
    ),
    "cnn_lstm": Recipe(
        "one character an image (CNN and LSTM, half the size)",
        "notebooks/02_cnn_lstm.ipynb",
        "own.characters.characters",
        "cnn_lstm.repaired_network",
        ("labels",),
    ),
    "dual_input": Recipe(
        "one character an image, photographs too (colours and ink)",
        "notebooks/03_dual_input.ipynb",
        "own.characters.views",
        "dual_input.improved_network",
        ("labels",),
    ),
    "numbers": Recipe(
        "numbers: meters, dates, amounts, in Western, Arabic-Indic or Persian digits (CTC)",
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
    reader    the folder to save the reader in
    epochs    None: chosen by the number of images
    options   those of the recipe, and of all recipes:
              alphabet  a text of the symbols to read (None: those of the labels)
              columns   of labels.csv, which hold the file names and the labels
              start     the name of a reader whose weights the training begins with
              test      a folder or zip of labelled images; the score is on these alone
              curve     also train on parts of the labels, and forecast what more would bring
              replace   replace a reader of the same name even by a worse one
              folds     of the cross-validation of few images; 0: no score
              together  hold a fifth out, however few images there are: several workers train

    Prints the audit, the progress and the score on images that were not trained on; returns the
    reader. Raises DataError, ReaderError, WorkerError: one line each.
    """
    recipe = RECIPES[name]
    module, function = recipe.trainer.rsplit(".", 1)
    trainer = getattr(import_module(f"ocr.training.{module}"), function)
    module, builder = recipe.network.split(".")
    network = getattr(import_module(f"ocr.networks.{module}"), builder)
    arguments = {**recipe.settings, **options}
    return trainer(network, Path(data), Path(reader), seed=seed, epochs=epochs, **arguments)
