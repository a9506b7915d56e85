"""`ocr read --output`: every format read back; tables that become labels; Windows' names."""

import csv
import io
import json
import subprocess
import sys
from itertools import islice
from xml.etree import ElementTree

import openpyxl
import pytest
from PIL import Image
from pyarrow import parquet

import utils
from ocr.cli.read import main
from ocr.cli.reads import tables
from ocr.cli.reads.loop import Loaded
from ocr.cli.reads.unsure import safe_name
from ocr.datasets import labels
from ocr.labelling.table import Table
from ocr.reading import files
from tests import barcodes

ENDINGS = ("csv", "jsonl", "parquet", "xlsx", "xml")


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return barcodes.save(tmp_path_factory.mktemp("models") / "bars")


@pytest.fixture
def pictures(tmp_path):
    """Two texts, one with unreadable ink, a number with a zero, nothing to read, no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    texts = {"a": "12", "b": "3□", "c": "007", "d": "□", "=e": "-5", "f": "1/2"}
    for name, text in texts.items():
        Image.fromarray(barcodes.barcode(text)).save(folder / f"{name}.png")
    (folder / "x.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def run(capsys, reader):
    def run(*arguments):
        try:
            status = main(["--model", str(reader), *map(str, arguments)])
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


def read_back(path):
    """Read the table of any format: rows of path, text, confidence, trusted, error and more."""
    kind = path.suffix
    if kind == ".csv":
        text = path.read_bytes().decode("utf-8")
        assert text[0] == "\ufeff" and text.count("\r\n") == text.count("\n")
        rows = list(csv.DictReader(io.StringIO(text[1:])))
        return [{key: files.from_cell(value) or None for key, value in row.items()} for row in rows]
    if kind == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if kind == ".parquet":
        return parquet.read_table(path).to_pylist()
    if kind == ".xml":
        return [{**each.attrib, "text": each.text} for each in ElementTree.parse(path).getroot()]
    first, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(first, row)) for row in rows]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_is_read_back(run, pictures, ending):
    out = pictures.parent / f"reads.{ending}"
    status, output, errors = run(pictures, "--output", out, "--top", 2)
    assert (status, output) == (1, "")
    assert errors.splitlines()[0].startswith(
        "7 pictures: 4 trusted, 1 to check, 2 not readable; "
    ) and errors.splitlines()[0].endswith(f"; in {out}")
    rows = read_back(out)
    assert [row["path"] for row in rows] == [f"pictures/{n}.png" for n in ("=e", *"abcdfx")]
    assert [row.get("text") or "" for row in rows] == ["-5", "12", "3", "007", "", "1/2", ""]
    trusted = [str(row.get("trusted") or "").lower() for row in rows]
    assert [each == "true" for each in trusted] == [True, True, False, True, False, True, False]
    assert 0.9 < float(rows[1]["confidence"]) <= 1 and not rows[6].get("confidence")
    assert [bool(row.get("error")) for row in rows] == [False] * 4 + [True, False, True]
    assert rows[4]["error"] == "nothing that I can read"
    other = rows[1]["alternatives"][1]["text"] if ending == "jsonl" else rows[1]["text_2"]
    assert other and other != "12"
    assert [each.name for each in out.parent.iterdir() if each.name.startswith(".")] == []


def test_a_workbook_has_texts_pictures_and_colours(run, pictures, monkeypatch):
    monkeypatch.setattr(tables, "PICTURES", 5)
    out = pictures.parent / "reads.xlsx"
    run(pictures, "--output", out)
    sheet = openpyxl.load_workbook(out).active
    zero = sheet["C5"]
    assert (zero.value, zero.data_type, zero.number_format) == ("007", "s", "@")
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("pictures/=e.png", "s")
    shown = sheet._images
    assert [image.anchor._from.row for image in shown] == [1, 2, 3, 4, 5]
    assert all(image.width <= tables.SIZE[0] and image.height <= tables.SIZE[1] for image in shown)
    yellow = [sheet[f"C{row}"].fill.start_color.rgb == tables.DOUBTFUL for row in range(2, 9)]
    assert yellow == [False, False, True, False, True, False, True]


def test_readings_become_labels(run, pictures):
    """Written beside the pictures, or elsewhere and then put there; formulas are as they were."""
    wanted = {"a": "12", "b": "3", "c": "007", "=e": "-5", "f": "1/2"}
    table = pictures / "labels.csv"
    run(pictures, "--output", table)
    rows, columns = labels.parse_table(table.read_bytes(), "labels.csv")
    assert rows == {f"{n}.png": wanted.get(n, "") for n in ("=e", *"abcdfx")}
    assert columns[:2] == ["path", "text"]
    assert Table(pictures).parse(table.read_bytes()) == (rows, True)  # as `ocr label` takes it
    found, missing = labels.read_labels(labels.list_files(pictures))
    assert {name.rpartition("/")[2].removesuffix(".png"): text for name, text in found.items()} == (
        wanted
    )
    assert missing == []
    _, output, _ = run(pictures, "--format", "csv")
    assert f"{pictures}/=e.png" in output
    table.write_text(output, encoding="utf-8")
    assert labels.read_labels(labels.list_files(pictures)) == (found, [])


def test_formulas_of_names_and_texts_are_neutralised(run, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    run("=e.png", "--output", "reads.csv")
    line = (pictures / "reads.csv").read_text(encoding="utf-8").splitlines()[1]
    assert line.startswith("'=e.png,-5,")


def test_sorted_by_confidence_the_least_sure_is_first(run, pictures):
    for number, pixel in enumerate((40, 90, 20)):
        faint = barcodes.barcode("4")
        faint[faint > 0] = pixel
        Image.fromarray(faint).save(pictures / f"faint{number}.png")
    status, output, _ = run(pictures, "--sort", "confidence", "--format", "json")
    rows = [json.loads(line) for line in output.splitlines()]
    sure = [row.get("confidence", -1) for row in rows]
    assert status == 1 and sure == sorted(sure) and len(rows) == 10
    assert [row["path"][-5:] for row in rows[:2]] == ["x.png", "d.png"]
    faint = [row["path"][-5:] for row in rows if "faint" in row["path"]]
    assert faint == ["2.png", "0.png", "1.png"]


def test_top_gives_alternatives_in_every_format(run, pictures):
    text = run(pictures / "a.png", "--top", 3)[1].split("\t")
    assert text[1] == "12" and len(text) == 8 and 0 <= float(text[5]) <= float(text[3 - 1])
    row = json.loads(run(pictures / "a.png", "--top", 3, "--format", "json")[1])
    assert [each["text"] for each in row["alternatives"]] == [text[1], text[4], text[6]]
    table = list(csv.reader(io.StringIO(run(pictures, "--top", 3, "--format", "csv")[1])))
    assert table[0][5:] == ["text_2", "confidence_2", "text_3", "confidence_3"]
    assert {len(row) for row in table} == {9}


def test_min_confidence_says_what_is_trusted(run, pictures):
    def trusted(*options):
        return [line.split("\t")[3] for line in run(pictures, *options)[1].splitlines()]

    assert trusted() == ["trusted", "trusted", "check", "trusted", "trusted"]
    assert trusted("--min-confidence", 0) == trusted()  # unreadable ink is never trusted
    assert trusted("--min-confidence", 1) == ["check"] * 5


def test_min_confidence_serves_a_reader_without_a_threshold(tmp_path, pictures, capsys):
    reader = barcodes.save(tmp_path / "unsure", trust=None)
    assert main(["--model", str(reader), str(pictures)]) == 1
    output, errors = capsys.readouterr()
    assert "\ttrusted" not in output and "no confidence from which it may be trusted" in errors
    assert main(["--model", str(reader), "--min-confidence", "0.9", str(pictures)]) == 1
    output, errors = capsys.readouterr()
    assert output.count("\ttrusted\n") == 4 and "may be trusted" not in errors


def test_pictures_that_are_not_trusted_are_copied(run, pictures, tmp_path):
    (pictures / "sub").mkdir()
    Image.fromarray(barcodes.barcode("9□")).save(pictures / "sub" / "b.png")
    folder = tmp_path / "look"
    for _ in range(2):  # again: nothing is doubled
        _, _, errors = run(pictures, "--copy-unsure", folder)
        assert sorted(each.name for each in folder.iterdir()) == ["b (2).png", "b.png", "d.png"]
        assert f"3 pictures to check in {folder}" in errors and "ocr label" in errors
    assert (folder / "b.png").read_bytes() == (pictures / "b.png").read_bytes()
    assert (folder / "b (2).png").read_bytes() == (pictures / "sub" / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.png", "b.png"),
        ("z.zip/CON.png", "_CON.png"),
        ("z.zip/a:b?.png", "a_b_.png"),
        ("C:\\x\\lpt1", "C__x_lpt1"),
        ("x/-rf.png", "rf.png"),
        ("x/end. ", "end"),
        ("scan.pdf#3", "scan.pdf#3"),
        ("x/\udcff.png", "_.png"),
        ("\u0663.png", "\u0663.png"),
    ],
)
def test_copies_have_names_that_every_system_takes(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--output", "reads.doc"), "give a name that ends in .csv, .jsonl"),
        (("--output", "reads.csv", "--format", "json"), "leave out --format"),
        (("--output", "folder.csv"), "is a folder"),
        (("--cluster", "local"), "--cluster needs --output FOLDER"),
        (("--cluster", "local", "--out", "x", "--top", "2"), "leave out --top"),
        (("--cluster", "local", "--out", "x", "--copy-unsure", "y"), "leave out --copy-unsure"),
        (("--min-confidence", "1.5"), "'1.5': give a number, 0 to 1"),
        (("--top", "0"), "'0': give a number, 1 to 100"),
        (("--processes", "none"), "'none': give a number, 1 or more"),
        (("--sort", "name"), "invalid choice: 'name'"),
    ],
)
def test_wrong_usage_is_one_line(run, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    status, output, errors = run("a.png", *given)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert message in errors


def test_a_file_that_cannot_be_written_is_one_line(run, pictures, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "reads.csv", tmp_path / "file" / "reads.xlsx"):
        status, _, errors = run(pictures, "--output", out)
        assert status == 2 and errors.count("\n") == 1 and "cannot be written" in errors
    status, _, errors = run(pictures, "--copy-unsure", tmp_path / "file" / "folder")
    assert status == 2 and errors.count("\n") == 1 and "cannot be written" in errors


def test_a_file_that_another_program_keeps_is_told_before_the_reading(run, pictures, monkeypatch):
    """As Excel does on Windows."""

    def keep(path, *rest, **more):
        raise PermissionError(13, "Permission denied", str(path))

    (pictures / "reads.csv").write_text("before")
    monkeypatch.setattr(tables, "open", keep, raising=False)
    status, output, errors = run(pictures, "--output", pictures / "reads.csv")
    assert (status, output, errors.count("\n")) == (2, "", 1) and "close it where" in errors


@pytest.mark.parametrize("options", [(), ("--sort", "confidence")])
def test_an_interrupted_file_has_what_was_read(run, pictures, monkeypatch, options):
    def rows(*arguments, read=Loaded.rows):
        yield from islice(read(*arguments), 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(Loaded, "rows", rows)
    out = pictures.parent / "reads.csv"
    status, _, errors = run(pictures, "--output", out, *options)
    assert status == 130 and len(read_back(out)) == 3
    assert errors.splitlines()[-1] == "main.py: stopped" and errors.startswith("3 pictures: ")


@pytest.mark.parametrize(
    ("hidden", "ending", "extra"), [("openpyxl", "xlsx", "desk"), ("pyarrow", "parquet", "scale")]
)
def test_a_missing_extra_is_named(run, pictures, monkeypatch, hidden, ending, extra):
    monkeypatch.setattr(tables, "find_spec", lambda name: None if name == hidden else True)
    status, _, errors = run(pictures, "--output", pictures / f"reads.{ending}")
    assert status == 2 and errors.count("\n") == 1
    assert f'pip install "ocr-readers[{extra}]"' in errors


def test_reading_needs_the_base_install_alone(reader, pictures):
    """As in the environment that only serves: what other extras install is hidden."""
    extras = ("cv2", "flask", "keras", "matplotlib", "openpyxl", "pandas", "pyarrow", "pypdfium2")
    program = f"import sys\nfor name in {extras!r}: sys.modules[name] = None\n"
    program += "from ocr.cli import main\nsys.exit(main(sys.argv[1:]))"
    arguments = ["read", "--model", reader, pictures, "--output", pictures / "reads.csv"]
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, cwd=utils.ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "7 pictures: 4 trusted" in done.stderr
