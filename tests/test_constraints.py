"""Readings bound to a pattern or a lexicon: against enumeration, and never outside."""

import itertools
import re

import numpy as np
import pytest

from ocr.reading.constraints import bind, in_lexicon, log_likelihoods, pattern
from ocr.reading.ctc import Alphabet, log_likelihood, log_softmax, prefix_beam
from tests.test_ctc_decoding import enumerate_labels

ALPHABET = Alphabet("12/a")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "text, allowed", [("d/d", ("12", "/", "12")), ("xx", ("12a", "12a")), ("a", ("a",))]
)
def test_a_pattern_is_kept_and_the_best_within_it_found(seed, text, allowed):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (5, 5)))
    truth = {
        label: p
        for label, p in enumerate_labels(log_probs).items()
        if len(label) == len(allowed)
        and all(s in places for s, places in zip(ALPHABET.decode(label), allowed))
    }
    found = prefix_beam(log_probs, width=2000, top=3, places=pattern(text, ALPHABET))
    best = sorted(truth, key=truth.get, reverse=True)
    assert [d.indices for d in found] == best[:3]
    assert [d.log_prob for d in found] == pytest.approx([truth[d.indices] for d in found], abs=1e-9)
    (narrow,) = prefix_beam(log_probs, width=1, places=pattern(text, ALPHABET))
    assert narrow.indices in truth


@pytest.mark.parametrize("seed", range(20))
def test_the_best_word_is_found_whatever_the_network_thinks(seed):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(0, 3, (6, 5)))
    words = ["".join(w) for n in (1, 2, 3) for w in itertools.product("12/a", repeat=n)]
    words = [words[i] for i in rng.permutation(len(words))[:12]]
    truth = {w: log_likelihood(log_probs, ALPHABET.encode(w)) for w in words}
    found = in_lexicon(log_probs, ALPHABET.encode_all(words), top=4)
    assert [ALPHABET.decode(d.indices) for d in found] == sorted(
        truth, key=truth.get, reverse=True
    )[:4]
    everything = enumerate_labels(log_probs)
    for d in found:
        assert d.log_prob == pytest.approx(everything[d.indices], abs=1e-9)


def test_likelihoods_of_many_labels_are_those_of_each():
    log_probs = log_softmax(np.random.default_rng(0).normal(0, 2, (9, 4)))
    labels = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [3, 2, 0], [2, 2, 3]])
    one_by_one = [log_likelihood(log_probs, [i for i in row if i]) for row in labels]
    assert log_likelihoods(log_probs, labels) == pytest.approx(one_by_one, abs=1e-9)
    assert log_likelihoods(log_probs[:3], np.array([[1, 1]])) == pytest.approx(
        log_likelihood(log_probs[:3], [1, 1])
    )
    assert log_likelihoods(log_probs[:2], np.array([[1, 1]]))[0] == -np.inf


def test_signs_of_a_pattern():
    alphabet = Alphabet("0١adx-")
    shown = [
        [
            "".join(alphabet.symbols[i - 1] for i in sorted(place))
            for place in pattern(text, alphabet)
        ]
        for text in ("dax-", r"\d\a\x", "0")
    ]
    assert shown == [["0١", "adx", "0١adx", "-"], ["d", "a", "x"], ["0"]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("d?", None), "the alphabet '12/a' has no '?'"),
        (("", None), "the pattern is empty"),
        (("dddd", None), "'dddd' is too long: it needs 7 time steps, the network has 6"),
        (("d", ["1"]), "not to both"),
        ((None, []), "at least one"),
        ((None, ["1", ""]), "none of them empty"),
        ((None, "12"), "no list of words"),
        ((None, [1]), "no list of words"),
        ((5, None), "not 5"),
        ((None, ["1", "b"]), "lexicon: 'b' cannot be read"),
        ((None, ["1", "1111"]), "'1111' is too long: it needs 7 time steps"),
        (("d\\", None), "has no"),
    ],
)
def test_what_cannot_be_read_is_said_at_once(arguments, message):
    with pytest.raises(ValueError, match="(?s)" + re.escape(message)):
        bind(ALPHABET, 6, *arguments)
    assert "\n" not in str(pytest.raises(ValueError, bind, ALPHABET, 6, *arguments).value)


def test_an_alphabet_without_letters_or_digits():
    for text, alphabet, what in (
        ("a", "123", "no letter"),
        ("d", "abc", "no digit"),
        ("x", "/-", "neither digit nor letter"),
    ):
        with pytest.raises(ValueError, match=what):
            pattern(text, Alphabet(alphabet))


def test_equal_neighbours_alone_need_a_blank_and_words_count_once():
    assert (
        len(bind(ALPHABET, 6, "dadada").places) == 6
        and len(bind(ALPHABET, 6, lexicon=["1", "12", "1"]).labels) == 2
    )
    with pytest.raises(ValueError, match="'dd' is too long: this reader reads one character"):
        bind(ALPHABET, 1, "dd")


def test_nothing_to_bind_to():
    assert bind(ALPHABET, 6) is None
