"""Compare the readers with general OCR engines, which the project does not install."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from tqdm import tqdm

import utils
from benchmarks import samples
from ocr import scores
from ocr.drawing import fonts
from ocr.reading import scripts
from ocr.reading.files import find_images
from ocr.reading.images import ImageError, open_image
from ocr.reading.reader import Reader


def peers():
    """Measure the best general engine on captcha_images_v2, all 1040: ddddocr (MIT).

    First: pip install ddddocr==1.6.1
    """
    import ddddocr  # not installed with the project

    if hasattr(psutil.Process, "cpu_affinity"):
        psutil.Process().cpu_affinity([0])  # one core for it too
    path, origin = utils.find_captchas()
    if "real" not in origin:
        sys.exit("benchmarks.reading: peers needs captcha_images_v2: set OCR_DATA to its folder")
    symbols = set("2345678bcdefgmnpwxy")
    images = [(Path(found.name).stem, found.read()) for found in find_images(path)]
    engine = ddddocr.DdddOcr(show_ad=False, beta=True)
    engine.classification(images[0][1])
    hits, least = 0, float("inf")
    for label, png in images:
        start = time.process_time()
        text = engine.classification(png)
        least = min(least, (time.process_time() - start) * 1000)
        hits += "".join(c for c in text.lower() if c in symbols) == label  # in its favour
    print(
        f"ddddocr, beta, lower-cased and filtered: exact match {hits / len(images):.2%} "
        f"(n = {len(images)}), least CPU-ms an image from PNG bytes {least:.1f}"
    )


def number_peers(count: int = 500):
    """Measure general engines and models/numbers on the first `count` printed test numbers.

    Lesson 05's test set. In the engines' favour: text recognition alone, signs that no number has
    dropped, Arabic digits taken as Western ones.
    First: pip install rapidocr==3.10.0, and Tesseract 5.
    """
    families = (("western", fonts.WESTERN_UNSEEN), ("arabic", fonts.ARABIC_UNSEEN))
    with RapidOcr(sys.executable, "small") as rapid:
        engines = {rapid.name: rapid.read, "Tesseract": tesseract}
        engines["models/numbers"] = partial(own, Reader.load("numbers"))
        for k, (script, unseen) in enumerate(families):
            labels, pictures = samples.printed_numbers(script, unseen, count, seed=1_000 + k)
            files = list(map(samples.png, pictures))
            for name, read in engines.items():
                answers = list(tqdm(read(files), total=count, desc=name, disable=None))
                cost = np.median([answer.ms for answer in answers])
                result = scores.score([answer.text for answer in answers], labels)
                print(f"{script:8} {name:31} {result}, median CPU-ms an image {cost:.1f}")


class Answer(NamedTuple):
    """What an engine read in one image, and the CPU time that it took.

    text: of a number, in Western signs, other signs dropped. confidence: None where the engine
    has none. trusted: None where the engine does not decide that itself.
    """

    text: str
    confidence: float | None
    trusted: bool | None
    ms: float


def own(reader: Reader, images: Iterable[bytes | np.ndarray], **options) -> Iterator[Answer]:
    """Read images one by one with a reader of the project: "" where nothing can be read."""
    for image in images:
        start = time.process_time()
        try:
            reading = reader.read(image, **options)
        except ImageError:
            yield Answer("", 0.0, None, 0.0)
            continue
        ms = (time.process_time() - start) * 1000
        trusted = reading.trusted if "trust" in reader.contract else None
        yield Answer(reading.text, reading.confidence, trusted, ms)


class RapidOcr:
    """RapidOCR in the environment of another Python: name and read(files). See real_peers.py.

    Raises RuntimeError where it cannot be used, such as without its weights.
    """

    def __init__(self, python: str, weights: str):
        script = Path(__file__).with_name("real_peers.py")
        self._process = subprocess.Popen(
            [python, str(script), weights],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        greeting = json.loads(self._process.stdout.readline() or '{"error": "it does not start"}')
        if "error" in greeting:
            self.close()
            raise RuntimeError(f"RapidOCR, PP-OCRv6 {weights}: {greeting['error']}")
        self.name: str = greeting["name"]

    def read(self, files: Iterable[bytes]) -> Iterator[Answer]:
        """Recognise the text of PNG or JPEG files one by one, without text detection."""
        for file in files:
            print(json.dumps({"image": base64.b64encode(file).decode()}), file=self._process.stdin)
            self._process.stdin.flush()
            found = json.loads(self._process.stdout.readline())
            yield Answer(_number(found["text"]), found["confidence"], None, found["ms"])

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tesseract(files: Iterable[bytes], batch: int = 50) -> Iterator[Answer]:
    """Read lines of text with Tesseract, enlarged twice, signs of numbers in all scripts allowed.

    One process on one core reads a batch; each image counts as the mean of its batch.
    """
    import resource  # not on Windows

    waiting = iter(files)
    while images := list(islice(waiting, batch)):
        with tempfile.TemporaryDirectory() as folder:
            names = [str(Path(folder) / f"{k}.png") for k in range(len(images))]
            for name, image in zip(names, images):
                picture = np.asarray(open_image(image).convert("L"))
                Path(name).write_bytes(samples.png(picture.repeat(2, 0).repeat(2, 1)))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            texts = _lines(names)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ms = 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        for text in texts:
            yield Answer(_number(text), None, None, ms / len(images))


def _lines(names: list[str]) -> list[str]:
    """Read files with one process of Tesseract; where it crashes, find the file: "" for this one.

    Tesseract 5.3.0 divides by zero on 2 of the 3,240 real images of RESULTS.md.
    """
    signs = "".join(sorted(set("".join(scripts.SCRIPTS.values()))))
    done = subprocess.run(
        ["tesseract", "-", "-", "--psm", "7", "-c", f"tessedit_char_whitelist={signs}"],
        input="\n".join(names).encode(),
        capture_output=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    texts = done.stdout.decode("utf-8", "replace").split("\f")
    if done.returncode == 0 and len(texts) == len(names):
        return texts
    half = len(names) // 2
    return _lines(names[:half]) + _lines(names[half:]) if half else [""]


def _number(text: str) -> str:
    """Keep the signs of numbers, all digits in Western signs: in an engine's favour."""
    return "".join(sign for sign in scripts.to_western(text) if sign in scripts.NUMBERS)
