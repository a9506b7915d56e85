"""Store the readings of an archive: a folder with one Parquet file a partition.

The columns are path, text, confidence, trusted and error. A file is written whole or not at all, so
every file that exists is complete, and a later run reads only the partitions that have none.
"""

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

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


class ClusterError(RuntimeError):
    """Report a cluster or a result folder that cannot be used, in one line."""


def partitions(names: Iterable[str]) -> Iterator[list[str]]:
    """Cut names into lists of LEAST to MOST.

    The cuts depend on the names, not on their position: adding or removing one file changes its own
    partition and at most the next.
    """
    part: list[str] = []
    for name in names:
        part.append(name)
        if len(part) >= MOST or (len(part) >= LEAST and zlib.crc32(os.fsencode(name)) % EVERY == 0):
            yield part
            part = []
    if part:
        yield part


def file_of(part: list[str]) -> str:
    """Name the file of a partition after its images: the same images give the same name."""
    return f"part-{hashlib.sha256(os.fsencode(chr(0).join(part))).hexdigest()[:20]}.parquet"


def write(rows: list[Row], target: Path) -> None:
    """Write rows to one Parquet file, whole or not at all."""
    columns = [pyarrow.array(column, type=field.type) for column, field in zip(zip(*rows), SCHEMA)]
    with whole(target) as part:
        parquet.write_table(pyarrow.Table.from_arrays(columns, schema=SCHEMA), part)


def count_errors(out: Path, name: str) -> int | None:
    """Count the images that a partition could not read; None where the partition has to be read.

    A file that an earlier run moved to `_aside` comes back first.
    """
    with contextlib.suppress(FileNotFoundError):
        (out / "_aside" / name).replace(out / name)
    try:
        errors = parquet.read_table(out / name, columns=["error"])["error"]
    except (OSError, pyarrow.ArrowException):  # missing; or truncated, by a power failure or a copy
        return None
    return len(errors) - errors.null_count


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
    name = "faults-" + file_of([row[0] for row in faults])
    write(faults, out / name)
    return name


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
