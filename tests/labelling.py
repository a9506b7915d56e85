"""What the tests of labelling share: drawn images, and what is on disk."""

import csv
import http.client
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from PIL import Image, ImageDraw, ImageFont

import utils
from ocr.datasets.labels import DataError
from ocr.training import progress


def rows(folder):
    """Read labels.csv as a spreadsheet would: {file: label}; a file that is there twice fails."""
    with open(folder / "labels.csv", newline="", encoding="utf-8-sig") as file:
        read = [(row["file"], row["label"]) for row in csv.DictReader(file)]
    assert len(dict(read)) == len(read)
    return dict(read)


def entries(folder):
    lines = (folder / ".labels.journal").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def edit(folder, text):
    """Save labels.csv as another program does; a later time, however coarse the clock is."""
    path = folder / "labels.csv"
    later = path.stat().st_mtime_ns + 10**7 if path.exists() else time.time_ns()
    path.write_bytes(text.encode())
    os.utime(path, ns=(later, later))


def draw(folder, count):
    """Draw images of numbers: {file: number}."""
    font, drawn = ImageFont.load_default(40), {}
    for k in range(count):
        text, file = f"{(k * 7919) % 100_000:05}", f"{k:05}.png"
        picture = Image.new("L", (160, 56), 235)
        ImageDraw.Draw(picture).text((20, 4), text, font=font, fill=30)
        picture.save(folder / file)
        drawn[file] = text
    return drawn


class Command:
    """`ocr label` in a process of its own."""

    def __init__(self, folder, *options, project=utils.ROOT):
        command = [sys.executable, "-m", "ocr", "label", str(folder), "--name", "mine"]
        self.process = subprocess.Popen(
            [*command, "--no-browser", *options], cwd=project, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        self.port, token = re.search(r":(\d+)/\?token=(\S+)", line).groups()
        self.headers = {
            "Cookie": f"ocr-label-{self.port}={token}",
            "Content-Type": "application/json",
        }

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port), timeout=10)
        try:
            connection.request(method, path, body and json.dumps(body), self.headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def quick(job):
    """Stand for a training: what the job's name says."""
    what = job.kind
    if what == "fails":
        raise DataError("9 of 12 images are usable")
    if what == "breaks":
        raise KeyError("x")
    if what == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "draws":
        pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
        pool.submit(os.getpid).result()
        pool.submit(time.sleep, 600)
        what = "sleeps"
    if what == "sleeps":
        progress.report("mine", 1, 90, {"loss": 1.0})
        time.sleep(600)
    print("mine: epoch  48 of 485", flush=True)
    progress.report("mine", 48, 485, {"loss": 1.0})
    job.reader.mkdir(parents=True)
    (job.reader / "facts.json").write_text(json.dumps([os.getpid(), os.getsid(0)]))
