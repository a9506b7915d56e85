"""From logits to text: the alphabet, CTC decoding in the log domain, and confidence. NumPy only.

One convention holds everywhere: **blank is index 0 and padding is index 0** (`BLANK`); the symbols of an
alphabet are the indices 1, 2, ... Networks end in logits; `log_softmax` turns them into log-probabilities, and every
decoder here wants those (fed with probabilities a beam search ranks wrongly).

Sources: Graves et al. 2006, "Connectionist Temporal Classification" (collapse, forward sum);
Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition" (prefix beam search).
"""

import unicodedata
from collections import defaultdict
from math import exp, inf, log, log1p
from typing import NamedTuple

import numpy as np

BLANK = 0


class Alphabet:
    """The symbols a reader knows, in a fixed order: symbol number i has index i + 1, 0 is blank.

    It is built once, from the labels of a data set, sorted, saved with the reader and never rebuilt from files.
    `len(alphabet)` counts the blank, so it is the number of outputs a network needs.
    """

    def __init__(self, symbols: str):
        if not symbols or len(set(symbols)) != len(symbols):
            raise ValueError(f"an alphabet needs distinct symbols, got {symbols!r}")
        self.symbols = symbols
        self._index = {symbol: i for i, symbol in enumerate(symbols, start=1)}

    @classmethod
    def from_labels(cls, labels) -> "Alphabet":
        """The sorted set of all characters in `labels`, the same in every process and on every machine."""
        return cls(
            "".join(sorted(set("".join(unicodedata.normalize("NFC", label) for label in labels))))
        )

    def __len__(self):
        return len(self.symbols) + 1

    def __contains__(self, text: str):
        return all(symbol in self._index for symbol in text)

    def __repr__(self):
        return f"Alphabet({self.symbols!r})"

    def encode(self, text: str) -> list[int]:
        """Text to indices >= 1. Raises ValueError naming the first symbol that is not in the alphabet."""
        for symbol in text:
            if symbol not in self._index:
                raise ValueError(
                    f"{symbol!r} in label {text!r} is not in the alphabet {self.symbols!r}"
                )
        return [self._index[symbol] for symbol in text]

    def encode_all(self, labels, length: int | None = None) -> np.ndarray:
        """Labels to an int32 array (n, length), padded with blank; `length` defaults to the longest label."""
        rows = [self.encode(label) for label in labels]
        longest = max(map(len, rows), default=0)
        if length is not None and length < longest:
            raise ValueError(f"a label has {longest} symbols, the array has room for {length}")
        out = np.full((len(rows), length or longest), BLANK, dtype=np.int32)
        for row, indices in zip(out, rows):
            row[: len(indices)] = indices
        return out

    def classes(self, labels) -> np.ndarray:
        """Labels of one symbol each to int32 classes 0, 1, ... (n,), for networks that tell one character: no blank."""
        return np.array([self.encode(label)[0] - 1 for label in labels], dtype=np.int32)

    def decode(self, indices) -> str:
        """Indices to text; blanks (and so padding) are skipped."""
        return "".join(self.symbols[i - 1] for i in map(int, indices) if i != BLANK)


class Decoded(NamedTuple):
    """One reading of a logit matrix: label indices (no blanks) and their log-probability."""

    indices: tuple[int, ...]
    log_prob: float


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (..., classes) to log-probabilities, same shape, computed without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def steps_needed(label) -> int:
    """Time steps CTC needs for a label: one a symbol, and one blank between two equal neighbours."""
    return len(label) + sum(a == b for a, b in zip(label, label[1:]))


def collapse(path) -> tuple[int, ...]:
    """A path over time steps to the label it stands for: runs become one symbol, then blanks go."""
    path = np.asarray(path)
    keep = path != BLANK
    keep[1:] &= path[1:] != path[:-1]
    return tuple(path[keep].tolist())


def greedy(log_probs: np.ndarray) -> Decoded:
    """The label of the single best path through (time, classes), with that path's log-probability."""
    return Decoded(collapse(log_probs.argmax(axis=-1)), float(log_probs.max(axis=-1).sum()))


def best(log_probs: np.ndarray, lengths: tuple[int, int] | None = None) -> Decoded:
    """How readers read: greedy; where that is shorter or longer than `lengths` allow, prefix beam bound to them."""
    found = greedy(log_probs)
    if lengths and not lengths[0] <= len(found.indices) <= lengths[1]:
        (found,) = prefix_beam(log_probs, lengths=lengths)
    return found


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)); scalars in plain Python are ten times faster than np.logaddexp."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))


