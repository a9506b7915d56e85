"""Reading an archive with many processes, on one machine or on many: Dask distributed (requirements-scale.txt).

    python main.py --cluster local --out reads.parquet ARCHIVE               # workers started here, one a core
    python main.py --cluster tcp://10.0.0.5:8786 --out reads.parquet ARCHIVE # a scheduler that runs already

The result is a folder of Parquet files, one a partition, with the columns path, text, confidence, error. A partition is
written whole or not at all by the worker that read it; the next run reads only what is missing. The archive and the result
must lie where every worker sees them under the same path.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import socket
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from ocr.reading.bulk import read_all
from ocr.reading.files import Found, find_all, printable, read_named
from ocr.reading.reader import Reader

LEAST, MOST, EVERY = (
    200,
    2000,
    300,
)  # images of a partition: at least, at most; beyond the least, one in EVERY names ends it
AHEAD = 3  # partitions under way or waiting for each worker
WAIT = 10  # seconds in which a scheduler must answer
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


class Job(NamedTuple):
    """Which reader reads, and what it is bound to: what every worker must agree on."""

    model: str
    pattern: str | None
    words: tuple | None
    digest: str


def job(model: str, pattern: str | None = None, words=None) -> Job:
    """The reader of this name or folder as it is now; bound, perhaps. Raises ReaderError."""
    reader = Reader.load(model)
    folder = (
        os.path.abspath(model) if os.path.exists(os.path.join(model, "reader.json")) else model
    )  # workers may live elsewhere
    return Job(folder, pattern, None if words is None else tuple(words), _digest(reader))


def _digest(reader: Reader) -> str:
    return hashlib.sha256(json.dumps(reader.contract, sort_keys=True).encode()).hexdigest()


# --- on a worker -------------------------------------------------------------------------------------------------


def warm_up(how: Job):
    """Load a reader on this worker, ahead of its first partition."""
    _loaded(how)


@lru_cache(maxsize=2)
def _loaded(how: Job):
    """(reader, what it is bound to), on this worker. Raises ClusterError where it is not the reader that was meant."""
    import pyarrow.parquet  # noqa: F401  it takes a moment

    reader = Reader.load(how.model)
    if _digest(reader) != how.digest:
        raise ClusterError(
            f"a worker has another reader in {how.model}: give all workers the same models/"
        )
    return reader, reader.bind(how.pattern, how.words)


def read_partition(part: list[str], target: str, how: Job) -> tuple[int, int]:
    """Read the images of these names, write their reads to `target`; (images, how many of them could not be read)."""
    reader, bound = _loaded(how)
    found = (Found(name, lambda name=name: read_named(name)) for name in part)
    rows = [
        (path, reading and reading.text, reading and reading.confidence, error)
        for path, reading, error in read_all(reader, found, bound)
    ]
    write(rows, Path(target))
    return len(rows), sum(row[3] is not None for row in rows)


def write(rows: list[tuple], target: Path):
    """Rows as one Parquet file, whole or not at all."""
    import pyarrow
    import pyarrow.parquet

    types = {"string": pyarrow.string(), "float32": pyarrow.float32()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    columns = [pyarrow.array(column, type=field.type) for column, field in zip(zip(*rows), schema)]
    part = target.with_name(
        f".{target.name}.{uuid.uuid4().hex}.tmp"
    )  # process numbers are not of one machine alone
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
        import pyarrow  # noqa: F401
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            f"{error.name} is not installed: pip install -r requirements-scale.txt"
        ) from None
    logging.getLogger("distributed.client").setLevel(
        logging.CRITICAL
    )  # what fails is told in a line
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 100,
            "distributed.comm.timeouts.connect": f"{WAIT}s",
            "distributed.worker.profile.enabled": False,
        }
    )
    if address == "local":
        return Client(
            n_workers=len(os.sched_getaffinity(0)),
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
        )
    try:
        with ThreadPoolExecutor(1) as thread:  # Dask alone would try again, or wait for ever
            thread.submit(asyncio.run, _greet(address)).result()
        client = Client(address, timeout=WAIT)
    except (OSError, ValueError, TypeError, asyncio.TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler at {address} ({type(error).__name__}): start one with `dask scheduler`, workers with "
            "`dask worker ADDRESS --nthreads 1`, or use --cluster local"
        ) from None
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except (OSError, asyncio.TimeoutError):
        client.close()
        raise ClusterError(
            f"the scheduler at {address} has no workers: start some with `dask worker {address} --nthreads 1`"
        ) from None
    return client


async def _greet(address: str):
    """Ask whoever listens there for a scheduler's name card, within WAIT seconds."""
    from distributed.comm.addressing import get_address_host_port
    from distributed.core import rpc

    host, port = get_address_host_port(address)
    socket.create_connection((host, port), timeout=WAIT).close()  # refused: told at once
    async with rpc(address) as scheduler:
        await asyncio.wait_for(scheduler.identity(), WAIT)


def _apart(paths) -> list[Path]:
    """Absolute paths, without those that are named twice or lie in another of them."""
    paths = list(dict.fromkeys(Path(path).absolute() for path in paths))
    return [
        path
        for path in paths
        if path.suffix.lower() == ".zip" or not any(other in path.parents for other in paths)
    ]


