"""Read an archive with many processes, on one machine or many, with Dask distributed.

ocr read --cluster local --out reads.parquet ARCHIVE                # start one worker a core
ocr read --cluster tcp://10.0.0.5:8786 --out reads.parquet ARCHIVE  # use a running scheduler

The result is a folder of Parquet files, one a partition (results.py). Workers read and write the
partitions (worker.py); the next run reads only what is missing. All workers must see the archive
and the result under the same path.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
from dask.system import CPU_COUNT
from distributed import Client, Future, wait
from distributed.comm.addressing import get_address_host_port
from distributed.core import rpc
from tqdm import tqdm

from ocr.archive import worker
from ocr.archive.results import (
    NOT_READ,
    ClusterError,
    Image,
    Kept,
    Row,
    find,
    key_of,
    list_files,
    partitions,
    prepare,
    tidy,
)
from ocr.archive.worker import Job
from ocr.reading.files import find_all, printable

AHEAD = 3  # partitions running or queued, for each worker
WAIT = 10  # seconds in which a scheduler must answer
CONNECTION_LOGS = "distributed.client", "distributed.batched"  # they print tracebacks


def connect(address: str) -> Client:
    """Connect to a Dask scheduler, or start workers here.

    address: "local" starts one worker a core, of one thread each; anything else is the address of
    a running scheduler. Raises ClusterError where no scheduler answers within WAIT seconds, or it
    has no workers.
    """
    for name in CONNECTION_LOGS:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # we report lost connections ourselves
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 100,
            "distributed.comm.timeouts.connect": f"{WAIT}s",
            "distributed.worker.profile.enabled": False,
        }
    )
    if address == "local":
        return Client(
            n_workers=CPU_COUNT,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,  # workers that are stopped print tracebacks, too
        )
    client = _connect_to_scheduler(address)
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except (OSError, asyncio.TimeoutError):
        client.close()
        raise ClusterError(
            f"the scheduler at {address} has no workers: start some with "
            f"`dask worker {address} --nthreads 1`"
        ) from None
    return client


def _connect_to_scheduler(address: str) -> Client:
    try:
        with ThreadPoolExecutor(1) as thread:  # Client alone would retry, or wait without end
            thread.submit(asyncio.run, _identify(address)).result()
        return Client(address, timeout=WAIT)
    except (OSError, ValueError, TypeError, asyncio.TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler at {address} ({type(error).__name__}): start one with "
            "`dask scheduler`, workers with `dask worker ADDRESS --nthreads 1`, or use "
            "--cluster local"
        ) from None


async def _identify(address: str) -> None:
    """Ask the server at `address` to identify itself as a scheduler, within WAIT seconds."""
    host, port = get_address_host_port(address)
    socket.create_connection((host, port), timeout=WAIT).close()  # fails at once where refused
    async with rpc(address) as scheduler:
        await asyncio.wait_for(scheduler.identity(), WAIT)


def warm_up(client: Client, job: Job) -> None:
    """Load the reader on every worker, ahead of its first partition."""
    client.run(worker.warm_up, job)


def read(address: str, out, paths, job: Job) -> tuple[int, int]:
    """Connect to a cluster, "local" or at an address, and `read_with` it."""
    with connect(address) as client:
        return read_with(client, out, paths, job)


def read_with(client: Client, out, paths, job: Job) -> tuple[int, int]:
    """Read all images in `paths` on a cluster into the folder `out`; count (images, errors).

    Partitions that have a whole file are skipped. Readings of images that no longer exist leave the
    result; while a path cannot be opened, earlier readings are kept in `out/_aside`. Raises
    ClusterError; what has been read until then stays, and the same call continues.
    """
    out, paths = Path(out).absolute(), _distinct(paths)
    faults: list[Row] = []
    prepare(out, paths, job.settings())
    with tqdm(unit=" images", disable=None) as bar:
        print(f"dashboard: {client.dashboard_link}")
        try:
            parts = partitions(_images(paths, faults))
            kept = _read_partitions(client, parts, out, job, bar)
        except ClusterError:
            raise
        except Exception as error:  # whatever a worker raises; all workers lost; the scheduler gone
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ClusterError(
                f"stopped: {reason}; results so far are in {out}, the same command continues there"
            ) from None
    tidy(out, {each.name for each in kept}, faults)
    counts = sum(each.images for each in kept), sum(each.errors for each in kept)
    return counts[0] + len(faults), counts[1] + len(faults)


def _distinct(paths) -> list[Path]:
    """Make paths absolute; drop those that are given twice or lie inside another."""
    paths = list(dict.fromkeys(Path(path).absolute() for path in paths))
    return [path for path in paths if not any(other in path.parents for other in paths)]


def _images(paths: list[Path], faults: list[Row]) -> Iterator[Image]:
    """Yield every image; add a row to `faults` for each path that cannot be opened."""
    for found in find_all(paths):
        if found.fault:
            faults.append((printable(found.name), *NOT_READ, found.fault))
        else:
            yield Image(found.name, found.state())


def _read_partitions(
    client: Client, parts: Iterable[list[Image]], out: Path, job: Job, bar: tqdm
) -> list[Kept]:
    """Read every partition that has no whole file yet; return the files of all."""
    files, kept = list_files(out), list[Kept]()
    waiting: set[Future] = set()
    for part in parts:
        key = key_of(part)
        if known := find(out, key, files.get(key, [])):
            bar.update(known.images)
            kept.append(known)
            continue
        names = [image.name for image in part]
        # Not pure: a scheduler must not answer with what it has read before, or for another `out`.
        waiting.add(client.submit(worker.read_partition, names, str(out), key, job, pure=False))
        if len(waiting) >= AHEAD * max(1, len(client.nthreads())):
            waiting = _collect(client, waiting, bar, kept)
    while waiting:
        waiting = _collect(client, waiting, bar, kept)
    return kept


def _collect(client: Client, waiting: set[Future], bar: tqdm, kept: list[Kept]) -> set[Future]:
    """Wait until some partitions are done, and add their files to `kept`; return the others."""
    done, waiting = _wait_for_some(client, waiting)
    for future in done:
        written = future.result()
        bar.update(written.images)
        kept.append(written)
    return waiting


def _wait_for_some(client: Client, waiting: set[Future]):
    """Wait for the first of some futures; give (done, not done).

    Raises RuntimeError where there have been no workers for three times WAIT seconds.
    """
    without_workers = 0
    while True:
        try:
            return wait(waiting, timeout=WAIT, return_when="FIRST_COMPLETED")
        except asyncio.TimeoutError:  # a long partition, or lost workers: a nanny restarts its own
            without_workers = 0 if client.nthreads() else without_workers + 1
            if without_workers > 2:
                raise RuntimeError("all workers are gone") from None
