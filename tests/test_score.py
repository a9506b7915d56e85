"""`ocr score` and `ocr readers`: figures that can be checked by hand, pictures of the worst."""

import shutil

import pytest
from PIL import Image

from ocr import paths
from ocr.cli import main, readers
from ocr.cli.scoring.confusions import aligned, confusions
from ocr.reading.reader import Reader
from tests import barcodes


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return barcodes.save(tmp_path_factory.mktemp("models") / "bars")


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def labelled(tmp_path):
    """Six barcodes: two wrong, one of them doubtful, one in Arabic digits, one not readable."""
    folder = tmp_path / "labelled"
    folder.mkdir()
    rows = ["file,label"]
    shown = {"a": ("12", "12"), "b": ("13", "18"), "c": ("4□", "45"), "d": ("٧", "٧")}
    for name, (text, label) in (shown | {"e": ("6", "€6"), "x": ("", "99")}).items():
        Image.fromarray(barcodes.barcode(text)).save(folder / f"{name}.png")
        rows.append(f"{name}.png,{label}")
    (folder / "x.png").write_bytes(b"no picture")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_a_reader_is_scored(run, reader, labelled, tmp_path):
    out = tmp_path / "worst.png"
    status, output, errors = run("score", reader, labelled, "--picture", out)
    lines = output.splitlines()
    assert status == 1 and "Traceback" not in errors
    assert lines[0] == f"{reader}: 6 labelled images"
    assert lines[1].startswith("right            33.33% (2 of 6; 95 % interval ")
    assert lines[2].startswith("character errors 45.45% of")  # 5 edits in 11 characters
    assert lines[3].startswith("trusted          66.67% (4 of 6; ")
    assert lines[4].startswith("  right of these 50.00% (2 of 4; ")
    assert lines[5].startswith("not readable     1, ")
    assert lines[6].startswith("1 label with symbols that") and lines[6].endswith("read: €")
    assert lines[7] == (
        "confused         9 as (nothing) (2), 5 as (nothing) (1), 8 as 3 (1), € as (nothing) (1)"
    )
    worst = [line.split("\t") for line in lines[9:12]]
    assert [each[:2] for each in worst] == [["  18", "13"], ["  €6", "6"], ["  45", "4"]]
    sure = [float(each[2]) for each in worst]
    assert sure == sorted(sure, reverse=True) and worst[0][3].endswith("b.png")
    assert lines[12] == f"picture: {out}"
    with Image.open(out) as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**16)}
    assert picture.size == (768, 360) and (255, 255, 255) in colours and len(colours) > 20


def test_what_ocr_read_writes_scores_itself(run, reader, labelled, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    for name in ("c", "x"):
        (labelled / f"{name}.png").unlink()
    run("read", "--model", reader, labelled, "--output", labelled / "labels.csv")
    status, output, _ = run("score", reader, labelled)
    assert status == 0 and "right            100.00% (4 of 4" in output
    assert "worst" not in output and not (tmp_path / "figures").exists()
    assert "not yet corrected" not in output  # most are trusted


def test_a_reader_right_in_all_that_it_doubts_may_score_itself(run, reader, tmp_path):
    Image.fromarray(barcodes.barcode("3□")).save(tmp_path / "3.png")
    _, output, _ = run("score", reader, tmp_path)
    assert "right            100.00% (1 of 1" in output
    assert "all right, and few trusted: are these its own readings, not yet corrected?" in output


def test_a_class_reader_takes_folders_of_characters(run, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    for name in ("0", "1"):
        (tmp_path / "set" / name).mkdir(parents=True)
        readers.draw(name).save(tmp_path / "set" / name / "x.png")
    status, output, _ = run("score", "char_cnn", tmp_path / "set", "--pattern", "d")
    assert status == 0 and output.startswith("char_cnn: 2 labelled images\n")
    status, _, errors = run("score", "char_cnn", tmp_path / "set", "--labels", "hex")
    assert status == 2 and errors.count("\n") == 1 and "not a class by hex" in errors


def test_characters_of_both_cases_are_one(reader):
    from ocr.cli.score import wanted

    read = Reader.load("char_cnn")
    assert [wanted(c, read) for c in "cCaA"] == ["C", "C", "a", "A"]
    assert wanted("۱٢,5", Reader.load(reader)) == "12,5"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "labelled"), "no reader in nothing"),
        (("captcha", "gone"), "gone: no such file or folder"),
        (("captcha", "empty"), "empty: 0 files, no image with a label"),
        (("captcha", "labelled", "--pattern", "?"), "has no '?'"),
    ],
)
def test_wrong_usage_is_one_line(run, labelled, monkeypatch, arguments, message):
    monkeypatch.chdir(labelled.parent)
    (labelled.parent / "empty").mkdir()
    status, output, errors = run("score", *arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1) and message in errors


def test_symbols_are_aligned_by_the_fewest_edits():
    assert aligned("abc", "abc") == [("a", "a"), ("b", "b"), ("c", "c")]
    assert aligned("abc", "ac") == [("a", "a"), ("b", ""), ("c", "c")]
    assert aligned("ac", "xabc") == [("", "x"), ("a", "a"), ("", "b"), ("c", "c")]
    assert aligned("", "") == []
    assert confusions(["10", "10", "x"], ["0", "70", "x"]) == [(("1", ""), 1), (("1", "7"), 1)]
    assert confusions(["aa", "b"], ["bb", "b"]) == [(("a", "b"), 2)]


def test_readers_are_listed(run):
    status, output, _ = run("readers", "captcha", "numbers")
    first, second = output.split("\n\n")
    assert status == 0 and first.startswith("captcha: 5 characters of 2345678bcdefgmnpwxy, such as")
    assert "0.5 MB, " in first and "CPU-ms a picture, trained on 728 images: " in first
    assert "99.0% right (96.6% to 99.7%; n = 208)" in first and "trusted from confidence" in first
    assert second.startswith(
        "numbers: a number (Western, Arabic, Persian digits), such as 1,250.75"
    )


def test_readers_are_found_by_name_and_the_bad_ones_told(run, reader, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "MODELS", tmp_path)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    status, output, errors = run("readers")
    assert (status, output) == (2, "") and "train one" in errors
    shutil.copytree(reader, tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "reader.json").write_text("{")
    status, output, errors = run("readers")
    assert status == 1 and output.startswith("mine: a number (") and "broken/reader.json" in errors
    shutil.rmtree(tmp_path / "broken")
    assert run("readers")[0] == 0


def test_a_reader_without_trust_says_so(tmp_path):
    lines = readers.describe(str(barcodes.save(tmp_path / "bars", trust=None)))
    assert lines[-1].strip().startswith("never trusted")
