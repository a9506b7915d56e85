"""Try a form on labelled scans: fields right, the share that a person must see, calibration."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocr import scores
from ocr.forms.alignment import Refused
from ocr.forms.pages import open_named
from ocr.forms.reading import FieldReading, FormReader
from ocr.forms.rules import FormError, value_of
from ocr.forms.template import Field
from ocr.reading.images import ImageError

RIGHT = 0.995  # share of the accepted fields that must be right
LEAST = 100  # fields from which a calibration is made


@dataclass(frozen=True)
class Answer:
    """What was read in a field of a labelled page, whether it is right, and accepted unseen."""

    field: Field
    reading: FieldReading
    right: bool
    accepted: bool = False

    @property
    def sure(self) -> float:
        """Its confidence, 0 where a person must look at it anyway."""
        return 0.0 if self.reading.problem else self.reading.confidence


@dataclass
class Trial:
    """Answers of every page's fields; the pages that were not read, with why."""

    pages: int = 0
    answers: list[Answer] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def report(self) -> list[str]:
        """Report in lines: each field, all fields, what a person must see, alignment."""
        lines = []
        for name in dict.fromkeys(answer.field.name for answer in self.answers):
            own = [answer.right for answer in self.answers if answer.field.name == name]
            lines.append(f"{name:<16}{_share(sum(own), len(own))}")
        if self.answers:
            right = [answer.right for answer in self.answers]
            lines.append(f"{'all fields':<16}{_share(sum(right), len(right))}")
            lines += self._of_confidence(right)
        lines.append(f"pages not read: {len(self.failures)} of {self.pages}")
        return lines + [f"  {name}: {why}" for name, why in self.failures[:20]]

    def _of_confidence(self, right: list[bool]) -> list[str]:
        """Report what the form accepts, what it could accept, and how its confidence is off."""
        taken = [answer.right for answer in self.answers if answer.accepted]
        sure = [answer.sure for answer in self.answers]
        at = scores.trust_threshold(sure, right, RIGHT)
        error = scores.calibration_error([a.reading.confidence for a in self.answers], right)
        return [
            f"a person sees {1 - len(taken) / len(right):.1%} of the fields"
            + (f"; of the others {_share(sum(taken), len(taken)).strip()}" if taken else ""),
            f"at {1 - RIGHT:.1%} errors a person would see {1 - at.share:.1%} "
            f"(accepted from {at.threshold:.4f})"
            if at.share
            else f"too few fields, or too many wrong ones, for {1 - RIGHT:.1%} errors",
            f"confidence and share right differ by {error:.3f} (expected calibration error)",
        ]


def _share(hits: int, n: int) -> str:
    low, high = scores.wilson(hits, n)
    return f"{hits / n:7.2%} right (n = {n}, 95 % interval {low:.2%} to {high:.2%})"


def labelled(place: Path) -> list[tuple[Path, dict[str, str]]]:
    """Read labels: labels.csv in a folder, or a CSV; a column `file` beside it, others are fields.

    Returns (page, labels) each. Raises FormError.
    """
    table = place / "labels.csv" if place.is_dir() else place
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "no CSV in UTF-8"
        raise FormError(f"{table}: {reason}; give the columns file and the fields") from None
    if not rows or "file" not in rows[0]:
        raise FormError(f"{table}: no labels: give the columns file and the fields")
    return [(table.parent / row["file"], row) for row in rows]


def is_right(each: Field, text: str, label: str) -> bool:
    """Compare a text with a label: numbers and dates by their value, so that 1,250 is 1250."""
    if text == label or each.type not in ("amount", "date"):
        return text == label
    value = value_of(text, each.type, each.format)
    return value is not None and value == value_of(label, each.type, each.format)


def run_trial(reader: FormReader, pages: Iterable[tuple[Path, dict[str, str]]]) -> Iterator[Trial]:
    """Read labelled pages; yield the trial so far, first of no page, then after each.

    Fields without a label are left out.
    """
    trial = Trial()
    yield trial
    for path, labels in pages:
        trial.pages += 1
        try:
            found = reader.read(open_named(path.as_posix()))
        except (ImageError, Refused) as error:
            trial.failures.append((path.name, str(error)))
        else:
            trial.answers += [
                Answer(
                    each.field,
                    each,
                    is_right(each.field, each.text, labels[each.field.name]),
                    found.accepted(each),
                )
                for each in found.fields
                if labels.get(each.field.name) is not None
            ]
        yield trial


def calibration(answers: Sequence[Answer]) -> dict:
    """Fit what form.json needs: `calibration`, of written fields, and `accept`, over all fields.

    Raises FormError for too few fields.
    """
    some = [answer for answer in answers if not answer.field.is_check_box]
    sure = [answer.reading.confidence for answer in some]
    right = [answer.right for answer in some]
    if len(some) < LEAST or all(right):
        raise FormError(
            f"{len(some)} fields, {right.count(False)} of them wrong: a calibration takes at least "
            f"{LEAST}, and some that are wrong"
        )
    points = scores.isotonic(sure, right)
    calibrated = [
        a.sure if a.field.is_check_box else np.interp(a.sure, *np.transpose(points))
        for a in answers
    ]
    at = scores.trust_threshold(calibrated, [a.right for a in answers], RIGHT)
    accept = min(1.0, at.threshold)
    return {"calibration": [[round(x, 6) for x in pair] for pair in points], "accept": accept}
