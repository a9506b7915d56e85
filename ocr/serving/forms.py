"""Whole forms in the API and on the page: the templates in a folder, and scans read with them.

The folder is $OCR_FORMS, by default data/forms. Reading needs the extra "desk".
"""

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    NotFound,
    ServiceUnavailable,
    UnprocessableEntity,
)

from ocr.paths import DATA
from ocr.reading.bulk import TIMED_OUT
from ocr.serving import limits
from ocr.serving.processes.form_jobs import FormJob
from ocr.serving.processes.pool import ProcessEnded
from ocr.serving.processes.turns import Busy
from ocr.serving.service import LOST, Service
from ocr.serving.uploads import parse_request

NEEDED = ("cv2", "fastjsonschema", "pypdfium2")  # of the extra "desk"
MISSING = 'forms need the extra "desk" on the server: pip install "ocr-readers[desk]"'
BUSY = "the server is busy: try again in a second"


class Missing(HTTPException):
    """The server has not what reading forms needs."""

    code, name = 501, "Not Implemented"


def find_forms(folder: Path | None = None) -> dict[str, Path]:
    """Map the names of the forms in a folder to their form.json, sorted.

    A form is called as the folder of its form.json. folder: by default $OCR_FORMS, else data/forms.
    """
    folder = folder or Path(os.environ.get("OCR_FORMS") or DATA / "forms")
    return {file.parent.name: file for file in sorted(folder.glob("[!.]*/form.json"))}


def describe(forms: dict[str, Path]) -> list[dict[str, Any]]:
    """Describe forms: their names, and the fields of each; one that cannot be read has none."""
    return [{"name": name, "fields": _fields(file)} for name, file in forms.items()]


def _fields(file: Path) -> list[dict[str, Any]]:
    try:
        fields = json.loads(file.read_text(encoding="utf-8-sig"))["fields"]
        return [{"name": str(each["name"]), "check": each["reader"] == "check"} for each in fields]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def blueprint(service: Service, forms: dict[str, Path], arrived: Callable[[], float]) -> Blueprint:
    """Make the API of forms; arrived: tells when the current request had arrived."""
    made = Blueprint("forms", __name__)
    described = describe(forms)

    @made.get("/api/forms")
    def list_forms() -> Response:
        return jsonify(described)

    @made.post("/api/forms/<name>")
    def read_form(name: str) -> Response:
        if name not in forms:
            known = ", ".join(forms) or "none"
            raise NotFound(f"no form {name[:40]!r}: there are {known}")
        if any(find_spec(module) is None for module in NEEDED):
            raise Missing(MISSING)
        job = FormJob(forms[name], _scan())
        return jsonify(_read(service, job, arrived() + limits.SECONDS))

    return made


def _scan() -> bytes:
    """Take the one scan of a request. Raises BadRequest."""
    files, parameters = parse_request()
    if parameters:
        raise BadRequest(f"no parameter {min(parameters)[:40]!r}: a form has none")
    if len(files) > 1:
        raise BadRequest(f"{len(files)} files: send one page at a time")
    return files[0][1]


def _read(service: Service, job: FormJob, deadline: float) -> dict[str, Any]:
    """Read a scan when its turn comes. Raises UnprocessableEntity, ServiceUnavailable."""
    client = request.remote_addr or ""
    try:
        with service.turns.place(client, deadline, len(job.data)) as ticket:
            (answer,) = service.turns.run(ticket, job)
    except Busy:
        raise ServiceUnavailable(BUSY, retry_after=1) from None
    except TimeoutError:
        raise ServiceUnavailable(TIMED_OUT, retry_after=1) from None
    except ProcessEnded:
        raise UnprocessableEntity(LOST) from None
    if "problem" in answer:
        raise UnprocessableEntity(answer["problem"])
    return answer
