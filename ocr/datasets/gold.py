"""The images of a folder that the labelling page keeps for scoring: never to be trained on."""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

JOURNAL = ".labels.journal"  # beside labels.csv


def gold_names(path: str | os.PathLike, names: Iterable[str]) -> set[str]:
    """List those of `names`, images of the folder `path`, that its journal marks as gold.

    An image that was gold once stays so, whatever has been answered since.
    """
    folder = Path(path)
    gold: set[str] = set()
    with contextlib.suppress(OSError):  # there is no journal, or `path` is a zip
        for line in (folder / JOURNAL).read_bytes().splitlines():
            with contextlib.suppress(ValueError):  # a torn line
                entry = json.loads(line)
                if isinstance(entry, dict) and entry.get("gold") is True:
                    gold.add(str(entry.get("file")))
    return {name for name in names if gold and within(folder, name) in gold}


def within(folder: str | os.PathLike, name: str) -> str:
    """Shorten the name of an image to its path in the folder or zip that it was found in."""
    root, place = PurePosixPath(Path(folder).as_posix()), PurePosixPath(name)
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else name
