"""Measure trainings, for benchmarks/reading.py."""

import contextlib
import io
import os
import string
import time

import numpy as np

import utils
from ocr import paths, scores
from ocr.datasets import dataset, splits
from ocr.datasets.download import data_folders
from ocr.drawing import captchas
from ocr.networks import captcha, char_cnn
from ocr.reading.ctc import Alphabet
from ocr.reading.images import normalise
from ocr.reading.reader import Reader
from ocr.training import classifier, ctc, recipes
from ocr.training.batches import class_batches, prefetch
from ocr.training.drawn import DrawnNumbers
from ocr.training.number_kinds import number_kinds

QUICK_EPOCHS = 12  # of the quick profile of ocr.ipynb
STUDENT_T = 2.776  # 95 %, four degrees of freedom


def seeds():
    """Measure the exact match of ocr.ipynb's quick profile over five seeds, each its own split.

    Also the bound that the notebook asserts: the lower end of the 95 % prediction interval for one
    more run.
    """
    data = dataset.load_labelled(utils.find_captchas()[0])
    runs = [_quick(data, seed) for seed in range(5)]
    exact, n = np.array([run.exact for run in runs]), runs[0].n
    spread = max(exact.std(ddof=1), np.sqrt(exact.mean() * (1 - exact.mean()) / n))
    bound = exact.mean() - STUDENT_T * spread * np.sqrt(1 + 1 / len(runs))
    print(
        f"quick profile, seeds 0 to 4, n = {n} each: exact match "
        + " ".join(f"{e:.2%}" for e in exact)
        + f"; lower 95 % bound for one run {bound:.2%}"
    )


def _quick(data: dataset.Labelled, seed: int) -> scores.Score:
    """Train and evaluate as the quick profile of ocr.ipynb does."""
    alphabet = Alphabet.from_labels(data.labels)
    train, validation, test = splits.split(data, seed)
    height, width = data.images.shape[1:3]
    with contextlib.redirect_stdout(io.StringIO()):
        network, _ = ctc.train(
            f"quick-{seed}",
            lambda: captcha.improved_network(height, width, len(alphabet)),
            train,
            validation,
            alphabet,
            epochs=QUICK_EPOCHS,
            batch_size=16,
            seed=seed,
            strength=0.0,
        )
    length = len(data.labels[0])
    texts, _ = ctc.read_all(network, test, alphabet, lengths=(length, length))
    return scores.score(texts, test.labels)


def training(images: int = 3_200, rounds: int = 12):
    """Measure images a second of lesson 01's network, wall-clock and CPU, the best of `rounds`.

    In plain `fit` on arrays, and on the balanced, distorted batches of training/batches.py, by
    turns.
    """
    parts = utils.load_parts()
    rows = np.random.default_rng(0).integers(0, len(parts.train), images)
    classes = parts.alphabet.classes([parts.train.labels[i] for i in rows])
    x, y = normalise(parts.train.images[rows], "unit"), np.eye(47, dtype=np.float32)[classes]
    model = char_cnn.improved_network(47)
    classifier.one_cycle(model, 100)
    model.fit(x[:128], y[:128], batch_size=64, verbose=0)
    steps = images // 64
    batches = prefetch(class_batches(parts.train, parts.alphabet, 47, 64, steps, strength=1.0))
    ways = {
        "plain fit on arrays": lambda: model.fit(x, y, batch_size=64, verbose=0),
        "balanced, distorted": lambda: model.fit(
            batches, steps_per_epoch=steps, shuffle=False, verbose=0
        ),
    }
    best = {name: [0.0, 0.0] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            rates = images / (time.perf_counter() - wall), images / (time.process_time() - cpu)
            best[name] = [max(pair) for pair in zip(best[name], rates)]
    for name, (wall, cpu) in best.items():
        print(f"training, {name}: {wall:,.0f} images a second, {cpu:,.0f} a CPU-second")
    by_clock, by_cpu = (b / a for a, b in zip(*best.values()))
    print(f"balanced, distorted / plain fit: {by_clock:.3f} by the clock, {by_cpu:.3f} by CPU time")


def drawing(blocks: int = 24):
    """Measure the numbers a second that are drawn to train on, with a process for each core."""
    folders = [str(folder) for folder in data_folders()]
    kinds, workers = {"folders": folders, "download": True}, os.cpu_count() or 1
    with DrawnNumbers(number_kinds, kinds, 0, (32, 256), workers=workers) as drawn:
        coming = drawn.blocks(0, blocks)
        for _ in range(4 * workers):  # each process has begun
            next(coming)
        start = time.perf_counter()
        count = sum(len(next(coming).labels) for _ in range(blocks))
    rate = count / (time.perf_counter() - start)
    print(f"drawing: {rate:,.0f} numbers a second, {workers} processes")


def families(images: int = 20_000, fresh: int = 2_000):
    """Train readers of two drawn CAPTCHA families as a user would; measure on `fresh` ones.

    Lower-case letters and digits, 4 at 160 x 60 and 5 at 200 x 50 pixels. A quarter of an hour on
    one core; readers that exist are not trained again.
    """
    for length, size in ((4, (60, 160)), (5, (50, 200))):
        symbols = string.digits + string.ascii_lowercase
        drawing = {"symbols": symbols, "length": length, "size": size}
        archive = paths.DATA / "drawn" / f"family-{length}.zip"
        captchas.captcha_zip(archive, images, 1, **drawing)
        folder = paths.MODELS / "quick" / f"family-{length}"
        if not folder.exists():
            recipes.train("captcha", data=archive, reader=folder, seed=0)
        labels, pictures = zip(*captchas.captchas(fresh, 2, **drawing))
        texts = [reading.text for reading in Reader.load(folder).read(pictures)]
        print(f"{length} characters at {size[1]} x {size[0]}: {scores.score(texts, labels)}")
        merged = [_merge(texts), _merge(labels)]
        print(f"  with o as 0, i and l as 1: {scores.score(*merged)}")


def _merge(texts) -> list[str]:
    """Merge symbols that one drawing may mean."""
    return [text.translate(str.maketrans("oil", "011")) for text in texts]
