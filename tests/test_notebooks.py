"""What every committed notebook must hold; that it runs is checked by pytest --nbval."""

import nbformat
import pytest

import utils

NOTEBOOKS = [*utils.ROOT.glob("*.ipynb"), *utils.ROOT.glob("notebooks/*.ipynb")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_as_it_ran(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(
        range(1, len(cells) + 1)
    )  # from top to bottom
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == 1
    assert max(len(cell.source.splitlines()) for cell in cells) <= 25
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_imports_its_helpers_without_path_lines(path):
    assert "sys.path" not in path.read_text(encoding="utf-8")