def prepare(out: Path, paths: list[Path], how: Job):
    """The result's folder: new, or of an earlier run by the same reader, bound alike, on some of these paths. Raises ClusterError."""
    facts = {
        "model": how.digest,
        "pattern": how.pattern,
        "lexicon": how.words and hashlib.sha256("\n".join(how.words).encode()).hexdigest(),
    }
    facts["paths"] = [os.fsencode(path).decode("utf-8", "backslashreplace") for path in paths]
    note = out / "_read.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if note.exists():
            before = json.loads(note.read_text(encoding="utf-8"))
            if not set(before.pop("paths")) <= set(facts["paths"]) or before != {
                key: facts[key] for key in before
            }:
                raise ClusterError(
                    f"{out} holds reads of other paths, or by another reader, pattern or lexicon: choose another --out"
                )
        elif any(not file.name.startswith("._read.json") for file in out.iterdir()):
            raise ClusterError(f"{out} is a folder with other files in it: choose another --out")
        part = out / f"._read.json.{uuid.uuid4().hex}.tmp"
        part.write_text(json.dumps(facts), encoding="utf-8")
        part.replace(note)
    except OSError as error:
        raise ClusterError(
            f"{out}: results cannot be written there ({error.strerror or error})"
        ) from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ClusterError(f"{note} is damaged: choose another --out") from None


def read(address: str, out, paths, how: Job) -> tuple[int, int]:
    """`read_with` the workers at an address, or, for "local", with some that are started here."""
    with connect(address) as client:
        return read_with(client, out, paths, how)


def read_with(client, out, paths, how: Job) -> tuple[int, int]:
    """Read all images in `paths` on a cluster into the folder `out`; (images, how many could not be read).

    Partitions whose file is there are passed over. Reads of images that are no longer there leave the result; where a path
    could not be opened, they are kept in `out/_aside` until it can.
    """
    out, paths, faults = Path(out).absolute(), _apart(paths), []
    prepare(out, paths, how)

    def names():
        for one in find_all(paths):
            if one.fault:
                faults.append((printable(one.name), None, None, one.fault))
            else:
                yield one.name

    with tqdm(unit=" images", disable=None) as bar:
        print(f"dashboard: {client.dashboard_link}")
        try:
            valid, total, failed = _spread(client, partitions(names()), out, how, bar)
        except ClusterError:
            raise
        except Exception as error:  # whatever a worker raised, that all were lost, or the scheduler
            raise ClusterError(
                f"stopped: {' '.join(str(error).split())[:200] or type(error).__name__}; what is read lies in {out}, the "
                "same command goes on from there"
            ) from None
    _tidy(out, valid, faults)
    return total + len(faults), failed + len(faults)


def _tidy(out: Path, valid: set[str], faults: list[tuple]):
    """Leave the files of this run alone in `out`; what others held, of images that may only be out of sight, is set aside."""
    aside = out / "_aside"
    if faults:
        name = "faults-" + file_of([row[0] for row in faults])
        write(faults, out / name)
        valid.add(name)
        aside.mkdir(exist_ok=True)
    for left in list(out.glob("*.parquet")):
        if (
            left.name not in valid
        ):  # of files that are no longer there, or are in another partition now
            left.replace(aside / left.name) if faults and left.name.startswith(
                "part-"
            ) else left.unlink()
    for left in list(aside.glob("*")) * (not faults) + list(out.glob(".part-*.tmp")):
        left.unlink()
    if aside.exists() and not faults:
        aside.rmdir()


def _spread(client, parts, out: Path, how: Job, bar) -> tuple[set[str], int, int]:
    """Have every partition read whose file is not there; the names of all their files, images, and how many of these were not read."""
    valid, waiting, total, failed = set(), set(), 0, 0

    def collect():
        nonlocal waiting, failed
        done, waiting = _some(client, waiting)
        for future in done:
            count, bad = future.result()
            bar.update(count)
            failed += bad

    for part in parts:
        name = file_of(part)
        valid.add(name)
        total += len(part)
        if (known := _failures(out, name)) is not None:
            bar.update(len(part))
            failed += known
            continue
        waiting.add(client.submit(read_partition, part, str(out / name), how, key=name, pure=False))
        if len(waiting) >= AHEAD * max(1, len(client.nthreads())):
            collect()
    while waiting:
        collect()
    return valid, total, failed


def _some(client, waiting: set):
    """(futures that are done, the others), as soon as there are any. Raises ClusterError where nobody is left to work."""
    from distributed import wait

    without = 0
    while True:
        try:
            return wait(waiting, timeout=WAIT, return_when="FIRST_COMPLETED")
        except asyncio.TimeoutError:  # a long partition, or no workers: those of a nanny come back
            without = 0 if client.nthreads() else without + 1
            if without > 2:
                raise RuntimeError("all workers are gone") from None


def _failures(out: Path, name: str) -> int | None:
    """How many images a partition could not read, where its file is there, or was set aside; None where it is to be read."""
    import pyarrow
    import pyarrow.parquet

    with contextlib.suppress(FileNotFoundError):
        (out / "_aside" / name).replace(out / name)
    try:
        errors = pyarrow.parquet.read_table(out / name, columns=["error"])["error"]
        return len(errors) - errors.null_count
    except (OSError, pyarrow.ArrowException):  # not there; or cut, by a power failure or in a copy
        return None
