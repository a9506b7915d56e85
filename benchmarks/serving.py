"""The server under load, measured from outside: python -m app.bench [load] [start] [damaged]; all three by default.

Starts gunicorn as `make serve` does; wrk (Debian's package of that name) makes the load, in a process of its own.
"""

import contextlib
import io
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
LOADS = (
    (1, 10),
    (8, 20),
    (64, 60),
    (64, 60),
)  # (clients, seconds); the last again, as each of the threads keeps some memory once it has worked
LUA = """
local bodies, k = {}, 0
for i = 0, COUNT - 1 do local file = io.open("FOLDER/" .. i .. ".png", "rb"); bodies[i] = file:read("*a"); file:close() end
request = function() k = (k + 1) % COUNT; return wrk.format("POST", "/api/read?reader=captcha", {["Content-Type"] = "image/png"}, bodies[k]) end
local counts, threads = {}, {}
setup = function(thread) table.insert(threads, thread) end
init = function() refused, failed = 0, 0 end
response = function(status) if status == 429 or status == 503 then refused = refused + 1 elseif status ~= 200 then failed = failed + 1 end end
done = function(summary, latency)
  local r, f = 0, 0
  for _, thread in ipairs(threads) do r = r + thread:get("refused"); f = f + thread:get("failed") end
  local e = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "max": %f, "refused": %d, "failed": %d, "broken": %d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, r, f, e.connect + e.read + e.write + e.timeout))
end
"""


class Server:
    """gunicorn as a process of its own, on a free port of this machine."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-c",
                "python:ocr.serving.gunicorn_conf",
                "--log-level",
                "warning",
            ],
            cwd=ROOT,
            env=os.environ | {"OCR_BIND": self.address.removeprefix("http://")},
        )

    def post(self, data: bytes, query: str = "?reader=captcha") -> tuple[int, bytes]:
        """(status, body) of one picture sent to /api/read."""
        request = urllib.request.Request(
            f"{self.address}/api/read{query}", data, {"Content-Type": "application/octet-stream"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def first_read(self, data: bytes) -> float:
        """Seconds from the start of the process to its first read; waits until it is there."""
        while self.process.poll() is None and time.monotonic() - self.started < 60:
            with contextlib.suppress(OSError):
                status, body = self.post(data)
                assert status == 200, body
                return time.monotonic() - self.started
            time.sleep(0.01)
        raise RuntimeError("the server did not start: see above")

    def memory(self) -> float:
        """Resident memory of all its processes, MB."""
        parent = psutil.Process(self.process.pid)
        return (
            sum(process.memory_info().rss for process in [parent, *parent.children(recursive=True)])
            / 1e6
        )

    def most_memory(self) -> float:
        """The most resident memory that each of its processes ever had, added up, MB."""
        parent = psutil.Process(self.process.pid)
        status = [
            Path(f"/proc/{process.pid}/status").read_text()
            for process in [parent, *parent.children(recursive=True)]
        ]
        return sum(int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) for text in status) * 1024 / 1e6

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def captchas(count: int = 64) -> list[bytes]:
    """PNG files of CAPTCHAs: of the data set where it is found, else drawn."""
    import utils
    from ocr.reading.files import find_images

    return [found.read() for found, _ in zip(find_images(utils.find_captchas()[0]), range(count))]


def start(rounds: int = 5):
    """Cold start: from the start of the process to its first read."""
    data, seconds = captchas(1)[0], []
    for _ in range(rounds):
        with Server() as server:
            seconds.append(server.first_read(data))
            memory = server.memory()
    print(
        f"cold start to first read: {min(seconds):.2f} to {max(seconds):.2f} s, median {np.median(seconds):.2f} (n = {rounds}); {memory:.0f} MB"
    )


def load():
    """Requests a second, latency, errors and memory at each of LOADS, server and load on this machine together."""
    if not shutil.which("wrk"):
        sys.exit("app.bench: the load comes from wrk: apt-get install wrk")
    files = captchas()
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        for i, data in enumerate(files):
            (Path(folder) / f"{i}.png").write_bytes(data)
        script = Path(folder) / "load.lua"
        script.write_text(LUA.replace("COUNT", str(len(files))).replace("FOLDER", folder))
        server.first_read(files[0])
        for clients, seconds in LOADS:
            before = server.memory()
            told = measure(server, script, clients, seconds)
            print(
                f"{clients:3} clients, {seconds} s: {told['requests'] / told['seconds']:.0f} reads/s, p50 {told['p50']:.1f} ms, p99 {told['p99']:.1f} ms, "
                f"slowest {told['max']:.0f} ms, {told['failed'] + told['broken']} errors, {told['refused']} told to come again; "
                f"memory {before:.0f} to {server.memory():.0f} MB",
                flush=True,
            )


def measure(server: Server, script: Path, clients: int, seconds: int) -> dict:
    """One run of wrk: its counts, and latencies in milliseconds."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{seconds}s",
            "--timeout",
            "20s",
            "-s",
            str(script),
            server.address,
        ],
        capture_output=True,
        text=True,
    )
    return json.loads(re.search(r"^\{.*\}$", done.stdout, re.M)[0])


