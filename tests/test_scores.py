"""Metrics against known values."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr import scores
from ocr.scores import auroc, edit_distance, score, wilson


def test_wilson_against_published_values():
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(100, 104) == pytest.approx((0.905, 0.985), abs=1e-3)
    assert wilson(10, 10)[1] == 1.0 and wilson(0, 0) == (0.0, 1.0)


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edit_distance_is_a_distance(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a) <= max(len(a), len(b))
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_edit_distance_by_hand():
    assert [
        edit_distance(*pair) for pair in (("kitten", "sitting"), ("", "abc"), ("abc", "abc"))
    ] == [3, 3, 0]


def test_score_counts_strings_and_characters():
    result = score(["abc", "abd", ""], ["abc", "abc", "ab"])
    assert (
        result.exact == pytest.approx(1 / 3)
        and result.n == 3
        and result.cer == pytest.approx(3 / 8)
    )
    assert "33.33% (n = 3" in str(result)
    with pytest.raises(ValueError, match="1 texts for 2 labels"):
        score(["a"], ["a", "b"])


def test_auroc_by_hand():
    assert auroc([0.9, 0.8, 0.1], [True, True, False]) == 1
    assert auroc([0.1, 0.9], [True, False]) == 0
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert np.isnan(auroc([0.5], [True])) and np.isnan(auroc([], []))


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=60))
def test_auroc_by_ranks_equals_the_pairwise_formula(pairs):
    confidence = np.array([value / 6 for value, _ in pairs])
    right = np.array([correct for _, correct in pairs], bool)
    good, bad = confidence[right][:, None], confidence[~right][None]
    if good.size and bad.size:
        pairwise = ((good > bad) + 0.5 * (good == bad)).mean()
        assert auroc(confidence, right) == pytest.approx(pairwise, abs=1e-12)
    else:
        assert np.isnan(auroc(confidence, right))


def test_auroc_of_many_texts_needs_little_memory():
    rng = np.random.default_rng(0)
    confidence, right = rng.random(20_000), rng.random(20_000) < 0.9
    tracemalloc.start()
    assert auroc(confidence, right) == pytest.approx(0.5, abs=0.02)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6  # bytes; all pairs would take 354 MB


def test_worst_pairs_count_both_directions():
    assert scores.worst_pairs("0OO1lx", "O0O1Ix") == [("0/O", 2), ("I/l", 1)]
    assert scores.worst_pairs("ab", "ab") == [] and scores.worst_pairs("0O1", "O0I", count=1) == [
        ("0/O", 2)
    ]


def test_calibration_error_by_hand():
    """Four at 0.95, three correct: a gap in bin 0.9 to 1; two at 0.5, one correct: no gap."""
    confidence, right = [0.95] * 4 + [0.5] * 2, [1, 1, 1, 0, 1, 0]
    assert scores.calibration_error(confidence, right) == pytest.approx((4 * 0.95 - 3) / 6)
    assert scores.calibration_error([1.0, 1.0], [1, 1]) == 0
