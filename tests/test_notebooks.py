"""Rules for every committed notebook; that the notebooks run is checked by pytest --nbval."""

import json
import re

import nbformat
import pytest
from nbclient import NotebookClient

from notebooks import export
from ocr.paths import ROOT

LESSONS = [*ROOT.glob("*.ipynb"), *ROOT.glob("notebooks/*.ipynb")]
SOLUTIONS = [*ROOT.glob("notebooks/solutions/*.ipynb")]
NOTEBOOKS = [*LESSONS, *SOLUTIONS]
REMOVED = "app batching bench binding decoding saving setup_venv synth synth_numbers workers"
NAMES = [path.relative_to(ROOT).as_posix() for path in NOTEBOOKS]
SHOWN = "JupyterLab shows no SVG of a notebook that is not trusted: use ocr.diagrams.show"
PROGRESS = re.compile(r": epoch +\d+ of|parameters, temperature|come from .cache|\bit/s\b")
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


def texts(path):
    """List (cell, stream or "", text) of the stored outputs of a notebook that are text."""
    for cell in cells(path, "code"):
        for output in cell.outputs:
            data = output.get("data", {})
            if not any(kind.startswith("image") for kind in data):
                text = output.get("text", data.get("text/plain", ""))
                yield cell.id, output.get("name", ""), text


def test_few_of_the_lines_that_are_stored_are_progress():
    lines = [line for path in LESSONS for *_, text in texts(path) for line in text.splitlines()]
    lines = [line for line in lines if line.strip()]
    progress = [line for line in lines if PROGRESS.search(line)]
    assert len(progress) <= 0.05 * len(lines), f"{len(progress)} of {len(lines)} lines"


@every_notebook
def test_stored_outputs_have_no_warnings_and_no_places_of_a_machine(path):
    for cell, stream, text in texts(path):
        assert stream != "stderr", f"cell {cell} stores an error stream: {text[:80]}"
        found = re.search(r"(?i)\bwarning\b|(?:^|[\s'\"(])(?:/(?!s\b)\w+/\w|[A-Z]:\\)", text)
        assert not found, f"cell {cell}: {text[max(0, found.start() - 40) :][:90]}"


@every_notebook
def test_stored_pictures_are_described(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                about = output.metadata.get("image/png", {})
                assert about.get("alt"), f"a picture of cell {cell.id} has no description"
            for picture in re.findall("<img [^>]*>", output.get("data", {}).get("text/html", "")):
                assert ' alt="' in picture, f"a picture of cell {cell.id} has no description"
            assert "image/svg+xml" not in output.get("data", {}), f"cell {cell.id}: {SHOWN}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_only_settings_ask_for_the_profile(path):
    asking = [cell.id for cell in cells(path, "code") if re.search(r"\bFULL\b(?! =)", cell.source)]
    settings = [
        cell.id for cell in cells(path, "code") if "parameters" in cell.metadata.get("tags", [])
    ]
    assert asking == settings


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


@pytest.mark.slow
def test_a_notebook_leaves_out_what_the_optimizer_says_of_graphs():
    said = "loc(\"functional/x\"): error: 'tfg.While' op body\n"
    cells = [
        "import sys\nfrom ocr.backend import keras",
        f"sys.stderr.write({said!r})\nprint('kept', file=sys.stderr)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = "".join(out["text"] for out in notebook.cells[1].outputs if out.get("name") == "stderr")
    assert shown == "kept\n"
