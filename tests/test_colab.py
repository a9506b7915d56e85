"""The notebooks' cell for Google Colab, and what it installs there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from install import colab
from notebooks import export
from ocr.paths import ROOT

STUB = 'from pathlib import Path\nPath("ran.txt").write_text("installed")\n'
HERE = """import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
input = lambda asked: {address!r}
"""


def test_what_is_missing_is_what_the_lessons_need_and_colab_has_not():
    needed = {colab.plain(line) for line in colab.needed()}
    assert {"numpy", "onnxruntime", "captcha", "tensorflow", "flask", "dask", "psutil"} <= needed
    assert not {"ocr-readers", "jupyterlab", "runipy", "pytest"} & needed
    assert needed <= set(colab.pinned())
    everything = dict.fromkeys(needed, "1.0")
    assert colab.missing(everything) == {}
    del everything["onnx"]
    assert [*colab.missing(everything)] == ["onnx"]


def test_what_is_there_keeps_its_version(monkeypatch):
    calls = []

    def pip(*arguments):
        if arguments[0] == "-c":
            calls.append((Path(arguments[1]).read_text().splitlines(), arguments[2:]))
            return len(calls) == 2  # the pins do not agree with what is there
        assert arguments == ("--no-deps", "-e", str(ROOT))
        return True

    monkeypatch.setattr(colab, "pip", pip)
    monkeypatch.setattr(colab, "missing", lambda installed: {"onnx": "onnx>=1.17"})
    assert colab.install() == ["onnx"]
    (first, pins), (second, ranges) = calls
    assert first == second and any(line.startswith("numpy==") for line in first)
    assert pins == (colab.pinned()["onnx"],) and ranges == ("onnx>=1.17",)


def test_colabs_versions_are_of_packages_that_the_course_uses():
    lines = (ROOT / "install" / "colab.txt").read_text(encoding="utf-8").splitlines()
    names = {colab.plain(line) for line in lines if line[:1].isalpha()}
    assert names <= set(colab.pinned())
    assert not {"onnx", "onnxruntime", "tf2onnx", "captcha"} & names


@pytest.mark.parametrize("path", export.notebooks(), ids=lambda path: path.name)
def test_each_notebook_begins_with_the_cell(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert first == export.colab_cell(), "run `make export`"


def test_the_cell_is_added_once_and_the_others_are_counted_on(tmp_path):
    output = {"output_type": "execute_result", "execution_count": 1, "data": {}, "metadata": {}}
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "outputs": [output], "source": []}
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "id": "t"}, cell]}))
    assert export.add_colab_cell(path) and not export.add_colab_cell(path)
    _, added, old = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert added == export.colab_cell()
    assert (old["execution_count"], old["outputs"][0]["execution_count"]) == (2, 2)


def test_the_address_is_the_one_that_the_project_gives(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\n[project.urls]\nRepository = "https://example.org/a"\n'
    )
    monkeypatch.setattr(export, "ROOT", tmp_path)
    assert '    address = "https://example.org/a"\n' in export.colab_cell()["source"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git") or sys.platform == "win32", reason="no git, or paths")
def test_the_cell_fetches_the_project_on_colab_and_does_nothing_elsewhere(tmp_path):
    project = tmp_path / "project"
    (project / "install").mkdir(parents=True)
    (project / "install" / "colab.py").write_text(STUB)
    git = ["git", "-C", project, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "A project"]):
        subprocess.run([*git, *command], check=True)
    source = "".join(export.colab_cell()["source"]).replace("/content/", f"{tmp_path}/content/")
    (tmp_path / "content").mkdir()
    for begin, ran in (("", False), (HERE.format(address=project.as_uri()), True)):
        script = tmp_path / "cell.ipy"
        script.write_text(f"{begin}\n{source}\n")
        ipython = [sys.executable, "-m", "IPython", "--no-banner", "--quick", script]
        done = subprocess.run(ipython, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / "content" / "ocr-readers" / "ran.txt").exists() == ran, done.stdout
