"""Describe the API of forms, for the OpenAPI document: its paths and schemas."""

from collections.abc import Sequence
from typing import Any

from ocr.serving import problems

TEXT = {"type": "string"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 1}
PROBLEMS = {
    "400": "No scan, more than one, or a parameter",
    "404": "No form of this name",
    "413": "Too many bytes or parts",
    "422": "The scan is not this form, is blank, cut off, or cannot be read",
    "501": "The server has not what reading forms needs",
    "503": "The server is busy: try again",
    "default": "Any other error",
}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {"description": description, "content": content}


def paths(names: Sequence[str], token: bool) -> dict[str, Any]:
    """Describe the paths of a server with forms of these names; token: does reading need one?"""
    listed = _json({"type": "array", "items": _ref("Form")})
    found: dict[str, Any] = {
        "/api/forms": {
            "get": {
                "summary": "List the forms",
                "operationId": "forms",
                "responses": {"200": {"description": "The forms", **listed}},
            }
        }
    }
    if names:
        found["/api/forms/{name}"] = {"post": _read(names, token)}
    return found


def _read(names: Sequence[str], token: bool) -> dict[str, Any]:
    faults = PROBLEMS | ({"401": "The token is missing or wrong"} if token else {})
    binary = {"type": "string", "format": "binary", "minLength": 1}
    name = {"name": "name", "in": "path", "required": True, "schema": {"enum": list(names)}}
    return {
        "summary": "Read a scan of a form",
        "operationId": "read_form",
        "description": "Send one page, an image or a PDF, as a file of a multipart form or as the "
        "body. It may be turned, shifted, scaled or photographed; another form is refused.",
        "parameters": [name],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _object(["file"], file=binary)},
                "application/octet-stream": {"schema": binary},
                "image/*": {},
            },
        },
        "responses": {
            "200": {"description": "What was read", **_json(_ref("FormReading"))},
            **{status: _problem(text) for status, text in faults.items()},
        },
        **({"security": [{"token": []}]} if token else {}),
    }


def schemas() -> dict[str, Any]:
    """Describe a form, and what is read on it."""
    alternative = _object(["text", "confidence"], text=TEXT, confidence=SHARE)
    corner = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    return {
        "Form": _object(
            ["name", "fields"],
            name=TEXT,
            fields={"type": "array", "items": _object(["name", "check"], name=TEXT, check=FLAG)},
        ),
        "FormReading": _object(
            ["form", "status", "fit", "width", "height", "fields"],
            form=TEXT,
            status={"enum": ["read", "check"], "description": "check: a person must look at it"},
            fit=SHARE | {"description": "The share of the form's print that is in its place"},
            width=COUNT,
            height=COUNT,
            fields={"type": "array", "items": _ref("FieldReading")},
        ),
        "FieldReading": _object(
            ["name", "text", "confidence", "accepted", "problem", "alternatives", "corners"],
            name=TEXT,
            text=TEXT | {"description": 'Of a check box "1" or "0"'},
            confidence=SHARE | {"description": "The probability that the text is right"},
            accepted=FLAG | {"description": "Does it need no person?"},
            problem={"type": ["string", "null"], "description": "Why a person must look at it"},
            alternatives={"type": "array", "items": alternative},
            corners={
                "type": "array",
                "items": corner,
                "minItems": 4,
                "maxItems": 4,
                "description": "Of its box in the scan, pixels, clockwise from its left top",
            },
            cutout=TEXT | {"description": "Where it is not accepted: its picture, a data URL"},
        ),
    }
