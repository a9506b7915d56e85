"""Rules for every committed notebook; that the notebooks run is checked by pytest --nbval."""

import json
import re

import nbformat
import pytest

from notebooks import export
from ocr.paths import ROOT

LESSONS = [*ROOT.glob("*.ipynb"), *ROOT.glob("notebooks/*.ipynb")]
SOLUTIONS = [*ROOT.glob("notebooks/solutions/*.ipynb")]
NOTEBOOKS = [*LESSONS, *SOLUTIONS]
REMOVED = "app batching bench binding decoding saving setup_venv synth synth_numbers workers"
NAMES = [path.relative_to(ROOT).as_posix() for path in NOTEBOOKS]
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)


def cells(path, kind):
    """List the cells of one kind ("code" or "markdown") of a notebook."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


@every_notebook
def test_a_notebook_is_stored_as_executed_from_top_to_bottom(path):
    nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    tagged = sum("parameters" in cell.metadata.get("tags", []) for cell in code)
    assert tagged == (path in LESSONS)
    assert path.stat().st_size < 500_000


@every_notebook
def test_code_cells_are_short(path):
    for cell in cells(path, "code"):
        lines = cell.source.splitlines()
        assert len(lines) <= 12, f"cell {cell.id} has {len(lines)} lines, more than 12"
        assert max(map(len, lines)) <= 100, f"cell {cell.id} has a line of more than 100 columns"


@every_notebook
def test_a_notebook_imports_the_project_without_path_lines(path):
    assert "sys.path" not in path.read_text(encoding="utf-8")


@every_notebook
def test_modules_named_in_a_notebook_exist(path):
    files = [f"/{file.relative_to(ROOT).as_posix()}" for file in python_files()]
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    for name in re.findall(r"[\w/]+\.py\b", prose):
        assert any(file.endswith(f"/{name}") for file in files), f"there is no {name}"
    sources = prose + "\n".join(cell.source for cell in cells(path, "code"))
    removed = rf"(?<![\w./])(?:{REMOVED.replace(' ', '|')})\.\w+|requirements-\w+\.txt"
    assert not re.findall(removed, sources)


def python_files():
    """List the Python files of the project."""
    folders = ("ocr/**", "benchmarks", "notebooks/**", "tests", ".")
    return [file for folder in folders for file in ROOT.glob(f"{folder}/*.py")]


# --- exported networks ---------------------------------------------------------------------------


def test_the_networks_are_up_to_date_with_the_notebooks():
    assert export.outdated() == []


@pytest.mark.parametrize("which", ["first", "last"])
def test_a_changed_export_cell_is_named(tmp_path, monkeypatch, which):
    for path in [*export.notebooks(), ROOT / "CTCLayer.py"]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(export, "ROOT", tmp_path)
    assert export.outdated() == []
    file = tmp_path / "ocr.ipynb"
    notebook = json.loads(file.read_text(encoding="utf-8"))
    tagged = [cell for cell in notebook["cells"] if "export" in cell["metadata"].get("tags", [])]
    cell = tagged[0 if which == "first" else -1]
    cell["source"].append("\nPEAK = 3e-3")
    file.write_text(json.dumps(notebook), encoding="utf-8")
    (message,) = export.outdated()
    for part in ("ocr/networks/captcha.py", "ocr.ipynb", cell["id"], "make export"):
        assert part in message


def test_a_missing_module_is_outdated(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "NETWORKS", tmp_path)
    assert len(export.outdated()) == len(export.modules())
