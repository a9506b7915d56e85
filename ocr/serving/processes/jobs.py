"""What one turn does: read some images, each with a reader. Without Flask."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from ocr.reading.anything import ANY, UNKNOWN, AnyOptions, AnyReader, Candidates
from ocr.reading.bulk import NOTHING, Result, read_many
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import WESTERN, DecodingOptions
from ocr.reading.files import Found
from ocr.reading.images import ImageError, open_image
from ocr.reading.parts import box, parts
from ocr.reading.reader import Reader
from ocr.serving import limits

Crop = tuple[int, int, int, int]  # (x, y, width, height) in pixels


@dataclass(frozen=True)
class Options:
    """How to read an image: the parameters of a request. reader: a name, or ANY."""

    reader: str = ANY
    top: int = 1
    pattern: str | None = None
    seen: bool = False
    script: str | None = None
    digits: str = WESTERN
    keep_other: bool = False
    split: bool = False

    def decoding(self, reader: Reader | AnyReader) -> DecodingOptions | AnyOptions:
        """Check them against a reader. Raises ReaderError."""
        return reader.options(
            top=self.top,
            spans=True,
            pattern=self.pattern,
            script=self.script,
            digits=self.digits,
            keep_other=self.keep_other,
        )


class Upload(NamedTuple):
    """An image to read: its name and bytes, how, and the part of it to read; None: all of it."""

    name: str
    data: bytes
    options: Options = Options()
    crop: Crop | None = None


class Work(Protocol):
    """What a process that reads can do: see Job."""

    @property
    def readers(self) -> set[str]:
        """Names of the readers that it needs, as far as it knows them."""

    def run(self, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
        """Read with the process's readers; return the API's objects."""


@dataclass(frozen=True)
class Job:
    """Images to read in one turn."""

    uploads: Sequence[Upload]

    @property
    def readers(self) -> set[str]:
        """Names of the readers that it needs."""
        return {each.options.reader for each in self.uploads} - {ANY}

    def run(self, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
        """Read the images; return the API's object of each, in order."""
        answers: list[dict[str, Any]] = []
        for options, group in groupby(self.uploads, attrgetter("options")):
            images = list(map(Part, group))
            for image, whole in zip(images, _read(images, options, readers)):
                answers.append(_by_parts(image, whole, readers) or whole)
        return answers


def find_reader(name: str, readers: Mapping[str, Reader]) -> Reader | AnyReader:
    """Find a reader by name, or the one of ANY. Raises ReaderError."""
    if name == ANY:
        return AnyReader(readers)
    if name not in readers:  # it was there when the request came
        raise ReaderError(f"the reader {name} cannot be loaded: the server's log says why")
    return readers[name]


def _read(
    images: list["Part"], options: Options, readers: Mapping[str, Reader]
) -> list[dict[str, Any]]:
    """Read images with the same options."""
    try:
        reader = find_reader(options.reader, readers)
        decoding = options.decoding(reader)
    except ReaderError as error:  # it was trained again, and differently, since the request came
        return [{"name": image.upload.name, "problem": str(error)} for image in images]
    results = read_many(
        reader,
        [Found(image.upload.name, image.read) for image in images],
        decoding,
        batch=limits.BATCH,
        max_pixels=limits.MAX_PIXELS,
    )
    return [
        {"name": image.upload.name, **as_json(result, options, readers, image)}
        for image, result in zip(images, results)
    ]


def _by_parts(
    part: "Part", whole: dict[str, Any], readers: Mapping[str, Reader]
) -> dict[str, Any] | None:
    """Read the lines and numbers of an image one by one; None where it is better read as a whole.

    Where it was not asked for, ANY does so with an image that it cannot read at all, and takes the
    result where it trusts each part.
    """
    upload = part.upload
    asked = upload.options.split
    if not asked and (upload.options.reader != ANY or whole.get("problem") != UNKNOWN):
        return None
    try:
        lines = parts(open_image(part.read(), limits.MAX_PIXELS))
    except ImageError:
        return None
    boxes = [box for line in lines for box in line]
    if len(boxes) < 2 or (not asked and len(boxes) > limits.BATCH):
        return None
    options = replace(upload.options, split=False)
    crops = [(x + part.left, y + part.top, right - x, low - y) for x, y, right, low in boxes]
    images = [Part(upload._replace(options=options, crop=crop)) for crop in crops]
    found = _read(images, options, readers)
    enough = any(each.get("text") for each in found) if asked else all(map(_trusted, found))
    return joined(upload.name, found, list(map(len, lines))) if enough else None


