"""What the server does with an upload: bounded, in memory, by readers that all threads share. No Flask in here."""

import base64
import io
import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ocr.paths import MODELS
from ocr.reading.bulk import Result, read_many
from ocr.reading.files import Found
from ocr.reading.inputs import Input
from ocr.reading.reader import Reader

MAX_PIXELS = (
    2**22
)  # 2048 x 2048: what is decoded of one image; the page scales larger photographs down before it sends them
SECONDS = 10.0  # of reading in one request; what has not been begun by then is told so
AT_A_TIME = 8  # images in a network, between two looks at the clock
UNSURE = 0.9  # confidence below which a person should look


@dataclass
class Asked:
    """What a request asks for, apart from its images."""

    reader: str
    top: int = 1
    pattern: str | None = None
    seen: bool = False


class Service:
    """The readers of a folder, by name. As many requests are read at a time as there are cores; the others wait."""

    def __init__(self, folder: Path = MODELS):
        self.readers = {
            path.parent.name: Reader.load(path.parent)
            for path in sorted(folder.glob("[!.]*/reader.json"))
        }
        if not self.readers:
            raise RuntimeError(
                f"no reader in {folder}: restore models/, or train one with train.py"
            )
        self._cores = threading.BoundedSemaphore(os.cpu_count() or 1)

    def described(self) -> list[dict]:
        """One object a reader: what it reads, and how well."""
        return [self._describe(name, reader.contract) for name, reader in self.readers.items()]

    @staticmethod
    def _describe(name: str, facts: dict) -> dict:
        where, lengths = facts["input"], facts["decoding"].get("lengths")
        return {
            "name": name,
            "kind": "string" if facts["kind"] == "ctc" else "character",
            "alphabet": facts["alphabet"],
            "lengths": lengths,
            "input": {key: where[key] for key in ("height", "width", "channels")},
            "trained_on": facts["data"]["name"],
            "scores": [
                {key: score[key] for key in ("on", "n", "exact", "low", "high")}
                for score in facts["scores"]
            ],
        }

    def read(self, uploads: list[tuple[str, bytes]], asked: Asked) -> list[dict]:
        """One object for each (name, bytes), in their order: what was read, or the problem.

        Raises ReaderError for a pattern that the reader cannot read, TimeoutError where the time was over before any image.
        """
        reader, deadline = self.readers[asked.reader], time.monotonic() + SECONDS
        constraint = reader.constrain(asked.pattern)
        images = [Found(name, partial(bytes, data)) for name, data in uploads]
        with self._cores:
            results = list(
                read_many(
                    reader,
                    images,
                    batch=AT_A_TIME,
                    top=asked.top,
                    spans=True,
                    constraint=constraint,
                    max_pixels=MAX_PIXELS,
                    deadline=deadline,
                )
            )
        if results and all(result.timed_out for result in results):
            raise TimeoutError(results[0].error)
        seen_by = reader.input if asked.seen else None
        return [
            {"name": name, **as_json(result, seen_by)}
            for (name, _), result in zip(uploads, results)
        ]


def as_json(result: Result, seen_by: Input | None) -> dict:
    """A Result as the API gives it, the spans in pixels of the picture; with `seen_by`, a reader's
    kind of input, the picture as the network saw it.
    """
    reading, prepared = result.reading, result.prepared
    if reading is None or prepared is None:
        return {"problem": result.error}
    width, height = prepared.size
    return {
        "text": reading.text,
        "confidence": round(reading.confidence, 4),
        "unsure": reading.confidence < UNSURE,
        "alternatives": [
            {"text": text, "confidence": round(sure, 4)} for text, sure in reading.alternatives
        ],
        "spans": [list(span) for span in reading.spans],
        "width": width,
        "height": height,
        **({"seen": data_url(seen_by.show(prepared.pixels))} if seen_by else {}),
    }


def data_url(pixels: np.ndarray) -> str:
    """A picture, uint8 (H, W) or (H, W, 3), as a PNG in a data: URL."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
