"""Parse a request to /api/read: its images and its parameters, within limits."""

import io
from collections.abc import Mapping

from flask import Request, request
from werkzeug.exceptions import BadRequest, HTTPException

from ocr.reading.decoders import DIGITS
from ocr.reading.scripts import SCRIPTS
from ocr.serving import limits
from ocr.serving.processes.jobs import Options
from ocr.serving.service import Service

CHOICES = {  # of parameters: the values that they may have
    "top": [str(n) for n in range(1, limits.MAX_TOP + 1)],
    "seen": ["false", "true"],
    "script": ["", *SCRIPTS],
    "digits": [*DIGITS],
    "keep_other": ["false", "true"],
}
PARAMETERS = ("reader", "pattern", *CHOICES)


class InMemoryRequest(Request):
    """Keep uploads in memory, never on a disk."""

    max_content_length = limits.MAX_REQUEST
    max_form_memory_size = limits.MAX_FIELDS
    max_form_parts = 2 * limits.MAX_FILES

    def _get_file_stream(self, *_, **__):
        return io.BytesIO()


def parse_request() -> tuple[list[tuple[str, bytes]], Mapping[str, str]]:
    """Parse the current request: images (name, bytes), and the parameters in query and form.

    Raises BadRequest.
    """
    try:
        return _parse()
    except (HTTPException, MemoryError):
        raise
    except Exception:  # gunicorn's, for a body that is badly chunked, or never arrives
        raise BadRequest("the request's body cannot be read: send it again") from None


def _parse() -> tuple[list[tuple[str, bytes]], Mapping[str, str]]:
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
    fields = {name or "": value for name, value in request.form.items()}  # a part may lack a name
    parameters = {**fields, **request.args.to_dict()}
    return [(name, file.read()) for name, file in images], parameters


def parse_options(service: Service, parameters: Mapping[str, str]) -> Options:
    """Check the parameters of a request. Raises BadRequest."""
    if unknown := sorted(set(parameters) - set(PARAMETERS)):
        raise BadRequest(f"no parameter {unknown[0][:40]!r}: there are {', '.join(PARAMETERS)}")
    reader = parameters.get("reader", next(iter(service.readers)))
    pattern = parameters.get("pattern") or None
    chosen = {name: parameters.get(name, allowed[0]) for name, allowed in CHOICES.items()}
    if reader not in service.readers:
        raise BadRequest(f"no reader {reader[:40]!r}: there are {', '.join(service.readers)}")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise BadRequest(f"{name} = {value[:40]!r}: send {_listed(CHOICES[name])}")
    if pattern and len(pattern) > limits.MAX_PATTERN:
        raise BadRequest(
            f"a pattern of {len(pattern)} characters: send at most {limits.MAX_PATTERN}"
        )
    return Options(
        reader,
        int(chosen["top"]),
        pattern,
        chosen["seen"] == "true",
        chosen["script"] or None,
        chosen["digits"],
        chosen["keep_other"] == "true",
    )


def _listed(values: list[str]) -> str:
    """List values for a message; of numbers the first and the last."""
    if values[0].isdecimal():
        return f"a number from {values[0]} to {values[-1]}"
    return " or ".join(value for value in values if value)
