"""Training with several processes, on one machine or many: each takes its part of every batch (train.py --workers).

JAX's collectives add the gradients up (gloo on processors, NCCL on graphics cards), Keras's DataParallel keeps the weights equal.
Batches are those of a single process, so that the losses are, too. A worker ends with its training; the checkpoint that
worker 0 leaves in .cache/ is what the next step, in any process and on any backend, goes on from.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
import zlib

WAIT = 60  # seconds in which all workers must be there
LOST = re.compile(
    r"gloo|nccl|coordination service|heartbeat|connection (closed|reset)|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED",
    re.IGNORECASE,
)
rank, count, joined = 0, 1, False  # of this process among the workers, and whether it is one
_copies = weakref.WeakKeyDictionary()


class WorkerError(ValueError):
    """Workers that cannot be started or went on without; the message is one line for a person."""


class Trained(Exception):
    """Raised in a worker when its training is over: what follows in a notebook is not a worker's."""


# --- in a worker -------------------------------------------------------------------------------------------------


def join(coordinator: str, workers: int, number: int):
    """Make this process worker `number` of `workers`; before Keras is imported. `coordinator`: HOST:PORT of worker 0."""
    global rank, count, joined
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import jax
    except ImportError:
        raise WorkerError("JAX is not installed: pip install -r requirements-scale.txt") from None
    host = _checked(coordinator, bind=not number)
    if number:
        _wait_for(coordinator)
    jax.config.update("jax_enable_preemption_service", False)  # it would keep SIGTERM to itself
    alarm = threading.Timer(
        WAIT,
        _end,
        [
            f"after {WAIT} s not all of the {workers} workers are there: start every rank from 0 to {workers - 1}"
        ],
    )
    alarm.start()
    jax.distributed.initialize(
        coordinator,
        workers,
        number,
        initialization_timeout=2 * WAIT,
        heartbeat_timeout_seconds=30,
        coordinator_bind_address=coordinator if host == "127.0.0.1" and not number else None,
    )
    alarm.cancel()
    if workers > 1:
        _step_aside()
    rank, count, joined = number, workers, True
    sys.modules.setdefault(
        "tensorflow", None
    )  # Keras would load it, for seconds, to ask whether the data are its own
    from ocr.backend import keras

    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))


def _step_aside():
    """Leave the core to the arithmetic: gloo's thread turns round and round while a peer's numbers wait to be fetched. Without
    this, two workers, a core each, take longer for a batch than one. For Linux; elsewhere it stays as it is.
    """
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("joined")  # now the thread is there
    tasks = "/proc/self/task"
    if not hasattr(os, "SCHED_IDLE") or not os.path.isdir(tasks):
        return
    for thread in set(os.listdir(tasks)) - {str(os.getpid())}:
        with contextlib.suppress(OSError):  # one that has just ended
            if _name(thread) == _name(str(os.getpid())):  # XLA's own have names of their own
                os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))


def _name(thread: str) -> str:
    with open(f"/proc/self/task/{thread}/comm") as file:
        return file.read()


def _checked(address: str, bind: bool) -> str:
    """The host of HOST:PORT; with `bind`, it must be free here. Raises WorkerError: JAX would end the process without a word."""
    host, _, port = address.rpartition(":")
    try:
        if not host or not 0 < int(port) < 65536:
            raise ValueError("not HOST:PORT")
        if bind:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(("", int(port)))
    except (OSError, ValueError) as error:
        raise WorkerError(
            f"--coordinator {address}: {error}; give HOST:PORT, a free port of worker 0's machine"
        ) from None
    return host


def _wait_for(address: str):
    host, _, port = address.rpartition(":")
    until = time.monotonic() + WAIT
    while True:
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except (
            OSError
        ) as error:  # also a name that is not known yet: worker 0's machine is still starting
            if time.monotonic() > until:
                raise WorkerError(
                    f"no worker 0 at {address} ({error}): give the same HOST:PORT to all workers, a free port of worker 0's machine"
                ) from None
            time.sleep(0.2)


