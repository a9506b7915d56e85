"""Decoders: from a network's log-probabilities to a text with confidence, alternatives, spans."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np

from ocr.reading.constraints import Constraint
from ocr.reading.ctc import BLANK, Alphabet, align, best, confidence, prefix_beam
from ocr.reading.inputs import Input, Prepared
from ocr.reading.signs import EASTERN, Signs

Label = tuple[int, ...]  # indices of Signs.frames
BEAM = 10  # prefixes kept by a beam search, at least
WESTERN = "western"
DIGITS = (WESTERN, "as-written")  # in which signs a text is given


class Reading(NamedTuple):
    """The text read in one image.

    text          "" where there is nothing that can be read: a refusal, of confidence 0
    confidence    the probability, 0..1, that the network gives to `text` (of a string, the sum over
                  its alignments), with or without a constraint; where the reader's contract says
                  how to calibrate it, the share of such readings that is right
    alternatives  ((text, confidence), ...) best first, `text` among them, up to `top`; empty unless
                  `top` > 1
    spans         ((left, right), ...) of each character in pixels of the original image; empty
                  unless requested. CTC emits a character at a peak, so there a span marks where it
                  was read, not its whole width
    trusted       has `confidence` reached the contract's threshold, is all ink readable, and do no
                  other signs interrupt the text? False where the contract has no threshold
    script        of a number, "western", "arabic" or "persian"; None where the reader does not keep
                  them apart
    reader        the name of the reader that anything.AnyReader chose; None where there is one only
    """

    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    trusted: bool = False
    script: str | None = None
    reader: str | None = None


REFUSED = Reading("", 0.0)


@dataclass(frozen=True)
class DecodingOptions:
    """How to decode; Reader.options makes and checks them, Reader.read explains them."""

    top: int = 1
    spans: bool = False
    constraint: Constraint | None = None
    script: str | None = None
    digits: str = WESTERN
    keep_other: bool = False


class Decoder(Protocol):
    """What a Reader needs of a decoder.

    alphabet  the signs of texts, for constraints; scripts are those of Signs
    steps     the network's time steps
    """

    alphabet: Alphabet
    scripts: tuple[str, ...]
    steps: int

    def decode(
        self, log_probs: np.ndarray, prepared: Prepared, options: DecodingOptions
    ) -> Reading:
        """Decode one image's log-probabilities; `trusted` says: no ink is unreadable."""


class StringDecoder:
    """Decode a string from CTC log-probabilities (time, classes), blank = 0."""

    def __init__(self, facts: Mapping[str, Any], input: Input):
        self.signs = Signs(facts)
        self.alphabet, self.scripts = self.signs.alphabet, self.signs.scripts
        self.steps: int = facts["decoding"]["time_steps"]
        self.lengths: tuple[int, int] | None = facts["decoding"]["lengths"]
        self.stride = input.size[1] / self.steps  # pixels of the input per time step

    def decode(
        self, log_probs: np.ndarray, prepared: Prepared, options: DecodingOptions
    ) -> Reading:
        """Decode the best string: constrained, by beam search, or by the best path.

        An unconstrained image whose best path has no text is refused, whatever `top` is.
        """
        signs = self.signs
        keep_other = options.keep_other and options.constraint is None
        frames, script = signs.frames(log_probs, options.script, keep_other)
        labels: dict[Label, Label] = {}  # indices of a text, without unreadable ink -> its label
        for label in self._labels(frames, options):
            if text := self._readable(label):
                labels.setdefault(text, label)
        if not labels:
            return REFUSED
        sure = {text: confidence(frames, text) for text in islice(labels, options.top)}
        ranked = sorted(sure, key=lambda text: -sure[text])
        best_label = labels[ranked[0]]
        if script == EASTERN:
            script = signs.name(script, log_probs, best_label, align(frames, best_label))

        def shown(label: Label) -> str:
            if script is None or options.digits == WESTERN:
                return signs.text(label)
            return signs.written(script, log_probs, label, align(frames, label))

        texts = [(shown(labels[text]), sure[text]) for text in ranked]
        return Reading(
            *texts[0],
            tuple(texts) if options.top > 1 else (),
            self._spans(frames, best_label, prepared) if options.spans else (),
            self._whole(log_probs, frames, best_label),
            script,
        )

    def _whole(self, log_probs: np.ndarray, frames: np.ndarray, label: Label) -> bool:
        """Check that no ink is unreadable, and that no other signs interrupt the text."""
        if self.signs.unreadable in {*frames.argmax(axis=1).tolist(), *label}:
            return False
        if self.signs.other is None:
            return True
        path = log_probs.argmax(axis=1)
        text = np.flatnonzero((path != BLANK) & (path != self.signs.other))
        return not len(text) or not (path[text[0] : text[-1]] == self.signs.other).any()

    def _labels(self, frames: np.ndarray, options: DecodingOptions) -> list[Label]:
        """List labels, best first, at least `top` of them where there are so many."""
        width = max(BEAM, options.top)
        if options.constraint:
            found = options.constraint.best(frames, width, options.top)
            return [decoded.indices for decoded in found]
        first = best(frames, self.lengths).indices
        if options.top == 1 or not self._readable(first):
            return [first]
        found = prefix_beam(frames, width, width, lengths=self.lengths)
        return [*(decoded.indices for decoded in found), first]

    def _readable(self, label: Label) -> Label:
        return tuple(i for i in label if i != self.signs.unreadable)

    def _spans(
        self, frames: np.ndarray, label: Label, prepared: Prepared
    ) -> tuple[tuple[float, float], ...]:
        """Locate each character by the time steps of the best alignment."""
        return tuple(
            prepared.span(start * self.stride, end * self.stride)
            for i, (start, end) in zip(label, align(frames, label))
            if i != self.signs.unreadable
        )


