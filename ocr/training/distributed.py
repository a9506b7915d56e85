"""Distributed training: several processes, on one machine or many, share each batch.

JAX's collectives add up the gradients (gloo on processors, NCCL on graphics cards), Keras's
DataParallel keeps the weights equal. Batches are those of a single process, so the losses are, too.
A worker ends with its training; the checkpoint that worker 0 leaves in .cache/ is what the next
step, in any process and on any backend, resumes from. launcher.py starts workers on this machine.
"""

import contextlib
import os
import re
import socket
import sys
import threading
import time
import weakref
import zlib

TIMEOUT = 60  # seconds within which all workers must have joined
rank, count, joined = 0, 1, False  # of this process among the workers, and whether it is one
_copies: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class WorkerError(ValueError):
    """Workers that cannot be started or continue; the message is one line for a person."""


class WorkerFinished(Exception):
    """Raised in a worker when its training is over: evaluating and saving is not a worker's job."""


def join(coordinator: str, workers: int, number: int):
    """Make this process worker `number` of `workers`, before Keras is imported.

    coordinator: HOST:PORT of worker 0. Raises WorkerError; ends the process when not all have
    joined in time.
    """
    global rank, count, joined
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import jax  # only distributed training needs it: extra "scale"
    except ImportError:
        raise WorkerError('JAX is not installed: pip install "ocr-readers[scale]"') from None
    host = _check_address(coordinator, bind=not number)
    if number:
        _wait_for(coordinator)
    missing = (
        f"not all {workers} workers joined within {TIMEOUT} s: "
        f"start every rank from 0 to {workers - 1}"
    )
    alarm = threading.Timer(TIMEOUT, _end, [missing])
    alarm.start()
    try:
        _jax_before_start(jax)
        jax.distributed.initialize(
            coordinator,
            workers,
            number,
            initialization_timeout=2 * TIMEOUT,
            heartbeat_timeout_seconds=30,
            coordinator_bind_address=coordinator if host == "127.0.0.1" and not number else None,
        )
    finally:
        alarm.cancel()
    if workers > 1:
        _jax_yield_busy_wait()
    rank, count, joined = number, workers, True
    from ocr.backend import keras  # only now: JAX must have been set up

    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))


def _check_address(address: str, bind: bool) -> str:
    """Return the host of HOST:PORT; with `bind` the port must be free here. Raises WorkerError.

    JAX itself would end the process without a message.
    """
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
    """Wait until worker 0 listens. Raises WorkerError after TIMEOUT seconds."""
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as error:  # also an unknown name: worker 0's machine may still be starting
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"no worker 0 at {address} ({error}): give the same HOST:PORT to all workers, "
                    "a free port of worker 0's machine"
                ) from None
            time.sleep(0.2)


def _end(message: str):
    """End this worker at once with a line: JAX would wait for the others and then abort."""
    print(f"train: {message}", file=sys.stderr, flush=True)
    os._exit(1)


@contextlib.contextmanager
def exit_if_lost():
    """In a worker, end the process with one line when another worker was lost."""
    try:
        yield
    except Exception as error:
        # DataError, ReaderError and the like are this worker's own
        own = isinstance(error, WorkerFinished) or (
            isinstance(error, ValueError) and type(error) is not ValueError
        )
        if joined and count > 1 and not own and _jax_lost_peer(error):
            _end("another worker was lost; the same command resumes from the last epoch")
        raise


def agree(checkpoint: str, epoch: int):
    """Check that all workers train the same (by the checkpoint's name) from the same epoch on.

    Raises WorkerError.
    """
    if count == 1:
        return
    import numpy as np
    from jax.experimental import multihost_utils  # extra "scale"

    here = np.array([zlib.crc32(checkpoint.encode()) & 0x7FFFFFFF, epoch], np.int32)
    if (multihost_utils.process_allgather(here) != here).any():
        raise WorkerError(
            "the workers see different data or checkpoints: "
            "give all the same images, and one .cache/ that all of them see"
        )


def own_rows(size: int) -> slice:
    """Return which rows of a batch of `size` this worker makes; together they make it whole."""
    if size % count:
        raise WorkerError(
            f"a batch of {size} images cannot be divided among {count} workers: "
            "choose another number of workers, or --batch"
        )
    return slice(rank * size // count, (rank + 1) * size // count)


@contextlib.contextmanager
def detached(model):
    """Give the model or, in a worker among others, a copy that this process can run alone."""
    if count == 1:
        yield model
        return
    from ocr.backend import keras  # a worker has it by now; importing this module must not

    together = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        if model not in _copies:
            _copies[model] = keras.models.clone_model(model)
        _copies[model].set_weights(model.get_weights())
        yield _copies[model]
    finally:
        keras.distribution.set_distribution(together)


# --- quirks of JAX, seen with JAX 0.10.2 and Keras 3.15.1 -----------------------------------------
# Look here first after an update: nothing in JAX's documentation promises any of this.

LOST = re.compile(
    r"gloo|nccl|coordination service|heartbeat|connection (closed|reset)"
    r"|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED",
    re.IGNORECASE,
)


def _jax_before_start(jax):
    """Keep SIGTERM from JAX's preemption service, and TensorFlow unloaded.

    Keras would import TensorFlow, for seconds, to ask whether the data are its own.
    """
    with contextlib.suppress(AttributeError):  # JAX 0.7, which Colab has, knows no such option
        jax.config.update("jax_enable_preemption_service", False)
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]  # importing it now fails


def _jax_lost_peer(error: Exception) -> bool:
    """Does this error come from a lost peer? JAX has no class of its own for that."""
    return bool(LOST.search(str(error)))


def _jax_yield_busy_wait():
    """Lower the priority of gloo's busy-waiting thread, which would steal the core from compute.

    Without this two workers with a core each take longer for a batch than one. Linux only.
    """
    from jax.experimental import multihost_utils  # extra "scale"

    multihost_utils.sync_global_devices("joined")  # now the thread exists
    tasks = "/proc/self/task"
    if not hasattr(os, "SCHED_IDLE") or not os.path.isdir(tasks):
        return
    for thread in set(os.listdir(tasks)) - {str(os.getpid())}:
        with contextlib.suppress(OSError):  # a thread that has just ended
            if _thread_name(thread) == _thread_name(str(os.getpid())):  # XLA names its own threads
                os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))


def _thread_name(thread: str) -> str:
    with open(f"/proc/self/task/{thread}/comm") as file:
        return file.read()
