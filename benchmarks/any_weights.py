"""Fit the weights of the evidence that "any" decides by: python -m benchmarks.any_weights

Two logistic regressions on half "a" of the sets of benchmarks/any_pictures.py, both classes of one
weight: is a picture of a known kind; and where either the reading as a number is right or that as a
character, is it that as a number? Prints KNOWN and NUMBERS of ocr/reading/anything.py, and the
share that five folds decide rightly.
"""

import argparse
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from benchmarks.any_pictures import CAPTCHA, NONE, Sample, sets
from ocr.reading import anything
from ocr.reading.anything import AnyReader
from ocr.reading.images import ImageError
from ocr.reading.reader import Reader

READERS = ("captcha", "char_cnn", "dual_input", "numbers")
PENALTY = 1e-3  # of the squared weights
FOLDS = 5


class Evidence(NamedTuple):
    """The evidence of one picture, and what is true of it; number: None where both err or none."""

    for_known: tuple[float, ...]
    for_number: tuple[float, ...]
    known: bool
    number: bool | None


def evidence(reader: AnyReader, sample: Sample) -> Evidence | None:
    """List the evidence of one picture; None where a code is read, or no ink is found."""
    try:
        candidates = reader.prepare(sample.picture)
    except ImageError:
        return None
    views, kinds = reader.look([candidates], reader.options())[0]
    codes = [v for v in views if v.reads == anything.CODE and v.shaped]
    if any(v.reading.confidence >= anything.HALF for v in codes):
        return None
    one = (anything.HANDWRITING, anything.CHARACTER)
    character = anything.surest([v for v in views if v.reads in one and v.single])
    number = anything.surest([v for v in views if v.reads == anything.NUMBER])
    given = number, character, kinds
    right = [view is not None and sample.right(view.reading.text) for view in given[:2]]
    return Evidence(
        anything.known_evidence(*given),
        anything.number_evidence(*given),
        NONE not in sample.kinds,
        right[0] if number and character and right[0] != right[1] else None,
    )


def fit(values: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Fit weights (k + 1,), the last without a factor, to values (n, k) and booleans (n,)."""
    x = np.c_[values, np.ones(len(values))].astype(float)
    share = np.where(positive, positive.mean(), 1 - positive.mean())

    def loss(weights: np.ndarray) -> float:
        wrong = np.logaddexp(0, np.where(positive, -1, 1) * (x @ weights))
        return float((wrong / share).mean() / 2 + PENALTY * weights[:-1] @ weights[:-1])

    return minimize(loss, np.zeros(x.shape[1]), method="BFGS").x


def report(name: str, values: np.ndarray, positive: np.ndarray) -> None:
    """Fit on all, and print how five folds do."""
    fold, right = np.arange(len(positive)) % FOLDS, np.zeros(len(positive), bool)
    for k in range(FOLDS):
        weights = fit(values[fold != k], positive[fold != k])
        found = values[fold == k] @ weights[:-1] + weights[-1] > 0
        right[fold == k] = found == positive[fold == k]
    print(f"{name} = ({', '.join(f'{w:.2f}' for w in fit(values, positive))})", end="  # ")
    print(f"n = {len(right)}: {right[positive].mean():.1%} and {right[~positive].mean():.1%} right")


def main(arguments: list[str] | None = None) -> None:
    """Print the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="pictures of each set")
    given = parser.parse_args(arguments)
    reader = AnyReader({name: Reader.load(name) for name in READERS})
    some = (s for s in sets(given.count) if s.half == "a" and CAPTCHA not in s.kinds)
    found = [each for each in (evidence(reader, sample) for sample in some) if each]
    known = np.array([each.known for each in found])
    report("KNOWN", np.array([each.for_known for each in found]), known)
    either = [each for each in found if each.number is not None]
    number = np.array([each.number for each in either])
    report("NUMBERS", np.array([each.for_number for each in either]), number)


if __name__ == "__main__":
    main()
