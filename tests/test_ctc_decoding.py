"""CTC decoding against enumeration of all paths, the alphabet, alignment, cascades."""

import itertools
import time
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.reading.ctc import (
    BLANK,
    Alphabet,
    align,
    best,
    best_path,
    collapse,
    greedy,
    log_likelihood,
    log_softmax,
    prefix_beam,
    steps_needed,
)
from ocr.reading.reader import cascade

texts = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=12)


def enumerate_labels(log_probs):
    """Sum up the paths of each label: {label: log-probability}."""
    steps, classes = log_probs.shape
    sums = defaultdict(lambda: -np.inf)
    for path in itertools.product(range(classes), repeat=steps):
        label = collapse(path)
        sums[label] = np.logaddexp(sums[label], log_probs[range(steps), path].sum())
    return dict(sums)


def test_greedy_finds_nothing_where_beam_search_finds_a():
    """The example of githubharald/CTCDecoder: each step 60 % blank, 40 % 'a'; 'a' has 64 %."""
    log_probs = np.log(np.array([[0.6, 0.4, 1e-30], [0.6, 0.4, 1e-30]]))
    assert greedy(log_probs).indices == ()
    (found,) = prefix_beam(log_probs)
    assert found.indices == (1,) and np.exp(found.log_prob) == pytest.approx(0.64)


@pytest.mark.parametrize("seed", range(30))
def test_wide_beam_search_is_exact(seed):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(0, 2, (rng.integers(1, 6), rng.integers(2, 5))))
    truth = sorted(enumerate_labels(log_probs).items(), key=lambda item: -item[1])
    found = prefix_beam(log_probs, width=2000, top=5)
    assert [d.log_prob for d in found] == pytest.approx([p for _, p in truth[:5]], abs=1e-9)
    assert found[0].indices == truth[0][0]
    for d in found:
        assert log_likelihood(log_probs, d.indices) == pytest.approx(d.log_prob, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lengths", [(2, 2), (1, 3), (3, 3)])
def test_beam_search_with_length_bounds_finds_the_best(seed, lengths):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (5, 4)))
    truth = {
        label: p
        for label, p in enumerate_labels(log_probs).items()
        if lengths[0] <= len(label) <= lengths[1]
    }
    (found,) = prefix_beam(log_probs, width=2000, lengths=lengths)
    assert found.indices == max(truth, key=truth.get)
    (narrow,) = prefix_beam(log_probs, width=2, lengths=lengths)
    assert lengths[0] <= len(narrow.indices) <= lengths[1]


@pytest.mark.parametrize("seed", range(200))
def test_best_path_is_exact_against_all_paths(seed):
    """Also with ties, impossible symbols, repeats, low == high, low < high, and what cannot fit."""
    rng = np.random.default_rng(seed)
    steps, classes = rng.integers(1, 7), rng.integers(2, 5)
    log_probs = log_softmax(rng.normal(0, 2, (steps, classes)))
    if seed % 4 == 1:
        log_probs = np.log(rng.integers(1, 3, (steps, classes)) / 4)  # many ties
    if seed % 4 == 2:
        log_probs[rng.random(log_probs.shape) < 0.25] = -np.inf
    low = int(rng.integers(0, 4))
    high = low + int(rng.integers(0, 3))
    truth = defaultdict(lambda: -np.inf)  # label -> log-probability of its best path
    for path in itertools.product(range(classes), repeat=steps):
        label = collapse(path)
        if low <= len(label) <= high:
            truth[label] = max(truth[label], log_probs[range(steps), path].sum())
    most = max(truth.values(), default=-np.inf)
    if most == -np.inf:
        with pytest.raises(ValueError, match="cannot be read from|no label of"):
            best_path(log_probs, low, high)
    else:
        found = best_path(log_probs, low, high)
        assert found.log_prob == pytest.approx(most, abs=1e-9)
        assert truth[found.indices] == pytest.approx(most, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_best_path_without_bounds_is_greedy(seed):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 3, (30, 12)))
    found, plain = best_path(log_probs, 0, 30), greedy(log_probs)
    assert found.indices == plain.indices
    assert found.log_prob == pytest.approx(plain.log_prob)


def test_best_path_takes_at_most_a_few_milliseconds():
    """50 time steps, 20 classes, 5 symbols: 0.4 ms when measured; beam search takes 20 ms."""
    log_probs = log_softmax(np.random.default_rng(0).normal(0, 3, (50, 20)))
    times = []
    for _ in range(20):
        start = time.process_time()
        best_path(log_probs, 5, 5)
        times.append(time.process_time() - start)
    assert min(times) < 0.003


def test_best_is_greedy_unless_its_length_is_out_of_bounds():
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert best(log_probs).indices == ()
    assert best(log_probs, (1, 1)).indices == (1,)
    with pytest.raises(ValueError, match="3 symbols cannot be read from 2 time steps"):
        best(log_probs, (3, 3))
    with pytest.raises(ValueError, match="no label of 2 to 2 symbols fits"):
        best(log_probs, (2, 2))  # "aa" needs a third step


