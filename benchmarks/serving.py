"""Measure the server from outside: python -m benchmarks.serving [load] [cores] [start] [damaged].

All four by default. The server is started as `make serve` starts it. wrk makes the load
(apt-get install wrk), in a process of its own.
"""

import contextlib
import io
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

from benchmarks.damage import mutate, originals
from benchmarks.samples import captchas

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = Path(__file__).with_name("load.lua")
GUNICORN = ("-m", "gunicorn", "-c", "python:ocr.serving.gunicorn_conf", "--log-level", "warning")
FORM = "multipart/form-data; boundary=x"
LOADS = ((1, 10), (8, 20), (64, 60), (64, 60))  # (clients, seconds)
# The last load runs twice: each thread keeps some memory once it has worked.


class Server:
    """Run the server as a process of its own, on a free port of this machine.

    arguments   of the Python interpreter; the address is in $OCR_BIND
    environ     more variables of its environment
    root        the project's folder
    cores       the numbers of those that it may use, None for all (Linux)
    """

    def __init__(self, arguments=GUNICORN, cwd=None, environ=None, root=ROOT, cores=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{free.getsockname()[1]}"
        self.address = f"http://{bind}"
        self.started = time.monotonic()
        with _on(cores):  # which a process inherits
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=cwd or root,
                env=os.environ | {"OCR_BIND": bind, "PYTHONPATH": str(root)} | (environ or {}),
            )

    def post(self, data: bytes, query: str = "?reader=captcha") -> tuple[int, bytes]:
        """Send one picture to /api/read; return (status, body)."""
        request = urllib.request.Request(
            f"{self.address}/api/read{query}", data, {"Content-Type": "application/octet-stream"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def first_read(self, data: bytes) -> float:
        """Wait until the server reads; return the seconds since the process was started."""
        while self.process.poll() is None and time.monotonic() - self.started < 60:
            with contextlib.suppress(OSError):
                status, body = self.post(data)
                assert status == 200, body
                return time.monotonic() - self.started
            time.sleep(0.01)
        raise RuntimeError("the server did not start: see above")

    def wait(self) -> float:
        """Wait until the server answers; return the seconds since the process was started."""
        while self.process.poll() is None and time.monotonic() - self.started < 60:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.address}/healthz", timeout=10).close()
                return time.monotonic() - self.started
            time.sleep(0.01)
        raise RuntimeError("the server did not start: see above")

    def _processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu(self) -> float:
        """Measure the seconds of a processor that all its processes have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes())

    def memory(self) -> float:
        """Measure the memory of all its processes, MB; what they share counts once (Linux)."""
        each = [process.memory_full_info() for process in self._processes()]
        return sum(getattr(one, "pss", one.rss) for one in each) / 1e6

    def resident(self, peak: bool = False) -> dict[int, float]:
        """Measure the resident memory of each of its processes, or its peak, by id, MB (Linux).

        What processes share counts in each of them.
        """
        line = re.compile(f"{'VmHWM' if peak else 'VmRSS'}:\\s+(\\d+) kB")
        found = {}
        for process in self._processes():
            size = line.search(Path(f"/proc/{process.pid}/status").read_text())
            found[process.pid] = int(size[1]) * 1024 / 1e6 if size else 0.0
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextlib.contextmanager
def _on(cores: set[int] | None) -> Iterator[None]:
    """Use these cores only, meanwhile; None for all."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(rounds: int = 5):
    """Measure the cold start: from the start of the process to its first reading."""
    (data,), seconds, memory = captchas(1), [], 0.0
    for _ in range(rounds):
        with Server() as server:
            seconds.append(server.first_read(data))
            memory = server.memory()
    print(
        f"cold start to first reading: {min(seconds):.2f} to {max(seconds):.2f} s, median "
        f"{np.median(seconds):.2f} (n = {rounds}); {memory:.0f} MB"
    )


def load(loads=LOADS):
    """Measure throughput, latency, errors and memory; server and load share this machine."""
    files = captchas()
    with Server() as server, _script(files) as script:
        server.first_read(files[0])
        for clients, seconds in loads:
            before = server.memory()
            run = measure(server, script, clients, seconds)
            print(
                f"{clients:3} clients, {seconds} s: {run['requests'] / run['seconds']:.0f} "
                f"readings/s, p50 {run['p50']:.1f} ms, p99 {run['p99']:.1f} ms, slowest "
                f"{run['max']:.0f} ms, {run['failed'] + run['broken']} errors, "
                f"{run['refused']} asked to try again; memory {before:.0f} to "
                f"{server.memory():.0f} MB",
                flush=True,
            )


def cores(seconds: int = 10, rounds: int = 3):
    """Compare the server on one core and on two, in turn: one picture a request, and 64."""
    some = captchas()
    loads = {1: _script(some), len(some): _script([_form(some)], FORM)}
    with contextlib.ExitStack() as stack:
        scripts = {count: stack.enter_context(script) for count, script in loads.items()}
        servers = [stack.enter_context(Server(cores=set(range(n)))) for n in (1, 2)]
        for server in servers:
            server.first_read(some[0])
        for count, script in scripts.items():
            runs = [
                [_speed(server, script, count, seconds) for server in servers]
                for _ in range(rounds)
            ]
            one, two = np.array(runs).swapaxes(0, 1)
            print(
                f"{count:2} pictures a request, 8 clients, {rounds} x {seconds} s: one core "
                f"{_figures(one)}; two cores {_figures(two)}; "
                f"ratio {np.median(two[:, 0]) / np.median(one[:, 0]):.2f}",
                flush=True,
            )


def _speed(server: Server, script: Path, count: int, seconds: int) -> tuple[float, float, float]:
    """Measure readings a second; CPU-ms a reading of the server, and of the load."""
    before, used = server.cpu(), _used()
    run = measure(server, script, 8, seconds)
    readings = run["requests"] * count
    spent = server.cpu() - before, _used() - used
    return readings / run["seconds"], *(1000 * each / readings for each in spent)


def _used() -> float:
    """Measure the seconds of a processor that ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _figures(runs: np.ndarray) -> str:
    speed, server, client = np.median(runs, axis=0)
    return f"{speed:.0f} readings/s ({server:.2f} CPU-ms each, the load {client:.2f})"


def _form(pictures: list[bytes]) -> bytes:
    """Make the multipart form of some pictures."""
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return b"".join(head.encode() + each + b"\r\n" for each in pictures) + b"--x--\r\n"


@contextlib.contextmanager
def _script(bodies: list[bytes], kind: str = "image/png") -> Iterator[Path]:
    """Write wrk's script that posts these bodies in turn."""
    if not shutil.which("wrk"):
        sys.exit("benchmarks.serving: load and cores need wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        for i, data in enumerate(bodies):
            (Path(folder) / str(i)).write_bytes(data)
        values = {"COUNT": str(len(bodies)), "FOLDER": folder, "KIND": kind}
        text = SCRIPT.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, value)
        script = Path(folder) / SCRIPT.name
        script.write_text(text, encoding="utf-8")
        yield script


def measure(server: Server, script: Path, clients: int, seconds: int) -> dict:
    """Run wrk once; return its counts, and latencies in milliseconds."""
    options = ["-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
    done = subprocess.run(["wrk", *options, server.address], capture_output=True, text=True)
    line = re.search(r"^\{.*\}$", done.stdout, re.MULTILINE)
    if line is None:
        raise RuntimeError(f"wrk failed: {done.stderr or done.stdout}")
    return json.loads(line[0])


def damaged(count: int = 10_000):
    """Send damaged files to all readers in turn; check answers, time, memory and readings."""
    (data,), statuses, slowest = captchas(1), Counter(), 0.0
    files = originals(Image.open(io.BytesIO(data)).convert("RGB"))
    with Server() as server:
        server.first_read(files[0])
        with urllib.request.urlopen(f"{server.address}/api/readers") as answer:
            queries = [f"?reader={reader['name']}&top=3&seen=true" for reader in json.load(answer)]
        right, before = [server.post(files[0], query) for query in queries], server.memory()
        resident = server.resident()
        uploads = tqdm(mutate(files, count), total=count, unit=" uploads", disable=None)
        for k, upload in enumerate(uploads):
            begun = time.monotonic()
            status, body = server.post(upload, queries[k % len(queries)])
            slowest = max(slowest, time.monotonic() - begun)
            statuses[status] += 1
            refused = 400 <= status < 500 and json.loads(body)["detail"]
            assert status == 200 or refused, (status, body)
        assert [server.post(files[0], query) for query in queries] == right
        # what each process has grown by, at most; a new one counts with all that it has
        grown = {pid: peak - resident.get(pid, 0) for pid, peak in server.resident(True).items()}
        after, most = server.memory(), before + sum(max(0.0, each) for each in grown.values())
    answers = ", ".join(f"{n:,} answered {status}" for status, n in sorted(statuses.items()))
    print(
        f"{count:,} damaged uploads: {answers}; slowest {slowest:.2f} s; memory {before:.0f} MB "
        f"before, {most:.0f} at most, {after:.0f} after; readings afterwards are unchanged"
    )


BENCHMARKS = {"load": load, "cores": cores, "start": start, "damaged": damaged}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(BENCHMARKS):
        names = ", ".join(BENCHMARKS)
        sys.exit(f"benchmarks.serving: no {', '.join(sorted(unknown))}; there are {names}")
    for name in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[name]()
