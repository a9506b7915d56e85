"""Copy the notebooks' networks into the library: `make export`, or `python notebooks/export.py`.

A lesson builds a network in cells tagged `export`; they are copied, in their order, the imports
first, into ocr/networks/NAME.py, where NAME is in the notebook's metadata: {"ocr": {"network":
"NAME"}}. CTCLayer.py, which these cells use, is copied as ocr/networks/ctc_layer.py. With --check
nothing is written; modules that are out of date are reported, and the exit status is 1.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = ROOT / "ocr" / "networks"
COPIED = ("from CTCLayer import", "from ocr.networks.ctc_layer import")  # the library's own copy


def notebooks() -> list[Path]:
    """List the course's notebooks."""
    return [ROOT / "ocr.ipynb", *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]


def exported(path: Path) -> tuple[str | None, list[tuple[str, str]]]:
    """Return a notebook's module name (None: no network) and its cells as (id, library source)."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [
        (cell["id"], "".join(cell["source"]).strip().replace(*COPIED))
        for cell in notebook["cells"]
        if "export" in cell["metadata"].get("tags", [])
    ]
    return notebook["metadata"].get("ocr", {}).get("network"), cells


def module(path: Path) -> tuple[str, str] | None:
    """Return (file name, text) of the module exported from a notebook, or None."""
    name, cells = exported(path)
    if not name:
        return None
    home = path.relative_to(ROOT).as_posix()
    title = f'"""The networks of {home}, written by `make export`: edit them there."""'
    imports, *definitions = [source for _, source in cells]
    return f"{name}.py", "\n\n".join(
        [title, imports, *("\n" + text for text in definitions)]
    ) + "\n"


def layer() -> tuple[str, str]:
    """Return (file name, text) of the library's copy of CTCLayer.py."""
    text = (ROOT / "CTCLayer.py").read_text(encoding="utf-8")
    return "ctc_layer.py", "# A copy of CTCLayer.py, made by `make export`: edit there.\n" + text


def modules() -> dict[str, tuple[str, str]]:
    """Return every exported module: {file name: (its origin, text)}."""
    found = {layer()[0]: ("CTCLayer.py", layer()[1])}
    for path in notebooks():
        if made := module(path):
            found[made[0]] = path.relative_to(ROOT).as_posix(), made[1]
    return found


def outdated() -> list[str]:
    """Report each module in ocr/networks that differs, with the changed cells of its notebook."""
    messages = []
    for file, (home, text) in modules().items():
        path = NETWORKS / file
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == text:
            continue
        cells = exported(ROOT / home)[1] if home.endswith(".ipynb") else []
        missing = [name for name, source in cells if source not in current]
        which = f" (its cell {', '.join(missing)} is new or was changed)" if missing else ""
        messages.append(f"ocr/networks/{file} is out of date with {home}{which}: run `make export`")
    return messages


def main() -> int:
    """Write the modules, or with --check report those that are out of date."""
    if "--check" in sys.argv[1:]:
        print("\n".join(outdated()) or "ocr/networks is up to date with the notebooks")
        return bool(outdated())
    for file, (home, text) in modules().items():
        (NETWORKS / file).write_text(text, encoding="utf-8")
        print(f"ocr/networks/{file} from {home}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
