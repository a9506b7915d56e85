"""How good is a reader? Exact match, character error rate, intervals. NumPy only."""

from collections import Counter
from math import sqrt
from typing import NamedTuple

import numpy as np


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `hits` in `n` trials (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, z * z / n
    middle, half = share + z2 / 2, z * sqrt(share * (1 - share) / n + z2 / (4 * n))
    return max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2))


def edit_distance(a: str, b: str) -> int:
    """Least number of insertions, deletions and substitutions from `a` to `b` (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        left, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (x != y))
    return row[-1]


class Score(NamedTuple):
    """Exact match (whole strings right, a share) with its 95 % interval, and the character error rate."""

    exact: float
    n: int
    low: float
    high: float
    cer: float

    def __str__(self):
        return (
            f"exact match {self.exact:.2%} (n = {self.n}, 95 % interval {self.low:.2%} to {self.high:.2%}), "
            f"character error rate {self.cer:.2%}"
        )


def score(texts, labels) -> Score:
    """Compare texts read with true labels. The character error rate is edits over the labels' characters."""
    texts, labels = list(texts), list(labels)
    if len(texts) != len(labels) or not labels:
        raise ValueError(f"{len(texts)} texts for {len(labels)} labels")
    hits = sum(t == l for t, l in zip(texts, labels))
    edits = sum(edit_distance(t, l) for t, l in zip(texts, labels))
    return Score(
        hits / len(labels), len(labels), *wilson(hits, len(labels)), edits / sum(map(len, labels))
    )


def auroc(confidence, right) -> float:
    """The chance that a right read has a higher confidence than a wrong one: 1 separates them, 0.5 is noise."""
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    if right.all() or not right.any():
        return float("nan")
    good, bad = confidence[right][:, None], confidence[~right][None]
    return float(((good > bad) + 0.5 * (good == bad)).mean())


def worst_pairs(texts, labels, count: int = 10) -> list[tuple[str, int]]:
    """The pairs of characters that are taken for each other most, either way, as ("0/O", how often), most first."""
    pairs = Counter(
        "/".join(sorted((text, label)))
        for text, label in zip(texts, labels, strict=True)
        if text != label
    )
    return sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:count]


def calibration_error(confidence, right, bins: int = 10) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy over equal bins (Guo et al. 2017)."""
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gaps = [abs(confidence[which == k].sum() - right[which == k].sum()) for k in range(bins)]
    return float(sum(gaps) / len(right))
