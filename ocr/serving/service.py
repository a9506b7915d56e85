"""Read uploads: within limits, in memory, with readers that all threads share. Without Flask."""

import base64
import io
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ocr.paths import reader_places
from ocr.reading.bulk import Result, read_many
from ocr.reading.decoders import WESTERN
from ocr.reading.files import Found
from ocr.reading.inputs import Input
from ocr.reading.reader import Reader
from ocr.serving import limits


@dataclass
class Options:
    """Parameters of a request, apart from its images."""

    reader: str
    top: int = 1
    pattern: str | None = None
    seen: bool = False
    script: str | None = None
    digits: str = WESTERN
    keep_other: bool = False


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


class Service:
    """Read with several readers, by name; as many requests at a time as there are cores."""

    def __init__(self, places: Sequence[Path] | None = None):
        self.readers = {name: Reader.load(path) for name, path in find_readers(places).items()}
        self._cores = threading.BoundedSemaphore(os.cpu_count() or 1)

    def describe(self) -> list[dict]:
        """Describe each reader: what it reads, and how well."""
        return [_describe(name, reader) for name, reader in self.readers.items()]

    def read(self, uploads: list[tuple[str, bytes]], options: Options) -> list[dict]:
        """Read images (name, bytes); give one object each, in order: the reading, or a problem.

        Raises ReaderError for a pattern or script that the reader does not have, TimeoutError where
        no image was started in time.
        """
        reader = self.readers[options.reader]
        decoding = reader.options(
            top=options.top,
            spans=True,
            pattern=options.pattern,
            script=options.script,
            digits=options.digits,
            keep_other=options.keep_other,
        )
        deadline = time.monotonic() + limits.SECONDS
        with self._cores:
            results = list(
                read_many(
                    reader,
                    [Found(name, partial(bytes, data)) for name, data in uploads],
                    decoding,
                    batch=limits.BATCH,
                    max_pixels=limits.MAX_PIXELS,
                    deadline=deadline,
                )
            )
        if results and all(result.timed_out for result in results):
            raise TimeoutError(results[0].error)
        seen_by = reader.input if options.seen else None
        return [
            {"name": name, **as_json(result, seen_by)}
            for (name, _), result in zip(uploads, results)
        ]


def _describe(name: str, reader: Reader) -> dict:
    facts = reader.contract
    trust = facts.get("trust")
    return {
        "name": name,
        "kind": "string" if facts["kind"] == "ctc" else "character",
        "alphabet": reader.decoder.alphabet.symbols,
        "scripts": list(reader.scripts),
        "lengths": facts["decoding"].get("lengths"),
        "input": {key: facts["input"][key] for key in ("height", "width", "channels")},
        "trained_on": facts["data"]["name"],
        "scores": [
            {key: score[key] for key in ("on", "n", "exact", "low", "high")}
            for score in facts["scores"]
        ],
        "trust": trust and {key: trust[key] for key in ("threshold", "on", "n", "share", "right")},
    }


def as_json(result: Result, seen_by: Input | None) -> dict:
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
