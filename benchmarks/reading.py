"""Figures that anyone can measure again: python bench.py [speed] [memory] [seeds] [training] [peers] [number_peers]
[families]; the first three by default.

CPU-seconds are of this process (time.process_time), on one thread; they do not count what other programs do.
"""

import contextlib
import io
import logging
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

import utils
from ocr import scores
from ocr.datasets import dataset, emnist
from ocr.drawing import captchas, fonts, numbers, paper, symbols
from ocr.reading import scripts
from ocr.reading.files import find_images
from ocr.reading.images import normalise
from ocr.reading.reader import Reader

ARCHIVE = 100_000  # images in the memory test


def speed(rounds: int = 20):
    """CPU-ms an image of each shipped reader, one core, from decoded pixels to text and confidence: least of `rounds`."""
    found = utils.find_captchas()[0]
    captchas = [image.read() for image, _ in zip(find_images(found), range(64))]
    characters = emnist.load_emnist(utils.find_emnist()[0], "bymerge", "test").images[:64]
    pages = [
        _png(255 - np.pad(image[:, :, 0], 40)) for image in characters
    ]  # dark on light, 108 x 108
    signs = np.stack([picture for _, picture in symbols.signs(symbols.ALPHANUMERIC + "AB")])
    write = numbers.press("western", fonts.faces(fonts.WESTERN_UNSEEN, "western"))
    numbers = [
        picture for _, picture in paper.pictures(write, numbers.numbers(64, lengths=(3, 16)))
    ]
    for name, pixels, files in (
        ("captcha", dataset.load_labelled(found).images[:64], captchas),
        ("char_cnn", characters, pages),
        ("cnn_lstm", characters, pages),
        ("dual_input", signs, [_png(picture) for picture in signs]),
        ("numbers", numbers, [_png(picture) for picture in numbers]),
    ):
        reader = Reader.load(name)
        one = _least(lambda: [reader.read(image) for image in pixels], rounds)
        batch = _least(lambda: reader.read(pixels), rounds)
        ready = normalise(
            np.stack([reader.prepare(image).pixels for image in pixels]), reader.normalisation
        )
        network = [
            _least(lambda: [reader.log_probs(ready[i : i + n]) for i in range(0, 64, n)], rounds)
            for n in (1, 64)
        ]
        print(
            f"{name:10} reading, one core, CPU-ms an image: batch 1 {one:.2f} (the network alone {network[0]:.2f}), "
            f"batch 64 {batch:.2f} ({network[1]:.2f}); batch 1 from PNG bytes "
            f"{_least(lambda: [reader.read(file) for file in files], rounds):.2f}"
        )


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def _least(read, rounds: int, count: int = 64) -> float:
    return min(_cpu_ms(read) / count for _ in range(rounds))


