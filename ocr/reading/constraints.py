"""Readings bound to a pattern (dd/dd/dddd) or to the words of a lexicon. NumPy only."""

import re
from math import inf
from typing import NamedTuple

import numpy as np

from ocr.reading.ctc import BLANK, Alphabet, Decoded, prefix_beam, steps_needed


class Bound(NamedTuple):
    """What a reading is bound to: the indices allowed at each place, or labels, integers (n, length) padded with blank."""

    places: list[set[int]] | None = None
    labels: np.ndarray | None = None

    def best(self, log_probs: np.ndarray, width: int = 10, top: int = 1) -> list[Decoded]:
        """The `top` most probable labels within the bounds for (time, classes) log-probabilities, best first.

        Exact for a lexicon; for a pattern a beam of `width`, which may miss the best where all are improbable.
        """
        if self.places is None:
            return in_lexicon(log_probs, self.labels, top)
        return prefix_beam(log_probs, width, top, places=self.places)

    def first(self) -> list[int]:
        """The indices that may stand at the first place, sorted."""
        return sorted(self.places[0] if self.labels is None else set(self.labels[:, 0].tolist()))


def bind(
    alphabet: Alphabet, steps: int, pattern_text: str | None = None, lexicon=None
) -> Bound | None:
    """A pattern or a list of words for networks with so many time steps (1: those that read one character).

    None where neither is given. Raises ValueError for what cannot be read: symbols outside the alphabet, nothing at all, too
    long.
    """
    if pattern_text is None and lexicon is None:
        return None
    if pattern_text is not None and lexicon is not None:
        raise ValueError("a reading is bound to a pattern or to a lexicon, not to both")
    if lexicon is None:
        bound = Bound(places=pattern(pattern_text, alphabet))
        needed = len(bound.places) + sum(
            bool(a & b) for a, b in zip(bound.places, bound.places[1:])
        )  # for a blank between equals
        longest = pattern_text
    else:
        words = _words(lexicon, alphabet)
        bound, longest = Bound(labels=alphabet.encode_all(words)), max(words, key=steps_needed)
        needed = steps_needed(longest)
    if needed > steps:
        raise ValueError(
            f"{longest!r} is too long: "
            + (
                "this reader reads one character"
                if steps == 1
                else f"it needs {needed} time steps, the network has {steps}"
            )
        )
    return bound


def _words(lexicon, alphabet: Alphabet) -> list[str]:
    """The different words of a lexicon. Raises ValueError."""
    words = [] if isinstance(lexicon, str) else list(dict.fromkeys(lexicon))
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError("the lexicon is no list of words: give at least one, none of them empty")
    for word in words:
        if word not in alphabet:
            raise ValueError(
                f"lexicon: {word!r} cannot be read with the alphabet {alphabet.symbols!r}"
            )
    return words


def pattern(text: str, alphabet: Alphabet) -> list[set[int]]:
    """What may stand at each place of a label, as indices: `d` a digit, `a` a letter, `x` either, anything else itself,
    and after a backslash `d`, `a` and `x` themselves.

    Raises ValueError where the alphabet has nothing for a place.
    """
    if not isinstance(text, str):
        raise ValueError(f"a pattern is a text, not {text!r}")
    kinds = {"d": str.isdecimal, "a": str.isalpha, "x": str.isalnum}
    places = []
    for escape, sign in re.findall(r"(\\?)(.)", text, re.DOTALL):
        fits = kinds.get(sign) if not escape else None
        allowed = {
            i
            for i, symbol in enumerate(alphabet.symbols, start=1)
            if (fits(symbol) if fits else symbol == sign)
        }
        if not allowed:
            what = (
                {"d": "no digit", "a": "no letter", "x": "neither digit nor letter"}[sign]
                if fits
                else f"no {sign!r}"
            )
            raise ValueError(f"pattern {text!r}: the alphabet {alphabet.symbols!r} has {what}")
        places.append(allowed)
    if not places:
        raise ValueError(
            "the pattern is empty: write d for a digit, a for a letter, x for either, anything else as itself"
        )
    return places


def log_likelihoods(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`log_likelihood` of many labels at once: integers (n, length), padded with blank 0, to floats (n,)."""
    states = np.full((len(labels), 2 * labels.shape[1] + 1), BLANK)
    states[:, 1::2] = labels
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    alpha = np.where(np.arange(states.shape[1]) < 2, log_probs[0][states], -inf)
    for frame in np.asarray(log_probs[1:], np.float64):
        moved = np.pad(alpha, ((0, 0), (2, 0)), constant_values=-inf)
        alpha = (
            np.logaddexp(np.logaddexp(alpha, moved[:, 1:-1]), np.where(skips, moved[:, :-2], -inf))
            + frame[states]
        )
    rows, ends = np.arange(len(labels)), 2 * (labels != BLANK).sum(axis=1)
    return np.where(
        ends > 0,
        np.logaddexp(alpha[rows, ends], alpha[rows, np.maximum(ends - 1, 0)]),
        alpha[rows, 0],
    )


def in_lexicon(log_probs: np.ndarray, labels: np.ndarray, top: int = 1) -> list[Decoded]:
    """The `top` most probable of these labels, integers (n, length) padded with blank 0, best first; exact.

    Raises ValueError where none fits the time steps. 10,000 words of 8 symbols take about half a second.
    """
    found = log_likelihoods(log_probs, labels)
    order = np.argsort(-found, kind="stable")[:top]
    words = [
        Decoded(tuple(labels[row][labels[row] != BLANK].tolist()), float(found[row]))
        for row in order
        if found[row] > -inf
    ]
    if not words:
        raise ValueError(f"no word of the lexicon fits {len(log_probs)} time steps")
    return words
