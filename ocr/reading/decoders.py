"""Decoders: from a network's log-probabilities to a text with confidence, alternatives, spans."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from ocr.reading.constraints import Constraint
from ocr.reading.ctc import Alphabet, align, best, confidence, prefix_beam
from ocr.reading.inputs import Input, Prepared

BEAM = 10  # prefixes kept by a beam search, at least
Texts = list[tuple[str, float]]  # (text, confidence), best first
Spans = tuple[tuple[float, float], ...]  # (left, right) in pixels of the picture


class Reading(NamedTuple):
    """The text read in one image.

    confidence    the probability, 0..1, that the network gives to `text` (of a string, the sum over
                  its alignments), with or without a constraint
    alternatives  ((text, confidence), ...) best first, `text` among them; empty unless `top` > 1
    spans         ((left, right), ...) of each character in pixels of the original image; empty
                  unless requested. CTC emits a character at a peak, so there a span marks where it
                  was read, not its whole width
    """

    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()
    spans: Spans = ()


class Decoder(Protocol):
    """What a Reader needs of a decoder; `steps` are the network's time steps."""

    steps: int

    def texts(self, log_probs: np.ndarray, top: int, constraint: Constraint | None) -> Texts:
        """Decode one image's log-probabilities to the `top` best texts with confidences."""

    def spans(self, log_probs: np.ndarray, text: str, prepared: Prepared) -> Spans:
        """Locate the characters of `text` in the original picture."""


class StringDecoder:
    """Decode a string from CTC log-probabilities (time, classes), blank = 0."""

    def __init__(self, alphabet: Alphabet, input: Input, decoding: dict[str, Any]):
        self.alphabet = alphabet
        self.steps: int = decoding["time_steps"]
        self.lengths: tuple[int, int] | None = decoding["lengths"]
        self.stride = input.size[1] / self.steps  # pixels of the input per time step

    def texts(self, log_probs: np.ndarray, top: int, constraint: Constraint | None) -> Texts:
        """Decode the `top` best strings: constrained, by beam search, or by the best path."""
        if constraint:
            found = constraint.best(log_probs, max(BEAM, top), top)
        elif top > 1:
            found = prefix_beam(log_probs, max(BEAM, top), top, lengths=self.lengths)
        else:
            found = [best(log_probs, self.lengths)]
        texts = [(self.alphabet.decode(d.indices), confidence(log_probs, d.indices)) for d in found]
        return sorted(texts, key=lambda pair: -pair[1])

    def spans(self, log_probs: np.ndarray, text: str, prepared: Prepared) -> Spans:
        """Locate each symbol by the time steps of the best alignment."""
        steps = align(log_probs, self.alphabet.encode(text))
        return tuple(prepared.span(a * self.stride, b * self.stride) for a, b in steps)


class CharacterDecoder:
    """Decode one character from log-probabilities (classes,): class c is symbol number c."""

    steps = 1

    def __init__(self, alphabet: Alphabet, input: Input, decoding: dict[str, Any]):
        self.alphabet, self.input = alphabet, input

    def texts(self, log_probs: np.ndarray, top: int, constraint: Constraint | None) -> Texts:
        """Decode the `top` most probable characters."""
        order = np.argsort(-log_probs, kind="stable")
        if constraint:
            order = order[np.isin(order + 1, constraint.first())]  # indices of symbols begin with 1
        return [(self.alphabet.symbols[i], float(np.exp(log_probs[i]))) for i in order[:top]]

    def spans(self, log_probs: np.ndarray, text: str, prepared: Prepared) -> Spans:
        """Locate the character as its kind of input does."""
        return (self.input.character_span(prepared),)


DECODERS: dict[str, type[StringDecoder] | type[CharacterDecoder]] = {
    "ctc": StringDecoder,
    "class": CharacterDecoder,
    "ensemble": CharacterDecoder,
}
