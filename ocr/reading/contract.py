"""reader.json, a reader's contract: what is in it, written and checked in one place."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ocr.paths import MODELS
from ocr.reading.ctc import Alphabet
from ocr.reading.glyphs import SIZE as GLYPH
from ocr.reading.images import normalise
from ocr.reading.views import CHANNELS
from ocr.reading.views import SIZE as VIEW

FORMAT = 1  # of reader.json
KINDS = ("ctc", "class", "ensemble")
FITS = {
    "picture": None,
    "line": None,
    "glyph": [GLYPH, GLYPH, 1],
    "views": [VIEW, VIEW, CHANNELS],
}  # the input each of them makes


class ReaderError(ValueError):
    """A reader that cannot be loaded or saved; the message is one line that names the file and what to do."""


def contract(
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
    """What reader.json holds, before its files are made; see reader.py's docstring.

    kind: "ctc", a string; "class", one character; "ensemble", one character by several networks. size is (height, width).
    fit: "picture", the whole picture scaled into the input; "line", the part around its ink, dark on light (lines.py);
    "glyph", its ink found and brought to EMNIST's form (glyphs.py); "views", colours and ink (views.py). decoding: of a CTC reader `time_steps` and `lengths`, (least, most)
    symbols where all labels agree, else None; of an ensemble `thresholds` (decoding.in_sequence; the digests of its `members` come with them); else notes.
    data: name, count, digest, terms. scores: on, n, exact, low, high, ... each.
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
        "decoding": ({"blank": 0} if kind == "ctc" else {}) | decoding,
        "data": data,
        "scores": scores,
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            **{
                name: version(name)
                for name in ("keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")
            },
        },
    }


def _whole(*numbers) -> bool:
    return all(isinstance(n, int) and n >= 0 for n in numbers)


def _check(facts: dict):
    """Raises ValueError, KeyError or TypeError where a contract's facts are not what they must be."""
    where, how = facts["input"], facts["decoding"]
    if not _whole(where["height"], where["width"], where["channels"]) or where["fit"] not in FITS:
        raise ValueError("its input is not what it must be")
    shape = [where["height"], where["width"], where["channels"]]
    if where["fit"] == "line" and where["channels"] != 1:
        raise ValueError("a line has one channel")
    if FITS[where["fit"]] not in (None, shape):
        raise ValueError(
            f"fit {where['fit']!r} makes an input of {FITS[where['fit']]}, not {shape}"
        )
    if facts["kind"] == "ctc":
        lengths = how["lengths"] or [0, how["time_steps"]]
        if not _whole(how["time_steps"], *lengths) or len(lengths) != 2 or how["blank"] != 0:
            raise ValueError("a length or blank is not what it must be")
    if facts["kind"] == "ensemble":
        if len(how["members"]) != len(how["thresholds"]) + 1 or not all(
            0 <= t <= 1 for t in how["thresholds"]
        ):
            raise ValueError("its thresholds are not what they must be")
    else:
        facts["onnx_sha256"].lower()
    Alphabet(facts["alphabet"])
    normalise(np.zeros((1, 1, 1, where["channels"]), np.uint8), where["normalisation"])


def output_shape(facts: dict) -> list[int]:
    """The shape that the network's output must have for one image."""
    symbols = len(facts["alphabet"])
    return (
        [1, symbols]
        if facts["kind"] == "class"
        else [1, facts["decoding"]["time_steps"], symbols + 1]
    )


def read_contract(folder: Path) -> dict:
    path = folder / "reader.json"
    if not path.is_file():
        known = (
            ", ".join(
                sorted(
                    p.parent.relative_to(MODELS).as_posix()
                    for p in MODELS.rglob("reader.json")
                    if not p.parent.name.startswith(".")
                    and not p.parent.with_name("reader.json").exists()
                )
            )
            or "none yet"
        )
        raise ReaderError(
            f"no reader in {folder}: the readers in models/ are {known}; train one with train.py"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT or facts["kind"] not in KINDS:
            raise ReaderError(
                f"{path}: format {facts['format']}, kind {facts['kind']!r}; this version reads format "
                f"{FORMAT}, kinds {', '.join(KINDS)}: train the reader again, or update"
            )
        _check(facts)
    except ReaderError:
        raise
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReaderError(
            f"{path}: damaged ({type(error).__name__}: {error}); train the reader again"
        ) from None
    return facts
