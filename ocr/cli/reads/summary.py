"""What `ocr read` says at the end: how many were read, and why most of them may be doubtful."""

import time
from collections import Counter
from pathlib import Path
from statistics import median

from ocr.cli.reads.rows import Row
from ocr.reading.anything import ANY
from ocr.reading.bulk import NOTHING
from ocr.reading.files import Found
from ocr.reading.reader import Reader

SAMPLE = 20  # doubtful pictures whose sizes are looked at
FEW = 4  # pictures, from which on something can be said about most of them
DEFAULT = "captcha"  # the reader that reads where none is named
OTHER_READERS = f"{DEFAULT} is not sure: --model any asks all readers, ocr readers lists them"
LINES = "several lines or numbers in a picture? --split reads them one by one"
UNLIKE = 1.1  # times another shape or a larger one, from which on sizes are named


class Tally:
    """Count what became of the pictures."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.trusted = self.check = self.failed = self.empty = 0
        self.doubtful: list[Found] = []

    def add(self, row: Row) -> None:
        """Count a picture."""
        self.trusted += row.trusted
        self.check += row.read and not row.trusted
        self.failed += not row.read
        self.empty += row.result.error == NOTHING
        if row.result.reading is not None and not row.trusted and len(self.doubtful) < SAMPLE:
            self.doubtful.append(row.found)

    @property
    def count(self) -> int:
        """Count all pictures."""
        return self.trusted + self.check + self.failed

    def line(self, passed: Counter[str]) -> str:
        """Sum up, in one line; passed: files that were passed over, by extension."""
        parts = [f"{self.trusted:,} trusted", f"{self.check:,} to check"]
        if self.failed:
            parts.append(f"{self.failed:,} not readable")
        line = f"{many(self.count, 'picture')}: {', '.join(parts)}"
        if passed:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in passed.most_common())
            line += f"; {many(passed.total(), 'file')} passed over ({kinds})"
        return f"{line}; {duration(time.monotonic() - self.start)}"

    def advice(self, name: str, reader: Reader) -> str | None:
        """Say what may be the reason where most readings are not trusted; else None."""
        if 2 * (self.check + self.empty) <= self.count:
            return None
        if self.count < FEW:
            return OTHER_READERS if name == DEFAULT and self.check else None
        if name == ANY:
            return (
                "most are doubtful: perhaps no reader that is here knows this kind of picture; one "
                "of your own: ocr label FOLDER --name NAME"
            )
        if reader.threshold is None:
            return (
                f"{name} has no confidence from which it may be trusted (it was tested on too few "
                "images): check all, or choose one by --min-confidence"
            )
        return (
            f"most are doubtful: these may not look like what {name} was trained on "
            f"({_trained_on(reader)}{_sizes(reader, self.doubtful)}); other readers: ocr readers; "
            "one of your own: ocr label FOLDER --name NAME"
        )


def _trained_on(reader: Reader) -> str:
    name = reader.contract["data"]["name"]
    return name if len(name) <= 60 else f"{name[:57].rstrip()}..."


def _sizes(reader: Reader, pictures: list[Found]) -> str:
    """Name the sizes, where the network takes whole pictures and these have another shape."""
    sizes = [size for found in pictures if (size := found.size())]
    if not sizes or reader.contract["input"]["fit"] != "picture":
        return ""
    width, height = (round(median(side)) for side in zip(*sizes))
    wanted = reader.size[1] / reader.size[0] / (width / height)
    if max(wanted, 1 / wanted) < UNLIKE:
        return ""
    return f"; {reader.size[1]} x {reader.size[0]} pixels, and these are {width} x {height}"


def many(count: int, thing: str) -> str:
    """Count things: "1 picture", "2 pictures"."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Format a time: 0.4 s, 11 s, 3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def about_copies(count: int, folder: Path, name: str) -> str:
    """Say where the doubtful pictures are, and how they become labels."""
    return (
        f"{many(count, 'picture')} to check in {folder}; type what they show: "
        f"ocr label {folder} --name NAME --from {name}"
    )
