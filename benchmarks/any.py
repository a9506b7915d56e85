"""Measure "any": is the right reader chosen, is nonsense refused? python -m benchmarks.any

A line a set of pictures: the share that is given to the right reader (of what no reader knows: that
is refused), that is read with the right text, and that is trusted; of the trusted, how many are
wrong. What was chosen was chosen on half "a"; report half "b" (--half).
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable

from benchmarks.any_pictures import CAPTCHA, CHARACTER, NONE, NUMBER, Sample, sets
from benchmarks.real import table
from ocr.paths import MODELS
from ocr.reading import anything
from ocr.reading.anything import AnyReader
from ocr.reading.images import ImageError
from ocr.scores import wilson
from ocr.serving.processes.readers import load_readers

KINDS = {
    anything.NUMBER: NUMBER,
    anything.CODE: CAPTCHA,
    anything.HANDWRITING: CHARACTER,
    anything.CHARACTER: CHARACTER,
}
HEADER = ("set", "n", "right reader, %", "text right, %", "trusted, %", "trusted and wrong, %")


class Tally:
    """Count what became of pictures."""

    def __init__(self) -> None:
        self.n = self.chosen = self.right = self.trusted = self.wrong = 0

    def add(self, sample: Sample, kind: str, text: str, trusted: bool) -> None:
        """Count one."""
        right = sample.right(text)
        self.n += 1
        self.chosen += kind in sample.kinds
        self.right += right
        self.trusted += trusted
        self.wrong += trusted and not right

    def row(self, name: str) -> list[str]:
        """Format the columns of HEADER."""
        counts = (self.chosen, self.right, self.trusted, self.wrong)
        shares = [f"{100 * count / self.n:.1f}" for count in counts]
        low, high = wilson(self.chosen, self.n)
        shares[0] += f" ({100 * low:.1f} to {100 * high:.1f})"
        return [name, str(self.n), *shares]


def measure(samples: Iterable[Sample], half: str) -> list[list[str]]:
    """Read samples of a half; rows of the table, with a sum of what is readable and what is not."""
    reader = AnyReader(load_readers([MODELS]))
    tallies: dict[str, Tally] = defaultdict(Tally)
    for sample in samples:
        if sample.half not in half:
            continue
        kind, text, trusted = NONE, "", False
        try:
            reading = reader.read(sample.picture)
            text, trusted = reading.text, reading.trusted
            if reading.reader is not None:
                kind = KINDS[anything.reads(reader.readers[reading.reader])]
        except ImageError:
            pass  # no ink: refused
        together = "all of no kind" if NONE in sample.kinds else "all of a known kind"
        for name in (sample.set, together):
            tallies[name].add(sample, kind, text, trusted)
    order = sorted(tallies, key=lambda name: name.startswith("all of"))
    return [tallies[name].row(name) for name in order]


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("a", "b", "ab"), default="b")
    parser.add_argument("--count", type=int, default=100, help="pictures of each set and half")
    given = parser.parse_args(arguments)
    print(table(HEADER, measure(sets(given.count), given.half)))


if __name__ == "__main__":
    main()
