"""Before a training: look at the labels, at the readers that there are, and say what to expect."""

import sys
from argparse import Namespace
from pathlib import Path

from ocr.cli.training import known, labels
from ocr.datasets.labels import Columns, list_files, sources

FEW = 50  # labels below which little can be expected
STRINGS = (
    "of one kind of CAPTCHA 40 labels read 47 of 100 others and 80 read 79 (lesson 08); cheapest: "
    "--draw, if a program draws these images, else ocr label"
)
EXPECT = {  # measured, by recipe; see RESULTS.md
    "captcha": STRINGS,
    "numbers": "50 labels of one typeface took the reader of numbers from 88 to 94 of 100 others",
}
CHARACTERS = "100 images a character make a good start"


class NotWanted(Exception):
    """Another reader reads these images well enough; the message says which."""


def check(options: Namespace, data: Path, columns: Columns | None) -> None:
    """Say what is known about labelled images before a training.

    Raises DataError where they have no labels, NotWanted where a reader that reads them is enough.
    """
    strings = options.recipe in EXPECT
    files = list_files(data)
    found = sources(files, data, not strings, getattr(options, "labels", None), columns)
    texts = {name: text for source in found for name, text in source.labels.items()}
    if not texts:
        return  # the training says what is missing
    best = known.best(files, texts, not strings, options.name, options.seed)
    enough = options.if_better_than
    _say(best, enough)
    print(*labels.lines(found, strings), sep="\n", flush=True)
    if len(texts) < FEW:
        print(
            f"{len(texts)} labels are few: {EXPECT.get(options.recipe, CHARACTERS)}. Where a first "
            "training shows that nothing comes of them, it is the last"
        )


def _say(best: known.Known | None, enough: float | None) -> None:
    """Say which reader reads these already. Raises NotWanted."""
    if best is None:
        print("No reader that is here knows the symbols of these labels.")
        return
    if enough is None or 100 * best.hits <= enough * best.n:
        print(f"{best}. Training all the same.")
        return
    print(f"{best}.")
    if sys.stdin is not None and sys.stdin.isatty():
        answer = input("Train all the same? [y/N] ").strip().lower()
        if answer.startswith("y"):
            return
    how = f" --pattern {best.pattern}" if best.pattern else ""
    raise NotWanted(
        f"not trained, for --if-better-than {enough:g}: read with "
        f"ocr read --model {best.reader}{how}"
    )
