"""The genuine runipy 0.1.5 on this environment; root modules import in a notebook opened from any folder."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest

RUNIPY = Path(sys.executable).with_name("runipy")


def notebook(folder, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "in.ipynb")
    return folder / "in.ipynb"


def runipy(*arguments):
    return subprocess.run(
        [RUNIPY, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


def test_it_is_the_genuine_one():
    assert version("runipy") == "0.1.5"


@pytest.mark.parametrize("attempt", range(3))
def test_it_runs_and_saves_valid_nbformat_4(tmp_path, attempt):
    source = notebook(
        tmp_path,
        "import utils, CTCLayer, decoding\nprint('imported')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import pandas as pd\nfrom IPython.display import display\ndisplay(pd.DataFrame({'a': [1]}))",
        "6 * 7",
    )
    done = runipy(source, tmp_path / "out.ipynb")
    assert done.returncode == 0, done.stderr
    saved = nbformat.read(tmp_path / "out.ipynb", as_version=nbformat.NO_CONVERT)
    assert saved.nbformat == 4
    nbformat.validate(saved)
    printed, plot, table, number = [cell.outputs for cell in saved.cells]
    assert (
        printed[0].text == "imported\n"
        and "image/png" in plot[-1].data
        and "text/html" in table[0].data
    )
    assert number[0].data["text/plain"] == "42" and [
        cell.execution_count for cell in saved.cells
    ] == [1, 2, 3, 4]


def test_a_failing_cell_gives_exit_status_1(tmp_path):
    done = runipy(notebook(tmp_path, "print(1)", "1 / 0", "print('after')"), tmp_path / "out.ipynb")
    assert done.returncode == 1
    first, second, third = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert (
        first.outputs[0].text == "1\n"
        and second.outputs[0].ename == "ZeroDivisionError"
        and not third.outputs
    )


def test_overwrite_and_html(tmp_path):
    source = notebook(tmp_path, "print('kept')")
    assert runipy("-o", source, "--html", tmp_path / "out.html").returncode == 0
    assert (
        nbformat.read(source, as_version=nbformat.NO_CONVERT).cells[0].outputs[0].text == "kept\n"
    )
    assert "kept" in (tmp_path / "out.html").read_text(encoding="utf-8")
