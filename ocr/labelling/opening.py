"""Open a folder for labelling: its images, its labels, and what gives guesses."""

from pathlib import Path

from ocr import paths
from ocr.labelling import queue
from ocr.labelling.desk import Desk
from ocr.labelling.guesses import Guesser, ReaderGuesses
from ocr.labelling.images import Images
from ocr.labelling.loop.jobs import Setup
from ocr.labelling.loop.kinds import kind_of_reader
from ocr.labelling.loop.loop import Loop
from ocr.labelling.loop.trainer import Trainer
from ocr.labelling.store import Store
from ocr.reading.reader import Reader


def open_desk(
    folder: Path,
    reader: str | None = None,
    alphabet: str = "",
    columns: tuple[str, str] | None = None,
    seed: int = 0,
    name: str | None = None,
    kind: str | None = None,
    epochs: int | None = None,
) -> Desk:
    """Open a folder for labelling.

    reader: the name of a reader that gives guesses, and, where its recipe can, the weights to start
    from. name: what is trained goes to models/NAME; None: only label. kind: the recipe; None: that
    of `reader`, else chosen by the labels. epochs: of each training; None: by the number of images.
    Raises ImageError for a folder without images, ReaderError, and what Store raises.
    """
    first = None if reader is None else (Reader.load(reader), reader)
    if reader is not None and kind is None:
        kind = kind_of_reader(reader)
    images = Images(folder)
    store = Store(folder, columns)
    guesser = Guesser()
    if name is not None:
        setup = Setup(paths.MODELS / name, kind, alphabet, seed, reader, epochs)
        trainer = Trainer(paths.LOGS / f"{name}.label.txt")
        guesser = Loop(images, store, setup, trainer, first)
    elif first is not None:
        guesser = ReaderGuesses(*first, images, queue.random_order(images.names, seed))
    return Desk(images, store, guesser, alphabet, seed)