def _cpu_ms(work) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def memory():
    """Resident memory of read_command.py's reading loop on the way through a folder of ARCHIVE images."""
    from ocr.cli import read as read_command
    from ocr.reading import bulk

    with tempfile.TemporaryDirectory() as folder:
        originals = [
            found.read() for found, _ in zip(find_images(utils.find_captchas()[0]), range(500))
        ]
        for i in range(ARCHIVE):
            (Path(folder) / f"{i:06d}.png").write_bytes(originals[i % len(originals)])
        process, marks = psutil.Process(), {}
        reader = Reader.load("captcha")
        found = tqdm(find_images(folder), total=ARCHIVE, unit=" images", disable=None)
        for count, result in enumerate(bulk.read_many(reader, found), start=1):
            assert result.reading is not None
            if count in (ARCHIVE // 100, ARCHIVE // 10, ARCHIVE // 2, ARCHIVE):
                marks[count] = process.memory_info().rss / 1e6
    print(
        "memory while reading a folder: "
        + ", ".join(f"{mb:.0f} MB after {n:,}" for n, mb in marks.items())
    )


def seeds():
    """Exact match of the quick profile's reader over five seeds, each with its own split, and the bound that ocr.ipynb
    asserts: the lower end of the 95 % prediction interval for one more run.
    """
    from ocr.cli import train as train_command

    notebook, runs = utils.ROOT / "ocr.ipynb", []
    for seed in range(5):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            train_command.run(notebook, {"SEED": seed, "READER": str(Path(folder) / "reader")})
            runs.append(Reader.load(Path(folder) / "reader").contract["scores"][0])
    exact, n = np.array([run["exact"] for run in runs]), runs[0]["n"]
    spread = max(exact.std(ddof=1), np.sqrt(exact.mean() * (1 - exact.mean()) / n))
    bound = exact.mean() - 2.776 * spread * np.sqrt(
        1 + 1 / 5
    )  # Student's t with four degrees of freedom
    print(
        f"quick profile, seeds 0 to 4, n = {n} each: exact match "
        + " ".join(f"{e:.2%}" for e in exact)
        + f"; lower 95 % bound for one run {bound:.2%}"
    )


def training(images: int = 3_200, rounds: int = 12):
    """Images a second of lesson 01's network: in plain `fit` on arrays, and on balanced, distorted batches of
    batching.class_batches, by turns; wall-clock and CPU time, the best of `rounds`.
    """
    import utils
    from ocr.cli.train import code_cells
    from ocr.reading.images import normalise
    from ocr.training import classifier
    from ocr.training.batches import ahead, class_batches

    names = {"layers": classifier.keras.layers, "keras": classifier.keras}
    for source, _ in code_cells(utils.ROOT / "notebooks" / "01_char_cnn.ipynb"):
        if "def improved_network" in source:
            exec(source, names)
    parts = utils.load_parts()
    rows = np.random.default_rng(0).integers(0, len(parts.train), images)
    arrays = (
        normalise(parts.train.images[rows], "unit"),
        np.eye(47, dtype=np.float32)[parts.alphabet.classes([parts.train.labels[i] for i in rows])],
    )
    model = names["improved_network"](47)
    classifier.one_cycle(model, 100)
    model.fit(*(array[:128] for array in arrays), batch_size=64, verbose=0)
    batches = ahead(class_batches(parts.train, parts.alphabet, 47, 64, images // 64, strength=1.0))
    ways = {
        "plain fit on arrays": lambda: model.fit(*arrays, batch_size=64, verbose=0),
        "balanced, distorted": lambda: model.fit(
            batches, steps_per_epoch=images // 64, shuffle=False, verbose=0
        ),
    }
    best = {name: [0.0, 0.0] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            rates = images / (time.perf_counter() - wall), images / (time.process_time() - cpu)
            best[name] = [max(a, b) for a, b in zip(best[name], rates)]
    for name, (wall, cpu) in best.items():
        print(f"training, {name}: {wall:,.0f} images a second, {cpu:,.0f} a CPU-second")
    ratios = [b / a for a, b in zip(*best.values())]
    print(
        f"with balance and distortion {ratios[0]:.3f} of plain fit by the clock, {ratios[1]:.3f} by CPU time"
    )


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
    print(
        f"ddddocr, beta, lower-cased and filtered: exact match {hits / len(images):.2%} (n = {len(images)}), "
        f"least CPU-ms an image from PNG bytes {least:.1f}"
    )


def number_peers(count: int = 500):
    """General engines and models/numbers on the first `count` printed numbers of lesson 05's test, in the engines' favour: text
    recognition alone, spaces dropped, Arabic digits taken as Western ones. First: pip install rapidocr==3.10.0, and Tesseract 5.
    """
    import rapidocr

    logging.disable(logging.INFO)
    rapid, reader = rapidocr.RapidOCR(), Reader.load("numbers")
    engines = {
        "RapidOCR 3.10": lambda picture: "".join(
            rapid(np.stack([picture] * 3, 2), use_det=False, use_cls=False, use_rec=True).txts or ()
        ),
        "Tesseract": _tesseract,
        "models/numbers": lambda picture: reader.read(picture).text,
    }
    for k, (script, families) in enumerate(
        (("western", fonts.WESTERN_UNSEEN), ("arabic", fonts.ARABIC_UNSEEN))
    ):
        labels, write = (
            numbers.numbers(count, 1_000 + k, (3, 16)),
            numbers.press(script, fonts.faces(families, script)),
        )
        drawn = [picture for _, picture in paper.pictures(write, labels, 1_000 + k)]
        for name, read in engines.items():
            texts, costs = [], []
            for picture in tqdm(drawn, desc=name, disable=None):
                start = time.process_time()
                texts.append(scripts.to_western(read(picture).replace(" ", "")))
                costs.append((time.process_time() - start) * 1000)
            cost = "" if name == "Tesseract" else f", median CPU-ms an image {np.median(costs):.1f}"
            print(f"{script:8} {name:15} {scores.score(texts, labels)}{cost}")


def _tesseract(picture: np.ndarray) -> str:
    """Tesseract's command line, one line of text, digits and separators of both scripts allowed."""
    signs = "".join(sorted(set("".join(scripts.SCRIPTS.values()))))
    done = subprocess.run(
        ["tesseract", "-", "-", "--psm", "7", "-c", f"tessedit_char_whitelist={signs}"],
        input=_png(np.repeat(np.repeat(picture, 2, 0), 2, 1)),
        capture_output=True,
    )
    return done.stdout.decode("utf-8", "replace").strip()


def families(images: int = 20_000, fresh: int = 2_000):
    """Readers of two drawn CAPTCHA families (lower-case letters and digits: 4 at 160 x 60, 5 at 200 x 50), trained as a user
    would, by train_command.py, on a zip of `images`; exact match on `fresh` ones. A quarter of an hour on one core; what is there is kept.
    """
    from ocr.cli import train as train_command

    for length, size in ((4, (60, 160)), (5, (50, 200))):
        drawing = {
            "symbols": string.digits + string.ascii_lowercase,
            "length": length,
            "size": size,
        }
        archive = captchas.captcha_zip(
            utils.ROOT / "data" / "drawn" / f"family-{length}.zip", images, 1, **drawing
        )
        name = f"quick/family-{length}"
        if not (utils.ROOT / "models" / name).exists():
            train_command.run(
                utils.ROOT / "ocr.ipynb",
                {
                    "DATA": archive,
                    "READER": f"models/{name}",
                    **train_command.LESSONS["captcha"][2],
                    "EPOCHS": None,
                },
            )
        labels, pictures = zip(*captchas.captchas(fresh, 2, **drawing))
        texts = [reading.text for reading in Reader.load(name).read(pictures)]
        print(f"{length} characters at {size[1]} x {size[0]}: {scores.score(texts, labels)}")
        merged = str.maketrans("oil", "011")  # pairs that one drawing may mean
        print(
            f"  with o as 0, i and l as 1: {scores.score([t.translate(merged) for t in texts], [l.translate(merged) for l in labels])}"
        )


if __name__ == "__main__":
    benches = {
        "speed": speed,
        "memory": memory,
        "seeds": seeds,
        "training": training,
        "peers": peers,
        "number_peers": number_peers,
        "families": families,
    }
    if unknown := set(sys.argv[1:]) - set(benches):
        sys.exit(f"bench.py: no {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name in sys.argv[1:] or ("speed", "memory", "seeds"):
        benches[name]()
