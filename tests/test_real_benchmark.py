"""The benchmark on real images, on small sets that the tests draw; RapidOCR is a stub."""

import json
import shutil
import sys
import zipfile
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

import utils
from benchmarks import nonsense, peers, real, samples
from ocr.datasets.real import Sample
from ocr.drawing import fonts

STUB = {
    "rapidocr/__init__.py": """
from types import SimpleNamespace
class RapidOCR:
    def __init__(self, params):
        print("a line that is no answer")
    def __call__(self, image, use_det, use_cls, use_rec):
        return SimpleNamespace(txts=("1 2٣.", f"{len(image)} kg"), scores=(0.9, 0.75))
""",
    "rapidocr/utils/typings.py": "ModelType = str\nclass OCRVersion:\n    PPOCRV6 = 6",
    "rapidocr/models/PP-OCRv6_rec_small.onnx": "",
    "rapidocr-3.10.0.dist-info/METADATA": "Name: rapidocr\nVersion: 3.10.0\n",
}


def number(text):
    """Print a number in black on white: PNG bytes."""
    picture = Image.new("L", (30 * len(text) + 20, 60), 255)
    font = fonts.sized(fonts.fonts(("open_sans",))[0], 40)
    ImageDraw.Draw(picture).text((10, 0), text, 0, font)
    return samples.png(np.asarray(picture))


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Point OCR_DATA at a folder with two sets: receipts of three pages, and one cheque."""
    (tmp_path / "real").mkdir()
    files = {
        "receipt_numbers": [(f"{k % 3}_{k}.png", f"{k}7.25", f"{k}7.25") for k in range(12)],
        "cheque_amounts": [("a_1.png", "48.36", "4836")],
    }
    for name, rows in files.items():
        with zipfile.ZipFile(tmp_path / "real" / f"{name}.zip", "w") as packed:
            packed.writestr("labels.json", json.dumps({file: label for file, _, label in rows}))
            for file, text, _ in rows:
                packed.writestr(file, number(text))
    monkeypatch.setenv("OCR_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def rapid(tmp_path, monkeypatch):
    """Put a stub of RapidOCR, with the small weights alone, where this Python finds it."""
    for name, text in STUB.items():
        (tmp_path / "stub" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stub" / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stub"))


def test_halves_divide_a_set_by_its_pages(sets):
    whole, *halves = (utils.load_real(half)["receipts"] for half in ("ab", "a", "b"))
    assert sorted(whole) == sorted(halves[0] + halves[1]) and len(whole) == 12
    pages = [{image.name.split("_")[0] for image in half} for half in halves]
    assert not pages[0] & pages[1]


def test_table_of_a_small_set(sets, capsys):
    real.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["set", "reader", "n", "exact,"]
    plain = [line.split() for line in lines[1:] if "script named" not in line]
    receipts, cheques, every = plain[:3]
    assert lines[2].split()[:5] == ["receipts", "numbers,", "script", "named", "12"]
    assert receipts[:3] == ["receipts", "numbers", "12"] and float(receipts[3]) > 90
    assert cheques[:4] == ["cheques", "numbers", "1", "100.0"]  # 48.36 is right for 4836
    assert every[:3] == ["all", "numbers", "13"] and float(every[-1]) > 0


def test_table_in_markdown_with_engines(sets, rapid, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    real.main(["--peers", sys.executable, "--half", "b", "--markdown"])
    out, err = capsys.readouterr()
    lines = [line for line in out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1 and lines[1].startswith(
        "| --- | --- | ---: |"
    )
    assert any("| RapidOCR 3.10.0, PP-OCRv6 small | " in line for line in lines)
    assert "RapidOCR, PP-OCRv6 tiny: PP-OCRv6_rec_tiny.onnx is not in RapidOCR's folder" in err
    assert "left out: Tesseract, which is not on PATH" in err


def test_no_set_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.data_folders", lambda: [tmp_path])
    with pytest.raises(SystemExit, match="set OCR_DATA to the folder that has real/"):
        real.main([])


def test_rapidocr_answers_in_another_process(rapid):
    with peers.RapidOcr(sys.executable, "small") as engine:
        first, second = engine.read([b"12345", b"1"])
        assert (first.text, first.confidence, first.trusted) == ("123.5", 0.75, None)
        assert second.text == "123.1" and first.ms >= 0


@pytest.mark.skipif(find_spec("rapidocr") is not None, reason="RapidOCR is installed")
def test_rapidocr_that_is_missing_is_one_line():
    with pytest.raises(RuntimeError, match=r"RapidOCR, PP-OCRv6 small: No module named .rapidocr"):
        peers.RapidOcr(sys.executable, "small")


@pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
def test_tesseract_reads_numbers_in_order():
    labels = ["4711", "", "20815"]  # nothing is read on blank paper
    answers = list(peers.tesseract(map(number, labels), batch=2))
    assert [answer.text for answer in answers] == labels
    assert answers[0].ms > 0 and answers[0].confidence is None


@pytest.mark.parametrize(
    "trusted, share, right",
    [((None, None, None), "66.7", "50.0"), ((True, False, False), "33.3", "100.0")],
)
def test_row_by_hand(trusted, share, right):
    """1.5 right, 7 with a separator too many, 8 for 9; sure of the first two."""
    texts, sure = ["1.5", "7.", "8"], [0.95, 0.9, 0.25]
    answers = [peers.Answer(*each, ms=2) for each in zip(texts, sure, trusted)]
    images = [Sample("", label, "a", b"") for label in ("1.5", "7", "9")]
    row = real.Measured.of(answers, images, digits_only=False).row()
    assert row == ["3", "33.3", "6.1 to 79.2", "66.7", "40.0", share, right, "0.400", "2.0"]
    row = real.Measured.of(answers, images, digits_only=True).row()
    assert row[1] == row[3] == "66.7"


def test_engine_without_confidence_has_no_trust():
    answers = [peers.Answer("1", None, None, 1.0)]
    row = real.Measured.of(answers, [Sample("", "1", "a", b"")], digits_only=False).row()
    assert row[5:8] == ["-", "-", "-"]


# --- nonsense


@pytest.mark.parametrize("kind", nonsense.KINDS)
def test_nonsense_is_drawn_from_a_seed(kind):
    pictures, again, other = (nonsense.draw(kind, 5, seed) for seed in (0, 0, 1))
    for picture in pictures:
        assert picture.pixels.dtype == np.uint8 and picture.pixels.ndim in (2, 3)
        assert min(picture.pixels.shape[:2]) >= 16
        assert not picture.allowed or kind == "sums, times, units"
    same = [np.array_equal(a.pixels, b.pixels) for a, b in zip(pictures, again)]
    assert all(same) and not np.array_equal(pictures[0].pixels, other[0].pixels)


def test_real_pictures_are_spoilt():
    pixels = np.arange(60, dtype=np.uint8).reshape(5, 12)
    expected = {
        "right third cut off": pixels[:, :8],
        "upside down": pixels[::-1, ::-1],
        "mirrored": pixels[:, ::-1],
        "turned by 90 degrees": np.rot90(pixels),
    }
    assert set(expected) == set(nonsense.SPOILT)
    for kind, changed in expected.items():
        (picture,) = nonsense.spoil(kind, [(samples.png(pixels), "234", False)], 5)
        assert np.array_equal(picture.pixels, changed) and picture.allowed == "234"


def test_numbers_that_may_be_read_upside_down_are_left_out():
    labels = ["609", "108", "12", "123"]
    files = [(number(label), label, False) for label in labels]
    allowed = {
        kind: {p.allowed for p in nonsense.spoil(kind, files, 9)} for kind in nonsense.SPOILT
    }
    assert allowed["right third cut off"] == {"609", "108", "123"}
    assert allowed["upside down"] == {"123"} and allowed["mirrored"] == {"609", "123"}


@pytest.mark.parametrize(
    "kind, contract, expected",
    [("ctc", {}, "- / 50.0"), ("ctc", {"trust": {}}, "25.0 / 50.0"), ("class", {}, "- / 75.0")],
)
def test_wrong_texts_are_counted(kind, contract, expected):
    """Two wrong ones, one that is allowed (not to a reader of characters), one refused."""
    readings = iter([("12", 0.95, True), ("9", 0.9, False), ("5", 0.99, True), ("", 0.0, False)])

    def read(_):
        text, confidence, trusted = next(readings)
        return SimpleNamespace(text=text, confidence=confidence, trusted=trusted)

    pictures = [nonsense.Picture(np.zeros((9, 9), np.uint8), a) for a in ("", "1", "5", "")]
    reader = SimpleNamespace(kind=kind, contract=contract, read=read)
    assert real.wrong(reader, pictures) == expected


def test_table_of_nonsense(sets, capsys):
    real.main(["nonsense", "--count", "2", "--markdown"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    kinds = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    assert kinds == ["kind", "---", *nonsense.KINDS, *nonsense.SPOILT]
    assert lines[0].split(" | ")[2:5] == ["numbers", "char_cnn", "cnn_lstm"]
    assert lines[-1].rstrip(" |").endswith("- | - | -")
