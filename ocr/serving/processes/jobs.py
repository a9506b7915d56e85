"""What one turn does: read some images with one reader. Without Flask."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ocr.paths import reader_places
from ocr.reading.bulk import Result, read_many
from ocr.reading.decoders import WESTERN, DecodingOptions
from ocr.reading.files import Found
from ocr.reading.inputs import Input
from ocr.reading.reader import Reader
from ocr.serving import limits


@dataclass(frozen=True)
class Options:
    """Parameters of a request, apart from its images."""

    reader: str
    top: int = 1
    pattern: str | None = None
    seen: bool = False
    script: str | None = None
    digits: str = WESTERN
    keep_other: bool = False

    def decoding(self, reader: Reader) -> DecodingOptions:
        """Check them against a reader. Raises ReaderError."""
        return reader.options(
            top=self.top,
            spans=True,
            pattern=self.pattern,
            script=self.script,
            digits=self.digits,
            keep_other=self.keep_other,
        )


class Work(Protocol):
    """What a process that reads can do: see Job."""

    def run(self, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
        """Read with the process's readers; return the API's objects."""


@dataclass(frozen=True)
class Job:
    """Images, as (name, bytes), to read with the same options."""

    options: Options
    images: Sequence[tuple[str, bytes]]

    def run(self, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
        """Read the images; return the API's object of each, in order."""
        reader = readers[self.options.reader]
        results = read_many(
            reader,
            [Found(name, partial(bytes, data)) for name, data in self.images],
            self.options.decoding(reader),
            batch=limits.BATCH,
            max_pixels=limits.MAX_PIXELS,
        )
        seen_by = reader.input if self.options.seen else None
        return [
            {"name": name, **as_json(result, seen_by)}
            for (name, _), result in zip(self.images, results)
        ]


def find_readers(places: Sequence[Path] | None = None) -> dict[str, Path]:
    """Map the names of all readers in `places` to their folders, sorted; the first place wins.

    places: by default those of ocr.paths. Raises RuntimeError where there are none.
    """
    places = reader_places() if places is None else places
    found = {
        contract.parent.name: contract.parent
        for place in reversed(places)
        for contract in place.glob("[!.]*/reader.json")
    }
    if not found:
        where = ", ".join(map(str, places))
        raise RuntimeError(f"no readers in {where}: train one with `ocr train`")
    return dict(sorted(found.items()))


def load_readers(places: Sequence[Path] | None = None) -> dict[str, Reader]:
    """Load all readers in `places`. Raises RuntimeError, ReaderError."""
    return {name: Reader.load(path) for name, path in find_readers(places).items()}


def as_json(result: Result, seen_by: Input | None) -> dict[str, Any]:
    """Convert a result to the API's object, with spans in pixels of the picture.

    A refused image has a problem, and a reading without text; one that cannot be opened a problem
    alone. seen_by: the reader's input, to add the picture as the network sees it.
    """
    reading, prepared = result.reading, result.prepared
    if reading is None or prepared is None:
        return {"problem": result.error}
    read = {
        "text": reading.text,
        "confidence": round(reading.confidence, 4),
        "trusted": reading.trusted,
    }
    if result.error is not None:
        return read | {"problem": result.error}
    width, height = prepared.size
    return {
        **read,
        **({"script": reading.script} if reading.script else {}),
        "alternatives": [
            {"text": text, "confidence": round(confidence, 4)}
            for text, confidence in reading.alternatives
        ],
        "spans": [list(span) for span in reading.spans],
        "width": width,
        "height": height,
        **({"seen": data_url(seen_by.show(prepared.pixels))} if seen_by else {}),
    }


def data_url(pixels: np.ndarray) -> str:
    """Encode a picture, uint8 (H, W) or (H, W, 3), as a PNG in a data: URL."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
