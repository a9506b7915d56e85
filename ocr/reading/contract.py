"""The contract of a reader, reader.json: built, written and read; contract_checks.py checks it.

Its sections: format, kind ("ctc": a string; "class": one character; "ensemble": one character by
several networks), alphabet, input, decoding, data (what it was trained on), scores, seed, versions
and, unless it is an ensemble, onnx_sha256, the digest of model.onnx. Optional, since format 2:

input.widths  ascending widths, the last is input.width; the network takes each of them, with its
              share of the time steps
scripts       names in scripts.SIGNS: the alphabet keeps the digits of these scripts apart
marks         {"other": symbol, "unreadable": symbol}, or one of them: symbols of the alphabet that
              are not text. "other" is for a run of signs that belong to no number, "unreadable" for
              ink that is cut off or cannot be read
second_look   in decoding: inputs of fit "line" are read again, closer, from farther away and
              inverted, where the confidence before calibration is below this number, see
              second_look.py
trust         points, [[raw, calibrated], ...]: the confidence is interpolated between them;
              threshold, the calibrated confidence from which a reading is trusted; on, n, share,
              right: the images they were chosen on, how many, and which share of them is trusted
              and which share of the trusted is right
"""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ocr.paths import read_file, reader_places, whole
from ocr.reading.contract_checks import check
from ocr.reading.ctc import BLANK, Alphabet

FORMAT = 2  # of reader.json
ANY = "any"  # no reader's name: it asks them all, see anything.py, which keeps its network there
OVERWRITTEN = "overwritten"  # nor this: a network that forms ask, see overwritten.py
NO_READERS = (ANY, OVERWRITTEN)
MAX_BYTES = 2**20  # of reader.json
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
    widths: Sequence[int] | None = None,
    scripts: Sequence[str] | None = None,
    marks: Mapping[str, str] | None = None,
    trust: Mapping[str, Any] | None = None,
) -> dict:
    """Build the contract of a trained network, before its files are written.

    kind: "ctc", a string; "class", one character; "ensemble", one character by several networks.
    size: (height, width). normalisation: a mode of `images.normalise`. fit: a key of `INPUTS`.
    decoding: for "ctc" `time_steps`, `lengths`, (least, most) symbols where all labels agree, else
    None, and optionally `second_look`; for "ensemble" `thresholds` (see reader.cascade; the digests
    of the `members` are added when saving); for "class" notes. data: name, count, digest, terms.
    scores: a list of {on, n, exact, low, high, ...}. widths, scripts, marks, trust: optional, see
    above.
    """
    optional = {
        "scripts": scripts and list(scripts),
        "marks": marks and dict(marks),
        "trust": trust and dict(trust),
    }
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
            **({"widths": list(widths)} if widths else {}),
        },
        "decoding": ({"blank": BLANK} if kind == "ctc" else {}) | decoding,
        **{key: value for key, value in optional.items() if value},
        "data": data,
        "scores": scores,
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def output_shape(facts: dict, width: int | None = None) -> list[int]:
    """Compute the shape of the network's output for one image, also of another of its widths."""
    symbols = len(facts["alphabet"])
    if facts["kind"] == "ctc":
        steps, full = facts["decoding"]["time_steps"], facts["input"]["width"]
        return [1, steps * (width or full) // full, symbols + 1]
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
        facts = json.loads(read_file(path, MAX_BYTES).decode("utf-8"))
        check(facts)
    except RecursionError:
        raise ReaderError(f"{path}: lists in lists without end; train the reader again") from None
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
            if path.parent.name not in NO_READERS
            and not path.parent.name.startswith(".")
            and not path.parent.with_name("reader.json").exists()
        }
    )
