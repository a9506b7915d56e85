"""Constrained decoding: restrict a text to a pattern (dd/dd/dddd) or to a lexicon. NumPy only."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from ocr.reading.ctc import BLANK, Alphabet, Decoded, prefix_beam, steps_needed

WILDCARDS = {"d": str.isdecimal, "a": str.isalpha, "x": str.isalnum}
MISSING = {"d": "no digit", "a": "no letter", "x": "neither digits nor letters"}


@dataclass(frozen=True)
class Pattern:
    """The symbols allowed at each place of a label, as sets of indices >= 1."""

    text: str
    places: list[set[int]]

    @classmethod
    def parse(cls, text: str, alphabet: Alphabet) -> "Pattern":
        r"""Parse a pattern: `d` digit, `a` letter, `x` either, anything else itself.

        A backslash escapes: \d, \a and \x are the letters d, a and x. Raises ValueError where the
        alphabet has no symbol for a place.
        """
        if not isinstance(text, str):
            raise ValueError(f"a pattern is a text such as dd/dd/dddd, got {text!r}")
        if not text:
            raise ValueError(
                "the pattern is empty: write d for a digit, a for a letter, x for either, "
                "anything else as itself"
            )
        places = []
        for escape, symbol in re.findall(r"(\\?)(.)", text, re.DOTALL):
            wildcard = None if escape else WILDCARDS.get(symbol)
            allowed = {
                i
                for i, known in enumerate(alphabet.symbols, start=1)
                if (wildcard(known) if wildcard else known == symbol)
            }
            if not allowed:
                what = MISSING[symbol] if wildcard else f"no {symbol!r}"
                raise ValueError(f"pattern {text!r}: the alphabet {alphabet.symbols!r} has {what}")
            places.append(allowed)
        return cls(text, places)

    @property
    def steps(self) -> int:
        """Count the time steps needed: one per place, and a blank where neighbours may be equal."""
        return len(self.places) + sum(bool(a & b) for a, b in pairwise(self.places))

    @property
    def longest(self) -> str:
        """The text to name where the time steps do not suffice."""
        return self.text

    def best(self, log_probs: np.ndarray, width: int = 10, top: int = 1) -> list[Decoded]:
        """Decode the `top` most probable labels of log-probabilities (time, classes), best first.

        By prefix beam search of `width`, which may miss the best where all are improbable.
        """
        return prefix_beam(log_probs, width, top, places=self.places)

    def first(self) -> list[int]:
        """Return the sorted indices allowed at the first place."""
        return sorted(self.places[0])


@dataclass(frozen=True)
class Lexicon:
    """The labels allowed: integers (n, length), padded with blank 0."""

    words: list[str]
    labels: np.ndarray

    @classmethod
    def encode(cls, words: Iterable[str], alphabet: Alphabet) -> "Lexicon":
        """Encode distinct words. Raises ValueError for no words, or symbols not in the alphabet."""
        words = [] if isinstance(words, str) else list(dict.fromkeys(words))
        if not words or not all(isinstance(word, str) and word for word in words):
            raise ValueError("the lexicon must be a list of words: at least one, and none empty")
        for word in words:
            if word not in alphabet:
                raise ValueError(
                    f"lexicon: {word!r} has symbols outside the alphabet {alphabet.symbols!r}"
                )
        return cls(words, alphabet.encode_all(words))

    @property
    def steps(self) -> int:
        """Count the time steps that the longest word needs."""
        return steps_needed(self.longest)

    @property
    def longest(self) -> str:
        """The word that needs the most time steps."""
        return max(self.words, key=steps_needed)

    def best(self, log_probs: np.ndarray, width: int = 10, top: int = 1) -> list[Decoded]:
        """Decode the `top` most probable words of log-probabilities (time, classes), best first.

        Exact, whatever the `width`: each word's likelihood is computed; 10,000 words of 8 symbols
        take about half a second. Raises ValueError where no word fits the time steps.
        """
        found = log_likelihoods(log_probs, self.labels)
        order = np.argsort(-found, kind="stable")[:top]
        labels = [
            Decoded(tuple(self.labels[row][self.labels[row] != BLANK].tolist()), float(found[row]))
            for row in order
            if found[row] > -inf
        ]
        if not labels:
            raise ValueError(f"no word of the lexicon fits {len(log_probs)} time steps")
        return labels

    def first(self) -> list[int]:
        """Return the sorted indices of the words' first symbols."""
        return sorted(set(self.labels[:, 0].tolist()))


Constraint = Pattern | Lexicon


def constrain(
    alphabet: Alphabet,
    steps: int,
    pattern: str | None = None,
    lexicon: Iterable[str] | None = None,
) -> Constraint | None:
    """Build the constraint for a network with this many time steps (1: it reads one character).

    None where neither is given. Raises ValueError where both are, for symbols outside the
    alphabet, for nothing at all, and for what needs more time steps.
    """
    constraint: Constraint
    if pattern is not None and lexicon is not None:
        raise ValueError("give a pattern or a lexicon, not both")
    if pattern is not None:
        constraint = Pattern.parse(pattern, alphabet)
    elif lexicon is not None:
        constraint = Lexicon.encode(lexicon, alphabet)
    else:
        return None
    if constraint.steps > steps:
        why = (
            "this reader reads one character"
            if steps == 1
            else f"it needs {constraint.steps} time steps, the network has {steps}"
        )
        raise ValueError(f"{constraint.longest!r} is too long: {why}")
    return constraint


def log_likelihoods(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute log P(label | image) of many labels at once, as `ctc.log_likelihood` does of one.

    log_probs: (time, classes). labels: integers (n, length), padded with blank 0. Returns floats
    (n,), -inf where a label does not fit.
    """
    states = np.full((len(labels), 2 * labels.shape[1] + 1), BLANK)
    states[:, 1::2] = labels
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    alpha = np.where(np.arange(states.shape[1]) < 2, log_probs[0][states], -inf)
    for frame in np.asarray(log_probs[1:], np.float64):
        padded = np.pad(alpha, ((0, 0), (2, 0)), constant_values=-inf)
        skipped = np.where(skips, padded[:, :-2], -inf)
        alpha = np.logaddexp(np.logaddexp(alpha, padded[:, 1:-1]), skipped) + frame[states]
    rows, ends = np.arange(len(labels)), 2 * (labels != BLANK).sum(axis=1)
    in_symbol = np.where(ends > 0, alpha[rows, np.maximum(ends - 1, 0)], -inf)
    return np.logaddexp(alpha[rows, ends], in_symbol)
