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


# --- calibration and trust

READS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=80)


def split(reads):
    """Split drawn reads into confidences, many of them equal, and whether each is right."""
    return np.array([value / 8 for value, _ in reads]), np.array([right for _, right in reads])


def test_calibration_error_by_hand():
    """Two at 0.5, one correct: no gap; four at 0.95, three correct: a gap."""
    confidence, right = [0.95] * 4 + [0.5] * 2, [1, 1, 1, 0, 1, 0]
    assert scores.calibration_error(confidence, right) == pytest.approx((4 * 0.95 - 3) / 6)
    assert scores.calibration_error([1.0, 1.0], [1, 1]) == 0
    assert scores.calibration_error([0.2, 0.4], [0, 1], bins=1) == pytest.approx(0.2)


def test_bins_of_the_calibration_error_have_equal_mass():
    """Of 100 texts at 0.9 to 0.99, half are wrong: ten bins see where, equal widths do not."""
    confidence, right = np.linspace(0.9, 0.99, 100), np.arange(100) >= 50
    expected = (np.abs(confidence[:50]).sum() + (1 - confidence[50:]).sum()) / 100
    assert scores.calibration_error(confidence, right, bins=10) == pytest.approx(expected)


@given(READS, st.integers(1, 20), st.randoms())
def test_calibration_error_does_not_depend_on_the_order(reads, bins, random):
    error = scores.calibration_error(*split(reads), bins)
    random.shuffle(reads)
    assert 0 <= error <= 1
    assert scores.calibration_error(*split(reads), bins) == pytest.approx(error)


@pytest.mark.parametrize(
    "confidences, right, message",
    [
        ([], [], "for at least one text"),
        ([0.5], [True, False], "one of each per text"),
        ([1.2], [True], "must be in 0..1"),
        ([float("nan")], [True], "must be in 0..1"),
    ],
)
@pytest.mark.parametrize(
    "function", [scores.calibration_error, scores.isotonic, scores.trust_threshold]
)
def test_unusable_confidences_are_refused(function, confidences, right, message):
    with pytest.raises(ValueError, match=message):
        function(confidences, right)


@given(READS, st.integers(4, 20))
def test_isotonic_curve_is_one(reads, points):
    curve = np.array(scores.isotonic(*split(reads), points))
    assert 2 <= len(curve) <= points and (curve[0, 0], curve[-1, 0]) == (0, 1)
    assert (np.diff(curve[:, 0]) > 0).all() and (np.diff(curve[:, 1]) >= 0).all()
    assert curve[0, 1] > 0 and curve[-1, 1] < 1


@given(READS)
def test_isotonic_curve_keeps_ranks(reads):
    confidence, _ = split(reads)
    calibrated = np.interp(confidence, *np.transpose(scores.isotonic(*split(reads))))
    ranks = np.argsort(np.argsort(confidence, kind="stable"))
    assert (ranks == np.argsort(np.argsort(calibrated, kind="stable"))).all()


@pytest.mark.parametrize("n", [1, 10, 98, 2000])
def test_isotonic_curve_of_all_right_or_all_wrong_depends_on_how_many(n):
    confidence = np.linspace(0.3, 1, n)
    low, high = np.transpose(scores.isotonic(confidence, np.ones(n, bool)))[1]
    assert low == pytest.approx((n + 1) / (n + 2), abs=0.002) and low < high < 1
    low, high = np.transpose(scores.isotonic(confidence, np.zeros(n, bool)))[1]
    assert low == pytest.approx(1 / (n + 2), abs=0.002) and 0 < low < high


def test_isotonic_curve_of_ten_images_claims_little():
    """Five wrong at 0.5, five right at 0.9: two levels, 1/7 and 6/7."""
    curve = scores.isotonic([0.5] * 5 + [0.9] * 5, [False] * 5 + [True] * 5)
    assert np.interp([0.5, 0.9], *np.transpose(curve)) == pytest.approx([1 / 7, 6 / 7], abs=0.002)


def test_isotonic_curve_calibrates():
    """Confidences that claim too much: the error of other texts falls under a fiftieth."""
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1, 23_000)
    right = rng.random(23_000) < confidence**3
    curve = np.transpose(scores.isotonic(confidence[:3000], right[:3000]))
    before = scores.calibration_error(confidence[3000:], right[3000:])
    after = scores.calibration_error(np.interp(confidence[3000:], *curve), right[3000:])
    assert before > 0.15 and after < 0.02


def test_isotonic_curve_needs_points():
    with pytest.raises(ValueError, match="3 points: a curve takes at least 4"):
        scores.isotonic([0.5], [True], points=3)


def test_trust_threshold_by_hand():
    confidence = [0.9] * 150 + [0.5] * 50 + [0.1] * 10
    right = [True] * 150 + [True] * 49 + [False] + [False] * 10
    assert scores.trust_threshold(confidence, right) == (0.5, 200 / 210, 199 / 200)
    assert scores.trust_threshold(confidence, right, 0.9).threshold == 0.1
    assert scores.trust_threshold(confidence, right, 0.993) == (0.9, 150 / 210, 1)


@pytest.mark.parametrize("n", [1, 10, 97])
def test_few_images_do_not_make_trust(n):
    """97 right of 97 are no proof of 99 in 100; 98 are taken for one."""
    assert scores.trust_threshold(np.full(n, 1.0), np.ones(n)) == (scores.NONE_TRUSTED, 0, 0)
    assert scores.trust_threshold(np.full(98, 1.0), np.ones(98)) == (1, 1, 1)
    assert scores.trust_threshold(np.full(n, 0.9), np.zeros(n)).threshold > 1


@given(READS, st.sampled_from((0.5, 0.7, 0.9)))
def test_trust_threshold_is_the_smallest(reads, wanted):
    confidence, right = split(reads)
    found = scores.trust_threshold(confidence, right, wanted)
    enough = [
        t
        for t in confidence
        if (right[confidence >= t].sum() + 1) / ((confidence >= t).sum() + 2) >= wanted
    ]
    assert found.threshold == min(enough, default=scores.NONE_TRUSTED)
    accepted = confidence >= found.threshold
    assert found.share == pytest.approx(accepted.mean())
    assert not accepted.any() or found.right == pytest.approx(right[accepted].mean())
    assert not accepted.any() or found.right >= wanted
