"""CTC decoding: alphabet, greedy and beam search, likelihood, alignment. NumPy only.

One convention holds everywhere: **blank is index 0 and padding is index 0** (`BLANK`); the symbols
of an alphabet are the indices 1, 2, ... Networks end in logits; `log_softmax` turns them into
log-probabilities, and every decoder here takes those (given probabilities, a beam search ranks
wrongly).

Sources: Graves et al. 2006, "Connectionist Temporal Classification" (collapse, forward sum); Hannun
et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition" (prefix beam search).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, inf, log, log1p
from typing import NamedTuple

import numpy as np

from ocr.reading.scripts import check_symbols

BLANK = 0
# prefix -> log-probability of the paths that end in blank, and of those that end in a symbol
Beams = dict[tuple[int, ...], list[float]]


class Alphabet:
    """The symbols a reader knows, in a fixed order: symbol number i has index i + 1, 0 is blank.

    It is built once, from the labels of a data set, sorted, saved with the reader and never rebuilt
    from files. `len(alphabet)` counts the blank, so it is the number of outputs of a CTC network.
    """

    def __init__(self, symbols: str):
        check_symbols(symbols)
        self.symbols = symbols
        self._index = {symbol: i for i, symbol in enumerate(symbols, start=1)}

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> "Alphabet":
        """Collect the sorted set of all characters in `labels` (NFC); the same on every machine."""
        text = "".join(unicodedata.normalize("NFC", label) for label in labels)
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.symbols) + 1

    def __contains__(self, text: str) -> bool:
        return all(symbol in self._index for symbol in text)

    def __repr__(self) -> str:
        return f"Alphabet({self.symbols!r})"

    def encode(self, text: str) -> list[int]:
        """Encode text as indices >= 1. Raises ValueError naming the first unknown symbol."""
        for symbol in text:
            if symbol not in self._index:
                where = f"label {text!r} is not in the alphabet {self.symbols!r}"
                raise ValueError(f"{symbol!r} in {where}")
        return [self._index[symbol] for symbol in text]

    def encode_all(self, labels: Iterable[str], length: int | None = None) -> np.ndarray:
        """Encode labels as int32 (n, length), padded with blank; default: the longest label's."""
        rows = [self.encode(label) for label in labels]
        longest = max(map(len, rows), default=0)
        if length is not None and length < longest:
            raise ValueError(f"a label has {longest} symbols, the array has room for {length}")
        out = np.full((len(rows), length or longest), BLANK, dtype=np.int32)
        for row, indices in zip(out, rows):
            row[: len(indices)] = indices
        return out

    def classes(self, labels: Iterable[str]) -> np.ndarray:
        """Encode one-symbol labels as int32 classes 0, 1, ... (n,), for networks without blank."""
        return np.array([self.encode(label)[0] - 1 for label in labels], dtype=np.int32)

    def decode(self, indices: Iterable[int]) -> str:
        """Decode indices to text; blanks (and so padding) are skipped."""
        return "".join(self.symbols[i - 1] for i in map(int, indices) if i != BLANK)


class Decoded(NamedTuple):
    """A decoded label: its indices, without blanks, and the log-probability of it or of a path."""

    indices: tuple[int, ...]
    log_prob: float


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Convert logits (..., classes) to log-probabilities of the same shape, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def steps_needed(label: Sequence) -> int:
    """Count the time steps that CTC needs: one per symbol, and a blank between equal neighbours."""
    return len(label) + sum(a == b for a, b in pairwise(label))


def collapse(path) -> tuple[int, ...]:
    """Collapse a path (time,) to its label: runs become one symbol, then blanks are removed."""
    path = np.asarray(path)
    keep = path != BLANK
    keep[1:] &= path[1:] != path[:-1]
    return tuple(path[keep].tolist())


def greedy(log_probs: np.ndarray) -> Decoded:
    """Decode the best path through (time, classes); log_prob is that path's."""
    return Decoded(collapse(log_probs.argmax(axis=-1)), float(log_probs.max(axis=-1).sum()))


def best(log_probs: np.ndarray, lengths: tuple[int, int] | None = None) -> Decoded:
    """Decode as readers do: greedy, or `best_path` where that label has another length."""
    found = greedy(log_probs)
    if lengths and not lengths[0] <= len(found.indices) <= lengths[1]:
        return best_path(log_probs, *lengths)
    return found


