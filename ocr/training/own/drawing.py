"""Draw images to train on with a function of the caller's own: from a text to its picture."""

import hashlib
import inspect
import io
import random
import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from ocr import paths
from ocr.datasets.labels import Columns, DataError, list_files, read_labels
from ocr.reading.images import ImageError, open_image

HINT = "give module:function, which takes a text and returns its picture"


def draw(
    source: str,
    name: str,
    *,
    count: int,
    seed: int,
    like: Path | None = None,
    alphabet: str | None = None,
    lengths: str | None = None,
    columns: Columns | None = None,
) -> Path:
    """Draw `count` labelled pictures into a zip in .cache/, and return its path.

    source: module:function. like: labelled images whose labels give the symbols and the lengths,
    unless `alphabet` and `lengths`, "5" or "4-8", do. An existing zip of the same arguments, drawn
    by the same code, is kept: trainings resume with it. Raises DataError.
    """
    function = load(source)
    labels = list(read_labels(list_files(like), columns)[0].values()) if like else []
    symbols = sorted(set(alphabet or "".join(labels)))
    counts = _lengths(lengths, labels)
    if len(symbols) < 2 or not counts:
        raise DataError(
            "--draw needs to know what to draw: give --alphabet ABC123 and --lengths 5 (or 4-8), "
            "or labelled images with --data"
        )
    facts = repr((source, _code(function), count, seed, symbols, sorted(counts)))
    key = hashlib.sha256(facts.encode()).hexdigest()[:16]
    target = paths.CACHE / f"{name}-drawn-{key}.zip"
    if not target.exists():
        for old in paths.CACHE.glob(f"{name}-drawn-*.zip"):
            old.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, source, function, _texts(count, seed, symbols, counts), seed)
    return target


def load(source: str) -> Callable[[str], Any]:
    """Import a function, "module:function", also from the working folder. Raises DataError."""
    module, _, name = source.partition(":")
    if not re.fullmatch(r"[\w.]+:[\w.]+", source):
        raise DataError(f"--draw {source}: {HINT}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever the module raises
        raise DataError(f"--draw {source}: {type(error).__name__}: {error}; {HINT}") from None
    if not callable(found):
        raise DataError(f"--draw {source}: it is no function; {HINT}")
    return found


def _code(function: Callable) -> str:
    """Hash the file in which a function is written; "" where there is none."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(function))
        return hashlib.sha256(Path(file or "").read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""


def _lengths(lengths: str | None, labels: Sequence[str]) -> list[int]:
    """List the lengths to draw, each as often as it shall come."""
    if lengths is None:
        return [len(label) for label in labels]
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", lengths.strip())
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most <= 100:
        raise DataError(f"--lengths {lengths}: give a number from 1 to 100, as 5, or two, as 4-8")
    return list(range(least, most + 1))


def _texts(count: int, seed: int, symbols: Sequence[str], lengths: Sequence[int]) -> list[str]:
    rng = np.random.default_rng(seed)
    sizes = rng.choice(lengths, count)
    return ["".join(rng.choice(symbols, size)) for size in sizes]


def _write(
    target: Path, source: str, function: Callable[[str], Any], texts: Sequence[str], seed: int
) -> None:
    """Write a zip of pictures and labels.csv."""
    random.seed(seed)
    np.random.seed(seed)  # what the caller's function may draw from
    table = "file,label\n"
    with paths.whole(target) as part, zipfile.ZipFile(part, "w") as archive:
        bar = tqdm(texts, desc="drawing", unit=" images", disable=None)
        for k, text in enumerate(bar):
            file = f"{k:06}.png"
            archive.writestr(zipfile.ZipInfo(file), _png(source, function, text))
            quoted = text.replace('"', '""')
            table += f'{file},"{quoted}"\n'
        archive.writestr(zipfile.ZipInfo("labels.csv"), table.encode())


def _png(source: str, function: Callable[[str], Any], text: str) -> bytes:
    """Draw a text: the bytes of an image file. Raises DataError."""
    try:
        drawn = function(text)
        if hasattr(drawn, "read"):  # a file, as captcha.image.ImageCaptcha.generate gives
            drawn = drawn.read()
        if isinstance(drawn, bytes):
            open_image(drawn)
            return drawn
        picture = drawn if isinstance(drawn, Image.Image) else Image.fromarray(np.asarray(drawn))
        file = io.BytesIO()
        picture.save(file, "png")
        return file.getvalue()
    except ImageError as error:
        raise DataError(f"--draw {source}: for {text!r}: {error}") from None
    except Exception as error:  # whatever the function raises, and what is no picture
        raise DataError(
            f"--draw {source}: for {text!r}: {type(error).__name__}: {error}; return a Pillow "
            "image, a uint8 array or the bytes of an image file"
        ) from None
