"""Compare a new reader with the one that it would replace, on images that neither trained on."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ocr import paths
from ocr.reading.contract import ReaderError

FILE = "tested.json"  # in a reader's folder: {name of a test image: [label, was it read right]}
Tested = dict[str, tuple[str, bool]]


def before(folder: Path, labels: Mapping[str, str], replace: bool) -> Tested | None:
    """List how the reader in `folder` read those of these images that it was tested on.

    labels: {name of an image: label}. None where nothing is to be compared: there is no reader, or
    it may be replaced anyway. Raises ReaderError where there is one that cannot be compared: better
    before a training than after it.
    """
    if replace or not (folder / "reader.json").is_file():
        return None
    tested: Tested = {}
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        tested = {name: (str(label), bool(right)) for name, (label, right) in found.items()}
    tested = {name: each for name, each in tested.items() if labels.get(name) == each[0]}
    if not tested:
        raise ReaderError(
            f"there is a reader {folder.name} already, tested on none of these images: give "
            "another --name, or --replace to replace it"
        )
    return tested


def check(name: str, old: Tested | None, right: Mapping[str, bool]) -> None:
    """Raise ReaderError where a new reader reads fewer of its predecessor's test images right.

    right: {name of an image: does the new reader read it right, or networks like it that never saw
    it}; images that are not among them do not count.
    """
    common = set(old or ()) & set(right)
    if old is None or not common:
        return
    had, has = sum(old[each][1] for each in common), sum(right[each] for each in common)
    if has < had:
        raise ReaderError(
            f"of {len(common)} test images the reader {name} that is there reads {had} right, the "
            f"new one {has}: not replaced; the same command with --replace replaces it at once"
        )
    print(f"{name}: of {len(common)} test images the reader before read {had}, this one {has}")


def note(folder: Path, labels: Mapping[str, str], right: Iterable[bool]) -> None:
    """Write down, beside a reader, what it was tested on, in the order of `right`."""
    rows = {name: [label, bool(hit)] for (name, label), hit in zip(labels.items(), right)}
    with paths.whole(folder / FILE) as part:
        part.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
