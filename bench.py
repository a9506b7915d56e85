"""Figures that anyone can measure again: python bench.py [speed] [memory] [seeds] [peers]; the first three by default.

CPU-seconds are of this process (time.process_time), on one thread; they do not count what other programs do.
"""
from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

import utils
from images import find_images
from reader import Reader

ARCHIVE = 100_000  # images in the memory test


def speed(rounds: int = 20):
    """CPU-ms an image of the CAPTCHA reader, one core, from decoded pixels to text and confidence: least of `rounds`."""
    reader = Reader.load("captcha")
    pixels = utils.load_labelled(utils.find_captchas()[0]).images[:64]
    files = [found.read() for found, _ in zip(find_images(utils.find_captchas()[0]), range(64))]

    def least(read, count):
        return min(_cpu_ms(read) / count for _ in range(rounds))

    one = least(lambda: [reader.read(image) for image in pixels], len(pixels))
    batch = least(lambda: reader.read(pixels), len(pixels))
    png = least(lambda: [reader.read(file) for file in files], len(files))
    network = least(lambda: [reader._session.run(None, {"image": np.zeros((1, *pixels.shape[1:]), np.float32)})
                             for _ in range(64)], 64)
    print(f"reading, one core, CPU-ms an image: batch 1 {one:.2f} (the network alone {network:.2f}), batch 64 {batch:.2f}, "
          f"batch 1 from PNG bytes {png:.2f}")


def _cpu_ms(work) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def memory():
    """Resident memory of main.py's reading loop on the way through a folder of ARCHIVE images."""
    import main

    with tempfile.TemporaryDirectory() as folder:
        originals = [found.read() for found, _ in zip(find_images(utils.find_captchas()[0]), range(500))]
        for i in range(ARCHIVE):
            (Path(folder) / f"{i:06d}.png").write_bytes(originals[i % len(originals)])
        process, marks = psutil.Process(), {}
        reader = Reader.load("captcha")
        found = tqdm(find_images(folder), total=ARCHIVE, unit=" images", disable=None)
        for count, (_, reading, _) in enumerate(main.read_all(reader, found), start=1):
            assert reading is not None
            if count in (ARCHIVE // 100, ARCHIVE // 10, ARCHIVE // 2, ARCHIVE):
                marks[count] = process.memory_info().rss / 1e6
    print("memory while reading a folder: " + ", ".join(f"{mb:.0f} MB after {n:,}" for n, mb in marks.items()))


def seeds():
    """Exact match of the quick profile's reader over five seeds, each with its own split, and the bound that ocr.ipynb
    asserts: the lower end of the 95 % prediction interval for one more run.
    """
    import train

    notebook, runs = utils.ROOT / "ocr.ipynb", []
    for seed in range(5):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            train.run(notebook, {"SEED": seed, "READER": str(Path(folder) / "reader")})
            runs.append(Reader.load(Path(folder) / "reader").contract["scores"][0])
    exact, n = np.array([run["exact"] for run in runs]), runs[0]["n"]
    spread = max(exact.std(ddof=1), np.sqrt(exact.mean() * (1 - exact.mean()) / n))
    bound = exact.mean() - 2.776 * spread * np.sqrt(1 + 1 / 5)  # Student's t with four degrees of freedom
    print(f"quick profile, seeds 0 to 4, n = {n} each: exact match " + " ".join(f"{e:.2%}" for e in exact) +
          f"; lower 95 % bound for one run {bound:.2%}")


def peers():
    """The best general engine on captcha_images_v2, all 1040: ddddocr (MIT). First: pip install ddddocr==1.6.1"""
    import ddddocr

    if hasattr(psutil.Process, "cpu_affinity"):
        psutil.Process().cpu_affinity([0])  # one core for it too
    path, origin = utils.find_captchas()
    if "real" not in origin:
        sys.exit("bench.py: peers are compared on captcha_images_v2: set OCR_DATA to its folder")
    symbols = set("2345678bcdefgmnpwxy")
    images = [(Path(found.name).stem, found.read()) for found in find_images(path)]
    engine = ddddocr.DdddOcr(show_ad=False, beta=True)
    engine.classification(images[0][1])
    hits, least = 0, float("inf")
    for label, png in images:
        start = time.process_time()
        text = engine.classification(png)
        least = min(least, (time.process_time() - start) * 1000)
        hits += "".join(c for c in text.lower() if c in symbols) == label  # as kindly as can be
    print(f"ddddocr, beta, lower-cased and filtered: exact match {hits / len(images):.2%} (n = {len(images)}), "
          f"least CPU-ms an image from PNG bytes {least:.1f}")


if __name__ == "__main__":
    benches = {"speed": speed, "memory": memory, "seeds": seeds, "peers": peers}
    if unknown := set(sys.argv[1:]) - set(benches):
        sys.exit(f"bench.py: no {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name in sys.argv[1:] or ("speed", "memory", "seeds"):
        benches[name]()
