"""Describe the API as an OpenAPI 3.1 document; tests/test_openapi.py holds the server to it."""

from collections.abc import Sequence

from ocr.reading.anything import ANY
from ocr.reading.decoders import DIGITS, WESTERN
from ocr.reading.images import MIN_SIDE
from ocr.reading.scripts import SCRIPTS
from ocr.serving import limits, openapi_forms, problems
from ocr.serving import openapi_answers as answers
from ocr.serving.openapi_answers import TEXT, object_, ref


def document(readers: list[str], token: bool, forms: Sequence[str] = ()) -> dict:
    """Build the document of a server with these readers and forms; does reading need a token?"""
    readers_schema = {"type": "array", "items": ref("Reader")}
    health = object_(["status"], status={"const": "ok"})
    metrics = {"content": {"text/plain": {"schema": TEXT}}}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "OCR readers",
            "version": "1",
            "description": "Small readers of CAPTCHAs, numbers and characters.",
        },
        "paths": {
            "/api/read": {"post": _read(readers, token)},
            "/api/readers": _get("List the readers", "readers", _json(readers_schema)),
            "/healthz": _probe("Check the server's health", "healthz", health),
            "/readyz": _probe("Check whether it has room for another request", "readyz", health),
            "/metrics": _get("Metrics for Prometheus", "metrics", metrics, token),
            **openapi_forms.paths(forms, token),
        },
        "components": {
            "schemas": answers.schemas() | openapi_forms.schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _json(schema: dict) -> dict:
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict:
    content = {problems.MEDIA_TYPE: {"schema": ref("Problem")}}
    return {"description": description, "content": content}


def _secured(operation: dict) -> dict:
    """Make an operation ask for the token."""
    operation["responses"]["401"] = _problem("The token is missing or wrong")
    return operation | {"security": [{"token": []}]}


def _get(summary: str, name: str, content: dict, token: bool = False) -> dict:
    operation = {
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": summary, **content}},
    }
    return {"get": _secured(operation) if token else operation}


def _probe(summary: str, name: str, schema: dict) -> dict:
    probe = _get(summary, name, _json(schema))
    probe["get"]["responses"]["503"] = _problem("It has not")
    return probe


def _read(readers: list[str], token: bool) -> dict:
    parameters = _parameters(readers)
    answer = {"type": "array", "items": {"anyOf": [ref("Read"), ref("Refused")]}}
    operation = {
        "summary": "Read images",
        "operationId": "read",
        "description": "Send files in a multipart form, or the bytes of one image. The answer has "
        "one object per file, in the same order. Parameters may be in the query or the form. "
        "`reader`, `pattern` and `crop` may be repeated: then each is for one answer, for one file "
        "each or all for a single file.",
        "parameters": [
            {"name": name, "in": "query", "schema": schema} for name, schema in parameters.items()
        ],
        "requestBody": {"required": True, "content": _bodies(parameters)},
        "responses": {
            "200": {"description": "The readings", **_json(answer)},
            "400": _problem("An invalid parameter, no image, or too many"),
            "403": _problem("A page of another site sent the request"),
            "413": _problem("Too many bytes or parts"),
            "422": _problem("None of the images can be read"),
            "503": _problem("The server is busy: try again"),
            "default": _problem("Any other error"),
        },
    }
    return _secured(operation) if token else operation


def _parameters(readers: list[str]) -> dict[str, dict]:
    return {
        "reader": _repeated(
            {"enum": [ANY, *readers]},
            "Which reader reads; `any` asks all, and gives the reading of the one that the picture "
            "suits. Default: any.",
        ),
        "top": {
            "type": "integer",
            "minimum": 1,
            "maximum": limits.MAX_TOP,
            "default": 1,
            "description": "How many alternative texts to return.",
        },
        "pattern": _repeated(
            {"type": "string", "maxLength": limits.MAX_PATTERN},
            "Constrain each place of the text: d a digit, a a letter, x either, anything else "
            "itself.",
        ),
        "crop": _repeated(
            {"type": "string", "pattern": "^[0-9]{1,7}(,[0-9]{1,7}){3}$"},
            "Read a part of the picture only: x,y,width,height in pixels, as 10,0,200,50. A "
            f"part has at least {MIN_SIDE} pixels on each side.",
        ),
        "script": {
            "enum": list(SCRIPTS),
            "description": "The script of the numbers, where it is known; only for a reader that "
            "has this script.",
        },
        "digits": {
            "enum": list(DIGITS),
            "default": WESTERN,
            "description": "Give numbers in Western digits, or in the signs of their script.",
        },
        "keep_other": {
            "type": "boolean",
            "default": False,
            "description": "Also show where signs are that belong to no number.",
        },
        "split": {
            "type": "boolean",
            "default": False,
            "description": "The pictures hold several lines or numbers: read each by itself. The "
            "text has a line for each line that was read; `parts` has the readings.",
        },
        "seen": {
            "type": "boolean",
            "default": False,
            "description": "Also return the picture as the network sees it.",
        },
    }


def _repeated(schema: dict, description: str) -> dict:
    """Describe a parameter that may be given once, or once for each answer."""
    most = {"maxItems": limits.MAX_FILES}
    return {"type": "array", "items": schema, "description": description, **most}


def _bodies(parameters: dict[str, dict]) -> dict:
    files = {
        "type": "array",
        "minItems": 1,
        "maxItems": limits.MAX_FILES,
        "items": {"type": "string", "format": "binary"},
    }
    bytes_of_one = {"type": "string", "format": "binary", "minLength": 1}
    return {
        "multipart/form-data": {"schema": object_(["file"], file=files, **parameters)},
        "application/octet-stream": {"schema": bytes_of_one},
        "image/*": {},
    }
