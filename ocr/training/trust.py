"""Calibrate a reader's confidence, and choose from which confidence its readings are trusted."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ocr import scores

WANTED = 0.99  # share of the trusted readings that must be right
ERRORS = 10  # with fewer of them there is nothing to calibrate on
UNCALIBRATED = [[0.0, 0.0], [1.0, 1.0]]


def trust(confidences: ArrayLike, right: ArrayLike, on: str) -> dict[str, Any]:
    """Make the section "trust" of a contract, from readings of images never trained on.

    confidences: floats (n,), uncalibrated; right: booleans (n,); on: what the images are. The
    points of the calibration curve and the threshold are chosen on the same images: report the
    shares on others. With fewer than ERRORS wrong ones the confidences stay as they are: a curve
    through right readings alone would call everything sure.
    """
    raw, correct = np.asarray(confidences, float), np.asarray(right, bool)
    points = UNCALIBRATED
    if (~correct).sum() >= ERRORS:
        points = _anchored(scores.isotonic(raw, correct), np.min(raw[raw > 0], initial=1.0))
    found = scores.trust_threshold(np.interp(raw, *np.transpose(points)), correct, WANTED)
    return {
        "points": points,
        "threshold": found.threshold,
        "on": on,
        "n": len(raw),
        "share": found.share,
        "right": found.right,
    }


def _anchored(curve: list[list[float]], least: float) -> list[list[float]]:
    """Lead a curve to 0 below the least confidence it was fitted on, where alternatives are."""
    (_, level), *rest = curve
    start = [[0.0, 0.0], [min(least, rest[0][0]), level]]
    return [[round(x, 6), round(y, 6)] for x, y in [*start, *rest]]