def test_collapse_and_steps_needed():
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0]) == (1, 1, 2)
    assert collapse([]) == () and collapse([0, 0]) == ()
    assert [steps_needed(t) for t in ("", "ab", "aa", "aab", "22222")] == [0, 2, 3, 4, 9]


@pytest.mark.parametrize("seed", range(10))
def test_alignment_is_the_best_path_of_its_label(seed):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (6, 4)))
    label = (1, 2, 2) if seed % 3 else greedy(log_probs).indices
    spans = align(log_probs, label)
    path = np.zeros(6, int)
    for (start, end), symbol in zip(spans, label):
        assert 0 <= start < end <= 6
        path[start:end] = symbol
    assert collapse(path) == label
    paths = [p for p in itertools.product(range(4), repeat=6) if collapse(p) == label]
    assert log_probs[range(6), path].sum() == pytest.approx(
        max(log_probs[range(6), p].sum() for p in paths)
    )


def test_alignment_of_an_empty_label_and_of_one_that_does_not_fit():
    assert align(np.zeros((3, 2)), ()) == []
    with pytest.raises(ValueError, match="do not fit"):
        align(np.zeros((2, 2)), (1, 1))


def test_long_and_unlikely_labels_do_not_underflow():
    log_probs = log_softmax(np.random.default_rng(0).normal(0, 8, (600, 20)))
    assert np.isfinite(log_likelihood(log_probs, greedy(log_probs).indices))
    assert log_likelihood(np.log(np.full((100, 2), 0.5)), (1,)) == pytest.approx(
        np.log(5050) + 100 * np.log(0.5)
    )


@given(st.lists(texts, min_size=1).filter(lambda labels: any(labels)))
@settings(max_examples=200, deadline=None)
def test_codec_round_trip(labels):
    import unicodedata

    labels = [unicodedata.normalize("NFC", label) for label in labels]
    alphabet = Alphabet.from_labels(labels)
    coded = alphabet.encode_all(labels)
    assert (
        coded.dtype == np.int32
        and coded.min(initial=0) >= 0
        and coded.max(initial=0) < len(alphabet)
    )
    assert [alphabet.decode(row) for row in coded] == labels
    assert (
        alphabet.symbols
        == Alphabet.from_labels(labels[::-1]).symbols
        == "".join(sorted(alphabet.symbols))
    )
    assert all((row != BLANK).sum() == len(label) for row, label in zip(coded, labels))


def test_alphabet_names_the_symbol_that_it_cannot_encode():
    alphabet = Alphabet("abc")
    with pytest.raises(ValueError, match="'d' in label 'add' is not in the alphabet 'abc'"):
        alphabet.encode("add")
    with pytest.raises(ValueError, match="room for 2"):
        alphabet.encode_all(["abc"], length=2)
    with pytest.raises(ValueError, match="distinct symbols"):
        Alphabet("aa")
    assert "abba" in alphabet and "xyz" not in alphabet


def three(count=200, classes=5, seed=0):
    """Log-probabilities of three classifiers for the same images, some confident, some not."""
    rng = np.random.default_rng(seed)
    return [
        log_softmax(rng.normal(0, rng.uniform(0.2, 4, (count, 1)), (count, classes)))
        for _ in range(3)
    ]


def test_members_of_a_cascade_answer_where_confident_and_vote_where_none_is():
    known, seen = three(), []

    def member(k):
        def ask(rows):
            seen.append((k, rows))
            return known[k][rows]

        return ask

    answers, asked = cascade([member(0), member(1), member(2)], [0.8, 0.7], 200)
    first, second = (np.exp(opinion.max(axis=1)) for opinion in known[:2])
    ones, twos = first >= 0.8, (first < 0.8) & (second >= 0.7)
    rest = ~ones & ~twos
    assert min(ones.sum(), twos.sum(), rest.sum()) > 10
    assert np.array_equal(answers[ones], known[0][ones]) and (asked[ones] == 1).all()
    assert np.array_equal(answers[twos], known[1][twos]) and (asked[twos] == 2).all()
    assert (
        np.allclose(np.exp(answers[rest]), np.mean([np.exp(k[rest]) for k in known], axis=0))
        and (asked[rest] == 3).all()
    )
    assert [k for k, _ in seen] == [0, 1, 2]  # once each, for what the members before left
    assert np.array_equal(seen[1][1], np.flatnonzero(~ones))
    assert np.array_equal(seen[2][1], np.flatnonzero(rest))


def test_a_cascade_with_extreme_thresholds():
    known = three()
    members = [lambda rows, k=k: known[k][rows] for k in range(3)]
    answers, asked = cascade(members, [0, 0], 200)  # always confident
    assert np.array_equal(answers, known[0]) and (asked == 1).all()
    answers, asked = cascade(members, [1, 1], 200)  # never: a plain vote
    assert np.allclose(np.exp(answers), np.mean(np.exp(known), axis=0)) and (asked == 3).all()
    assert np.allclose(cascade(members[:1], [], 200)[0], known[0])
    with pytest.raises(ValueError):
        cascade(members, [0.5], 200)
