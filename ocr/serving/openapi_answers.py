"""Describe what the API answers, for the OpenAPI document: its schemas."""

from ocr.reading.anything import READS
from ocr.reading.scripts import SCRIPTS

TEXT = {"type": "string"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0}
READER = {
    "type": ["string", "null"],
    "description": "Which reader read; null where `any` found none that knows the picture.",
}
TRUSTED = {
    "type": "boolean",
    "description": "Has the confidence reached the reader's threshold? If not, please check.",
}


def ref(name: str) -> dict:
    """Refer to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_(required: list[str], **properties: dict) -> dict:
    """Describe an object."""
    return {"type": "object", "required": required, "properties": properties}


def schemas() -> dict:
    """Describe a reading, a refusal, a reader, a problem."""
    return {
        "Read": _read_schema(),
        "Refused": _refused_schema(),
        "Reader": _reader_schema(),
        "Problem": object_(
            ["type", "title", "status", "detail"],
            type=TEXT,
            title=TEXT,
            status={"type": "integer"},
            detail=TEXT,
            images={"type": "array", "items": ref("Refused")},
        ),
    }


def _refused_schema() -> dict:
    return object_(
        ["name", "problem"],
        name=TEXT,
        problem={
            "type": "string",
            "description": "Why the image is not read. Where it was opened and there is nothing "
            "that can be read, there are also an empty text, confidence 0 and trusted false.",
        },
        reader=READER,
        text={"const": ""},
        confidence={"const": 0},
        trusted={"const": False},
    )


def _read_schema() -> dict:
    return object_(
        [
            *("name", "reader", "text", "confidence", "trusted", "alternatives", "spans", "box"),
            *("width", "height"),
        ],
        name=TEXT,
        reader=READER,
        text=TEXT,
        confidence=SHARE,
        trusted=TRUSTED,
        script={
            "enum": list(SCRIPTS),
            "description": "In which script the number is, where the reader keeps scripts apart.",
        },
        alternatives={
            "type": "array",
            "items": object_(["text", "confidence"], text=TEXT, confidence=SHARE),
            "description": "The `top` best texts, best first; empty for top = 1.",
        },
        spans={
            "type": "array",
            "description": "Where each character was read: left and right, in pixels of the "
            "picture.",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        },
        box={
            "type": "array",
            "description": "Where the text is: left, top, width and height, in pixels of the "
            "picture.",
            "items": {"type": "number"},
            "minItems": 4,
            "maxItems": 4,
        },
        width=COUNT,
        height=COUNT,
        parts={
            "type": "array",
            "description": "Where lines or numbers were read one by one: each reading. Their "
            "spans are then here.",
            "items": object_(
                ["text", "confidence", "trusted", "spans", "box"],
                text=TEXT,
                confidence=SHARE,
                trusted=TRUSTED,
                script={"enum": list(SCRIPTS)},
                spans={"type": "array"},
                box={"type": "array"},
                width=COUNT,
                height=COUNT,
            ),
        },
        seen={
            "type": "string",
            "description": "The picture as the network sees it: a PNG as a data: URL.",
        },
    )


def _reader_schema() -> dict:
    score = object_(
        ["on", "n", "exact", "low", "high"], on=TEXT, n=COUNT, exact=SHARE, low=SHARE, high=SHARE
    )
    trust = object_(
        ["threshold", "on", "n", "share", "right"],
        threshold={"type": "number"},
        on=TEXT,
        n=COUNT,
        share=SHARE,
        right=SHARE,
    )
    size = object_(["height", "width", "channels"], height=COUNT, width=COUNT, channels=COUNT)
    return object_(
        [
            *("name", "reads", "same_as", "kind", "alphabet", "scripts", "lengths", "input"),
            *("trained_on", "scores", "trust"),
        ],
        name=TEXT,
        reads={
            "enum": list(READS),
            "description": "What it reads: a number, a code (a CAPTCHA, for one), one character "
            "by hand on paper, or one of any kind.",
        },
        same_as={
            "type": ["string", "null"],
            "description": "A better reader of the same, which `any` asks in its place.",
        },
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