def _trusted(answer: dict[str, Any]) -> bool:
    return answer.get("trusted", False)


class Part:
    """The part of an upload that is read; where it is in the picture is known after `read`."""

    def __init__(self, upload: Upload):
        self.upload = upload
        self._picture: Any = None  # decoded, where it may be read a second time, by its parts
        self.left = self.top = 0
        self.size: tuple[int, int] | None = None  # of the whole picture, where it is cropped

    def read(self) -> Any:
        """Return the bytes, or the picture cropped. Raises ImageError."""
        if self._picture is None:
            picture = self._open()
            if not (self.upload.options.split or self.upload.options.reader == ANY):
                return picture
            self._picture = open_image(picture, limits.MAX_PIXELS)
        return self._picture

    def _open(self) -> Any:
        crop = self.upload.crop
        if crop is None:
            return bytes(self.upload.data)
        picture = open_image(self.upload.data, limits.MAX_PIXELS)
        self.left, self.top, self.size = crop[0], crop[1], picture.size
        right, bottom = crop[0] + crop[2], crop[1] + crop[3]
        if right > picture.width or bottom > picture.height:
            raise ImageError(
                f"crop {','.join(map(str, crop))} lies outside the picture: it has "
                f"{picture.width} x {picture.height} pixels"
            )
        return picture.crop((crop[0], crop[1], right, bottom))


def as_json(
    result: Result, options: Options, readers: Mapping[str, Reader], part: Part
) -> dict[str, Any]:
    """Convert a result to the API's object, with spans in pixels of the whole picture.

    A refused image has a problem, and a reading without text; one that cannot be opened a problem
    alone.
    """
    reading, prepared = result.reading, result.prepared
    if reading is None or prepared is None:
        return {"problem": result.error}
    name = reading.reader or (None if options.reader == ANY else options.reader)
    read = {
        "reader": name,
        "text": reading.text,
        "confidence": round(reading.confidence, 4),
        "trusted": reading.trusted,
    }
    if result.error is not None or name is None:
        unknown = options.reader == ANY and result.error == NOTHING
        return read | {"problem": UNKNOWN if unknown else result.error}
    if isinstance(prepared, Candidates):
        prepared = prepared.prepared[name]
    seen_by = readers[name].input
    left, top, wide, high = box(prepared, seen_by.size)
    width, height = part.size or prepared.size
    return {
        **read,
        **({"script": reading.script} if reading.script else {}),
        "alternatives": [
            {"text": text, "confidence": round(confidence, 4)}
            for text, confidence in reading.alternatives
        ],
        "spans": [[round(end + part.left, 1) for end in span] for span in reading.spans],
        "box": [round(left + part.left, 1), round(top + part.top, 1), wide, high],
        "width": width,
        "height": height,
        **({"seen": data_url(seen_by.show(prepared.pixels))} if options.seen else {}),
    }


def joined(name: str, found: list[dict[str, Any]], lines: list[int]) -> dict[str, Any]:
    """Join the readings of an image's parts: a line of text for each that has any.

    lines: how many parts each line has. The confidence is that of the least sure part.
    """
    left, texts = iter(found), []
    for count in lines:
        texts.append(" ".join(filter(None, (next(left).get("text") for _ in range(count)))))
    read = [each for each in found if "box" in each]
    first = ("name", "reader", "problem", "alternatives", "seen")
    return {
        "name": name,
        "reader": read[0]["reader"],
        "text": "\n".join(filter(None, texts)),
        "confidence": min(each["confidence"] for each in read),
        "trusted": all(map(_trusted, found)),
        "alternatives": [],
        "spans": [],
        "box": _around([each["box"] for each in read]),
        "parts": [{k: v for k, v in each.items() if k not in first} for each in read],
        "width": read[0]["width"],
        "height": read[0]["height"],
        **({"seen": read[0]["seen"]} if "seen" in read[0] else {}),
    }


def _around(boxes: list[list[float]]) -> list[float]:
    """Compute the box (left, top, width, height) around others."""
    left, top = (min(box[k] for box in boxes) for k in (0, 1))
    right, bottom = (max(box[k] + box[k + 2] for box in boxes) for k in (0, 1))
    return [left, top, round(right - left, 1), round(bottom - top, 1)]


def data_url(pixels: np.ndarray) -> str:
    """Encode a picture, uint8 (H, W) or (H, W, 3), as a PNG in a data: URL."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
