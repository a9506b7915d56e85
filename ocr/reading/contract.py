"""The contract of a reader, reader.json: built, checked, written and read in one place.

Its sections: format, kind ("ctc": a string; "class": one character; "ensemble": one character by
several networks), alphabet, input, decoding, data (what it was trained on), scores, seed, versions
and, unless it is an ensemble, onnx_sha256, the digest of model.onnx.
"""

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ocr.paths import reader_places, whole
from ocr.reading.ctc import BLANK, Alphabet
from ocr.reading.images import NORMALISATIONS
from ocr.reading.inputs import INPUTS

FORMAT = 1  # of reader.json
PACKAGES = ("keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")


class ReaderError(ValueError):
    """A reader that cannot be loaded, saved or used so; one line says which and what to do."""


def describe(
    *,
    kind: str,
    alphabet: Alphabet,
    size: tuple[int, int],
    channels: int,
    normalisation: str,
    decoding: dict,
    data: dict,
    scores: list[dict],
    seed: int,
    fit: str = "picture",
) -> dict:
    """Build the contract of a trained network, before its files are written.

    kind: "ctc", a string; "class", one character; "ensemble", one character by several networks.
    size: (height, width). normalisation: a mode of `images.normalise`. fit: a key of `INPUTS`.
    decoding: for "ctc" `time_steps` and `lengths`, (least, most) symbols where all labels agree,
    else None; for "ensemble" `thresholds` (see reader.cascade; the digests of the `members` are
    added when saving); for "class" notes. data: name, count, digest, terms. scores: a list of
    {on, n, exact, low, high, ...}.
    """
    return {
        "format": FORMAT,
        "kind": kind,
        "alphabet": alphabet.symbols,
        "input": {
            "height": size[0],
            "width": size[1],
            "channels": channels,
            "normalisation": normalisation,
            "fit": fit,
        },
        "decoding": ({"blank": BLANK} if kind == "ctc" else {}) | decoding,
        "data": data,
        "scores": scores,
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def output_shape(facts: dict) -> list[int]:
    """Compute the shape of the network's output for one image."""
    symbols = len(facts["alphabet"])
    if facts["kind"] == "ctc":
        return [1, facts["decoding"]["time_steps"], symbols + 1]
    return [1, symbols]


# --- files


def write_contract(folder: Path, facts: dict) -> None:
    """Check a contract and write it to reader.json in `folder`. Raises ReaderError."""
    try:
        check(facts)
    except ValueError as error:
        raise ReaderError(f"{folder}: the reader is not saved: {error}") from None
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    with whole(folder / "reader.json") as part:
        part.write_text(text, encoding="utf-8")


def read_contract(folder: Path) -> dict:
    """Read and check reader.json in `folder`. Raises ReaderError."""
    path = folder / "reader.json"
    if not path.is_file():
        known = ", ".join(known_readers()) or "none yet"
        raise ReaderError(
            f"no reader in {folder}: the readers known by name are {known}; train one: ocr train"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        check(facts)
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    except ValueError as error:  # JSON and UTF-8 errors, too
        raise ReaderError(f"{path}: {error}; restore it, or train the reader again") from None
    return facts


def find_reader(name: str | Path) -> Path:
    """Find a reader's folder: `name` itself, or the first of the `reader_places` that has it."""
    folder = Path(name)
    if not (folder / "reader.json").is_file():
        for place in reader_places():
            if (place / folder / "reader.json").is_file():
                return place / folder
    return folder


def known_readers() -> list[str]:
    """List the names by which `find_reader` finds readers; members of ensembles are left out."""
    return sorted(
        {
            path.parent.relative_to(place).as_posix()
            for place in reader_places()
            for path in place.rglob("reader.json")
            if not path.parent.name.startswith(".")
            and not path.parent.with_name("reader.json").exists()
        }
    )


# --- checks


def check(facts: Any) -> None:
    """Check a contract. Raises ValueError: what was given, and what is allowed."""
    if not isinstance(facts, dict):
        raise ValueError(f"a contract is a JSON object, got {_shown(facts)}")
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')!r}: this version reads format {FORMAT}")
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


def _section(facts: dict, name: str) -> dict:
    section = facts.get(name)
    if not isinstance(section, dict):
        raise ValueError(f'"{name}" must be a JSON object, got {_shown(section)}')
    return section


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


def _one_of(value: Any, names: dict) -> bool:
    return isinstance(value, str) and value in names


def _count(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and value >= least


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
    INPUTS[fit]((where["height"], where["width"]), where["channels"])


def _check_string(decoding: dict) -> None:
    steps, lengths = decoding.get("time_steps"), decoding.get("lengths")
    bounds = [0, 0] if lengths is None else lengths
    pair = isinstance(bounds, (list, tuple)) and len(bounds) == 2 and all(map(_count, bounds))
    if not _count(steps, 1) or not pair or bounds[0] > bounds[1] or decoding.get("blank") != BLANK:
        raise ValueError(
            'invalid "decoding": time_steps must be a positive integer, lengths null or [least, '
            f"most], blank {BLANK} (got {_shown(decoding)})"
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
