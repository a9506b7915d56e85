"""Checks of a reader's contract: every section against what this version reads."""

import json
from collections.abc import Callable
from typing import Any

from ocr.reading.ctc import BLANK, Alphabet
from ocr.reading.files import printable
from ocr.reading.images import MAX_PIXELS, NORMALISATIONS
from ocr.reading.inputs import INPUTS
from ocr.reading.scripts import MARKS, SIGNS, own_digits

FORMATS = (1, 2)  # of reader.json that can be read
SINCE_2 = ("scripts", "marks", "trust")  # optional keys of format 2, beside input.widths


def check(facts: Any) -> None:
    """Check a contract. Raises ValueError: what was given, and what is allowed."""
    if not isinstance(facts, dict):
        raise ValueError(f"a contract is a JSON object, got {_shown(facts)}")
    if facts.get("format") not in FORMATS:
        known = " and ".join(map(str, FORMATS))
        raise ValueError(f"format {facts.get('format')!r}: this version reads the formats {known}")
    kind: Any = facts.get("kind")
    if not _one_of(kind, KINDS):
        raise ValueError(f"kind {kind!r}: this version reads the kinds {', '.join(KINDS)}")
    Alphabet(facts.get("alphabet"))  # type: ignore[arg-type]  # it checks the type
    _check_input(_section(facts, "input"))
    KINDS[kind](_section(facts, "decoding"))
    if "name" not in _section(facts, "data") or not isinstance(facts.get("scores"), list):
        raise ValueError('"data" must have a name, and "scores" must be a list')
    if kind != "ensemble" and not isinstance(facts.get("onnx_sha256"), str):
        raise ValueError('"onnx_sha256" must be the digest of model.onnx')
    _check_optional(facts)


def _section(facts: dict, name: str) -> dict:
    section = facts.get(name)
    if not isinstance(section, dict):
        raise ValueError(f'"{name}" must be a JSON object, got {_shown(section)}')
    return section


def _shown(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False)[:200])


def _one_of(value: Any, names: dict) -> bool:
    return isinstance(value, str) and value in names


