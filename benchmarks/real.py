"""Measure readers and engines on real images of numbers: python -m benchmarks.real [numbers]

`python -m benchmarks.real nonsense` measures how often readers are sure of what is not a number,
see benchmarks/nonsense.py. The sets are those of ocr/datasets/real.py that are found in $OCR_DATA.
What is chosen is chosen on half "a" of each set (--half a); half "b", or everything, is for
reports. CPU-ms are of one core, at batch 1, from the bytes of a PNG or JPEG file.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import utils
from benchmarks import nonsense, peers
from benchmarks.peers import Answer
from ocr import scores
from ocr.datasets.real import SETS, RealSet, Sample, without_separators
from ocr.reading.reader import Reader

SURE = 0.9  # trusted from this confidence on, where nothing better is known
WEIGHTS = ("tiny", "small")  # of PP-OCRv6
CHARACTER_READERS = ("char_cnn", "cnn_lstm", "dual_input")


# --- the table of number sets

HEADER = (
    "set", "reader", "n", "exact, %", "95 %", "without separators, %", "CER, %", "trusted, %",
    "of these right, %", "ECE", "CPU-ms",
)  # fmt: skip


def compared(text: str, digits_only: bool) -> str:
    """Prepare a text or label for the comparison: cheques are compared by their digits."""
    return without_separators(text) if digits_only else text


class Measured(NamedTuple):
    """What an engine read in images of one set, or several, beside their labels."""

    answers: list[Answer]
    texts: list[str]
    labels: list[str]

    @classmethod
    def of(cls, answers: list[Answer], images: list[Sample], digits_only: bool) -> "Measured":
        """Pair answers with the images of one set."""
        texts = [compared(answer.text, digits_only) for answer in answers]
        return cls(answers, texts, [compared(image.label, digits_only) for image in images])

    def trusted(self) -> np.ndarray:
        """Tell which answers are trusted, bool (N,); all False without any confidence."""
        return np.array(
            [
                a.trusted if a.trusted is not None else (a.confidence or 0) >= SURE
                for a in self.answers
            ]
        )

    def row(self) -> list[str]:
        """Format the columns of HEADER from "n" on."""
        whole = scores.score(self.texts, self.labels)
        bare = scores.score(
            *(list(map(without_separators, each)) for each in (self.texts, self.labels))
        )
        right = np.array([text == label for text, label in zip(self.texts, self.labels)])
        sure = [answer.confidence for answer in self.answers]
        known, trusted = None not in sure, self.trusted()
        return [
            f"{whole.n:,}",
            f"{whole.exact:.1%}"[:-1],
            f"{whole.low:.1%}"[:-1] + " to " + f"{whole.high:.1%}"[:-1],
            f"{bare.exact:.1%}"[:-1],
            f"{whole.cer:.1%}"[:-1],
            f"{trusted.mean():.1%}"[:-1] if known else "-",
            f"{right[trusted].mean():.1%}"[:-1] if trusted.any() else "-",
            f"{scores.calibration_error(sure, right):.3f}" if known else "-",
            f"{np.median([answer.ms for answer in self.answers]):.1f}",
        ]


def measure(
    name: str,
    read: Callable[..., Iterable[Answer]],
    sets: dict[str, list[Sample]],
    options: Callable[[RealSet], dict] = lambda _: {},
) -> dict[str, Measured]:
    """Read all sets with one engine; "all" pools them. options: keywords of `read` for a set."""
    found: dict[str, Measured] = {}
    with tqdm(total=sum(map(len, sets.values())), desc=name, disable=None) as bar:
        for short, images in sets.items():
            answers = []
            for answer in read([image.image for image in images], **options(SETS[short])):
                answers.append(answer)
                bar.update()
            found[short] = Measured.of(answers, images, SETS[short].digits_only)
    found["all"] = Measured(*(list(chain(*columns)) for columns in zip(*found.values())))
    return found


def engines(stack: ExitStack, python: str) -> dict[str, Callable[..., Iterable[Answer]]]:
    """Start the general engines that are there; print which are not."""
    found: dict[str, Callable[..., Iterable[Answer]]] = {}
    for weights in WEIGHTS:
        try:
            rapid = stack.enter_context(peers.RapidOcr(python, weights))
            found[rapid.name] = rapid.read
        except (RuntimeError, OSError) as error:
            print(f"left out: {error}", file=sys.stderr)
    if shutil.which("tesseract"):
        done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True)
        found["Tesseract " + done.stdout.split()[1]] = peers.tesseract
    else:
        print("left out: Tesseract, which is not on PATH", file=sys.stderr)
    return found


def numbers(reader_name: str, python: str | None, half: str) -> list[list[str]]:
    """Measure the reader, and the engines where `python` names theirs: rows of HEADER."""
    sets = {short: images for short, images in utils.load_real(half).items() if images}
    if not sets:
        sys.exit("benchmarks.real: no set in real/: set OCR_DATA to the folder that has real/")
    reader = Reader.load(reader_name)
    read = partial(peers.own, reader)
    found = {reader_name: measure(reader_name, read, sets)}
    if reader.scripts:
        name = f"{reader_name}, script named"
        found[name] = measure(name, read, sets, lambda each: {"script": each.script})
    with ExitStack() as stack:
        for name, engine in (engines(stack, python) if python else {}).items():
            found[name] = measure(name, engine, sets)
    return [
        [short, name, *measured[short].row()]
        for short in [*sets, "all"]
        for name, measured in found.items()
    ]


# --- the table of nonsense


def refusals(reader_name: str, half: str, count: int) -> tuple[list[str], list[list[str]]]:
    """Measure how often readers are sure of nonsense: header and rows, a kind of picture each.

    A cell has the wrong texts that are trusted and those with a confidence from SURE on, in %.
    """
    readers = {name: Reader.load(name) for name in (reader_name, *CHARACTER_READERS)}
    header = ["kind", "n", *readers]
    rows = []
    for kind in tqdm(nonsense.KINDS, desc="nonsense", disable=None):
        pictures = nonsense.draw(kind, count)
        cells = [wrong(reader, pictures) for reader in readers.values()]
        rows.append([kind, str(count), *cells])
    real = [
        (image.image, image.label, SETS[short].digits_only)
        for short, images in utils.load_real(half).items()
        for image in images
    ]
    if not real:
        print("left out: spoilt pictures, without a set in real/ of OCR_DATA", file=sys.stderr)
    for kind in nonsense.SPOILT if real else ():
        pictures = nonsense.spoil(kind, real, count)
        rows.append([kind, str(len(pictures)), wrong(readers[reader_name], pictures), *"---"])
    return header, rows


def wrong(reader: Reader, pictures: Sequence[nonsense.Picture]) -> str:
    """Count wrong texts that are trusted, and those with a confidence from SURE on: "1.0 / 2.0".

    "-" where the reader's contract has no threshold of trust.
    """
    strings = reader.kind == "ctc"  # to a reader of characters a number is nonsense, too
    answers = list(peers.own(reader, (picture.pixels for picture in pictures)))
    errors = np.array(
        [
            bool(answer.text)
            and (not strings or compared(answer.text, picture.digits_only) != picture.allowed)
            for answer, picture in zip(answers, pictures)
        ]
    )
    sure = (errors & np.array([(answer.confidence or 0) >= SURE for answer in answers])).mean()
    if "trust" not in reader.contract:
        return f"- / {100 * sure:.1f}"
    trusted = (errors & np.array([bool(answer.trusted) for answer in answers])).mean()
    return f"{100 * trusted:.1f} / {100 * sure:.1f}"


# --- output


def table(header: Iterable[str], rows: Iterable[Iterable[str]], markdown: bool = False) -> str:
    """Format a table, numbers to the right, as aligned text or in Markdown."""
    lines = [list(header), *map(list, rows)]
    text = {0, 1} if lines[0][1] == "reader" else {0}
    if markdown:
        lines.insert(1, ["---" if k in text else "---:" for k in range(len(lines[0]))])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k in text else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths))
        )
        for line in lines
    )


def main(arguments: Sequence[str] | None = None):
    """Run the benchmark as `arguments` say, by default those of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__)
    parser.add_argument("what", nargs="?", default="numbers", choices=("numbers", "nonsense"))
    parser.add_argument("--reader", default="numbers", help="name or folder (default: numbers)")
    parser.add_argument(
        "--half", choices=("a", "b"), default="ab", help="one half of each set (default: whole)"
    )
    parser.add_argument("--peers", metavar="PYTHON", help="measure engines, too: the interpreter "
                        "of an environment with rapidocr==3.10.0; and Tesseract")  # fmt: skip
    parser.add_argument("--count", type=int, default=200, help="pictures of a kind of nonsense")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    given = parser.parse_args(arguments)
    if given.what == "nonsense":
        print(f"wrong texts, %: trusted / with confidence >= {SURE}\n")
        print(table(*refusals(given.reader, given.half, given.count), given.markdown))
    else:
        print(table(HEADER, numbers(given.reader, given.peers, given.half), given.markdown))
    if "trust" not in Reader.load(given.reader).contract:
        print(f"\n{given.reader} has no threshold of trust: trusted means confidence >= {SURE}")
    if given.what == "numbers" and given.peers:
        print(
            f"\nengines: trusted means confidence >= {SURE}; signs that no number has are dropped"
        )


if __name__ == "__main__":
    main()
