"""Parse a request to /api/read: its images and its parameters, within limits."""

import contextlib
import io
import threading
from collections import Counter
from collections.abc import Iterator

from flask import Request, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, HTTPException

from ocr.reading.anything import ANY
from ocr.reading.decoders import DIGITS
from ocr.reading.images import MIN_SIDE
from ocr.reading.scripts import SCRIPTS
from ocr.serving import limits
from ocr.serving.processes.jobs import Crop, Options, Upload
from ocr.serving.service import Service

Parameters = MultiDict[str, str]

CHOICES = {  # of parameters: the values that they may have
    "top": [str(n) for n in range(1, limits.MAX_TOP + 1)],
    "seen": ["false", "true"],
    "script": ["", *SCRIPTS],
    "digits": [*DIGITS],
    "keep_other": ["false", "true"],
    "split": ["false", "true"],
}
EACH = ("reader", "pattern", "crop")  # may be given once, or once for each answer
PARAMETERS = (*EACH, *CHOICES)


DIGITS_OF_A_SIDE = 7


class InMemoryRequest(Request):
    """Keep uploads in memory, never on a disk."""

    max_content_length = limits.MAX_REQUEST
    max_form_memory_size = limits.MAX_FIELDS
    max_form_parts = 2 * limits.MAX_FILES

    def _get_file_stream(self, *_, **__):
        return io.BytesIO()


class OneAtATime:
    """Let each client do something in one thread at a time: its many keep nobody else waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, threading.Lock] = {}
        self._waiting = Counter[str]()

    @contextlib.contextmanager
    def by(self, client: str) -> Iterator[None]:
        """Wait until no other thread does it for this client."""
        with self._lock:
            mine = self._of.setdefault(client, threading.Lock())
            self._waiting[client] += 1
        try:
            with mine:
                yield
        finally:
            with self._lock:
                self._waiting[client] -= 1
                if not self._waiting[client]:
                    del self._waiting[client], self._of[client]


_parsing = OneAtATime()


def parse_request() -> tuple[list[tuple[str, bytes]], Parameters]:
    """Parse the current request: images (name, bytes), and the parameters in query and form.

    Of one client's requests one at a time is parsed. Raises BadRequest.
    """
    try:
        with _parsing.by(request.remote_addr or ""):
            return _parse()
    except (HTTPException, MemoryError):
        raise
    except Exception:  # gunicorn's, for a body that is badly chunked, or never arrives
        raise BadRequest("the request's body cannot be read: send it again") from None


def _parse() -> tuple[list[tuple[str, bytes]], Parameters]:
    if request.mimetype != "multipart/form-data":  # whatever type it claims: one image
        data = request.get_data(cache=False, parse_form_data=False)
        if not data:
            raise BadRequest("no image: send its bytes as the body, or files in a multipart form")
        return [("image", data)], request.args
    parts = [file for name in request.files for file in request.files.getlist(name)]
    images = [(file.filename, file) for file in parts if file.filename]
    if not images:
        raise BadRequest("no image in the form: send each as a part with a file name")
    if len(images) > limits.MAX_FILES:
        raise BadRequest(f"{len(images)} images: send at most {limits.MAX_FILES} at a time")
    parameters = Parameters()
    for name, values in request.form.lists():
        parameters.setlist(name or "", values)  # a part may lack a name
    for name, values in request.args.lists():
        parameters.setlist(name, values)
    return [(name, file.read()) for name, file in images], parameters


def parse_uploads(
    service: Service, images: list[tuple[str, bytes]], parameters: Parameters
) -> list[Upload]:
    """Check the parameters of a request, and say how each image is read. Raises BadRequest.

    Of several readers, patterns or crops each is for one answer: for one image each, or all for a
    single image.
    """
    if unknown := sorted(set(parameters) - set(PARAMETERS)):
        raise BadRequest(f"no parameter {unknown[0][:40]!r}: there are {', '.join(PARAMETERS)}")
    given = {name: parameters.getlist(name) for name in EACH}
    count = max(len(images), *map(len, given.values()))
    if count > limits.MAX_FILES:
        raise BadRequest(f"{count} readings: ask for at most {limits.MAX_FILES} at a time")
    for name, many in {"file": len(images), **{n: len(v) for n, v in given.items()}}.items():
        if many not in (0, 1, count):
            raise BadRequest(
                f"{many} x {name} for {count} answers: send one for all, or one for each"
            )
    chosen = {name: _choice(name, parameters) for name in CHOICES}
    readers = [_reader(service, name) for name in given["reader"] or [ANY]]
    patterns = [_pattern(text) for text in given["pattern"] or [""]]
    crops = [_crop(text) for text in given["crop"] or [""]]
    uploads = []
    for k in range(count):
        name, data = images[k % len(images)]
        options = Options(
            readers[k % len(readers)],
            int(chosen["top"]),
            patterns[k % len(patterns)],
            chosen["seen"] == "true",
            chosen["script"] or None,
            chosen["digits"],
            chosen["keep_other"] == "true",
            chosen["split"] == "true",
        )
        uploads.append(Upload(name, data, options, crops[k % len(crops)]))
    return uploads


def _choice(name: str, parameters: Parameters) -> str:
    value, allowed = parameters.get(name, CHOICES[name][0]), CHOICES[name]
    if value not in allowed:
        raise BadRequest(f"{name} = {value[:40]!r}: send {_listed(allowed)}")
    return value


def _reader(service: Service, name: str) -> str:
    known = [ANY, *service.readers]
    if name not in known:
        raise BadRequest(f"no reader {name[:40]!r}: there are {', '.join(known)}")
    return name


def _pattern(text: str) -> str | None:
    if len(text) > limits.MAX_PATTERN:
        raise BadRequest(f"a pattern of {len(text)} characters: send at most {limits.MAX_PATTERN}")
    return text or None


def _crop(text: str) -> Crop | None:
    """Parse x,y,width,height."""
    if not text:
        return None
    numbers = text.split(",")
    if len(numbers) != 4 or not all(
        n.isascii() and n.isdecimal() and len(n) <= DIGITS_OF_A_SIDE for n in numbers
    ):
        raise BadRequest(f"crop = {text[:40]!r}: send x,y,width,height in pixels, as 10,0,200,50")
    x, y, width, height = map(int, numbers)
    if min(width, height) < MIN_SIDE:
        raise BadRequest(f"crop = {text[:40]!r}: width and height are at least {MIN_SIDE} pixels")
    return x, y, width, height


def _listed(values: list[str]) -> str:
    """List values for a message; of numbers the first and the last."""
    if values[0].isdecimal():
        return f"a number from {values[0]} to {values[-1]}"
    return " or ".join(value for value in values if value)