def best_path(log_probs: np.ndarray, low: int, high: int) -> Decoded:
    """Decode the best path among all whose label has `low` to `high` symbols; exact.

    log_probs: (time, classes). Viterbi over scores[time, length, class]: the log-probability of the
    best path so far whose label has that length and which ends in that class. A new symbol follows
    the best path with one symbol less that ends in another class: the best of its row or, for that
    one's own class, the second best. log_prob is the path's. Raises ValueError where none fits.
    """
    steps, classes = log_probs.shape
    if low > steps:
        raise ValueError(f"{low} symbols cannot be read from {steps} time steps")
    high, frames = min(high, steps), np.asarray(log_probs, dtype=np.float64)
    scores = np.full((steps, high + 1, classes), -inf)
    scores[0, 0, BLANK], scores[0, 1:2, 1:] = frames[0, BLANK], frames[0, 1:]
    for before, after, frame in zip(scores, scores[1:], frames[1:]):
        ranked = np.partition(before, (classes - 2, classes - 1), axis=1)
        first, second = ranked[:, -1:], ranked[:, -2:-1]
        others = np.where(before == first, second, first)
        np.maximum(before[1:], others[:-1], out=after[1:])
        after[:, BLANK] = first[:, 0]
        after += frame
    length, last = divmod(int(scores[-1, low:].argmax()), classes)
    length += low
    log_prob = float(scores[-1, length, last])
    if log_prob == -inf:
        raise ValueError(f"no label of {low} to {high} symbols fits {steps} time steps")
    path = [last]
    for score in scores[-2::-1]:
        if last == BLANK:
            last = int(score[length].argmax())
        else:
            stay, score[length - 1, last] = score[length, last], -inf
            other = int(score[length - 1].argmax())
            if score[length - 1, other] > stay:
                length, last = length - 1, other
        path.append(last)
    return Decoded(collapse(path[::-1]), log_prob)


def _add(a: float, b: float) -> float:
    """Compute log(exp(a) + exp(b)); for scalars ten times faster than np.logaddexp."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))


def prefix_beam(
    log_probs: np.ndarray,
    width: int = 10,
    top: int = 1,
    lengths: tuple[int, int] | None = None,
    places: list[set[int]] | None = None,
) -> list[Decoded]:
    """Decode the `top` most probable labels of log-probabilities (time, classes), best first.

    Unlike `greedy` it adds up the paths of one label; log_prob is the label's. At each step the
    `width` best classes extend the `width` best prefixes; with `width` >= number of labels it is
    exact. `lengths=(low, high)` limits the number of symbols: prefixes then compete within their
    own length, so that a label of that length is always found. `places` are the symbols allowed at
    each place (constraints.Pattern). Raises ValueError where no such label fits the time steps.
    """
    steps = len(log_probs)
    lengths = (len(places), len(places)) if places else lengths
    low, high = lengths or (0, steps)
    if low > steps:
        raise ValueError(f"{low} symbols cannot be read from {steps} time steps")
    beams: Beams = {(): [0.0, -inf]}
    for frame in np.asarray(log_probs, dtype=np.float64):
        order = np.argsort(-frame, kind="stable").tolist()
        choices = [[c for c in order if c in place][:width] for place in places] if places else None
        order = order[:width]
        grown: Beams = defaultdict(lambda: [-inf, -inf])
        for prefix, (blank, symbol) in beams.items():
            both = _add(blank, symbol)
            stay = grown[prefix]
            stay[0] = _add(stay[0], both + frame[BLANK])
            if prefix:
                stay[1] = _add(stay[1], symbol + frame[prefix[-1]])
            if len(prefix) == high:
                continue
            for c in choices[len(prefix)] if choices else order:
                if c != BLANK:
                    end = grown[(*prefix, c)]
                    before = blank if prefix and c == prefix[-1] else both
                    end[1] = _add(end[1], frame[c] + before)
        beams = _prune(grown, width, by_length=lengths is not None)
    found = [Decoded(p, _add(*ends)) for p, ends in beams.items() if low <= len(p) <= high]
    found = [d for d in found if d.log_prob > -inf]
    if not found:
        raise ValueError(f"no label of {low} to {high} symbols fits {steps} time steps")
    return sorted(found, key=lambda d: -d.log_prob)[:top]


def _prune(beams: Beams, width: int, by_length: bool) -> Beams:
    """Keep the `width` best prefixes, of each length where `by_length`."""
    groups = defaultdict(list)
    for prefix, ends in beams.items():
        groups[len(prefix) if by_length else 0].append((_add(*ends), prefix))
    kept = (p for group in groups.values() for _, p in sorted(group, key=lambda g: -g[0])[:width])
    return {prefix: beams[prefix] for prefix in kept}


def _extended(indices: Sequence[int]) -> np.ndarray:
    """Insert a blank before, between and after a label's symbols: the states of CTC."""
    states = np.full(2 * len(indices) + 1, BLANK)
    states[1::2] = indices
    return states