def _count(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and value >= least


def _share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _check_input(where: dict) -> None:
    sides = [where.get(key) for key in ("height", "width", "channels")]
    fit: Any = where.get("fit")
    known = _one_of(fit, INPUTS) and _one_of(where.get("normalisation"), NORMALISATIONS)
    if not known or not all(_count(side, 1) for side in sides):
        raise ValueError(
            'invalid "input": height, width and channels must be positive integers, fit one of '
            f"{', '.join(INPUTS)}, normalisation one of {', '.join(NORMALISATIONS)} "
            f"(got {_shown(where)})"
        )
    if where["height"] * where["width"] * where["channels"] > MAX_PIXELS:
        raise ValueError(f'invalid "input": more than {MAX_PIXELS:,} numbers (got {_shown(where)})')
    INPUTS[fit]((where["height"], where["width"]), where["channels"])


# --- decoding, for each kind


def _check_string(decoding: dict) -> None:
    steps, lengths = decoding.get("time_steps"), decoding.get("lengths")
    bounds = [0, 0] if lengths is None else lengths
    pair = isinstance(bounds, (list, tuple)) and len(bounds) == 2 and all(map(_count, bounds))
    if not _count(steps, 1) or not pair or bounds[0] > bounds[1] or decoding.get("blank") != BLANK:
        raise ValueError(
            'invalid "decoding": time_steps must be a positive integer, lengths null or [least, '
            f"most], blank {BLANK} (got {_shown(decoding)})"
        )
    if lengths is not None and not 1 <= bounds[1] <= decoding["time_steps"]:
        raise ValueError(
            f'invalid "decoding": lengths must be within the {steps} time steps, most at least 1 '
            f"(got {_shown(decoding)})"
        )
    below = decoding.get("second_look", 0)
    if not isinstance(below, (int, float)) or not 0 <= below <= 1:
        raise ValueError(
            f'invalid "decoding": second_look must be a number 0..1 (got {_shown(decoding)})'
        )


def _check_character(decoding: dict) -> None:
    """Accept any notes: nothing is needed to decode one character."""


def _check_ensemble(decoding: dict) -> None:
    members: Any = decoding.get("members")
    thresholds: Any = decoding.get("thresholds")
    if (
        not isinstance(members, list)
        or not isinstance(thresholds, list)
        or len(members) != len(thresholds) + 1
        or not all(isinstance(t, (int, float)) and 0 <= t <= 1 for t in thresholds)
    ):
        raise ValueError(
            'invalid "decoding": members must be a list of digests, thresholds a list of one '
            f"number 0..1 fewer (got {_shown(decoding)})"
        )


KINDS: dict[str, Callable[[dict], None]] = {
    "ctc": _check_string,
    "class": _check_character,
    "ensemble": _check_ensemble,
}


# --- optional keys, since format 2


def _check_optional(facts: dict) -> None:
    given = [key for key in SINCE_2 if key in facts]
    given += ["input.widths"] * ("widths" in facts["input"])
    if given and facts["format"] == 1:
        raise ValueError(f'"{given[0]}" needs format 2: write "format": 2')
    if facts["decoding"].get("second_look") and facts["input"]["fit"] != "line":
        raise ValueError(f'"second_look" needs the fit line, this is {facts["input"]["fit"]}')
    if facts["kind"] != "ctc" and (wrong := {"scripts", "input.widths"} & set(given)):
        raise ValueError(f'"{min(wrong)}" needs the kind ctc, this is {facts["kind"]}')
    checks = {"input.widths": _check_widths, "marks": _check_marks, "scripts": _check_scripts}
    for key, check_key in checks.items():
        if key in given:
            check_key(facts)
    if "trust" in given:
        _check_trust(facts["trust"])


def _check_widths(facts: dict) -> None:
    where, steps = facts["input"], facts["decoding"]["time_steps"]
    widths, width = where["widths"], where["width"]
    fits = [name for name, kind in INPUTS.items() if kind.padded]
    if (
        where["fit"] not in fits
        or not isinstance(widths, (list, tuple))
        or not all(_count(w, 1) for w in widths)
        or list(widths) != sorted(set(widths))
        or list(widths)[-1:] != [width]
        or any(steps * (width - w) % (2 * width) for w in widths)
    ):
        raise ValueError(
            f'invalid "widths": they must ascend to the width {width}, each leave a whole number '
            f"of the {steps} time steps on both sides, and fit be {' or '.join(fits)} "
            f"(got {_shown(widths)}, fit {where['fit']})"
        )


def _check_marks(facts: dict) -> None:
    marks, alphabet = facts["marks"], facts["alphabet"]
    if (
        not isinstance(marks, dict)
        or not set(marks) <= set(MARKS)
        or not all(isinstance(m, str) and len(m) == 1 and m in alphabet for m in marks.values())
        or len(set(marks.values())) < len(marks)
        or len(marks) == len(alphabet)
    ):
        raise ValueError(
            f'invalid "marks": they are {" and ".join(MARKS)}, each another symbol of the alphabet '
            f"{alphabet!r} (got {_shown(marks)})"
        )


def _check_scripts(facts: dict) -> None:
    names, marks = facts["scripts"], facts.get("marks", {})
    if (
        not isinstance(names, list)
        or not names
        or not all(_one_of(name, SIGNS) for name in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(
            f'invalid "scripts": they are a list of {", ".join(SIGNS)} (got {_shown(names)})'
        )
    symbols = set(facts["alphabet"]) - set(marks.values())
    for name in names:
        if missing := [sign for sign in own_digits(name) if sign not in symbols]:
            raise ValueError(f'invalid "scripts": {name} needs {missing[0]!r} in the alphabet')


def _check_trust(trust: Any) -> None:
    given = trust if isinstance(trust, dict) else {}
    points: Any = given.get("points")
    pairs = (
        isinstance(points, list)
        and len(points) >= 2
        and all(
            isinstance(p, (list, tuple)) and len(p) == 2 and all(map(_share, p)) for p in points
        )
    )
    threshold: Any = given.get("threshold")
    if (
        not pairs
        or any(column != sorted(column) for column in map(list, zip(*points)))
        or not (isinstance(threshold, (int, float)) and threshold >= 0)
        or not isinstance(given.get("on"), str)
        or not _count(given.get("n"))
        or not all(_share(given.get(key)) for key in ("share", "right"))
    ):
        raise ValueError(
            'invalid "trust": points must be at least two [raw, calibrated], both ascending in '
            "0..1, threshold a number from 0, on a text, n a count, share and right numbers 0..1 "
            f"(got {_shown(trust)})"
        )