# --- damaged uploads ---------------------------------------------------------------------------------------------


def originals() -> list[bytes]:
    """One picture in every format and mode that people send, and some that are made to hurt."""
    picture, files = Image.open(io.BytesIO(captchas(1)[0])).convert("RGB"), []

    def add(image: Image.Image, kind: str, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        files.append(out.getvalue())

    for kind, mode in (
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("PNG", "1"),
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("WEBP", "RGB"),
        ("TIFF", "RGB"),
        ("TIFF", "F"),
        ("PPM", "L"),
        ("ICO", "RGBA"),
        ("TGA", "RGB"),
        ("EPS", "RGB"),
    ):
        add(picture.convert("L" if mode in ("I;16", "F") else mode).convert(mode), kind)
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        add(picture, "TIFF", compression=packing)
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        add(picture, kind, save_all=True, append_images=[picture.rotate(90), picture.rotate(180)])
    for size in ((2000, 2000), (20_000, 20_000), (60_000, 3)):
        add(Image.new("1", size), "PNG")
    noise = np.random.default_rng(0).integers(
        0, 256, (2048, 2048, 1), dtype=np.uint8
    )  # as large as is decoded
    add(Image.fromarray(np.repeat(noise // 64, 4, axis=2)), "PNG", compress_level=1)
    add(Image.fromarray(noise[:, :, 0]), "JPEG", progressive=True)
    text = PngInfo()
    text.add_itxt("a", " " * 50_000_000, zip=True)  # 50 MB in 50 kB
    add(picture, "PNG", pnginfo=text)
    header = struct.pack(
        "<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 6, 0, 0, 256, 0
    )  # a BMP of run lengths that end at once
    files.append(
        b"BM"
        + struct.pack("<IHHI", 1084, 0, 0, 1078)
        + header
        + bytes(1024)
        + b"\xff\x00"
        + b"\x00\x01" * 2
    )
    return files


def mutated(files: list[bytes], count: int, seed: int = 0):
    """`count` damaged files: bytes changed, cut, repeated, swapped with another's; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        data = bytearray(files[rng.integers(len(files))])
        for _ in range(int(rng.integers(1, 4))):
            how, a, b = rng.integers(5), *sorted(rng.integers(0, len(data) + 1, 2).tolist())
            if how == 0:  # some bytes changed, more often in the header
                for place in (
                    rng.integers(0, min(len(data), 64 if rng.random() < 0.6 else len(data)) + 1, 8)
                    if data
                    else ()
                ):
                    data[min(place, len(data) - 1)] = rng.integers(256)
            elif how == 1:
                del data[a:]
            elif how == 2:
                del data[a : min(b, a + 200)]
            elif how == 3:
                data[a:a] = data[a : min(b, a + 200)]
            else:
                other = files[rng.integers(len(files))]
                data[a:] = other[a:]
        yield bytes(data)


def damaged(count: int = 10_000):
    """Damaged uploads, to all readers in turn: what they are answered, the slowest, the memory; does the server still read right after them?"""
    files = originals()
    with Server() as server:
        server.first_read(files[0])
        with urllib.request.urlopen(f"{server.address}/api/readers") as answer:
            queries = [f"?reader={reader['name']}&top=3&seen=true" for reader in json.load(answer)]
        right, before, slowest, statuses = (
            [server.post(files[0], query) for query in queries],
            server.memory(),
            0.0,
            {},
        )
        for k, data in enumerate(
            tqdm(mutated(files, count), total=count, unit=" uploads", disable=None)
        ):
            begun = time.monotonic()
            status, body = server.post(data, queries[k % len(queries)])
            slowest = max(slowest, time.monotonic() - begun)
            statuses[status] = statuses.get(status, 0) + 1
            assert status == 200 or (400 <= status < 500 and json.loads(body)["detail"]), (
                status,
                body,
            )
        assert [server.post(files[0], query) for query in queries] == right
        most = server.most_memory()
    print(
        f"{count:,} damaged uploads: "
        + ", ".join(f"{n:,} answered {status}" for status, n in sorted(statuses.items()))
        + f"; slowest {slowest:.2f} s; memory {before:.0f} MB before, {most:.0f} at most; still reading right"
    )


if __name__ == "__main__":
    benches = {"load": load, "start": start, "damaged": damaged}
    if unknown := set(sys.argv[1:]) - set(benches):
        sys.exit(f"app.bench: no {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name in sys.argv[1:] or benches:
        benches[name]()
