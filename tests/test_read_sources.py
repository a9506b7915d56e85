"""Where `ocr read` finds pictures, what it passes over, and what it says at the end."""

import io
import re
import sys
import zipfile
from types import SimpleNamespace

import pypdfium2
import pytest
from PIL import Image

from ocr.cli.read import main
from ocr.cli.readers import draw
from ocr.cli.reads import sources, summary
from ocr.reading import pool
from tests import barcodes


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return barcodes.save(tmp_path_factory.mktemp("models") / "bars")


@pytest.fixture
def run(capsys, reader):
    def run(*arguments, model=reader):
        try:
            status = main(["--model", str(model), *map(str, arguments)])
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def stdin(monkeypatch):
    """Return a function that sets what comes through standard input."""

    def given(data):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    return given


def png(text):
    out = io.BytesIO()
    Image.fromarray(barcodes.barcode(text)).save(out, "png")
    return out.getvalue()


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name, text in {"in/1.png": "1", "in/2.png": "2", "in/sub/3.png": "3"}.items():
        (tmp_path / name).write_bytes(png(text))
    return tmp_path / "in"


def texts(output):
    return [line.split("\t")[1] for line in output.splitlines()]


def test_a_picture_comes_through_standard_input(run, stdin):
    stdin(png("42"))
    status, output, errors = run("-")
    assert (status, errors) == (0, "") and output.startswith("-\t42\t")
    stdin(b"")
    assert run("-")[::2] == (1, "main.py: -: empty file (0 bytes)\n")


@pytest.mark.parametrize(
    "data",
    [
        b"in/1.png\nin/sub\n\n",
        "\ufeffin/1.png\r\nin/sub\r\n".encode(),
        "in/1.png\r\nin/sub".encode("utf-16"),  # PowerShell
        b"in/1.png\0in/sub\0",  # find -print0
    ],
)
def test_paths_come_from_a_file_or_standard_input(run, stdin, pictures, data):
    (pictures.parent / "list.txt").write_bytes(data)
    assert texts(run("--files-from", "list.txt")[1]) == ["1", "3"]
    stdin(data)
    assert texts(run("in/2.png", "--files-from", "-")[1]) == ["2", "1", "3"]


def test_wrong_lists_are_one_line(run, stdin, pictures, monkeypatch):
    stdin(b"")
    for given, message in (
        (("--files-from", "gone.txt"), "cannot be read (No such file"),
        (("--files-from", "-"), "give PATH"),
        (("-", "--files-from", "-"), "standard input can only be one of them"),
        ((), "give PATH"),
    ):
        status, output, errors = run(*given)
        assert (status, output, errors.count("\n")) == (2, "", 1) and message in errors
    monkeypatch.setattr(sources, "MAX_BYTES", 5)
    stdin(b"in/1.png")
    assert "a list of more than" in run("--files-from", "-")[2]


def test_quoted_patterns_are_expanded(run, pictures):
    """As Windows' shell hands them over."""
    assert texts(run("in/*.png")[1]) == ["1", "2"]
    assert texts(run("in/**/*.png")[1]) == ["1", "2", "3"]
    assert texts(run("in/?.png", "in/s*")[1]) == ["1", "2", "3"]
    (pictures / "[1].png").write_bytes(png("9"))
    assert texts(run("in/[1].png")[1]) == ["9"]  # a file's own name first
    status, _, errors = run("in/*.gif")
    assert status == 1 and "in/*.gif: no such file" in errors


def test_what_is_passed_over_is_counted(run, pictures):
    with zipfile.ZipFile(pictures / "more.zip", "w") as archive:
        archive.writestr("4.png", png("4"))
        archive.writestr("inner.zip", b"PK")
        archive.writestr("scan.pdf", b"%PDF")
        archive.writestr("a.txt", b"")
    for name in ("notes.txt", "IMG_1.HEIC", "README", ".hidden.txt"):
        (pictures / name).write_bytes(b"x")
    status, output, errors = run("in")
    assert status == 0 and texts(output) == ["1", "2", "4", "3"]
    counted = "4 pictures: 4 trusted, 0 to check; 6 files passed over ("
    assert errors.startswith(counted) and errors.count("\n") == 1
    kinds = re.search(r"over \((.*)\); \d\.\d s", errors)[1].split(", ")
    assert sorted(kinds) == ["1 heic", "1 pdf", "1 without extension", "1 zip", "2 txt"]


def test_a_bad_zip_in_a_folder_is_told_and_an_empty_one_passed(run, pictures):
    (pictures / "bad.zip").write_bytes(b"PK")
    with zipfile.ZipFile(pictures / "empty.zip", "w") as archive:
        archive.writestr("a.txt", b"")
    status, output, errors = run("in")
    assert status == 1 and texts(output) == ["1", "2", "3"]
    assert "in/bad.zip: not a zip file" in errors and "(1 txt)" in errors
    assert "4 pictures: 3 trusted, 0 to check, 1 not readable; 1 file passed over" in errors


