"""No cell of a CSV is a formula, and every cell comes back."""

import csv
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr.cli import read
from ocr.reading.files import FORMULA, NUMBER, no_formula

FORMULAS = ("=HYPERLINK(1)", "+cmd", "-2+3", "@SUM(1)", "\t=1", "\r=1", "=1", "'=1", "-1/2")
NUMBERS = ("-5", "+1", "-1,234.50", "12/03/2024", "٣", "-٣", "a=b", "")


def back(cell):
    """Undo `no_formula`, as its documentation says."""
    return cell.removeprefix("'")


def test_formulas_are_marked_and_numbers_are_not():
    assert [no_formula(cell) for cell in FORMULAS] == [f"'{cell}" for cell in FORMULAS]
    assert [no_formula(cell) for cell in NUMBERS] == list(NUMBERS)


@given(st.one_of(st.text(), st.sampled_from(FORMULA).flatmap(lambda c: st.text().map(c.__add__))))
def test_every_cell_comes_back(cell):
    shown = no_formula(cell)
    assert back(shown) == cell
    assert not shown.startswith(FORMULA[:-1]) or NUMBER.fullmatch(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="no such file names")
def test_file_names_are_no_formulas_in_the_table(tmp_path, monkeypatch, capsys):
    name = '=HYPERLINK("evil.example";"click").png'
    Image.new("L", (60, 20), 200).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    read.main(["--format", "csv", name])
    header, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header[0] == "path" and row[0] == f"'{name}" and back(row[0]) == name
