"""The API's OpenAPI 3.1 document; tests/test_openapi.py holds the server to it."""


def _json(schema: dict) -> dict:
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict:
    return {
        "description": description,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }


def _object(required: list[str], **properties) -> dict:
    return {"type": "object", "required": required, "properties": properties}


_TEXT, _SHARE = {"type": "string"}, {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 0}


def _schemas() -> dict:
    guess = _object(["text", "confidence"], text=_TEXT, confidence=_SHARE)
    read = _object(
        ["name", "text", "confidence", "unsure", "alternatives", "spans", "width", "height"],
        name=_TEXT,
        text=_TEXT,
        confidence=_SHARE,
        unsure={"type": "boolean", "description": "Confidence below 0.9: a person should look."},
        alternatives={
            "type": "array",
            "items": guess,
            "description": "The `top` best texts, best first; empty for top = 1.",
        },
        spans={
            "type": "array",
            "description": "Where each character was read: left and right, in pixels of the picture.",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        },
        width=_COUNT,
        height=_COUNT,
        seen={
            "type": "string",
            "description": "The picture as the network takes it: a PNG as a data: URL.",
        },
    )
    score = _object(
        ["on", "n", "exact", "low", "high"],
        on=_TEXT,
        n=_COUNT,
        exact=_SHARE,
        low=_SHARE,
        high=_SHARE,
    )
    return {
        "Read": read,
        "Refused": _object(["name", "problem"], name=_TEXT, problem=_TEXT),
        "Reader": _object(
            ["name", "kind", "alphabet", "lengths", "input", "trained_on", "scores"],
            name=_TEXT,
            kind={"enum": ["string", "character"]},
            alphabet=_TEXT,
            lengths={
                "type": ["array", "null"],
                "items": _COUNT,
                "description": "Least and most characters, where it reads no others.",
            },
            input=_object(
                ["height", "width", "channels"], height=_COUNT, width=_COUNT, channels=_COUNT
            ),
            trained_on=_TEXT,
            scores={"type": "array", "items": score},
        ),
        "Problem": _object(
            ["type", "title", "status", "detail"],
            type=_TEXT,
            title=_TEXT,
            status={"type": "integer"},
            detail=_TEXT,
            images={"type": "array", "items": {"$ref": "#/components/schemas/Refused"}},
        ),
    }


def _read(readers: list[str], token: bool) -> dict:
    parameters = {
        "reader": {"type": "string", "enum": readers, "default": readers[0]},
        "top": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10,
            "default": 1,
            "description": "How many texts to give.",
        },
        "pattern": {
            "type": "string",
            "maxLength": 64,
            "description": "What may stand where: d a digit, a a letter, x either, all else itself.",
        },
        "seen": {
            "type": "boolean",
            "default": False,
            "description": "Also the picture as the network takes it.",
        },
    }
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {
                "type": "array",
                "minItems": 1,
                "maxItems": 64,
                "items": {"type": "string", "format": "binary"},
            },
            **parameters,
        },
    }
    answer = {
        "type": "array",
        "items": {
            "anyOf": [
                {"$ref": "#/components/schemas/Read"},
                {"$ref": "#/components/schemas/Refused"},
            ]
        },
    }
    return {
        "summary": "Read images",
        "operationId": "read",
        "description": "Files of a multipart form, or the bytes of one image. One object a file, in their order. Parameters come in the query or the form.",
        "parameters": [
            {"name": name, "in": "query", "schema": schema} for name, schema in parameters.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary", "minLength": 1}
                },
                "image/*": {},
            },
        },
        "responses": {
            "200": {"description": "What was read", **_json(answer)},
            "400": _problem("A parameter that cannot be, no image, or too many"),
            "401": _problem("The token is missing or wrong"),
            "413": _problem("Too many bytes or parts"),
            "422": _problem("None of the images can be read"),
            "503": _problem("Too much is asked at a time: try again"),
            "default": _problem("Anything else"),
        },
        **({"security": [{"token": []}]} if token else {}),
    }


def document(readers: list[str], token: bool) -> dict:
    """The OpenAPI document of a server with these readers; `token`: does reading ask for one?"""

    def get(summary: str, name: str, content: dict, closed: bool = False) -> dict:
        refused = {"401": _problem("The token is missing or wrong")} if closed else {}
        return {
            "get": {
                "summary": summary,
                "operationId": name,
                "responses": {"200": {"description": summary, **content}, **refused},
                **({"security": [{"token": []}]} if closed else {}),
            }
        }

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
            "/api/readers": get(
                "The readers",
                "readers",
                _json({"type": "array", "items": {"$ref": "#/components/schemas/Reader"}}),
            ),
            "/healthz": get(
                "Is the server well?", "healthz", _json(_object(["status"], status={"const": "ok"}))
            ),
            "/metrics": get(
                "Figures for Prometheus",
                "metrics",
                {"content": {"text/plain": {"schema": _TEXT}}},
                closed=token,
            ),
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
