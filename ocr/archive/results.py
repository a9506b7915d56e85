"""Store the readings of an archive: a folder with one Parquet file a partition.

The columns are path, text, confidence, trusted and error. A file is written whole or not at all.
Its name has two digests: the key, of the partition's images and their state, and that of the
content with the key. So a later run notices each file that was damaged, exchanged or belongs to
images that have changed since, and reads those partitions, and only those, again.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow
from pyarrow import parquet

from ocr.paths import whole

LEAST = 200  # images in a partition, except the last
MOST = 2000
EVERY = 300  # once a partition has LEAST images, one in EVERY names ends it
SCHEMA = pyarrow.schema(
    [
        ("path", pyarrow.string()),
        ("text", pyarrow.string()),
        ("confidence", pyarrow.float32()),
        ("trusted", pyarrow.bool_()),
        ("error", pyarrow.string()),
    ]
)

Row = tuple[str, str | None, float | None, bool | None, str | None]  # as in SCHEMA
NOT_READ = (None, None, None)  # text, confidence, trusted of an image that cannot be opened


class Image(NamedTuple):
    """An image of an archive: its name, and what changes when it is replaced, see files.Found."""

    name: str
    state: str = ""


class Kept(NamedTuple):
    """A partition's file: its name, how many images it has, and how many could not be read."""

    name: str
    images: int
    errors: int


class ClusterError(RuntimeError):
    """Report a cluster or a result folder that cannot be used, in one line."""


def partitions(images: Iterable[Image]) -> Iterator[list[Image]]:
    """Cut images into lists of LEAST to MOST.

    The cuts depend on the names, not on their position: adding or removing one file changes its own
    partition and at most the next.
    """
    part: list[Image] = []
    for image in images:
        part.append(image)
        ends = zlib.crc32(os.fsencode(image.name)) % EVERY == 0
        if len(part) >= MOST or (len(part) >= LEAST and ends):
            yield part
            part = []
    if part:
        yield part


def key_of(part: list[Image]) -> str:
    """Name a partition after its images: the same images in the same state give the same key."""
    return _digest(os.fsencode("\0".join(text for image in part for text in image)))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:20]


def write(rows: list[Row], out: Path, key: str, kind: str = "part") -> Kept:
    """Write the rows of a partition to a Parquet file in `out`, whole or not at all."""
    columns = [pyarrow.array(column, type=field.type) for column, field in zip(zip(*rows), SCHEMA)]
    table, packed = pyarrow.Table.from_arrays(columns, schema=SCHEMA), pyarrow.BufferOutputStream()
    parquet.write_table(table, packed, write_page_checksum=True)
    data = packed.getvalue().to_pybytes()
    name = f"{kind}-{key}-{_digest(key.encode(), data)}.parquet"
    with whole(out / name) as file:
        file.write_bytes(data)
    return Kept(name, len(rows), sum(row[-1] is not None for row in rows))


def list_files(out: Path) -> dict[str, list[Path]]:
    """List the files of partitions by their key, also those that a run moved to `_aside`."""
    found: dict[str, list[Path]] = {}
    for folder in (out, out / "_aside"):
        for file in sorted(folder.glob("part-*-*.parquet")):
            found.setdefault(file.name.split("-")[1], []).append(file)
    return found


def find(out: Path, key: str, files: Iterable[Path]) -> Kept | None:
    """Find the whole one among the files of a partition; None where it has to be read.

    A file that an earlier run moved to `_aside` comes back.
    """
    for file in files:
        try:
            data = file.read_bytes()
            if file.name != f"part-{key}-{_digest(key.encode(), data)}.parquet":
                continue  # damaged, by a power failure, a copy or a person
            errors = parquet.read_table(pyarrow.BufferReader(data), columns=["error"])["error"]
        except (OSError, pyarrow.ArrowException):
            continue
        if file.parent != out:
            file.replace(out / file.name)
        return Kept(file.name, len(errors), len(errors) - errors.null_count)
    return None


# --- the folder ---------------------------------------------------------------------------------


def prepare(out: Path, paths: list[Path], settings: dict) -> None:
    """Create the result folder, or check that an earlier run can be continued in it.

    `settings` identifies the reader and its options; `_read.json` in the folder keeps them, and
    the paths. A continued run must have the same settings, and all paths of the earlier ones.
    Raises ClusterError.
    """
    facts = settings | {
        "paths": [os.fsencode(path).decode("utf-8", "backslashreplace") for path in paths]
    }
    note = out / "_read.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if note.exists():
            _check_earlier(note, facts)
        elif any(not file.name.startswith("._read.json") for file in out.iterdir()):
            raise ClusterError(f"{out} is a folder with other files in it: choose another --out")
        with whole(note) as part:
            part.write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        raise ClusterError(
            f"{out}: cannot write results there ({error.strerror or error})"
        ) from None


def _check_earlier(note: Path, facts: dict) -> None:
    try:
        before = json.loads(note.read_text(encoding="utf-8"))
        all_paths = set(before["paths"]) <= set(facts["paths"])
        same = all(before.get(key) == value for key, value in facts.items() if key != "paths")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClusterError(f"{note} is damaged: choose another --out") from None
    if not (all_paths and same):
        raise ClusterError(
            f"{note.parent} holds readings of other paths, by another reader or version, or with "
            "other options: choose another --out"
        )


def tidy(out: Path, valid: set[str], faults: list[Row]) -> None:
    """Remove from the result folder what does not belong to this run.

    valid: names of the partition files of this run. faults: one row for each path that could not
    be opened; they are written to a file of their own. While there are any, partitions of earlier
    runs are not deleted but moved to `_aside`: their images may only be unreachable for now.
    """
    if faults:
        valid = valid | {_write_faults(out, faults)}
        _move_aside(out, valid)
    else:
        _remove_aside(out)
    for old in list(out.glob("*.parquet")):
        if old.name not in valid:  # its images are gone, or are in another partition now
            old.unlink()
    for unfinished in list(out.glob(".part-*.part")):  # of workers that were killed
        unfinished.unlink()


def _write_faults(out: Path, faults: list[Row]) -> str:
    key = key_of([Image(row[0]) for row in faults])
    return write(faults, out, key, "faults").name


def _move_aside(out: Path, valid: set[str]) -> None:
    aside = out / "_aside"
    aside.mkdir(exist_ok=True)
    for old in list(out.glob("part-*.parquet")):
        if old.name not in valid:
            old.replace(aside / old.name)


def _remove_aside(out: Path) -> None:
    aside = out / "_aside"
    for old in list(aside.glob("*")):
        old.unlink()
    if aside.exists():
        aside.rmdir()
