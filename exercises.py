"""Check the exercises of the lessons: what is remembered and computed, and what is programmed.

`check` compares answers with notebooks/exercises.toml and explains a wrong choice. `judge` runs a
function of yours beside the project's own on random cases and shows the first that differs. Neither
stops a notebook.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import tomllib

from ocr.datasets.emnist import merge
from ocr.datasets.labels import CLASSES
from ocr.paths import ROOT
from ocr.reading import ctc, ink

FILE = ROOT / "notebooks" / "exercises.toml"
CASES = 40  # random cases for a function


@cache
def lessons() -> dict[str, dict[str, Any]]:
    """Read {lesson: {exercise: {"answer", "near", "wrong"}}} of all lessons."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def check(lesson: str, answers: Mapping[int, Any]):
    """Print for each answer of {exercise: answer} whether it is right; None is no answer yet."""
    for number, given in answers.items():
        print(f"exercise {number}: {verdict(lessons()[lesson][str(number)], given)}")


def verdict(exercise: Mapping[str, Any], given: Any) -> str:
    """Judge one answer in words: a text, a number or several texts; a wrong one is explained."""
    if given is None:
        return "not answered yet"
    wanted = exercise["answer"]
    if isinstance(wanted, (int, float)) and not isinstance(given, str):
        right = abs(given - wanted) <= exercise.get("near", 0)
    else:
        right = _words(given) == _words(wanted)
    why = exercise.get("wrong", {}).get(str(given).strip().lower(), "")
    return "right" if right else f"not yet{': ' if why else ''}{why}"


def _words(answer: Any) -> list[str]:
    """Bring a text, numbers or a collection of texts to one form: sorted, without spaces."""
    parts = answer.split(",") if isinstance(answer, str) else answer
    parts = parts if isinstance(parts, Iterable) else [parts]
    return sorted(str(part).strip().lower() for part in parts)


# --- build it yourself ---------------------------------------------------------------------------


def judge(name: str, function: Callable) -> None:
    """Run `function` on random cases of the task `name`; print the first that differs, if any.

    name: one of TASKS. What the function raises is shown, too.
    """
    agrees(name, function)


def agrees(name: str, function: Callable) -> bool:
    """Do what `judge` does; return whether all cases agree."""
    for number, (given, wanted) in enumerate(TASKS[name](np.random.default_rng(0)), start=1):
        try:
            got = function(*given)
            good = _same(got, wanted)
        except Exception as error:  # whatever the function of a learner raises
            got, good = f"{type(error).__name__}: {error}", False
        if not good:
            print(f"not yet: case {number} gives {_short(got)}, wanted is {_short(wanted)}")
            print("its arguments:", ", ".join(map(_short, given)))
            return False
    print(f"right: {number} cases agree")
    return True


def _same(got: Any, wanted: Any) -> bool:
    if callable(wanted):
        return bool(wanted(got))
    if isinstance(wanted, str):
        return got == wanted
    return np.shape(got) == np.shape(wanted) and np.allclose(got, wanted, atol=1e-6)


def _short(value: Any) -> str:
    if callable(value):
        return value.__doc__ or value.__name__
    words = repr(_plain(value))
    return words if len(words) <= 100 else f"{words[:90]} ..."