def _end(message: str):
    """End this worker with a line; at once, as JAX would wait for the others, and then abort."""
    print(f"train.py: {message}", file=sys.stderr, flush=True)
    os._exit(1)


@contextlib.contextmanager
def told_if_lost():
    """In a worker, an error that comes from another one's end ends this one, with a line that says so."""
    try:
        yield
    except Exception as error:
        ours = isinstance(error, Trained) or (
            isinstance(error, ValueError) and type(error) is not ValueError
        )  # DataError and the like
        if joined and count > 1 and not ours and LOST.search(str(error)):
            _end("another worker was lost; the same command goes on from the last epoch")
        raise


def agree(checkpoint: str, epoch: int):
    """Raises WorkerError where the workers would not train the same (the checkpoint's name tells) from the same epoch on."""
    if count == 1:
        return
    import numpy as np
    from jax.experimental import multihost_utils

    here = np.array([zlib.crc32(checkpoint.encode()) & 0x7FFFFFFF, epoch], np.int32)
    if (multihost_utils.process_allgather(here) != here).any():
        raise WorkerError(
            "the workers see different data or checkpoints: give all the same images, and one .cache/ that all see"
        )


def own(size: int) -> slice:
    """The rows that this worker makes of each batch of `size` rows; those of all workers, in order, make up the batch."""
    if size % count:
        raise WorkerError(
            f"a batch of {size} images cannot be divided among {count} workers: choose another number, or --batch"
        )
    return slice(rank * size // count, (rank + 1) * size // count)


@contextlib.contextmanager
def alone(model):
    """The model, or, in a worker among others, a copy that this process can ask without them."""
    if count == 1:
        yield model
        return
    from ocr.backend import keras

    together = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        if model not in _copies:
            _copies[model] = keras.models.clone_model(model)
        _copies[model].set_weights(model.get_weights())
        yield _copies[model]
    finally:
        keras.distribution.set_distribution(together)


# --- the launcher ------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A TCP port of this machine that is free at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(command: list[str], workers: int, show: bool = True):
    """Run `command` as that many workers on this machine, a core each, and wait. Raises WorkerError where one of them fails.

    Worker 0 writes to this terminal, unless it shall not `show`; what the others complain of is told if they fail.
    """
    coordinator = f"127.0.0.1:{free_port()}"
    cores, errors, processes = sorted(os.sched_getaffinity(0)), [], []
    here = threading.current_thread() is threading.main_thread()
    before = here and signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # so that `finally` ends the workers, too
    try:
        for number in range(workers):
            errors.append(tempfile.TemporaryFile("w+"))
            quiet = (
                {"stdout": subprocess.DEVNULL, "stderr": errors[-1]} if number or not show else {}
            )
            processes.append(
                subprocess.Popen(
                    [
                        *command,
                        "--coordinator",
                        coordinator,
                        "--workers",
                        str(workers),
                        "--rank",
                        str(number),
                    ],
                    **quiet,
                )
            )
            os.sched_setaffinity(processes[-1].pid, {cores[number % len(cores)]})
        while True:
            states = [process.poll() for process in processes]
            for number, state in enumerate(states):
                if state:
                    raise WorkerError(_told(number, state, errors[number]))
            if None not in states:
                return
            time.sleep(0.1)
    finally:
        for process in processes:
            process.terminate() if process.poll() is None else None
        until = time.monotonic() + 5
        for process in processes:
            try:
                process.wait(max(0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if here:
            signal.signal(signal.SIGTERM, before)


def _told(number: int, status: int, errors) -> str:
    how = (
        f"was killed by {signal.Signals(-status).name}"
        if status < 0
        else f"ended with status {status}"
    )
    errors.seek(0)
    lines = [
        line.strip() for line in errors if line.strip() and not re.match(r"[IWEF]\d{4} ", line)
    ]  # those are C++'s log
    last = lines[-1][:200] if lines and status > 0 else ""
    return f"worker {number} {how}{': ' + last if last else ''}; the others were stopped, the same command goes on from the last epoch"
