"""Write readers as one HTML file: the script, the style, the networks and examples inside it."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocr import __version__
from ocr.page.bundle import bundle
from ocr.page.graph import GraphError, convert
from ocr.paths import PACKAGE, read_file, whole
from ocr.reading.anything import describe, kind_reader
from ocr.reading.contract import ANY, ReaderError, find_reader
from ocr.reading.network import MAX_MODEL
from ocr.reading.reader import Reader
from ocr.reading.scripts import NUMBERS, SCRIPTS, SIGNS
from ocr.words import page_words

OWN = PACKAGE / "page" / "static"
SHARED = PACKAGE / "serving" / "static"  # the server's page: one page, two ways to read
BODY = PACKAGE / "serving" / "templates" / "body.html"
EXAMPLES = (  # (reader, picture)
    ("numbers", "western.png"),
    ("numbers", "arabic.png"),
    ("numbers", "hand.png"),
    ("char_cnn", "character.png"),
    ("cnn_lstm", "character.png"),
    ("dual_input", "sign.png"),
)
NEEDED = ("kind", "alphabet", "input", "decoding", "scripts", "marks", "trust")  # of a contract


def write(names: Sequence[str], out: Path) -> int:
    """Write a page with the readers of these names or folders; return its size in bytes.

    The file is written whole or not at all. Raises ReaderError for a reader that cannot be loaded,
    or whose network has operators that a page has not; OSError.
    """
    page = render(names).encode("utf-8")
    with whole(out) as part:
        part.write_bytes(page)
    return len(page)


def render(names: Sequence[str]) -> str:
    """Make the page of `write` as a text."""
    loaded = {Path(name).name: Reader.load(name) for name in names}
    if len(loaded) < len(names):
        raise ReaderError(f"two readers have one name among {', '.join(names)}: rename a folder")
    shown = list(loaded)
    packed = {name: _packed(find_reader(given), loaded[name]) for name, given in zip(shown, names)}
    if len(shown) > 1:
        packed[ANY] = _packed(find_reader(ANY), kind_reader())
    script = bundle("page", [OWN, SHARED])
    style = (SHARED / "style.css").read_text(encoding="utf-8")
    icon = (SHARED / "icon.svg").read_bytes()
    data = {
        "setup": {"token": False},
        "words": page_words(),
        "readers-known": describe(loaded),
        "rules": {"numbers": NUMBERS, "scripts": SCRIPTS, "signs": SIGNS},
        "pictures": list(_examples(shown)),
        **{f"reader-{name}": each for name, each in packed.items()},
    }
    parts = {
        "policy": _policy(script, style),
        "version": __version__,
        "title": html.escape(f"Read {', '.join(shown)}" if len(shown) < 3 else "Read small images"),
        "icon": _data_url(icon, "image/svg+xml"),
        "style": style,
        "body": BODY.read_text(encoding="utf-8"),
        "data": "\n".join(_embedded(name, value) for name, value in data.items()),
        "script": script,
    }
    template = (OWN / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: parts[found[1]], template)


def _policy(script: str, style: str) -> str:
    """Make the page's Content-Security-Policy: what is in it, and nothing from anywhere else."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")

    return (
        f"default-src 'none'; script-src 'wasm-unsafe-eval' 'sha256-{digest(script)}'; "
        f"style-src 'sha256-{digest(style)}'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def _embedded(name: str, value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{html.escape(name)}">{text}</script>'


def _data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _examples(shown: Sequence[str]) -> Iterator[dict[str, str]]:
    for reader, file in EXAMPLES:
        if reader in shown:
            source = _data_url((SHARED / "examples" / file).read_bytes(), "image/png")
            yield {"reader": reader, "file": file, "source": source}


# --- readers


def _packed(folder: Path, reader: Reader) -> dict[str, Any]:
    """Convert a reader's contract and networks. Raises ReaderError."""
    count = len(reader.members)
    folders = [folder / str(k) for k in range(1, count + 1)] if count else [folder]
    try:
        networks = [convert(read_file(each / "model.onnx", MAX_MODEL)) for each in folders]
    except GraphError as error:
        raise ReaderError(f"{folder}: {error}: read with `ocr read` or `ocr serve`") from None
    contract = {key: reader.contract[key] for key in NEEDED if key in reader.contract}
    return {"contract": contract, "networks": networks}
