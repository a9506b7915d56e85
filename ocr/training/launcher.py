"""Start the processes of a distributed training on this machine and watch them."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from ocr.training.distributed import WorkerError


def free_port() -> int:
    """Find a TCP port of this machine that is free at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(command: list[str], workers: int, show: bool = True, environment: dict | None = None):
    """Run `command` as so many worker processes, one core each, and wait for them.

    The options --coordinator, --workers and --rank are appended, `environment` is added to this
    process's. Worker 0 writes to this terminal,
    unless `show` is False; what the others write to stderr is reported when they fail. Raises
    WorkerError where a worker fails; the others are stopped then.
    """
    coordinator = f"127.0.0.1:{free_port()}"
    variables = {**os.environ, **(environment or {})}
    errors, processes = [], []
    main_thread = threading.current_thread() is threading.main_thread()
    # SIGTERM raises SystemExit, so that `finally` stops the workers, too
    before = main_thread and signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for rank in range(workers):
            errors.append(tempfile.TemporaryFile("w+"))  # noqa: SIM115  closed with the process
            out, err = (subprocess.DEVNULL, errors[-1]) if rank or not show else (None, None)
            given = {"--coordinator": coordinator, "--workers": workers, "--rank": rank}
            options = [str(word) for pair in given.items() for word in pair]
            processes.append(
                subprocess.Popen([*command, *options], env=variables, stdout=out, stderr=err)
            )
            _pin(processes[-1].pid, rank)
        _watch(processes, errors)
    finally:
        _stop(processes)
        if main_thread:
            signal.signal(signal.SIGTERM, before)


def _pin(process: int, rank: int):
    """Pin a process to one core, where the system can (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process, {cores[rank % len(cores)]})


def _watch(processes, errors):
    """Wait until all have ended. Raises WorkerError as soon as one has failed."""
    while True:
        states = [process.poll() for process in processes]
        for rank, state in enumerate(states):
            if state:
                raise WorkerError(_failure(rank, state, errors[rank]))
        if None not in states:
            return
        time.sleep(0.1)


def _stop(processes, patience: float = 5):
    """Terminate the processes that still run; kill those that remain after `patience` seconds."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + patience
    for process in processes:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failure(rank: int, status: int, errors) -> str:
    """Describe in one line how a worker failed, with the last line it wrote (C++ logs left out)."""
    errors.seek(0)
    lines = [line.strip() for line in errors]
    lines = [line for line in lines if line and not re.match(r"[IWEF]\d{4} ", line)]
    if status < 0:
        what = f"was killed by {signal.Signals(-status).name}"
    else:
        what = f"ended with status {status}" + (f": {lines[-1][:200]}" if lines else "")
    return (
        f"worker {rank} {what}; the others were stopped, "
        "the same command resumes from the last epoch"
    )
