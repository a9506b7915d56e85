"""Metrics: exact match, character error rate, intervals, AUROC, calibration. NumPy only."""

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a proportion, `hits` in `n` trials (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, z * z / n
    middle, half = share + z2 / 2, z * sqrt(share * (1 - share) / n + z2 / (4 * n))
    return max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2))


def edit_distance(a: str, b: str) -> int:
    """Count the insertions, deletions and substitutions from `a` to `b` (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        left, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (x != y))
    return row[-1]


class Score(NamedTuple):
    """Exact match (share of texts without error) with its 95 % interval; character error rate."""

    exact: float
    n: int
    low: float
    high: float
    cer: float

    def __str__(self) -> str:
        interval = f"95 % interval {self.low:.2%} to {self.high:.2%}"
        return (
            f"exact match {self.exact:.2%} (n = {self.n}, {interval}), "
            f"character error rate {self.cer:.2%}"
        )


def score(texts: Iterable[str], labels: Iterable[str]) -> Score:
    """Compare texts with labels; the character error rate is edits per character of the labels.

    Raises ValueError for no labels, or another number of texts.
    """
    texts, labels = list(texts), list(labels)
    if len(texts) != len(labels) or not labels:
        raise ValueError(f"{len(texts)} texts for {len(labels)} labels: give one text per label")
    hits = sum(t == l for t, l in zip(texts, labels))
    edits = sum(edit_distance(t, l) for t, l in zip(texts, labels))
    cer = edits / sum(map(len, labels))
    return Score(hits / len(labels), len(labels), *wilson(hits, len(labels)), cer)


def auroc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Compute the AUROC: the probability that a correct text outranks an incorrect one.

    1 = perfect, 0.5 = chance; equal confidences count half. NaN without correct or incorrect ones.
    By ranks: O(n log n) time, O(n) memory.
    """
    values, correct = np.asarray(confidence, float), np.asarray(right, bool)
    good, bad = values[correct], np.sort(values[~correct])
    if not len(good) or not len(bad):
        return float("nan")
    below = np.searchsorted(bad, good, "left").sum()
    up_to = np.searchsorted(bad, good, "right").sum()
    return float((below + up_to) / (2 * len(good) * len(bad)))


def worst_pairs(
    texts: Iterable[str], labels: Iterable[str], count: int = 10
) -> list[tuple[str, int]]:
    """Count confused pairs, in either direction, as ("0/O", how often), most frequent first."""
    pairs = Counter(
        "/".join(sorted((text, label)))
        for text, label in zip(texts, labels, strict=True)
        if text != label
    )
    return sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:count]


def calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Compute the expected calibration error over equal-width bins (Guo et al. 2017).

    The mean gap between confidence and accuracy, weighted by the number of texts in each bin.
    """
    values, correct = np.asarray(confidence, float), np.asarray(right, bool)
    which = np.clip((values * bins).astype(int), 0, bins - 1)
    gaps = [abs(values[which == k].sum() - correct[which == k].sum()) for k in range(bins)]
    return float(sum(gaps) / len(correct))
