"""Constrained decoding: patterns and lexicons against enumeration of all labels."""

import itertools
import re

import numpy as np
import pytest

from ocr.reading.constraints import Lexicon, Pattern, constrain, log_likelihoods
from ocr.reading.ctc import Alphabet, log_likelihood, log_softmax
from tests.test_ctc_decoding import enumerate_labels

ALPHABET = Alphabet("12/a")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "text, allowed", [("d/d", ("12", "/", "12")), ("xx", ("12a", "12a")), ("a", ("a",))]
)
def test_a_pattern_finds_the_best_labels_that_match_it(seed, text, allowed):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (5, 5)))
    truth = {
        label: p
        for label, p in enumerate_labels(log_probs).items()
        if len(label) == len(allowed)
        and all(s in places for s, places in zip(ALPHABET.decode(label), allowed))
    }
    pattern = Pattern.parse(text, ALPHABET)
    found = pattern.best(log_probs, width=2000, top=3)
    best = sorted(truth, key=truth.__getitem__, reverse=True)
    assert [d.indices for d in found] == best[:3]
    assert [d.log_prob for d in found] == pytest.approx([truth[d.indices] for d in found], abs=1e-9)
    (narrow,) = pattern.best(log_probs, width=1)
    assert narrow.indices in truth
    assert pattern.first() == [i for i, s in enumerate(ALPHABET.symbols, 1) if s in allowed[0]]


@pytest.mark.parametrize("seed", range(20))
def test_a_lexicon_finds_the_best_words(seed):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(0, 3, (6, 5)))
    words = ["".join(w) for n in (1, 2, 3) for w in itertools.product("12/a", repeat=n)]
    words = [words[i] for i in rng.permutation(len(words))[:12]]
    truth = {w: log_likelihood(log_probs, ALPHABET.encode(w)) for w in words}
    lexicon = Lexicon.encode(words, ALPHABET)
    found = lexicon.best(log_probs, top=4)
    best = sorted(truth, key=truth.__getitem__, reverse=True)
    assert [ALPHABET.decode(d.indices) for d in found] == best[:4]
    everything = enumerate_labels(log_probs)
    for d in found:
        assert d.log_prob == pytest.approx(everything[d.indices], abs=1e-9)
    assert lexicon.first() == sorted({ALPHABET.encode(word)[0] for word in words})


def test_a_lexicon_of_words_that_do_not_fit_is_an_error():
    log_probs = np.log(np.full((2, 5), 0.2))
    lexicon = Lexicon.encode(["11", "12"], ALPHABET)
    assert [d.indices for d in lexicon.best(log_probs, top=2)] == [(1, 2)]  # 11 needs a blank
    with pytest.raises(ValueError, match="no word of the lexicon fits 1 time steps"):
        lexicon.best(log_probs[:1])


def test_log_likelihoods_equal_those_of_each_label():
    log_probs = log_softmax(np.random.default_rng(0).normal(0, 2, (9, 4)))
    labels = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [3, 2, 0], [2, 2, 3]])
    one_by_one = [log_likelihood(log_probs, [i for i in row if i]) for row in labels]
    assert log_likelihoods(log_probs, labels) == pytest.approx(one_by_one, abs=1e-9)
    assert log_likelihoods(log_probs[:3], np.array([[1, 1]])) == pytest.approx(
        log_likelihood(log_probs[:3], [1, 1])
    )
    assert log_likelihoods(log_probs[:2], np.array([[1, 1]]))[0] == -np.inf


def test_wildcards_and_escapes_of_a_pattern():
    alphabet = Alphabet("0١adx-")
    shown = [
        [
            "".join(alphabet.symbols[i - 1] for i in sorted(place))
            for place in Pattern.parse(text, alphabet).places
        ]
        for text in ("dax-", r"\d\a\x", "0")
    ]
    assert shown == [["0١", "adx", "0١adx", "-"], ["d", "a", "x"], ["0"]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("d?", None), "the alphabet '12/a' has no '?'"),
        (("", None), "the pattern is empty: write d for a digit"),
        (("dddd", None), "'dddd' is too long: it needs 7 time steps, the network has 6"),
        (("d", ["1"]), "give a pattern or a lexicon, not both"),
        ((None, []), "at least one"),
        ((None, ["1", ""]), "none empty"),
        ((None, "12"), "must be a list of words"),
        ((None, [1]), "must be a list of words"),
        ((5, None), "a pattern is a text such as dd/dd/dddd, got 5"),
        ((None, ["1", "b"]), "lexicon: 'b' has symbols outside the alphabet '12/a'"),
        ((None, ["1", "1111"]), "'1111' is too long: it needs 7 time steps"),
        (("d\\", None), "has no '\\\\'"),
    ],
)
def test_an_invalid_constraint_is_rejected_with_one_line(arguments, message):
    with pytest.raises(ValueError, match="(?s)" + re.escape(message)) as caught:
        constrain(ALPHABET, 6, *arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, symbols, message",
    [
        ("a", "123", "no letter"),
        ("d", "abc", "no digit"),
        ("x", "/-", "neither digits nor letters"),
    ],
)
def test_an_alphabet_without_letters_or_digits(text, symbols, message):
    with pytest.raises(ValueError, match=message):
        Pattern.parse(text, Alphabet(symbols))


def test_only_equal_neighbours_need_a_blank_and_words_count_once():
    pattern = constrain(ALPHABET, 6, "dadada")
    assert isinstance(pattern, Pattern) and len(pattern.places) == pattern.steps == 6
    lexicon = constrain(ALPHABET, 6, lexicon=["1", "12", "1"])
    assert isinstance(lexicon, Lexicon) and len(lexicon.labels) == 2
    with pytest.raises(ValueError, match="'dd' is too long: this reader reads one character"):
        constrain(ALPHABET, 1, "dd")


def test_no_constraint():
    assert constrain(ALPHABET, 6) is None
