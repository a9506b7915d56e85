"""The readers that there are: found in their folders, and again when these change."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from ocr.paths import reader_places
from ocr.reading.contract import NO_READERS, ReaderError, read_contract
from ocr.reading.reader import Reader

EVERY = 1.0  # seconds between two looks at the folders

Load = Callable[[Path], Reader]


def find_readers(places: Sequence[Path] | None = None) -> dict[str, Path]:
    """Map the names of all readers in `places` to their folders, sorted; the first place wins.

    places: by default those of ocr.paths. Raises RuntimeError where there are none.
    """
    places = reader_places() if places is None else places
    found = {
        contract.parent.name: contract.parent
        for place in reversed(places)
        for contract in place.glob("[!.]*/reader.json")
        if contract.parent.name not in NO_READERS
    }
    if not found:
        where = ", ".join(map(str, places))
        raise RuntimeError(f"no readers in {where}: train one with `ocr train`")
    return dict(sorted(found.items()))


def load_readers(places: Sequence[Path] | None = None) -> dict[str, Reader]:
    """Load all readers in `places`. Raises RuntimeError, ReaderError."""
    return {name: Reader.load(path) for name, path in find_readers(places).items()}


def without_network(folder: Path) -> Reader:
    """Make a reader that is described and checks options, but does not read. Raises ReaderError.

    A process that only answers needs no more: a network costs it 10 MB.
    """
    return Reader(read_contract(folder))


class _Known(NamedTuple):
    """A reader as it was loaded; None: it cannot be. seen: the file that was there then."""

    seen: tuple[Path, int, int]
    reader: Reader | None


class Readers:
    """Readers by name; one that is trained, or trained again, meanwhile is loaded, too.

    load: makes the reader of a folder. strict: where one cannot be loaded now, raise its
    ReaderError; else, and later, it is left out, or kept as it was. Threads may share it.
    """

    def __init__(
        self,
        places: Sequence[Path] | None = None,
        load: Load = Reader.load,
        strict: bool = True,
    ):
        self._places, self._load = places, load
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._readers: dict[str, Reader] = {}
        self._look(strict)

    def now(self, needed: Collection[str] = ()) -> dict[str, Reader]:
        """Give the readers by name, sorted; it is the same object where nothing has changed.

        The folders are looked at again after a second, or where a needed name is missing.
        """
        with self._lock:
            late = time.monotonic() - self._looked >= EVERY
            if late or not self._readers.keys() >= set(needed):
                self._look(strict=False)
            return self._readers

    def _look(self, strict: bool) -> None:
        self._looked = time.monotonic()
        try:
            known = {
                name: self._loaded(name, folder, strict)
                for name, folder in find_readers(self._places).items()
            }
        except (RuntimeError, OSError):  # none at all, or a folder that is just being replaced
            if strict:
                raise
            return
        if known != self._known:
            self._known = known
            self._readers = {name: each.reader for name, each in known.items() if each.reader}

    def _loaded(self, name: str, folder: Path, strict: bool) -> _Known:
        """Load a reader, unless it is known. Raises ReaderError where `strict`, OSError."""
        facts, before = (folder / "reader.json").stat(), self._known.get(name)
        seen = folder, facts.st_mtime_ns, facts.st_ino
        if before is not None and before.seen == seen:
            return before
        try:
            return _Known(seen, self._load(folder))
        except ReaderError as error:
            if strict:
                raise
            logging.getLogger(__name__).warning("not loaded: %s", error)
            return _Known(seen, before.reader if before else None)
