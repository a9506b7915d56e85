"""Attack a running server, on this machine only: bounded in count and time.

Honest reads go on meanwhile. An attacker has the address 127.0.0.2, or that of the honest.
"""

import contextlib
import http.client
import io
import multiprocessing
import os
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import psutil
from PIL import Image

from benchmarks.samples import captchas
from benchmarks.serving import Server
from tests.attacks.measure import Report

HONEST, OTHER = "127.0.0.1", "127.0.0.2"
READ = "/api/read?reader=captcha"
HEAVY = "/api/read?reader=numbers&top=10&pattern=dddddddddddd"
PAUSE = 0.2  # seconds between two honest reads


class Asked(NamedTuple):
    """What a request led to; status 0: no answer. cpu: seconds that the server used meanwhile."""

    status: int
    seconds: float
    body: bytes = b""
    cpu: float = 0.0


def connect(address: str, source: str = HONEST, timeout: float = 40) -> socket.socket:
    """Open a connection from an address of this machine."""
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout, (source, 0))


def ask(
    address: str,
    path: str = READ,
    data: bytes | None = None,
    source: str = HONEST,
    headers: dict[str, str] | None = None,
    timeout: float = 40,
) -> Asked:
    """Send one request on a connection of its own."""
    host, port = address.removeprefix("http://").split(":")
    client = http.client.HTTPConnection(host, int(port), timeout, (source, 0))
    started = time.monotonic()
    try:
        client.request("GET" if data is None else "POST", path, data, headers or {})
        answer = client.getresponse()
        body = answer.read()
        return Asked(answer.status, time.monotonic() - started, body)
    except OSError as error:
        return Asked(0, time.monotonic() - started, repr(error).encode())
    finally:
        client.close()


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """Let this process open thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def noise(count: int, height: int = 50, width: int = 200, seed: int = 0) -> bytes:
    """Make the multipart form of `count` pictures of noise."""
    rng, out = np.random.default_rng(seed), io.BytesIO()
    for i in range(count):
        picture = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (height, width), np.uint8)).save(picture, "png")
        out.write(
            f'--x\r\nContent-Disposition: form-data; name="file"; filename="{i}"\r\n\r\n'.encode()
        )
        out.write(picture.getvalue() + b"\r\n")
    return out.getvalue() + b"--x--\r\n"


FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def measured(server: Server, *arguments: Any, **named: Any) -> Asked:
    """Send one request; measure also what the server, all its processes, spends meanwhile."""
    before = server.cpu()
    one = ask(server.address, *arguments, **named)
    return one._replace(cpu=server.cpu() - before)


def honest(server: Server, seconds: float, attack: Callable[..., Any], *arguments: Any) -> Any:
    """Read one picture after another for so long, while an attack goes on in another process.

    Returns what the reads led to, and what the attack returns.
    """
    (picture,) = captchas(1)
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        attacking = pool.submit(attack, server.address, seconds, *arguments)
        asked, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            asked.append(measured(server, data=picture))
            time.sleep(PAUSE)
        return asked, attacking.result()


def summary(what: str, asked: list[Asked], faults: list[str] | None = None) -> Report:
    """Sum up requests that should all be answered 200."""
    lost = [f"status {one.status} after {one.seconds:.1f} s" for one in asked if one.status != 200]
    worst, cpu = max(one.seconds for one in asked), max(one.cpu for one in asked)
    return Report(what, len(asked), worst, cpu, 0, lost + (faults or []))


def _stay_open(address: str, seconds: float, every: float) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(int(seconds / every)):
            one = stack.enter_context(connect(address, OTHER))
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            time.sleep(every)


def closing(server: Server, seconds: float = 20, every: float = 2) -> Report:
    """Ask for the connection to be closed, and keep it open: one such client every 2 seconds."""
    reads, _ = honest(server, seconds, _stay_open, every)
    return summary("honest reads, connections to close stay open", reads)


def _read_noise(address: str, seconds: float, source: str, clients: int) -> list[Asked]:
    form, until, found = noise(64), time.monotonic() + seconds, list[Asked]()

    def one(_: int) -> None:
        while time.monotonic() < until:
            found.append(ask(address, HEAVY, form, source, FORM)._replace(body=b""))
            if found[-1].status != 200:
                time.sleep(0.5)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, range(clients)))
    return found


def heavy(server: Server, source: str, clients: int = 70, seconds: float = 20) -> list[Report]:
    """Send requests of 64 pictures of noise with a long pattern, from many clients at once."""
    reads, found = honest(server, seconds, _read_noise, source, clients)
    who = "same address" if source == HONEST else "another address"
    lost = ["no answer" for one in found if not one.status]
    worst = max(one.seconds for one in found)
    late, count = _late(server)
    if late:
        lost.append(f"{late} of {count} answered more than 10.5 s after they had arrived")
    return [
        summary(f"honest reads, {clients} heavy clients of {who}", reads),
        Report("  the heavy requests themselves", len(found), worst, 0, 0, lost),
    ]


def _late(server: Server) -> tuple[int, int]:
    """Count the reads that the server answered later than 10.5 s after they arrived; and all."""
    text = ask(server.address, "/metrics").body.decode()
    named = r'ocr_request_seconds_bucket\{le="%s"\} (\d+)'
    in_time, all_ = (int(float(re.search(named % le, text)[1])) for le in ("10.5", r"\+Inf"))
    return all_ - in_time, all_


BODY = b"POST %s HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: 100000\r\n%s\r\nabc"
SLOW = {
    "slow bodies": (200, BODY % (b"/api/read", b"")),
    "slow bodies to no path": (200, BODY % (b"/none", b"")),
    "silent connections": (1100, b""),
    "slow heads": (200, b"GET / HTTP/1.1\r\nHost: x.localhost\r\n"),
    "very many silent connections": (3000, b""),
}


def slow(server: Server, what: str, probes: int = 5) -> Report:
    """Open many connections that send a beginning and no more; ask /healthz meanwhile."""
    count, sent = SLOW[what]
    with many_files(), contextlib.ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(connect(server.address, OTHER))
            with contextlib.suppress(OSError):
                one.sendall(sent)
        asked = [measured(server, "/healthz", timeout=20) for _ in range(probes)]
    late = [f"/healthz after {one.seconds:.1f} s" for one in asked if one.seconds > 1]
    return summary(f"/healthz, {count:,} {what}", asked, late)


def dripping(server: Server, path: str, token: bool, most: float) -> Report:
    """Send a byte a second of the body of a request that is refused; how long is it held?"""
    header = b"Authorization: Bearer secret\r\n" if token else b""
    with connect(server.address) as one:
        one.sendall(BODY % (path.encode(), header))
        started = time.monotonic()
        answer = one.recv(10_000)
        with contextlib.suppress(OSError):
            one.settimeout(0.5)
            while time.monotonic() - started < 40:
                one.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if not one.recv(10_000):
                        break
        taken = time.monotonic() - started
    status = answer[9:12].decode()
    late = [] if taken < most + 1 else [f"held {taken:.1f} s"]
    return Report(f"a dripping body to {path}: {status}", 1, taken, 0, 0, late)


def foreign(server: Server) -> Report:
    """Post as a foreign page does, and for a foreign name; send headers that WSGI would mix up."""
    (picture,) = captchas(1)
    faults, refused = (
        list[str](),
        {
            400: [{"Host": "evil.example"}, {"Host": "evil.example:8000"}],
            403: [
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
            ],
            200: [
                {"Sec-Fetch-Site": "same-origin", "Origin": "http://any.example"},
                {"Origin": server.address},
                {"SCRIPT_NAME": "/x"},
                {"Script-Name": "/x"},
            ],
        },
    )
    asked = []
    for status, several in refused.items():
        for headers in several:
            asked.append(one := ask(server.address, data=picture, headers=headers))
            if one.status != status:
                faults.append(f"{headers}: {one.status}, not {status}")
    return Report(
        "foreign pages and names", len(asked), max(one.seconds for one in asked), 0, 0, faults
    )


def reading_processes(server: Server) -> list[psutil.Process]:
    """Find the processes that read: three generations below the first."""
    first = psutil.Process(server.process.pid)
    (answering,) = first.children()
    return [one for child in answering.children() for one in child.children()]


def restarts(server: Server, count: int = 5) -> Report:
    """Kill the process that answers, again and again: how long until it reads again?"""
    (picture,), seconds, faults = captchas(1), list[float](), list[str]()
    for _ in range(count):
        (answering,) = psutil.Process(server.process.pid).children()
        readers = reading_processes(server)
        answering.kill()
        started = time.monotonic()
        while ask(server.address, data=picture, timeout=5).status != 200:
            time.sleep(0.05)
            if time.monotonic() - started > 60:
                faults.append("no answer for a minute")
                break
        seconds.append(time.monotonic() - started)
        _, left = psutil.wait_procs(readers, timeout=10)
        faults += [f"process {one.pid} is left" for one in left]
    return Report(f"{count} kills of the process that answers", count, max(seconds), 0, 0, faults)


def kills(server: Server, count: int = 20, clients: int = 4, every: float = 1) -> Report:
    """Kill a process that reads, again and again, while clients read: no read is lost."""
    pictures, asked, done = captchas(8), list[Asked](), threading.Event()

    def read(k: int) -> None:
        while not done.is_set():
            asked.append(ask(server.address, data=pictures[k]))

    with ThreadPoolExecutor(clients) as pool:
        reads, killed = [pool.submit(read, k) for k in range(clients)], 0
        until = time.monotonic() + 10 * count
        while killed < count and time.monotonic() < until:
            time.sleep(every)
            for one in reading_processes(server)[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    os.kill(one.pid, signal.SIGKILL)
                    killed += 1
        done.set()
        for one in reads:
            one.result()
    missing = [] if killed == count else [f"only {killed} kills"]
    return summary(f"reads, {count} kills of processes that read", asked, missing)


def attacks() -> Iterator[Report]:
    """Attack a server of two processes, without and with a token."""
    (picture,) = captchas(1)
    with Server(environ={"WEB_CONCURRENCY": "2"}) as server:
        server.first_read(picture)
        yield closing(server)
        yield foreign(server)
        for what in SLOW:
            yield slow(server, what)
        for source in (OTHER, HONEST):
            yield from heavy(server, source)
        for path in ("/none", "/healthz"):
            yield dripping(server, path, False, 5)
        yield kills(server)
        yield restarts(server)
    with Server(environ={"WEB_CONCURRENCY": "1", "OCR_TOKEN": "secret"}) as server:
        server.wait()
        yield dripping(server, "/api/read", False, 1)
        yield dripping(server, "/none", True, 5)