def _plain(value: Any) -> Any:
    """Turn arrays and NumPy numbers, also in tuples, into short Python ones."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    numbers = (np.ndarray, np.generic, float)
    return np.round(value, 3).tolist() if isinstance(value, numbers) else value


Cases = Iterator[tuple[tuple, Any]]


def _log_probs(rng: np.random.Generator, steps: int, classes: int) -> np.ndarray:
    return ctc.log_softmax(rng.normal(0, 2, (steps, classes)))


def _greedy(rng: np.random.Generator) -> Cases:
    """Read log-probabilities (time, classes): the indices of the best path's label."""
    for k in range(CASES):
        matrix = _log_probs(rng, 2 + k // 4, 3)
        yield (matrix,), list(ctc.greedy(matrix).indices)


def _forward(rng: np.random.Generator) -> Cases:
    """Compute log P(label) of log-probabilities (time, classes) and a label's indices."""
    for k in range(CASES):
        label = rng.integers(1, 3, 1 + k // 20).tolist()
        matrix = _log_probs(rng, ctc.steps_needed(label) + k % 4, 3)
        yield (matrix, label), ctc.log_likelihood(matrix, label)


def _merge(_: np.random.Generator) -> Cases:
    """Map one of 62 characters to its class among 47."""
    for symbol in CLASSES:
        yield (symbol,), merge(symbol)


def _lstm(rng: np.random.Generator) -> Cases:
    """Make one step of an LSTM: (x, h, c, W, U, b), gates in the order i, f, c, o: (h', c')."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    for _ in range(CASES):
        x, h, c = rng.normal(size=3), rng.normal(size=2), rng.normal(size=2)
        W, U, b = rng.normal(size=(3, 8)), rng.normal(size=(2, 8)), rng.normal(size=8)
        i, f, g, o = np.split(x @ W + h @ U + b, 4)
        new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        yield (x, h, c, W, U, b), (sigmoid(o) * np.tanh(new), new)


def _otsu(rng: np.random.Generator) -> Cases:
    """Choose Otsu's threshold of a histogram of 256 grey levels."""
    for _ in range(CASES):
        dark, light = rng.normal(60, 15, 300), rng.normal(rng.integers(120, 220), 15, 500)
        levels = np.clip(np.concatenate([dark, light]), 0, 255).astype(np.uint8)
        counts = np.bincount(levels, minlength=256)
        below, best = np.cumsum(counts), int(ink.otsu(counts))
        alike = lambda level, below=below, best=best: below[level] == below[best]
        alike.__doc__ = f"{best}, or a level that divides the pixels as it does"
        yield (counts,), alike


def _quantise(rng: np.random.Generator) -> Cases:
    """Quantise weights (n, m) to int8 with one scale a column: (int8 (n, m), scales (m,))."""
    for _ in range(CASES):
        weights = rng.normal(0, rng.uniform(0.1, 3, 4), (6, 4))

        def near(answer, weights=weights):
            """int8 numbers times scales, at most half a scale from each weight"""
            numbers, scales = map(np.asarray, answer)
            apart = np.abs(numbers * scales - weights)
            fine = (apart <= scales / 2 + 1e-9).all()
            tight = (scales <= np.abs(weights).max(axis=0) / 126).all()
            return numbers.dtype == np.int8 and numbers.shape == weights.shape and fine and tight

        yield (weights,), near


def _own_rows(rng: np.random.Generator) -> Cases:
    """List the rows of a batch that one of several workers makes: (batch, workers, rank)."""
    for _ in range(CASES):
        workers = int(rng.integers(1, 9))
        batch, rank = workers * int(rng.integers(1, 9)), int(rng.integers(workers))
        share = batch // workers
        yield (batch, workers, rank), list(range(rank * share, (rank + 1) * share))


def _law(rng: np.random.Generator) -> Cases:
    """Forecast the labels that a share right takes: (labels of two points, shares right, share)."""
    odds = lambda share: (1 - share) / share
    for _ in range(CASES):
        labels = sorted(rng.choice(np.arange(20, 400), 2, replace=False).tolist())
        slope, first, wanted = rng.uniform((0.8, 0.3, 0.93), (2, 0.8, 0.99)).tolist()
        second = 1 / (1 + odds(first) * (labels[0] / labels[1]) ** slope)
        more = (odds(first) / odds(wanted)) ** (1 / slope)
        yield (labels, [first, second], wanted), labels[0] * more


def _pool(rng: np.random.Generator) -> Cases:
    """Fit values that never fall to right (1) and wrong (0) readings, sorted by confidence."""
    for k in range(CASES):
        right = rng.integers(0, 2, 2 + k // 4)
        ends = range(len(right))
        least = lambda start, i, right=right: min(
            right[start : end + 1].mean() for end in range(i, len(right))
        )
        yield (right,), [float(max(least(start, i) for start in range(i + 1))) for i in ends]


TASKS: dict[str, Callable[[np.random.Generator], Cases]] = {
    "greedy": _greedy,
    "forward": _forward,
    "merge": _merge,
    "lstm": _lstm,
    "otsu": _otsu,
    "quantise": _quantise,
    "own_rows": _own_rows,
    "law": _law,
    "pool": _pool,
}
