"""Describe the API as an OpenAPI 3.1 document; tests/test_openapi.py holds the server to it."""

from collections.abc import Sequence

from ocr.reading.decoders import DIGITS, WESTERN
from ocr.reading.scripts import SCRIPTS
from ocr.serving import limits, openapi_forms, problems

TEXT = {"type": "string"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0}
TRUSTED = {
    "type": "boolean",
    "description": "Has the confidence reached the reader's threshold? If not, please check.",
}


def document(readers: list[str], token: bool, forms: Sequence[str] = ()) -> dict:
    """Build the document of a server with these readers and forms; does reading need a token?"""
    readers_schema = {"type": "array", "items": _ref("Reader")}
    health = _object(["status"], status={"const": "ok"})
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
            "schemas": _schemas() | openapi_forms.schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict) -> dict:
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict:
    content = {problems.MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {"description": description, "content": content}


def _object(required: list[str], **properties: dict) -> dict:
    return {"type": "object", "required": required, "properties": properties}


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
    answer = {"type": "array", "items": {"anyOf": [_ref("Read"), _ref("Refused")]}}
    operation = {
        "summary": "Read images",
        "operationId": "read",
        "description": "Send files in a multipart form, or the bytes of one image. The answer has "
        "one object per file, in the same order. Parameters may be in the query or the form.",
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
        "reader": {"type": "string", "enum": readers, "default": readers[0]},
        "top": {
            "type": "integer",
            "minimum": 1,
            "maximum": limits.MAX_TOP,
            "default": 1,
            "description": "How many alternative texts to return.",
        },
        "pattern": {
            "type": "string",
            "maxLength": limits.MAX_PATTERN,
            "description": "Constrain each place of the text: d a digit, a a letter, x either, "
            "anything else itself.",
        },
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
        "seen": {
            "type": "boolean",
            "default": False,
            "description": "Also return the picture as the network sees it.",
        },
    }


def _bodies(parameters: dict[str, dict]) -> dict:
    files = {
        "type": "array",
        "minItems": 1,
        "maxItems": limits.MAX_FILES,
        "items": {"type": "string", "format": "binary"},
    }
    bytes_of_one = {"type": "string", "format": "binary", "minLength": 1}
    return {
        "multipart/form-data": {"schema": _object(["file"], file=files, **parameters)},
        "application/octet-stream": {"schema": bytes_of_one},
        "image/*": {},
    }


def _schemas() -> dict:
    return {
        "Read": _read_schema(),
        "Refused": _refused_schema(),
        "Reader": _reader_schema(),
        "Problem": _object(
            ["type", "title", "status", "detail"],
            type=TEXT,
            title=TEXT,
            status={"type": "integer"},
            detail=TEXT,
            images={"type": "array", "items": _ref("Refused")},
        ),
    }


def _refused_schema() -> dict:
    return _object(
        ["name", "problem"],
        name=TEXT,
        problem={
            "type": "string",
            "description": "Why the image is not read. Where it was opened and there is nothing "
            "that can be read, there are also an empty text, confidence 0 and trusted false.",
        },
        text={"const": ""},
        confidence={"const": 0},
        trusted={"const": False},
    )


def _read_schema() -> dict:
    return _object(
        ["name", "text", "confidence", "trusted", "alternatives", "spans", "width", "height"],
        name=TEXT,
        text=TEXT,
        confidence=SHARE,
        trusted=TRUSTED,
        script={
            "enum": list(SCRIPTS),
            "description": "In which script the number is, where the reader keeps scripts apart.",
        },
        alternatives={
            "type": "array",
            "items": _object(["text", "confidence"], text=TEXT, confidence=SHARE),
            "description": "The `top` best texts, best first; empty for top = 1.",
        },
        spans={
            "type": "array",
            "description": "Where each character was read: left and right, in pixels of the "
            "picture.",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        },
        width=COUNT,
        height=COUNT,
        seen={
            "type": "string",
            "description": "The picture as the network sees it: a PNG as a data: URL.",
        },
    )


def _reader_schema() -> dict:
    score = _object(
        ["on", "n", "exact", "low", "high"], on=TEXT, n=COUNT, exact=SHARE, low=SHARE, high=SHARE
    )
    trust = _object(
        ["threshold", "on", "n", "share", "right"],
        threshold={"type": "number"},
        on=TEXT,
        n=COUNT,
        share=SHARE,
        right=SHARE,
    )
    size = _object(["height", "width", "channels"], height=COUNT, width=COUNT, channels=COUNT)
    return _object(
        [
            *("name", "kind", "alphabet", "scripts", "lengths", "input", "trained_on", "scores"),
            "trust",
        ],
        name=TEXT,
        kind={"enum": ["string", "character"]},
        alphabet={"type": "string", "description": "The signs of texts, those of patterns."},
        scripts={
            "type": "array",
            "items": {"enum": list(SCRIPTS)},
            "description": "The scripts that the reader keeps apart.",
        },
        lengths={
            "type": ["array", "null"],
            "items": COUNT,
            "description": "The least and the most characters of a text, where they are limited.",
        },
        input=size,
        trained_on=TEXT,
        scores={"type": "array", "items": score},
        trust={
            "anyOf": [trust, {"type": "null"}],
            "description": "From which confidence a reading is trusted; on the n images it was "
            "chosen on, which share is trusted and which share of these is right. Null: never.",
        },
    )
