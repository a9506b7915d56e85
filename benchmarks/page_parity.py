"""Compare `ocr page` with Python, picture by picture: python -m benchmarks.page_parity [READER ...]

Each reader reads 1,000 pictures (--count) twice: in its page in Chromium, opened as a file, and by
Reader. A line a reader: how many texts are equal, how far the confidences are apart, CPU-ms a
picture in Chromium; then the same for a quarter of them as JPEG, which browsers and Pillow decode
each in their own way.
"""

import argparse
import base64
import contextlib
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from PIL import Image

import utils
from benchmarks import samples
from ocr.drawing import fonts, symbols
from ocr.page.writing import write
from ocr.reading.bulk import Result, read_many
from ocr.reading.files import Found
from ocr.reading.images import open_image
from ocr.reading.reader import Reader

READERS = ("captcha", "numbers", "char_cnn", "cnn_lstm", "dual_input")
FAMILIES = {"western": fonts.WESTERN_UNSEEN, "arabic": fonts.ARABIC_UNSEEN}
OPEN = """pictures => {
  globalThis.pictures = pictures.map((base64, i) => {
    return new File([Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))], `${i}`);
  });
}"""
READ = """async ([most, options]) => {
  return (await readPictures(pictures.slice(0, most), options)).map(({seen, ...row}) => row);
}"""
TIMED = 200  # pictures that are read a second time, compiled by the browser, for CPU-ms


class Page:
    """A page of readers, opened in a browser; its console is silent and it asks for nothing."""

    def __init__(self, browser: Any, file: Path, **context: Any):
        self.faults: list[str] = []
        self.page = browser.new_page(**context)
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._note)
        self.address = file.resolve().as_uri()
        self.page.goto(self.address)

    def _note(self, request: Any) -> None:
        if request.url != self.address and not request.url.startswith(("data:", "blob:")):
            self.faults.append(request.url)

    def read(self, pictures: Sequence[bytes], **options: Any) -> list[dict]:
        """Read picture files; options: reader, pattern, script."""
        self.page.evaluate(OPEN, [base64.b64encode(picture).decode() for picture in pictures])
        return self.again(len(pictures), **options)

    def again(self, most: int, **options: Any) -> list[dict]:
        """Read the first `most` of the same pictures as before."""
        return self.page.evaluate(READ, [most, options])


class Difference(NamedTuple):
    """How far a page's row is from Python's result: the texts, in words; the largest distances."""

    text: str
    confidence: float
    spans: float


def results(reader: Reader, pictures: Sequence[bytes], **options: Any) -> list[Result]:
    """Read picture files by Python."""
    found = (Found("", partial(bytes, picture)) for picture in pictures)
    return list(read_many(reader, found, reader.options(top=3, spans=True, **options)))


def difference(row: dict, result: Result) -> Difference:
    """Compare what a page and Python read in one picture; text: "" where all words are equal."""
    reading = result.reading
    if reading is None or not reading.text or "problem" in row:
        here = row.get("problem", row.get("text"))
        there = result.error or (reading and reading.text)
        return Difference("" if here == there else f"{here!r}, not {there!r}", 0.0, 0.0)
    wanted = (reading.text, reading.script)
    given = (row["text"], row["script"])
    apart = abs(row["confidence"] - reading.confidence)
    others = dict(reading.alternatives)
    for each in row["alternatives"]:  # those of nearly one confidence may change places
        apart = max(apart, abs(each["confidence"] - others.get(each["text"], each["confidence"])))
    spans = np.abs(np.subtract(row["spans"], reading.spans)).max() if given == wanted else 0.0
    return Difference("" if given == wanted else f"{given}, not {wanted}", apart, float(spans))


# --- pictures


def pictures_of(name: str) -> Iterator[Image.Image]:
    """Give pictures that a reader reads, without end, in turn from all that is found."""
    if name == "captcha":
        return (open_image(each) for each in samples.captchas(10_000))
    if name == "numbers":
        return chain.from_iterable(zip(_real_numbers(), _printed()))
    signs = (Image.fromarray(sign) for seed in count() for _, sign in _signs(seed))
    if name == "dual_input":
        return signs
    characters = samples.characters(2000)
    pages = map(open_image, samples.pages(characters))
    return chain.from_iterable(zip(map(open_image, characters), pages, signs))


def _signs(seed: int) -> Iterator:
    return symbols.signs(symbols.ALPHANUMERIC, seed=seed)


def _real_numbers() -> Iterator[Image.Image]:
    sets = list(utils.load_real().values())
    for row in range(max(map(len, sets), default=0)):
        yield from (open_image(each[row].image) for each in sets if row < len(each))
    yield from _printed(seed=10**6)


