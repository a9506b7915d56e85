"""Copy the notebooks' networks into the library, and give the notebooks their cell for Colab.

`make export`, or `python notebooks/export.py`.

A lesson builds a network in cells tagged `export`; they are copied, in their order, the imports
first, into ocr/networks/NAME.py, where NAME is in the notebook's metadata: {"ocr": {"network":
"NAME"}}. CTCLayer.py, which these cells use, is copied as ocr/networks/ctc_layer.py. With --check
nothing is written; modules that are out of date are reported, and the exit status is 1.

The first code cell of each notebook does nothing but on Google Colab, where it fetches the project,
from the address that pyproject.toml has as [project.urls] Repository, or else asks for it.
"""

import json
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = ROOT / "ocr" / "networks"
COPIED = ("from CTCLayer import", "from ocr.networks.ctc_layer import")  # the library's own copy
COLAB = """import sys

if "google.colab" in sys.modules:  # elsewhere this cell does nothing
    address = {address}
    !test -d /content/ocr-readers || git clone --quiet --depth 1 "$address" /content/ocr-readers
    %cd -q /content/ocr-readers
    %run install/colab.py"""


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


def colab_cell() -> dict:
    """Build the first code cell of a notebook, as JSON has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository")
    asked = 'input("The address of this project: ")'
    source = COLAB.format(address=json.dumps(address) if address else asked)
    return {
        "cell_type": "code",
        "execution_count": 1,
        "id": "colab",
        "metadata": {"tags": ["nbval-ignore-output"]},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def add_colab_cell(path: Path) -> bool:
    """Make Colab's cell the first code cell of a notebook; return whether the file was changed.

    The cells after it are counted on, as if the notebook had been executed with it.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells, new = notebook["cells"], colab_cell()
    code = [number for number, cell in enumerate(cells) if cell["cell_type"] == "code"]
    if cells[code[0]] == new:
        return False
    if cells[code[0]]["id"] == new["id"]:
        cells[code[0]] = new
    else:
        _count_on([cells[number] for number in code])
        cells.insert(code[0], new)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    return True


def _count_on(cells: list[dict]) -> None:
    """Raise the execution counts of cells and of their results by one."""
    for part in [*cells, *(output for cell in cells for output in cell["outputs"])]:
        if part.get("execution_count"):
            part["execution_count"] += 1


def main() -> int:
    """Write the modules, or with --check report those that are out of date."""
    if "--check" in sys.argv[1:]:
        print("\n".join(outdated()) or "ocr/networks is up to date with the notebooks")
        return bool(outdated())
    for path in notebooks():
        if add_colab_cell(path):
            print(f"{path.relative_to(ROOT).as_posix()}: the cell for Colab")
    for file, (home, text) in modules().items():
        (NETWORKS / file).write_text(text, encoding="utf-8")
        print(f"ocr/networks/{file} from {home}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
