"""What `make ocr` runs: a notebook is executed, kept with its pictures, and said where."""

import nbformat
import pytest

from notebooks import run

new = nbformat.v4


def test_what_a_cell_has_said_is_shown_and_pictures_are_named():
    about = {"image/png": {"alt": "a line"}}
    outputs = [
        new.new_output("stream", name="stdout", text="hello\n"),
        new.new_output("display_data", data={"image/png": "AA=="}, metadata=about),
        new.new_output("execute_result", data={"text/plain": "42"}),
    ]
    assert run.said(new.new_code_cell(outputs=outputs)) == "hello\n[picture: a line]\n42\n"
    assert run.said(new.new_code_cell()) == ""


def test_the_end_names_the_page_the_notebook_and_the_reader():
    text = run.farewell("ocr", [run.ROOT / "models" / "quick" / "captcha"])
    for part in ("figures/ocr.html", "figures/ocr.ipynb", "models/quick/captcha/"):
        assert part in text
    assert "read --model quick/captcha PATH..." in text
    assert "reader" not in run.farewell("ocr", [])


@pytest.mark.slow
def test_a_notebook_is_kept_also_where_a_cell_fails(tmp_path, capsys):
    cells = [
        new.new_markdown_cell("# Title\n[course](README.md), [paper](https://arxiv.org)"),
        new.new_code_cell("print('hello')"),
        new.new_code_cell("1 / 0"),
    ]
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new.new_notebook(cells=cells), path)
    assert not run.run(path, tmp_path / "figures")
    said = capsys.readouterr()
    assert said.out == "\n# Title\nhello\n" and "ZeroDivisionError" in said.err
    kept = nbformat.read(tmp_path / "figures" / "lesson.ipynb", as_version=4)
    assert "(../README.md), [paper](https" in kept.cells[0].source
    assert kept.cells[1].outputs[0].text == "hello\n"
    assert "hello" in (tmp_path / "figures" / "lesson.html").read_text(encoding="utf-8")
