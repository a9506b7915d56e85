"""The documentation of the API for people, made from the OpenAPI document: the page /docs."""

from collections.abc import Iterator
from typing import Any

from ocr.serving import limits

EXAMPLE = "reader=numbers&pattern=dd/dd/dddd"
BINARY = {"/api/read": "picture.png", "/api/forms/{name}": "scan.png"}  # bodies, by path


def page(document: dict[str, Any], address: str) -> dict[str, Any]:
    """Gather what the template docs.html shows; address: of the server, without a slash."""
    token = any("security" in each for _, _, each in _operations(document))
    return {
        "info": document["info"],
        "first": list(_first(address, token).items()),
        "operations": [_operation(*each, address, document) for each in _operations(document)],
        "limits": list(_limits()),
    }


def _first(address: str, token: bool) -> dict[str, str]:
    """Write the lines to begin with, by language."""
    curl = ' -H "Authorization: Bearer $OCR_TOKEN"' if token else ""
    python = ',\n    headers={"Authorization": f"Bearer {token}"}' if token else ""
    script = ",\n  headers: { Authorization: `Bearer ${token}` }" if token else ""
    return {
        "curl": f'curl{curl} -F file=@a.png -F file=@b.png "{address}/api/read"',
        "Python": "import requests\n\n"
        'with open("a.png", "rb") as picture:\n'
        f'    answer = requests.post("{address}/api/read", files={{"file": picture}}{python})\n'
        "for reading in answer.json():\n"
        '    print(reading["text"], reading["confidence"], reading["trusted"])',
        "JavaScript": "const body = new FormData();\n"
        'body.append("file", input.files[0]);\n'
        f'const answer = await fetch("{address}/api/read", {{\n  method: "POST", body{script},\n'
        "});\nfor (const { text, confidence, trusted } of await answer.json()) {\n"
        "  console.log(text, confidence, trusted);\n}",
    }


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _operation(
    path: str, method: str, operation: dict[str, Any], address: str, document: dict[str, Any]
) -> dict[str, Any]:
    parameters = [
        _row(each["name"], each["schema"], document) for each in operation.get("parameters", ())
    ]
    return {
        "id": operation["operationId"],
        "summary": operation["summary"],
        "method": method,
        "path": path,
        "secured": "security" in operation,
        "description": operation.get("description", "").replace("`", ""),
        "parameters": parameters,
        "curl": _curl(path, method, "security" in operation, address, parameters),
        "answer": _answer(operation["responses"].get("200", {}), document),
        "responses": [(code, each["description"]) for code, each in operation["responses"].items()],
    }


def _curl(path: str, method: str, secured: bool, address: str, parameters: list[dict]) -> str:
    token = ' -H "Authorization: Bearer $OCR_TOKEN"' if secured else ""
    if method == "GET":
        return f"curl{token} {address}{path}"
    names = next((each["allowed"] for each in parameters if each["name"] == "name"), "")
    where = path.replace("{name}", names.partition(" or ")[0])
    query = f"?{EXAMPLE}" if path == "/api/read" else ""
    return f'curl{token} --data-binary @{BINARY.get(path, "FILE")} "{address}{where}{query}"'


def _answer(response: dict[str, Any], document: dict[str, Any]) -> list[dict[str, str]]:
    """List the members of the answer's objects; [] where it is no JSON."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    schema = _resolved(schema.get("items", schema), document)
    schema = _resolved(schema.get("anyOf", [schema])[0], document)
    return [_row(name, each, document) for name, each in schema.get("properties", {}).items()]


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _row(name: str, schema: dict[str, Any], document: dict[str, Any]) -> dict[str, str]:
    meaning = schema.get("description", _resolved(schema, document).get("description", ""))
    return {"name": name, "allowed": _values(schema, document), "meaning": meaning.replace("`", "")}


def _values(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """Say in words which values a schema allows."""
    schema = _resolved(schema, document)
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_values(each, document) for each in schema["anyOf"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_values(schema['items'], document)}"
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _limits() -> Iterator[str]:
    yield f"{limits.MAX_REQUEST >> 20} MiB and {limits.MAX_FILES} pictures a request"
    yield f"{limits.MAX_PIXELS:,} pixels a picture"
    yield f"{limits.BODY:.0f} seconds for a request to arrive, {limits.SECONDS:.0f} for its answer"
    large, small = limits.MAX_OF_CLIENT - limits.KEPT, limits.SMALL >> 10
    yield f"{limits.MAX_OF_CLIENT} requests at a time from one address"
    yield f"of these at most {large} of more than {small} KiB"