def _printed(seed: int = 0) -> Iterator[Image.Image]:
    for turn in count(seed):
        for script, families in FAMILIES.items():
            _, drawn = samples.printed_numbers(script, families, 40, turn)
            yield from map(Image.fromarray, drawn)


def _transparent(picture: Image.Image) -> Image.Image:
    """Make the paper transparent, as a logo's: alpha is what differs from the corner."""
    colour = picture.convert("RGB")
    away = np.abs(np.asarray(colour, int) - colour.getpixel((0, 0))).max(axis=2)
    colour.putalpha(Image.fromarray(np.minimum(255, 2 * away).astype(np.uint8)))
    return colour


def _scaled(picture: Image.Image, by: float) -> Image.Image:
    size = [max(3, round(side * by)) for side in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)


def _sixteen_bits(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def encoded(picture: Image.Image, number: int, kind: str = "") -> bytes:
    """Encode a picture as a file: every number another way, or all of one kind, such as JPEG."""
    out, exif = io.BytesIO(), Image.Exif()
    if kind:
        picture.convert("RGB").save(out, kind, quality=90)
        return out.getvalue()
    turn = number % 10
    changed = {
        2: lambda: Image.eval(picture, lambda value: 255 - value),
        3: lambda: _scaled(picture, 2.7),
        4: lambda: _scaled(picture, 0.6),
        5: lambda: _transparent(picture),
        6: lambda: picture.convert("P"),
        7: lambda: _sixteen_bits(picture),
        8: lambda: picture.transpose(Image.Transpose.ROTATE_90),
    }.get(turn, lambda: picture)()
    if turn == 8:
        exif[0x0112] = 6  # turn it back by 90 degrees
    form = {6: "GIF", 9: ("WEBP", "BMP")[number // 10 % 2]}.get(turn, "PNG")
    changed.save(out, form, exif=exif, lossless=True) if form != "BMP" else changed.save(out, form)
    return out.getvalue()


# --- the benchmark


def measure(browser: Any, name: str, amount: int, file: Path, kind: str = "") -> None:
    """Print a line about one reader, and the first differences."""
    page, reader = Page(browser, file), Reader.load(name)
    pictures = [
        encoded(picture, k, kind) for k, picture in enumerate(islice(pictures_of(name), amount))
    ]
    rows = page.read(pictures, reader=name)
    begun = cpu_seconds()
    again = page.again(TIMED, reader=name)
    spent = 1000 * (cpu_seconds() - begun) / len(again)
    pairs = list(zip(rows, results(reader, pictures)))
    found = [difference(*pair) for pair in pairs]
    wrong = [(k, each.text) for k, each in enumerate(found) if each.text]
    trusted = sum(
        bool(row.get("trusted")) != bool(done.reading and done.reading.trusted)
        for row, done in pairs
    )
    apart = np.array([each.confidence for each in found if not each.text])
    print(
        f"{name:10} {kind or 'exact':5} n {len(rows):,}: texts equal {len(rows) - len(wrong):,}, "
        f"confidence at most {apart.max():.1e} apart ({(apart > 1e-3).sum()} above 0.001), "
        f"trust differs {trusted}, spans at most {max(e.spans for e in found):.1f} px apart, "
        f"{spent:.1f} CPU-ms a picture, file {file.stat().st_size / 1e6:.2f} MB"
    )
    for k, text in wrong[:5]:
        print(f"  picture {k}: {text}")
    for fault in page.faults:
        print(f"  {fault}")
    page.page.close()


def cpu_seconds() -> float:
    """Sum the CPU-seconds of the browser's processes that run pages."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                times = process.cpu_times()
                total += times.user + times.system
    return total


def opening(browser: Any, file: Path, name: str, picture: bytes) -> None:
    """Print how long it takes from opening the file to the first reading."""
    begun, spent = time.perf_counter(), cpu_seconds()
    page = Page(browser, file)
    page.read([picture], reader=name)
    wall = time.perf_counter() - begun
    print(f"{name:10} open to first read: {wall:.2f} s, renderer {cpu_seconds() - spent:.2f} CPU-s")
    page.page.close()


def main() -> None:
    """Measure the readers that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", default=READERS)
    parser.add_argument("--count", type=int, default=1000, help="pictures a reader; default: 1000")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in options.readers:
            file = Path(folder) / f"{name}.html"
            write([name], file)
            opening(browser, file, name, encoded(next(pictures_of(name)), 0))
            measure(browser, name, options.count, file)
            measure(browser, name, options.count // 4, file, "JPEG")
        browser.close()


if __name__ == "__main__":
    main()
