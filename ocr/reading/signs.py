"""Signs of texts: merge the columns of a network that keeps scripts apart, and drop its marks.

A network of several scripts has a symbol for each shape, and marks for ink that is no text. A text
is of one script. `Signs.frames` makes of the network's log-probabilities those of one script, in
Western signs; `Signs.name` names the script, `Signs.written` gives the signs as they were written.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ocr.reading.ctc import BLANK, Alphabet
from ocr.reading.scripts import NUMBERS, SCRIPTS, SIGNS

EASTERN = "eastern"  # the script of Arabic-Indic or Persian digits, most of which look the same
DIGITS = NUMBERS[:10]
TELLING = ("4", "5", "6")  # digits whose shapes tell Persian from Arabic-Indic
TINY = 1e-300  # probabilities are at least this, so that logarithms are finite
Steps = Sequence[tuple[int, int]]  # (first, last + 1) time steps of each symbol, see ctc.align


class Merging(NamedTuple):
    """How to merge the columns of a script: matrices (classes, merged) of 0 and 1."""

    frames: np.ndarray
    with_other: np.ndarray  # frames with the mark "other" apart from blank
    choice: np.ndarray  # to compare scripts: separators apart, as all scripts share some


class Signs:
    """What the columns of a network mean in texts.

    alphabet    the signs of texts: Western where scripts are kept apart; no marks
    scripts     names of the scripts that are kept apart, () for a network of one
    unreadable  index in frames of the mark for ink that cannot be read, None without it
    other       index in log-probabilities of the mark for signs that are no text, None without it

    The columns of frames are blank, the signs of `alphabet`, "unreadable" where there is such a
    mark, "other" where there is one and it is kept.
    """

    def __init__(self, facts: Mapping[str, Any]):
        """Take a contract: its alphabet and, where it has them, scripts and marks."""
        self._symbols: str = facts["alphabet"]
        self._marks: Mapping[str, str] = facts.get("marks", {})
        self.scripts: tuple[str, ...] = tuple(facts.get("scripts", ()))
        order = (NUMBERS if self.scripts else "") + self._symbols
        self.alphabet = Alphabet("".join(sorted(self._columns(self.scripts), key=order.index)))
        self.unreadable = len(self.alphabet) if "unreadable" in self._marks else None
        other = self._marks.get("other")
        self.other = 1 + self._symbols.index(other) if other else None
        # What each column of frames adds to a text.
        self._shown = ["", *self.alphabet.symbols, *[""] * ("unreadable" in self._marks)]
        self._shown.append(self._marks.get("other", ""))
        self._own = {name: self._columns([name]) for name in self.scripts}
        self._east = [name for name in self.scripts if name != "western"]
        self._named = {name: self._merging([name]) for name in self.scripts}
        self._candidates = {name: self._named[name] for name in self.scripts if name == "western"}
        if self._east:
            self._candidates[EASTERN] = self._merging(self._east)
        self._without_scripts = self._merging([])

    def frames(
        self, log_probs: np.ndarray, script: str | None = None, keep_other: bool = False
    ) -> tuple[np.ndarray, str | None]:
        """Merge log-probabilities (time, classes) to frames (time, merged), and say of what script.

        Columns of the same sign are added up, and the mark "other" to blank unless `keep_other`.
        Without `script`, the script is the one with the likelier best path, Western or EASTERN.
        With `script`, only its columns count, renormalised at each time step: the caller knows the
        script, so the confidence does not suffer from what looks like another. A network without
        scripts has None.
        """
        if not self.scripts:
            merging = self._without_scripts
            return (_merge(log_probs, merging, keep_other) if self._marks else log_probs), None
        if script is None:
            script = self._likelier(log_probs)
            return _merge(log_probs, self._candidates[script], keep_other), script
        frames = _merge(log_probs, self._named[script], keep_other)
        return frames - np.log(np.exp(frames).sum(axis=1, keepdims=True)), script

    def _likelier(self, log_probs: np.ndarray) -> str:
        """Choose the script with the likelier best path; Western on a tie."""
        if len(self._candidates) == 1:
            return next(iter(self._candidates))
        shares = np.exp(np.asarray(log_probs, np.float64))
        best = [(shares @ merging.choice).max(axis=1) for merging in self._candidates.values()]
        scores = np.log(np.maximum(best, TINY)).sum(axis=1)
        return list(self._candidates)[int(scores.argmax())]

    # --- from labels, which are indices of frames, to texts

    def text(self, label: Sequence[int]) -> str:
        """Decode a label to text in the signs of `alphabet`, without unreadable ink."""
        return "".join(self._shown[i] for i in label)

    def name(self, script: str, log_probs: np.ndarray, label: Sequence[int], steps: Steps) -> str:
        """Name the script of a label: an EASTERN one is Persian where its 4, 5 and 6 are likelier.

        log_probs: the network's, (time, classes). Other scripts are returned as they are.
        """
        if script != EASTERN or len(self._east) == 1:
            return self._east[0] if script == EASTERN else script
        score = 0.0
        for i, (start, end) in zip(label, steps):
            if self._shown[i] in TELLING:
                arabic, persian = (
                    log_probs[
                        start:end, 1 + self._symbols.index(SCRIPTS[name][int(self._shown[i])])
                    ]
                    for name in ("arabic", "persian")
                )
                score += float((persian - arabic).sum())
        return "persian" if score > 0 else "arabic"

    def written(
        self, script: str, log_probs: np.ndarray, label: Sequence[int], steps: Steps
    ) -> str:
        """Decode a label to text in the signs of a script, separators as they probably are.

        log_probs: the network's, (time, classes).
        """
        found = []
        for i, (start, end) in zip(label, steps):
            sign = self._shown[i]
            if sign and sign in DIGITS:
                sign = SCRIPTS[script][int(sign)]
            elif len(group := self._own[script].get(sign, [])) > 1:
                sign = self._symbols[group[log_probs[start:end, group].sum(axis=0).argmax()] - 1]
            found.append(sign)
        return "".join(found)

    # --- tables

    def _columns(self, scripts: Sequence[str]) -> dict[str, list[int]]:
        """List the network's columns of each sign; symbols of no script belong to all of them."""
        known = {symbol: sign for name in scripts for symbol, sign in SIGNS[name].items()}
        skipped = set().union(*SIGNS.values()) - set(known) if self.scripts else set()
        skipped |= set(self._marks.values())
        columns: dict[str, list[int]] = {}
        for column, symbol in enumerate(self._symbols, start=1):
            if symbol not in skipped:
                columns.setdefault(known.get(symbol, symbol), []).append(column)
        return columns

    def _merging(self, scripts: Sequence[str]) -> Merging:
        columns = self._columns(scripts)
        signs = [columns.get(sign, []) for sign in self.alphabet.symbols]
        mark = {name: [1 + self._symbols.index(symbol)] for name, symbol in self._marks.items()}
        last = [mark["unreadable"]] if "unreadable" in mark else []
        frames = [[BLANK, *mark.get("other", [])], *signs, *last]
        with_other = [[BLANK], *frames[1:], mark["other"]] if "other" in mark else frames
        apart = [[column] for group in signs[len(DIGITS) :] for column in group]
        choice = [*frames[: 1 + len(DIGITS)], *apart, *last]
        return Merging(*(self._matrix(groups) for groups in (frames, with_other, choice)))

    def _matrix(self, groups: Sequence[list[int]]) -> np.ndarray:
        matrix = np.zeros((1 + len(self._symbols), len(groups)))
        for i, group in enumerate(groups):
            matrix[group, i] = 1
        return matrix


def _merge(log_probs: np.ndarray, merging: Merging, keep_other: bool) -> np.ndarray:
    matrix = merging.with_other if keep_other else merging.frames
    return np.log(np.maximum(np.exp(np.asarray(log_probs, np.float64)) @ matrix, TINY))
