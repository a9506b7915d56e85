"""Reading an archive with many processes, on one machine or on many: Dask distributed (requirements-scale.txt).

    python main.py --cluster local --out reads.parquet ARCHIVE               # workers started here, one a core
    python main.py --cluster tcp://10.0.0.5:8786 --out reads.parquet ARCHIVE # a scheduler that runs already

The result is a folder of Parquet files, one a partition, with the columns path, text, confidence, error. A partition is
written whole or not at all by the worker that read it; the next run reads only what is missing. The archive and the result
must lie where every worker sees them under the same path.
"""
from __future__ import annotations

import hashlib
import json
import os
import socket
import zlib
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

from images import Found, read_named
from reader import Reader

LEAST, MOST, EVERY = 200, 2000, 500  # images of a partition: at least, at most; beyond the least, one in EVERY names ends it
AHEAD = 3                            # partitions under way or waiting for each worker
WAIT = 10                            # seconds in which a scheduler must answer
COLUMNS = {"path": "string", "text": "string", "confidence": "float32", "error": "string"}


class ClusterError(RuntimeError):
    """A cluster or result that cannot be used; the message is one line for a person."""


def partitions(names):
    """Cut an iterable of names into lists, at names and not at counts: a file more or less changes one list, not all."""
    part = []
    for name in names:
        part.append(name)
        if len(part) >= MOST or (len(part) >= LEAST and zlib.crc32(os.fsencode(name)) % EVERY == 0):
            yield part
            part = []
    if part:
        yield part


def file_of(part: list[str]) -> str:
    """The file for a partition's reads: the same images, the same name."""
    return f"part-{hashlib.sha256(os.fsencode(chr(0).join(part))).hexdigest()[:20]}.parquet"


# --- on a worker -------------------------------------------------------------------------------------------------

@lru_cache(maxsize=2)
def _loaded(model: str, pattern: str | None, words: tuple | None):
    reader = Reader.load(model)
    return reader, reader.bind(pattern, words)


def warm_up(*how):
    """Load a reader on this worker, ahead of its first partition."""
    _loaded(*how)


def read_partition(part: list[str], target: str, how: tuple) -> tuple[int, int]:
    """Read the images of these names, write their reads to `target`; (images, how many of them could not be read)."""
    import main

    reader, bound = _loaded(*how)
    found = (Found(name, lambda name=name: read_named(name)) for name in part)
    rows = [(path, reading and reading.text, reading and reading.confidence, error) for path, reading, error in main.read_all(reader, found, bound)]
    write(rows, Path(target))
    return len(rows), sum(row[3] is not None for row in rows)


def write(rows: list[tuple], target: Path):
    """Rows as one Parquet file, whole or not at all."""
    import pyarrow
    import pyarrow.parquet

    types = {"string": pyarrow.string(), "float32": pyarrow.float32()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    columns = [pyarrow.array(column, type=field.type) for column, field in zip(zip(*rows), schema)]
    part = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        pyarrow.parquet.write_table(pyarrow.Table.from_arrays(columns, schema=schema), part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


# --- at the desk -------------------------------------------------------------------------------------------------

def connect(address: str):
    """A Dask client: of workers started here for "local", one a core, one thread each; else of the scheduler at `address`."""
    try:
        import dask
        from distributed import Client
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ClusterError(f"{error.name} is not installed: pip install -r requirements-scale.txt") from None
    dask.config.set({"distributed.scheduler.allowed-failures": 100, "distributed.comm.timeouts.connect": f"{WAIT}s"})
    if address == "local":
        return Client(n_workers=len(os.sched_getaffinity(0)), threads_per_worker=1, dashboard_address=":0")
    try:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=WAIT).close()  # Dask would try again for a while
        return Client(address, timeout=WAIT)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler at {address} ({type(error).__name__}): start one with `dask scheduler`, workers with "
                           "`dask worker ADDRESS --nthreads 1`, or use --cluster local") from None


def prepare(out: Path, paths, how: tuple, digest: str):
    """The result's folder, new or of an earlier run on the same paths by the same reader, bound alike. Raises ClusterError."""
    facts = {"paths": [str(path) for path in paths], "model": digest, "pattern": how[1], "lexicon": how[2] and hashlib.sha256("\n".join(how[2]).encode()).hexdigest()}
    note = out / "_read.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if note.exists():
            if json.loads(note.read_text()) != facts:
                raise ClusterError(f"{out} holds reads of other paths, or by another reader, pattern or lexicon: choose another --out")
        elif any(out.iterdir()):
            raise ClusterError(f"{out} is a folder with other files in it: choose another --out")
        else:
            note.write_text(json.dumps(facts))
    except (OSError, ValueError) as error:
        raise ClusterError(f"{out}: results cannot be written there ({getattr(error, 'strerror', None) or error})") from None


def read(address: str, out, paths, how: tuple) -> tuple[int, int]:
    """Read all images in `paths` on a cluster into the folder `out`; (images, how many could not be read).

    how: (reader's name or folder, pattern or None, tuple of words or None). Partitions whose file is there are passed over.
    """
    from main import find_all

    out, paths = Path(out).absolute(), [Path(path).absolute() for path in paths]  # workers may live elsewhere
    reader, _ = _loaded(*how)
    prepare(out, paths, how, reader.contract.get("onnx_sha256") or hashlib.sha256(json.dumps(reader.contract).encode()).hexdigest())
    faults = []

    def names():
        for one in find_all(paths):
            if one.fault:
                faults.append((one.name, None, None, one.fault))
            else:
                yield one.name

    with connect(address) as client, tqdm(unit=" images", disable=None) as bar:
        print(f"dashboard: {client.dashboard_link}")
        valid, total, failed = _spread(client, partitions(names()), out, how, bar)
    if faults:
        name = "faults-" + file_of([row[0] for row in faults])
        write(faults, out / name)
        valid.add(name)
    for left in out.glob("*.parquet"):
        if left.name not in valid:  # of files that are no longer there, or are in another partition now
            left.unlink()
    return total + len(faults), failed + len(faults)


def _spread(client, parts, out: Path, how: tuple, bar) -> tuple[set[str], int, int]:
    """Have every partition read whose file is not there; the names of all their files, images, and how many of these were not read."""
    from distributed import wait

    valid, waiting, total, failed = set(), set(), 0, 0

    def collect(some):
        nonlocal failed
        for future in some:
            try:
                count, bad = future.result()
                bar.update(count)
                failed += bad
            except Exception as error:  # whatever a worker raised, or that it was lost for good
                client.cancel(list(waiting))
                raise ClusterError(f"stopped: {' '.join(str(error).split())[:200] or type(error).__name__}; what is read lies in {out}, the "
                                   "same command goes on from there") from None

    for part in parts:
        name = file_of(part)
        valid.add(name)
        total += len(part)
        if (out / name).exists():
            bar.update(len(part))
            failed += _failures(out / name)
            continue
        waiting.add(client.submit(read_partition, part, str(out / name), how, key=name, pure=False))
        if len(waiting) >= AHEAD * max(1, len(client.nthreads())):
            done, waiting = wait(waiting, return_when="FIRST_COMPLETED")
            collect(done)
    while waiting:
        done, waiting = wait(waiting, return_when="FIRST_COMPLETED")
        collect(done)
    return valid, total, failed


def _failures(file: Path) -> int:
    import pyarrow.parquet

    errors = pyarrow.parquet.read_table(file, columns=["error"])["error"]
    return len(errors) - errors.null_count
