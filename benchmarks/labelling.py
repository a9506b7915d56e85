"""Measure the labelling page: python -m benchmarks.labelling first|keys|kills

first   from the command to the first label on disk: 300 drawn CAPTCHAs, a script in Chromium. A
        person's own seconds are those of the keystroke-level model, see `form_person`
keys    from the key to the frame that shows the next image, 20,000 images in the folder
kills   20 times kill -9 while a script labels as fast as the page's server answers
"""

import http.client
import json
import os
import random
import resource
import shutil
import string
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.form_person import KEY, THINK, WAIT
from ocr.datasets.labels import list_files, read_labels
from ocr.drawing.captchas import captchas
from ocr.paths import ROOT

COMMAND = "ocr label FOLDER --name mine"
KEYS, KILLS = 100, 20
WATCH = """() => {  // from the key to the frame in which the next image is painted
  let pressed = 0;
  window.took = null;
  document.addEventListener("keydown", event => {
    if (event.key === "Enter") pressed = event.timeStamp;
  }, true);
  new MutationObserver(async () => {
    const picture = document.querySelector("#picture img"), start = pressed;
    await picture.decode();
    requestAnimationFrame(() => { window.took = performance.now() - start; });
  }).observe(document.querySelector("#picture"), {childList: true});
}"""


def draw(folder: Path, count: int) -> None:
    """Save drawn CAPTCHAs; beyond 300 more names of the same files."""
    pairs = captchas(min(count, 300), 0, string.ascii_lowercase + string.digits)
    for k, (_, picture) in enumerate(pairs):
        picture.save(folder / f"{k:05}.png")
    for k in range(300, count):
        os.link(folder / f"{k % 300:05}.png", folder / f"{k:05}.png")


def start(folder: Path) -> tuple[subprocess.Popen, str]:
    """Start the command; return it and the address that it prints."""
    command = [sys.executable, "-m", "ocr", "label", str(folder), "--name", "mine", "--no-browser"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, "http" + process.stdout.readline().strip().partition("http")[2]


def stop(process: subprocess.Popen) -> None:
    """End the command."""
    process.terminate()
    process.communicate(timeout=WAIT / 1000)


@contextmanager
def opened(address: str) -> Iterator[Page]:
    """Open the page in Chromium, until its first image is shown."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(address)
        page.wait_for_selector("#picture img")
        yield page
        browser.close()


def first(folder: Path) -> None:
    """Measure the time to the first label."""
    draw(folder, 300)
    began = time.monotonic()
    process, address = start(folder)
    with opened(address) as page:
        page.focus("#text")
        page.keyboard.type("x7k2p")
        page.keyboard.press("Enter")
        while not (folder / "labels.csv").exists():
            time.sleep(0.01)
        seconds = time.monotonic() - began
    stop(process)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    person = KEY * (len(COMMAND) + 1) + 2 * THINK + KEY * 6
    print(f"command, server, Chromium, page, label on disk: {seconds:.1f} s")
    print(f"all of them together, until they ended: {used.ru_utime + used.ru_stime:.1f} CPU-s")
    print(f"a person's keys and thoughts, modelled: {person:.0f} s")


def keys(folder: Path) -> None:
    """Measure the time from the key to the next image."""
    draw(folder, 20_000)
    process, address = start(folder)
    times = []
    with opened(address) as page:
        page.evaluate(WATCH)
        page.focus("#text")
        for k in range(KEYS):
            page.keyboard.type(f"a{k}")
            page.keyboard.press("Enter")
            page.wait_for_function("() => window.took !== null")
            times.append(page.evaluate("window.took"))
            page.evaluate("window.took = null")
            page.wait_for_timeout(150)  # nobody types faster
    stop(process)
    low, middle, high = np.percentile(times, [10, 50, 90])
    print(f"{KEYS} keys: median {middle:.0f} ms, a tenth under {low:.0f}, a tenth over {high:.0f}")


def kills(folder: Path) -> None:
    """Count the labels that are lost or doubled by kills while labelling."""
    draw(folder, 6000)  # more than can be labelled in that time
    delays = random.Random(0)
    known: dict[str, str] = {}
    for _ in range(KILLS):
        process, address = start(folder)
        known |= _label(process, address, delays.uniform(0.05, 1.0))
        process.wait()
    process, _ = start(folder)
    stop(process)
    named, _ = read_labels(list_files(folder))
    kept = {Path(file).name: label for file, label in named.items()}
    lost = sum(kept.get(file) != label for file, label in known.items())
    lines = (folder / "labels.csv").read_text(encoding="utf-8-sig").splitlines()
    doubled = len(lines) - 1 - len({line.split(",")[0] for line in lines[1:]})
    print(f"{KILLS} kills, {len(known):,} labels acknowledged: {lost} lost, {doubled} doubled")


def _label(process: subprocess.Popen, address: str, seconds: float) -> dict[str, str]:
    """Label until the process is killed, so long after the first answer: what was acknowledged."""
    url = urlsplit(address)
    token = parse_qs(url.query)["token"][0]
    headers = {"Cookie": f"ocr-label-{url.port}={token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=WAIT / 1000)
    done: dict[str, str] = {}
    timer = threading.Timer(seconds, process.kill)

    def ask(method: str, path: str, body: dict | None = None) -> dict:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        return json.loads(connection.getresponse().read())

    try:
        answer = ask("GET", "/api/next")
        timer.start()
        while True:
            item = answer["coming"][0]
            label = f"k{random.getrandbits(32):08x}"
            body = {"id": item["id"], "state": "labelled", "label": label, "seen": 0}
            answer = ask("POST", "/api/label", body)
            done[item["file"]] = label
    except (OSError, http.client.HTTPException, ValueError):
        return done  # killed


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        {"first": first, "keys": keys, "kills": kills}[sys.argv[1]](Path(place))
