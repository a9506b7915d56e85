"""What the server does with an upload: bounded, in memory, by readers that all threads share. No Flask in here."""

import base64
import io
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ocr.paths import MODELS
from ocr.reading.images import ImageError
from ocr.reading.reader import Prepared, Reader, Reading

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
        reader, until, answers = self.readers[asked.reader], time.monotonic() + SECONDS, []
        bound = reader.bind(asked.pattern)
        with self._cores:
            while len(answers) < len(uploads) and time.monotonic() < until:
                some = uploads[len(answers) : len(answers) + AT_A_TIME]
                answers += self._read_some(reader, some, asked, bound, until)
        late = f"not read within {SECONDS:.0f} seconds: send fewer images at a time"
        if not answers:
            raise TimeoutError(late)
        return answers + [{"name": name, "problem": late} for name, _ in uploads[len(answers) :]]

    @staticmethod
    def _read_some(reader: Reader, uploads, asked: Asked, bound, until: float) -> list[dict]:
        prepared, problems = {}, {}
        for i, (_, data) in enumerate(uploads):
            try:
                if time.monotonic() > until:
                    raise ImageError(
                        f"not read within {SECONDS:.0f} seconds: send fewer images at a time"
                    )
                prepared[i] = reader.prepare(data, MAX_PIXELS)
            except ImageError as error:
                problems[i] = {"problem": str(error)}
            except MemoryError:
                problems[i] = {
                    "problem": "too large for this server's memory: scale the image down first"
                }
        readings = dict(
            zip(prepared, reader.read_prepared(list(prepared.values()), asked.top, True, bound))
        )
        return [
            {
                "name": name,
                **(problems[i] if i in problems else as_json(readings[i], prepared[i], asked.seen)),
            }
            for i, (name, _) in enumerate(uploads)
        ]


def as_json(reading: Reading, prepared: Prepared, show: bool) -> dict:
    """A Reading as the API gives it, the spans in pixels of the picture; with `show`, the picture as the network saw it."""
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
        **({"seen": seen(prepared.pixels)} if show else {}),
    }


def seen(pixels: np.ndarray) -> str:
    """A network's input, uint8 (H, W, C), as a PNG in a data: URL. Of colours and ink (views.py) both, side by side."""
    if pixels.shape[2] == 4:
        pixels = np.concatenate([pixels[..., :3], np.repeat(pixels[..., 3:], 3, axis=2)], axis=1)
    out = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
