"""The rules of the rooms in ocr/, checked on every import: who may import whom, and how large.

A folder (or file) of ocr/ is a room. It imports only what its install extra installs, and only
rooms below it whose extra is part of its own. Nothing in ocr/ imports the root, and no imports are
circular.
"""

import ast
import graphlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tomllib

ROOT = Path(__file__).resolve().parent.parent
FLOORS = (  # from the bottom up
    ("paths", "scores", "headers", "locks"),
    ("words",),
    ("localhost",),
    ("reading",),
    ("drawing",),
    ("datasets",),
    ("backend", "plots", "diagrams"),
    ("networks",),
    ("training",),
    ("labelling", "forms"),
    ("serving", "archive", "page"),
    ("cli",),
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
EXTRA = {  # a room that is not listed belongs to the base install
    "drawing": "draw",
    "datasets": "train",
    "backend": "train",
    "plots": "train",
    "diagrams": "train",
    "networks": "train",
    "training": "train",
    "localhost": "desk",
    "labelling": "desk",
    "forms": "desk",
    "serving": "serve",
    "archive": "scale",
}
OPTIONAL = {  # inside functions
    "training": {"scale"},
    "serving": {"desk"},
    "cli": set(EXTRA.values()) | {"notebooks"},
}
COURSE = {"utils", "exercises", "play", "CTCLayer", "SquareRootScheduler"}
COURSE |= {"main", "train", "reader", "jupyter_lab_config"}
OUTSIDE = COURSE | {"benchmarks", "tests", "conftest", "install"}
MODULES = {  # where they are not called as the distribution is
    "flask": {"flask", "werkzeug"},
    "fonttools": {"fontTools"},
    "opencv-python-headless": {"cv2"},
    "pillow": {"PIL"},
}


class Import(NamedTuple):
    """One import: where it is written, what it imports, and whether a function contains it."""

    module: str
    line: int
    target: str
    nested: bool

    def __str__(self):
        return f"{self.module}:{self.line} imports {self.target}"


def requirements() -> dict[str, set[str]]:
    """Read the importable modules of each extra from pyproject.toml; "" is the base install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {"": project["dependencies"], **project["optional-dependencies"]}

    def modules(extra):
        found = set()
        for line in listed[extra]:
            name, inner = re.match(r"([\w-]+)(?:\[(\w+)\])?", line).groups()
            found |= modules(inner) if inner else MODULES.get(name, {name.replace("-", "_")})
        return found

    return {extra: modules(extra) | modules("") for extra in listed}


def module_names(package: Path) -> dict[str, Path]:
    """Map the dotted name of each module of a package to its file."""
    names = {}
    for file in sorted(package.rglob("*.py")):
        parts = (package.name, *file.relative_to(package).with_suffix("").parts)
        names[".".join(parts).removesuffix(".__init__")] = file
    return names


def _targets(node, module: str, file: Path, names) -> Iterator[str]:
    """Yield the dotted names that a node imports, also by import_module("literal")."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = module.split(".")
        above = parts[: len(parts) - node.level + (file.name == "__init__.py")]
        base = ".".join([*(above if node.level else []), *([node.module] if node.module else [])])
        for alias in node.names:
            yield name if (name := f"{base}.{alias.name}") in names else base
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("import_module", "__import__"):
            yield node.args[0].value


def imports_of(module: str, file: Path, names) -> list[Import]:
    """List the imports of a file, those for the type checker alone left out."""
    found = []

    def walk(node, nested):
        found.extend(
            Import(module, node.lineno, target, nested)
            for target in _targets(node, module, file, names)
        )
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            children = node.orelse
        for child in children:
            walk(child, nested or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    walk(ast.parse(file.read_text(encoding="utf-8")), False)
    return found


def room_of(module: str) -> str:
    """Name the room of a module; the package itself hands out what `reading` has."""
    room = (module.split(".") + [""])[1]
    return {"": "reading", "__init__": "reading", "__main__": "cli"}.get(room, room)


def _needed(target: str, found: list[Import], seen: set[str]) -> set[str]:
    """Collect the libraries that importing a module of ocr/ loads, directly or through others."""
    if target.split(".")[0] != "ocr":
        return {target.split(".")[0]} - set(sys.stdlib_module_names)
    loaded = {one.target for one in found if one.module == target and not one.nested} - seen
    seen |= loaded
    return set().union(*(_needed(each, found, seen) for each in loaded))


def _fault(one: Import, found: list[Import], installed: dict[str, set[str]]) -> str:
    """Name the rule that an import breaks, or nothing."""
    room, top = room_of(one.module), one.target.split(".")[0]
    extras = {EXTRA.get(room, "")} | (OPTIONAL.get(room, set()) if one.nested else set())
    allowed = set().union(*(installed[extra] for extra in extras))
    if top in OUTSIDE:
        return "the library never imports the course"
    if top != "ocr":
        known = top in sys.stdlib_module_names or top in allowed
        return "" if known else f"not installed by {' or '.join(sorted(extras)) or 'the base'}"
    other = room_of(one.target)
    if other == room:
        return ""
    if room not in FLOOR or other not in FLOOR:
        return "no floor in tests/test_imports.py for this room"
    if FLOOR[other] >= FLOOR[room]:
        return f"{other} is not below {room}"
    needed = installed[EXTRA.get(other, "")]
    if room == "cli":  # its verbs are listed where only the base is installed
        needed = _needed(one.target, found, set())
    return "" if needed <= allowed else f"needs [{EXTRA[other]}]"


def _circles(found: list[Import]) -> Iterator[str]:
    """Name the circular imports, function-level imports included."""
    graph: dict[str, set[str]] = {}
    for each in found:
        if each.target.split(".")[0] == "ocr" and each.target != each.module:
            graph.setdefault(each.module, set()).add(each.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"circular import: {' <- '.join(error.args[1])}"


def violations(package: Path) -> list[str]:
    """List the imports of a package that break a rule, a line each."""
    names, installed = module_names(package), requirements()
    found = [one for module, file in names.items() for one in imports_of(module, file, names)]
    broken = [f"{one}: {fault}" for one in found if (fault := _fault(one, found, installed))]
    return broken + list(_circles(found))


def test_rooms_keep_to_their_imports():
    assert violations(ROOT / "ocr") == []


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"reading/a.py": "import cv2"}, "ocr.reading.a:1 imports cv2: not installed by the base"),
        ({"drawing/a.py": "import pandas"}, "imports pandas: not installed by draw"),
        ({"reading/a.py": "from ocr.training import loop"}, "training is not below reading"),
        ({"reading/a.py": "from .. import plots"}, "plots is not below reading"),
        ({"serving/a.py": "import ocr.archive.b"}, "archive is not below serving"),
        ({"serving/a.py": "from ocr import plots"}, "imports ocr.plots: needs [train]"),
        (
            {"cli/a.py": "from ocr.training import b", "training/b.py": "import pandas"},
            "ocr.cli.a:1 imports ocr.training.b: needs [train]",
        ),
        ({"attic/a.py": "from ocr import paths"}, "no floor in tests/test_imports.py"),
        ({"training/a.py": "def f():\n    import utils"}, "never imports the course"),
        ({"training/a.py": "import jax"}, "imports jax: not installed by train"),
        ({"drawing/a.py": 'import_module("keras")'}, "imports keras: not installed by draw"),
        (
            {"reading/a.py": "from ocr.reading import b", "reading/b.py": "import ocr.reading.a"},
            "circular import: ocr.reading.a <- ocr.reading.b <- ocr.reading.a",
        ),
        (
            {
                "reading/a.py": "def f():\n    from ocr.reading.b import g",
                "reading/b.py": "from ocr.reading.a import f",
            },
            "circular import",
        ),
    ],
)
def test_planted_violation_is_found(tmp_path, files, fault):
    for name, source in {"plots.py": "", "__init__.py": "", "paths.py": "", **files}.items():
        (tmp_path / "ocr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ocr" / name).write_text(source)
    found = violations(tmp_path / "ocr")
    assert len(found) == 1 and fault in found[0], found


