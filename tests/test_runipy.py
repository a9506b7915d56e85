"""The genuine runipy 0.1.5 on today's Jupyter, in a folder that is not the project's."""

import configparser
import importlib
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path

import nbformat
import pytest

RUNIPY = Path(sys.executable).with_name("runipy")


def notebook(folder, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "in.ipynb")
    return folder / "in.ipynb"


def runipy(*arguments):
    command = [RUNIPY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_runipy_is_the_genuine_release():
    assert version("runipy") == "0.1.5"
    assert {file.name for file in files("ocr-readers")} >= {"ocr_runipy.py", "ocr_runipy.pth"}


def test_python_starts_silently_and_without_jupyter(tmp_path):
    code = "import sys; assert not {'ocr', 'nbformat', 'configparser'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_old_versioneer_finds_its_configparser():
    """The setup.py of runipy calls names that Python 3.12 has removed."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("versioneer")
    parser = configparser.SafeConfigParser()
    parser.readfp(["[a]", "b = c"])
    assert parser.get("a", "b") == "c"


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_runs_and_saves_valid_nbformat_4(tmp_path, attempt):
    source = notebook(
        tmp_path,
        "import utils, CTCLayer, ocr\nprint('imported')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import pandas as pd\nfrom IPython.display import display\n"
        "display(pd.DataFrame({'a': [1]}))",
        "6 * 7",
    )
    done = runipy(source, tmp_path / "out.ipynb")
    assert done.returncode == 0, done.stderr
    saved = nbformat.read(tmp_path / "out.ipynb", as_version=nbformat.NO_CONVERT)
    assert saved.nbformat == 4
    nbformat.validate(saved)
    printed, plot, table, number = [cell.outputs for cell in saved.cells]
    assert printed[0].text == "imported\n"
    assert "image/png" in plot[-1].data
    assert "text/html" in table[0].data
    assert number[0].data["text/plain"] == "42"
    assert [cell.execution_count for cell in saved.cells] == [1, 2, 3, 4]


@pytest.mark.slow
def test_failing_cell_gives_exit_status_1(tmp_path):
    done = runipy(notebook(tmp_path, "print(1)", "1 / 0", "print('after')"), tmp_path / "out.ipynb")
    assert done.returncode == 1
    first, second, third = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert first.outputs[0].text == "1\n"
    assert second.outputs[0].ename == "ZeroDivisionError"
    assert not third.outputs


@pytest.mark.slow
def test_overwrites_and_writes_html(tmp_path):
    source = notebook(tmp_path, "print('kept')")
    assert runipy("-o", source, "--html", tmp_path / "out.html").returncode == 0
    saved = nbformat.read(source, as_version=nbformat.NO_CONVERT)
    assert saved.cells[0].outputs[0].text == "kept\n"
    assert "kept" in (tmp_path / "out.html").read_text(encoding="utf-8")