def prefix_beam(
    log_probs: np.ndarray,
    width: int = 10,
    top: int = 1,
    lengths: tuple[int, int] | None = None,
    places: list[set[int]] | None = None,
):
    """The `top` most probable labels for (time, classes) log-probabilities, best first, as a list of Decoded.

    Unlike `greedy` it adds up the paths that mean the same label. At each step the `width` best classes extend the
    `width` best prefixes; with `width` >= number of labels it is exact. `lengths=(low, high)` binds the reading
    to that many symbols: prefixes then compete within their own length, so a bound reading is always found. `places`, of
    binding.pattern, says which symbols may stand at each place. Raises ValueError where `low` symbols cannot fit the time steps.
    """
    steps, classes = log_probs.shape
    lengths = (len(places), len(places)) if places else lengths
    low, high = lengths or (0, steps)
    if low > steps:
        raise ValueError(f"{low} symbols cannot be read from {steps} time steps")
    beams = {
        (): (0.0, -inf)
    }  # prefix -> log-probability of the paths that end in blank, and in a symbol
    for frame in np.asarray(log_probs, dtype=np.float64):
        best = np.argsort(-frame, kind="stable").tolist()
        choices = [[c for c in best if c in place][:width] for place in places] if places else None
        best = best[:width]
        grown = defaultdict(lambda: [-inf, -inf])
        for prefix, (blank, symbol) in beams.items():
            both = _add(blank, symbol)
            stay = grown[prefix]
            stay[0] = _add(stay[0], both + frame[BLANK])
            if prefix:
                stay[1] = _add(stay[1], symbol + frame[prefix[-1]])
            if len(prefix) == high:
                continue
            for c in choices[len(prefix)] if choices else best:
                if c != BLANK:
                    end = grown[prefix + (c,)]
                    end[1] = _add(
                        end[1], frame[c] + (blank if prefix and c == prefix[-1] else both)
                    )
        beams = _prune(grown, width, by_length=lengths is not None)
    found = [Decoded(p, _add(*ends)) for p, ends in beams.items() if low <= len(p) <= high]
    found = [d for d in found if d.log_prob > -inf]
    if not found:
        raise ValueError(f"no label of {low} to {high} symbols fits {steps} time steps")
    return sorted(found, key=lambda d: -d.log_prob)[:top]


def _prune(beams: dict, width: int, by_length: bool) -> dict:
    groups = defaultdict(list)
    for prefix, ends in beams.items():
        groups[len(prefix) if by_length else 0].append((_add(*ends), prefix))
    kept = (p for group in groups.values() for _, p in sorted(group, key=lambda g: -g[0])[:width])
    return {prefix: tuple(beams[prefix]) for prefix in kept}


def _extended(indices) -> np.ndarray:
    """The label with a blank before, between and after its symbols: CTC's states."""
    states = np.full(2 * len(indices) + 1, BLANK)
    states[1::2] = indices
    return states


def log_likelihood(log_probs: np.ndarray, indices) -> float:
    """log P(label | image): the sum over every path that collapses to `indices`, by the forward recursion.

    `log_probs` has shape (time, classes). -inf where the label cannot fit. It is minus the CTC loss. The recursion runs
    on probabilities relative to each frame's best state, rescaled on the way: three times as fast as in the log
    domain, and as exact.
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
    return log_scale + log(total) if total > 0 else -inf


def confidence(log_probs: np.ndarray, indices) -> float:
    """The probability, 0..1, that the network gives to a label, all its alignments added up."""
    return min(1.0, exp(log_likelihood(log_probs, indices)))


def align(log_probs: np.ndarray, indices) -> list[tuple[int, int]]:
    """Where each symbol was read: (first, last + 1) time step on the best path that collapses to `indices`.

    Raises ValueError where the label cannot fit.
    """
    path = np.asarray(log_probs).argmax(axis=-1)
    if collapse(path) != tuple(indices):  # the best path of all stands for another label
        path = _best_path(np.asarray(log_probs), indices)
    starts = np.concatenate([[0], 1 + np.flatnonzero(path[1:] != path[:-1])])
    ends = np.append(starts[1:], len(path))
    return [(int(start), int(end)) for start, end in zip(starts, ends) if path[start] != BLANK]


def _best_path(log_probs: np.ndarray, indices) -> np.ndarray:
    """The best path, (time,) classes, that collapses to `indices`: Viterbi over the same states as `log_likelihood`."""
    if steps_needed(tuple(indices)) > len(log_probs):
        raise ValueError(f"{len(indices)} symbols do not fit {len(log_probs)} time steps")
    states = _extended(indices)
    emit = log_probs[:, states]
    skip = np.append([False, False], (states[2:] != BLANK) & (states[2:] != states[:-2]))[
        : len(states)
    ]
    back, score = np.zeros(emit.shape, dtype=int), np.full(len(states), -inf)
    score[:2] = emit[0, :2]
    for t in range(1, len(emit)):
        one, two = np.append(-inf, score[:-1]), np.append([-inf, -inf], score[:-2])[: len(states)]
        reached = np.stack([score, one, np.where(skip, two, -inf)])
        came = reached.argmax(axis=0)
        back[t] = np.arange(len(states)) - came
        score = reached.max(axis=0) + emit[t]
    s = len(states) - 1 - (len(states) > 1 and score[-2] > score[-1])
    path = np.zeros(len(emit), dtype=int)
    for t in range(len(emit) - 1, -1, -1):
        path[t] = states[s]
        s = back[t, s]
    return path
