"""Pictures of every kind, to measure what "any" chooses: real ones where found, and drawn ones."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

import utils
from benchmarks import nonsense, samples
from ocr.datasets import dataset, emnist, splits
from ocr.datasets.real import SETS, without_separators
from ocr.drawing import captchas, fonts
from ocr.reading.images import open_image

NUMBER, CHARACTER, CAPTCHA, NONE = "number", "character", "captcha", "none of these"
FOREIGN = {"captcha_wave": "test/"}  # CAPTCHAs of a kind that no shipped reader knows
SKIPPED = ("two lines", "sums, times, units")  # of nonsense: part of it is a number


class Sample(NamedTuple):
    """A picture, what it shows and of which kind it is.

    kinds: the right ones, two of a single digit, which is a number as well as a character. half:
    "a" to choose by, "b" to report. label: its text; None where it has none.
    """

    set: str
    real: bool
    kinds: tuple[str, ...]
    half: str
    label: str | None
    picture: Image.Image

    def right(self, text: str) -> bool:
        """Compare a text with the label; case does not count, nor do separators on cheques."""
        if self.label is None:
            return text == ""
        if self.set == "cheques":
            return without_separators(text) == self.label
        return text.casefold() == self.label.casefold()


def sets(count: int) -> Iterator[Sample]:
    """Give at most `count` pictures of each half of each set."""
    for group in (_numbers, _captchas, _characters, _none):
        taken: dict[tuple[str, str], int] = {}
        for sample in group(count):
            key = sample.set, sample.half
            taken[key] = taken.get(key, 0) + 1
            if taken[key] <= count:
                yield sample


def _half(name: str) -> str:
    return "ab"[int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2]


def _numbers(count: int) -> Iterator[Sample]:
    for name, images in utils.load_real().items():
        for image in images:
            kinds = (NUMBER, CHARACTER) if len(image.label) == 1 else (NUMBER,)
            if SETS[name].script != "western":
                kinds = (NUMBER,)  # no reader of characters knows these digits
            picture = open_image(image.image)
            yield Sample(name, True, kinds, image.half, image.label, picture)
    families = {"western": fonts.WESTERN_UNSEEN, "arabic": fonts.ARABIC_UNSEEN}
    for script in ("western", "arabic"):
        for half in "ab":
            labels, pictures = samples.printed_numbers(script, families[script], count, ord(half))
            for label, picture in zip(labels, pictures):
                grey = Image.fromarray(picture)
                yield Sample(f"drawn {script} print", False, (NUMBER,), half, label, grey)


def _captchas(count: int) -> Iterator[Sample]:
    path, origin = utils.find_captchas()
    if "real" in origin:
        data = splits.split(dataset.load_labelled(path))[2]  # the reader's test images
        for image, label in zip(data.images, data.labels):
            picture = open_image(np.asarray(image))
            yield Sample("captcha_images_v2", True, (CAPTCHA,), _half(label), label, picture)
    for half in "ab":
        for _, picture in captchas.captchas(count, seed=ord(half)):
            yield Sample("drawn CAPTCHAs", False, (NONE,), half, None, picture)  # it reads none


def _characters(count: int) -> Iterator[Sample]:
    path, origin = utils.find_emnist()
    test = emnist.load_emnist(path, "bymerge", "test")
    rng = np.random.default_rng(0)
    for n, i in enumerate(rng.permutation(len(test.images))[: 4 * count]):
        glyph = test.images[i][:, :, 0]
        kinds = (NUMBER, CHARACTER) if test.labels[i].isdigit() else (CHARACTER,)
        page = Image.fromarray(255 - np.pad(glyph, 40))
        real, label = "drawn" not in origin, test.labels[i]
        yield Sample("EMNIST", real, kinds, "ab"[n % 2], label, Image.fromarray(glyph))
        yield Sample("EMNIST on a page", real, kinds, "ab"[n % 2], label, page)
    for name, source in utils.load_sources(10, 10).items():
        if name == "scans":
            continue
        for n, i in enumerate(rng.permutation(len(source.test.labels))[: 4 * count]):
            label = source.test.labels[i]
            kinds = (NUMBER, CHARACTER) if label.isdigit() else (CHARACTER,)
            picture = open_image(source.pictures[i]())
            shown = {"pen": "pen photographs", "street": "street", "fonts": "drawn signs"}[name]
            yield Sample(shown, name != "fonts", kinds, "ab"[n % 2], label, picture)


def _none(count: int) -> Iterator[Sample]:
    for kind in nonsense.KINDS:
        if kind in SKIPPED:
            continue
        for half in "ab":
            for drawn in nonsense.draw(kind, count, ord(half)):
                picture = Image.fromarray(drawn.pixels)
                yield Sample(kind, False, (NONE,), half, None, picture)
    for name, folder in FOREIGN.items():
        for place in (each / "real" / f"{name}.zip" for each in utils.data_folders()):
            if place.is_file():
                with zipfile.ZipFile(place) as archive:
                    files = [n for n in archive.namelist() if n.startswith(folder)]
                    for file in sorted(f for f in files if f.endswith((".png", ".jpg"))):
                        picture = open_image(io.BytesIO(archive.read(file)).getvalue())
                        yield Sample(name, True, (NONE,), _half(file), None, picture)
                break