class CharacterDecoder:
    """Decode one character from log-probabilities (classes,): class c is symbol number c."""

    steps = 1
    scripts: tuple[str, ...] = ()

    def __init__(self, facts: Mapping[str, Any], input: Input):
        self.input, self.symbols = input, facts["alphabet"]
        marks = facts.get("marks", {})
        text = [symbol for symbol in self.symbols if symbol not in marks.values()]
        self.alphabet = Alphabet("".join(text))
        self.classes, self.with_other = (
            np.array([self.symbols.index(symbol) for symbol in kept])
            for kept in (text, text + [marks["other"]] if "other" in marks else text)
        )
        self.unreadable = self.symbols.find(marks.get("unreadable", "\0"))

    def decode(
        self, log_probs: np.ndarray, prepared: Prepared, options: DecodingOptions
    ) -> Reading:
        """Decode the most probable character; none where a mark is more probable."""
        classes, best = self.with_other if options.keep_other else self.classes, log_probs.argmax()
        if options.constraint:
            classes = self.classes[np.array(options.constraint.first()) - 1]
        elif best not in classes:
            return REFUSED
        order = classes[np.argsort(-log_probs[classes], kind="stable")][: options.top]
        texts = [(self.symbols[i], float(np.exp(log_probs[i]))) for i in order]
        return Reading(
            *texts[0],
            tuple(texts) if options.top > 1 else (),
            (self.input.character_span(prepared),) if options.spans else (),
            bool(best != self.unreadable),
        )


DECODERS: dict[str, type[StringDecoder] | type[CharacterDecoder]] = {
    "ctc": StringDecoder,
    "class": CharacterDecoder,
    "ensemble": CharacterDecoder,
}


class Trust:
    """Calibrate confidences, and decide which readings are trusted, as a contract says.

    threshold: from which confidence, in place of the contract's.
    """

    def __init__(self, facts: Mapping[str, Any], threshold: float | None = None):
        trust = facts.get("trust")
        own: float | None = trust and trust["threshold"]
        self.threshold = own if threshold is None else threshold
        self.points = np.transpose(trust["points"]) if trust else None

    def judge(self, reading: Reading) -> Reading:
        """Calibrate a decoder's reading, and trust it or not; REFUSED where it has no text."""
        if not reading.text:
            return REFUSED
        if self.threshold is None:
            return reading._replace(trusted=False)
        sure = self._calibrated(reading.confidence)
        return reading._replace(
            confidence=sure,
            alternatives=tuple((text, self._calibrated(c)) for text, c in reading.alternatives),
            trusted=reading.trusted and sure >= self.threshold,
        )

    def _calibrated(self, raw: float) -> float:
        return raw if self.points is None else float(np.interp(raw, *self.points))