def log_likelihood(log_probs: np.ndarray, indices: Sequence[int]) -> float:
    """Compute log P(label | image), the sum over all its paths, by the forward recursion.

    log_probs: (time, classes). It is minus the CTC loss; -inf where the label does not fit. The
    recursion works on probabilities relative to each frame's best state, rescaled on the way:
    three times as fast as in the log domain, and as exact.
    """
    states = _extended(indices)
    emit = np.asarray(log_probs, dtype=np.float64)[:, states]
    best = emit.max(axis=1)
    if best.min() == -inf:
        return -inf
    frames = np.exp(emit - best[:, None])
    move = np.eye(len(states)) + np.eye(len(states), k=1)
    skips = np.flatnonzero((states[2:] != BLANK) & (states[2:] != states[:-2]))
    move[skips, skips + 2] = 1  # a blank may be skipped between two different symbols
    log_scale = best.sum()
    alpha = frames[0] * (np.arange(len(states)) < 2)
    for t, frame in enumerate(frames[1:], start=1):
        alpha = alpha.dot(move)
        alpha *= frame
        if t % 16 == 0:
            total = alpha.sum()
            if total == 0:
                return -inf
            log_scale += log(total)
            alpha /= total
    total = alpha[-2:].sum()
    return float(log_scale + log(total)) if total > 0 else -inf


def confidence(log_probs: np.ndarray, indices: Sequence[int]) -> float:
    """Compute the probability, 0..1, that the network gives to a label, over all alignments."""
    return min(1.0, exp(log_likelihood(log_probs, indices)))


def align(log_probs: np.ndarray, indices: Sequence[int]) -> list[tuple[int, int]]:
    """Align a label: the (first, last + 1) time steps of each symbol on the label's best path.

    log_probs: (time, classes). Raises ValueError where the label does not fit.
    """
    path = np.asarray(log_probs).argmax(axis=-1)
    if collapse(path) != tuple(indices):  # the greedy path has another label
        path = _aligned_path(np.asarray(log_probs), indices)
    starts = np.concatenate([[0], 1 + np.flatnonzero(path[1:] != path[:-1])])
    ends = np.append(starts[1:], len(path))
    return [(int(start), int(end)) for start, end in zip(starts, ends) if path[start] != BLANK]


def _aligned_path(log_probs: np.ndarray, indices: Sequence[int]) -> np.ndarray:
    """Find a label's best path, (time,) classes: Viterbi over the states of `log_likelihood`."""
    if steps_needed(tuple(indices)) > len(log_probs):
        raise ValueError(f"{len(indices)} symbols do not fit {len(log_probs)} time steps")
    states = _extended(indices)
    emit, skip = log_probs[:, states], np.zeros(len(states), bool)
    skip[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    back, score = np.zeros(emit.shape, dtype=int), np.full(len(states), -inf)
    score[:2] = emit[0, :2]
    for t in range(1, len(emit)):
        padded = np.append([-inf, -inf], score)
        reached = np.stack([score, padded[1:-1], np.where(skip, padded[:-2], -inf)])
        came = reached.argmax(axis=0)
        back[t] = np.arange(len(states)) - came
        score = reached.max(axis=0) + emit[t]
    s = len(states) - 1 - (len(states) > 1 and score[-2] > score[-1])
    path = np.zeros(len(emit), dtype=int)
    for t in range(len(emit) - 1, -1, -1):
        path[t] = states[s]
        s = back[t, s]
    return path
