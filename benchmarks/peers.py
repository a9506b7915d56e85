"""Compare the readers with general OCR engines, which the project does not install."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

import utils
from benchmarks import samples
from ocr import scores
from ocr.drawing import fonts
from ocr.reading import scripts
from ocr.reading.files import find_images
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

    Lesson 05's test set. In the engines' favour: text recognition alone, spaces dropped, Arabic
    digits taken as Western ones. First: pip install rapidocr==3.10.0, and Tesseract 5.
    """
    reader = Reader.load("numbers")
    engines = {
        "RapidOCR 3.10": _rapidocr(),
        "Tesseract": _tesseract,
        "models/numbers": lambda picture: reader.read(picture).text,
    }
    families = (("western", fonts.WESTERN_UNSEEN), ("arabic", fonts.ARABIC_UNSEEN))
    for k, (script, unseen) in enumerate(families):
        labels, pictures = samples.printed_numbers(script, unseen, count, seed=1_000 + k)
        for name, read in engines.items():
            texts, costs = [], []
            for picture in tqdm(pictures, desc=name, disable=None):
                start = time.process_time()
                texts.append(scripts.to_western(read(picture).replace(" ", "")))
                costs.append((time.process_time() - start) * 1000)
            own = name != "Tesseract"  # which runs in another process
            cost = f", median CPU-ms an image {np.median(costs):.1f}" if own else ""
            print(f"{script:8} {name:15} {scores.score(texts, labels)}{cost}")


def _rapidocr() -> Callable[[np.ndarray], str]:
    import rapidocr  # not installed with the project

    logging.disable(logging.INFO)
    engine = rapidocr.RapidOCR()

    def read(picture: np.ndarray) -> str:
        colour = np.stack([picture] * 3, 2)
        return "".join(engine(colour, use_det=False, use_cls=False, use_rec=True).txts or ())

    return read


def _tesseract(picture: np.ndarray) -> str:
    """Read a line of text with Tesseract, digits and separators of all scripts allowed."""
    signs = "".join(sorted(set("".join(scripts.SCRIPTS.values()))))
    done = subprocess.run(
        ["tesseract", "-", "-", "--psm", "7", "-c", f"tessedit_char_whitelist={signs}"],
        input=samples.png(np.repeat(np.repeat(picture, 2, 0), 2, 1)),
        capture_output=True,
    )
    return done.stdout.decode("utf-8", "replace").strip()
