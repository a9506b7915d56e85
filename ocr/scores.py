"""Metrics: exact match, character error rate, intervals, AUROC, calibration. NumPy only."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

TILT = 1e-3  # rise of a calibration curve within a pool, each way from its level
ROUNDING = 1e-6  # above 1, as float32 gives
NONE_TRUSTED = 1.01  # a threshold that no confidence reaches


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


def auroc_interval(area: float, right: int, wrong: int, z: float = 1.96) -> tuple[float, float]:
    """Compute the 95 % interval of an AUROC of `right` against `wrong` texts (Hanley, McNeil 1982).

    With few of either it is wide, and an area of 1 has width 0, whatever the number. NaN without
    right or wrong ones.
    """
    if not right or not wrong:
        return float("nan"), float("nan")
    square = area * area
    twice_right, twice_wrong = area / (2 - area), 2 * square / (1 + area)
    spread = area * (1 - area)
    spread += (right - 1) * (twice_right - square) + (wrong - 1) * (twice_wrong - square)
    half = z * sqrt(max(0.0, spread) / (right * wrong))
    return max(0.0, area - half), min(1.0, area + half)


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


# --- calibration and trust


def calibration_error(confidences: ArrayLike, right: ArrayLike, bins: int = 15) -> float:
    """Compute the expected calibration error over `bins` equal-mass bins (Guo et al. 2017).

    The mean gap between confidence and accuracy, weighted by the number of texts in each bin.
    Equal confidences share a bin. With few texts in a bin, chance adds to the error: about 0.02
    for 10 texts a bin, each correct with probability 0.99. Raises ValueError as `_ranked`.
    """
    values, correct = _ranked(confidences, right)
    starts = _bin_starts(values, bins)
    gaps = np.abs(np.add.reduceat(values - correct, starts))
    return float(gaps.sum() / len(values))


def _ranked(confidences: ArrayLike, right: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Sort by confidence, ascending: (confidences, correct), float64 (N,).

    Raises ValueError where there are none, for another number of `right`, and outside 0..1.
    """
    values, correct = np.asarray(confidences, float), np.asarray(right, bool)
    if values.shape != correct.shape or values.ndim != 1 or not len(values):
        raise ValueError(
            f"confidences of shape {values.shape} and right of shape {correct.shape}: give one "
            "of each per text, for at least one text"
        )
    if not ((values >= 0) & (values <= 1 + ROUNDING)).all():
        raise ValueError(f"confidences from {values.min()} to {values.max()}: they must be in 0..1")
    order = np.argsort(values, kind="stable")
    return np.minimum(values[order], 1), correct[order].astype(float)


def _bin_starts(values: np.ndarray, bins: int) -> np.ndarray:
    """Divide sorted values into at most `bins` runs of about the same length: where each starts.

    Equal values are never divided.
    """
    first = np.searchsorted(values, values, "left")  # of the values equal to each
    return np.unique(first * bins // len(values), return_index=True)[1]


def isotonic(confidences: ArrayLike, right: ArrayLike, points: int = 20) -> list[list[float]]:
    """Fit a monotone calibration curve: at most `points` pairs [raw, calibrated], for np.interp.

    Both ascend, raw from 0 to 1. Equal-mass bins are pooled where they violate the order (pool
    adjacent violators: Zadrozny and Elkan 2002). k correct of n texts in a pool then count as
    (k + 1) / (n + 2) (Laplace), so few texts claim little and none claims 1. Inside a pool the
    curve still rises, by at most 2 * TILT, so that texts keep their ranks. Raises ValueError as
    `_ranked`, and for fewer than 4 points.
    """
    if points < 4:
        raise ValueError(f"{points} points: a curve takes at least 4")
    values, correct = _ranked(confidences, right)
    starts = _bin_starts(values, points - 2)
    ends = np.append(starts[1:], len(values))
    means = np.add.reduceat(values, starts) / (ends - starts)
    means = np.clip(means, values[starts], values[ends - 1]).tolist()  # rounding aside
    hits = np.add.reduceat(correct, starts).tolist()
    bins = [Pool(1, n, correct) for n, correct in zip((ends - starts).tolist(), hits)]
    pools = _merge(_merge(bins, lambda pool: pool.hits / pool.n), lambda pool: pool.level)
    levels, end, curve = [pool.level for pool in pools], 0, []
    for pool, below, above in zip(pools, [0.0, *levels], [*levels[1:], 1.0]):
        start, end = end, end + pool.bins
        low = means[start] if start else 0.0
        high = means[end - 1] if end < len(means) else 1.0
        tilt = min(TILT, (pool.level - below) / 4, (above - pool.level) / 4)
        curve.append([low, pool.level - tilt])
        if high > low:
            curve.append([high, pool.level + tilt])
    return curve


class Pool(NamedTuple):
    """Neighbouring bins with one level: how many bins and texts, and how many texts are correct."""

    bins: int
    n: int
    hits: float

    @property
    def level(self) -> float:
        """Estimate the share of correct texts (Laplace)."""
        return (self.hits + 1) / (self.n + 2)


def _merge(pools: list[Pool], value: Callable[[Pool], float]) -> list[Pool]:
    """Pool adjacent violators: merge neighbours until their values ascend."""
    merged: list[Pool] = []
    for pool in pools:
        while merged and value(merged[-1]) >= value(pool):
            pool = Pool(*(a + b for a, b in zip(merged.pop(), pool)))  # type: ignore[arg-type]
        merged.append(pool)
    return merged


class Threshold(NamedTuple):
    """Confidence from which readings are accepted: how many it accepts, how many of them right."""

    threshold: float
    share: float
    right: float


def trust_threshold(confidences: ArrayLike, right: ArrayLike, wanted: float = 0.99) -> Threshold:
    """Choose the smallest threshold at which at least `wanted` of the accepted texts are correct.

    Accepted are the confidences that reach the threshold. Against luck with few texts, k correct
    of n accepted count as (k + 1) / (n + 2) (Laplace): 0.99 takes at least 98 accepted texts,
    all correct, or 198 with one error. The choice of the best of many thresholds remains
    optimistic by chance: report the shares on other texts. Where no threshold is good enough,
    it is NONE_TRUSTED, and the shares are 0. Raises ValueError as `_ranked`.
    """
    values, correct = _ranked(confidences, right)
    accepted = np.arange(len(values), 0, -1)
    hits = np.cumsum(correct[::-1])[::-1]
    whole = np.append(True, values[1:] > values[:-1])  # equal ones are accepted together
    good = np.flatnonzero(whole & ((hits + 1) / (accepted + 2) >= wanted))
    if not len(good):
        return Threshold(NONE_TRUSTED, 0.0, 0.0)
    k = good[0]
    return Threshold(
        float(values[k]), float(accepted[k] / len(values)), float(hits[k] / accepted[k])
    )