def test_allowed_imports_pass(tmp_path):
    sources = {
        "training/a.py": "import keras\nfrom ocr import plots\ndef f():\n    import jax",
        "cli/a.py": "from ocr.training import b\ndef f():\n    from ocr.training import a",
        "training/b.py": "def f():\n    from ocr.training import a",
        "reading/a.py": "if TYPE_CHECKING:\n    import keras\nimport PIL.Image",
        "serving/a.py": "from werkzeug.exceptions import NotFound\nfrom ocr.reading.a import b",
        "plots.py": "import matplotlib.pyplot",
    }
    for name, source in sources.items():
        (tmp_path / "ocr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ocr" / name).write_text(source)
    assert violations(tmp_path / "ocr") == []


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("ocr", {"numpy", "PIL", "onnxruntime", "tensorflow", "keras", "pandas", "cv2"}),
        ("ocr.cli", {"tensorflow", "keras", "pandas", "cv2", "flask", "dask", "matplotlib"}),
        ("utils", {"tensorflow", "keras", "pandas", "cv2", "captcha", "matplotlib"}),
    ],
)
def test_importing_loads_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_root_holds_the_course_alone():
    modules = {file.stem for file in ROOT.glob("*.py")}
    assert modules - {"reader"} == COURSE - {"reader"}


def test_files_of_the_library_are_short():
    long = {
        str(file.relative_to(ROOT)): lines
        for file in (ROOT / "ocr").rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}


def _too_long(name: str, text: str) -> list[str]:
    return [f"{name}:{n}" for n, line in enumerate(text.splitlines(), 1) if len(line) > 100]


def test_lines_of_code_have_at_most_100_columns():
    folders = ("ocr", "tests", "benchmarks", "install", "notebooks")
    files = [*ROOT.glob("*.py"), *(f for each in folders for f in (ROOT / each).rglob("*.py"))]
    long = [
        line
        for file in files
        for line in _too_long(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))
    ]
    assert long == []


def test_lines_of_notebook_code_have_at_most_100_columns():
    long = []
    for file in [*ROOT.glob("*.ipynb"), *(ROOT / "notebooks").rglob("*.ipynb")]:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells):
            if cell["cell_type"] == "code":
                long += _too_long(f"{file.name}, cell {number}", "".join(cell["source"]))
    assert long == []
