"""Open a folder for labelling: its images, its labels, and what gives guesses."""

from pathlib import Path

from ocr.labelling import queue
from ocr.labelling.desk import Desk
from ocr.labelling.guesses import Guesser, NoGuesses, ReaderGuesses
from ocr.labelling.images import Images
from ocr.labelling.store import Store
from ocr.reading.reader import Reader


def open_desk(
    folder: Path,
    reader: str | None = None,
    alphabet: str = "",
    columns: tuple[str, str] | None = None,
    seed: int = 0,
) -> Desk:
    """Open a folder for labelling.

    reader: the name of a reader that gives guesses. Raises ImageError for a folder without images,
    ReaderError, and what Store raises.
    """
    loaded = None if reader is None else Reader.load(reader)
    images = Images(folder)
    store = Store(folder, columns)
    guesser: Guesser = NoGuesses()
    if loaded is not None:
        order = queue.random_order(images.names, seed)
        guesser = ReaderGuesses(loaded, str(reader), images, order)
    return Desk(images, store, guesser, alphabet, seed)