@pytest.fixture
def scan(pictures):
    """A PDF of two pages, each with a barcode."""
    document = pypdfium2.PdfDocument.new()
    pages = [Image.fromarray(barcodes.barcode(text)) for text in ("7", "8")]
    document.close()
    pages[0].save(pictures / "scan.pdf", save_all=True, append_images=pages[1:], resolution=72)
    return pictures / "scan.pdf"


def test_the_pages_of_a_pdf_are_read(run, scan, tmp_path):
    status, output, errors = run("in/scan.pdf", "--format", "json")
    assert output.count('"path": "in/scan.pdf#') == 2 and '"path": "in/scan.pdf#2"' in output
    assert errors.startswith("2 pictures: ") and "passed over" not in errors
    run("in", "--copy-unsure", "look", "--min-confidence", "1")
    copied = {file.name for file in (tmp_path / "look").iterdir()}
    assert copied == {"1.png", "2.png", "3.png", "scan.pdf#1.png", "scan.pdf#2.png"}
    with Image.open(tmp_path / "look" / "scan.pdf#2.png") as page:
        assert page.size == pytest.approx(
            (256 * 200 / 72, len(barcodes.ALPHABET) * 200 / 72), abs=1
        )


def test_a_pdf_and_a_heic_without_what_reads_them(run, scan, monkeypatch):
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    status, output, errors = run("in")
    assert status == 0 and texts(output) == ["1", "2", "3"] and "(1 pdf)" in errors
    status, _, errors = run("in/scan.pdf")
    assert status == 1 and 'pip install "ocr-readers[desk]"' in errors
    (scan.parent / "a.HEIC").write_bytes(b"x")
    assert "save it as JPEG" in run("in/a.HEIC")[2]


def test_several_processes_give_what_one_gives(run, pictures, monkeypatch):
    given = ["in", *["in/1.png"] * 40, "gone", "--format", "csv"]
    one = run(*given, "--processes", 1)
    monkeypatch.setattr(pool, "WORTH", 10)
    started = []
    monkeypatch.setattr(
        pool,
        "read_in_processes",
        lambda *rest, read=pool.read_in_processes: started.append(rest[2]) or read(*rest),
    )
    many = run(*given, "--processes", 2)
    assert started == [2]
    assert many[:2] == one[:2] and many[2].split(";")[0] == one[2].split(";")[0]
    assert one[2].startswith("44 pictures: 43 trusted, 0 to check, 1 not readable")


def test_the_last_line_is_for_several_pictures(run, pictures):
    assert run("in/1.png")[2] == ""
    assert run("in/1.png", "in/2.png")[2].startswith("2 pictures: 2 trusted, 0 to check; ")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (11.4, "11 s"), (200, "3 min 20 s")]
)
def test_durations(seconds, shown):
    assert summary.duration(seconds) == shown


def test_when_most_are_doubtful_the_reason_is_looked_for(run, tmp_path):
    folder = tmp_path / "foreign"
    folder.mkdir()
    for number in range(5):
        Image.fromarray(barcodes.barcode("3□")).resize((180, 60)).save(folder / f"{number}.png")
    errors = run(folder)[2].splitlines()
    height = len(barcodes.ALPHABET)
    assert errors[-1].startswith("most are doubtful: ") and errors[-1].count("ocr") >= 2
    assert f"(barcodes; 256 x {height} pixels, and these are 180 x 60)" in errors[-1]
    Image.fromarray(barcodes.barcode("3")).save(folder / "a.png")
    assert "most are doubtful" not in run(folder / "a.png", folder / "0.png")[2]  # too few to say


def test_one_picture_that_the_default_reader_does_not_know_is_for_others(run, tmp_path):
    draw("37").save(tmp_path / "37.png")
    assert run(tmp_path / "37.png", model="captcha")[2] == f"{summary.OTHER_READERS}\n"
    assert run(tmp_path / "37.png", model="numbers")[2] == ""


def test_the_lines_of_a_picture_are_read_one_by_one(tmp_path, run):
    one = draw("12.50")
    sheet = Image.new("L", (one.width, 3 * one.height), 255)
    sheet.paste(one, (0, 0))
    sheet.paste(draw("37"), (0, 2 * one.height))
    sheet.save(tmp_path / "sheet.png")
    one.save(tmp_path / "one.png")
    (tmp_path / "broken.png").write_text("no image")
    listed = sources.Sources([str(tmp_path)], split=True)
    names = [found.name.rpartition("/")[2] for found in listed]
    assert names == ["broken.png", "one.png", "sheet.png#1", "sheet.png#2"] and listed.count() == 3
    status, out, err = run(tmp_path, "--split", model="numbers")
    assert status == 1 and "broken.png: not an image" in err
    texts = [line.split("\t")[1] for line in out.splitlines()]
    assert texts == ["12.50", "12.50", "37"]
    for model in ("numbers", "any"):
        assert run(tmp_path / "sheet.png", model=model)[2].endswith(f"{summary.LINES}\n")
    assert summary.LINES not in run(tmp_path / "one.png", model="numbers")[2]
    assert run(tmp_path, "--split", "--cluster", "local", "--output", "x")[0] == 2
