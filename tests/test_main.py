"""Run main.py as a person does: formats, exit statuses, bad images among good ones."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from xml.etree import ElementTree

import pytest
from PIL import Image

import utils
from ocr.cli.read import main
from tests import barcodes

MAIN = [sys.executable, str(utils.ROOT / "main.py")]


@pytest.fixture
def run(capsys):
    """Run main.py's function in this process: (exit status, output, errors)."""

    def run(*arguments):
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def read_json(run):
    def read_json(*arguments):
        return [json.loads(line) for line in run("--format", "json", *arguments)[1].splitlines()]

    return read_json


@pytest.fixture
def mixed(drawn):
    """Eight good images and three bad ones, with awkward names."""
    (drawn / "not & an <image>.png").write_text("text")
    (drawn / "empty.png").write_bytes(b"")
    whole = next(drawn.glob("?????.png")).read_bytes()
    (drawn / "cut.png").write_bytes(whole[: len(whole) // 2])
    return drawn


def test_exit_status_is_0_for_all_read_1_for_some_2_for_wrong_usage(run, mixed):
    assert run(next(mixed.glob("?????.png")))[0] == 0
    assert run(mixed)[0] == 1
    assert run()[0] == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--format", "yaml"), "invalid choice: 'yaml'"),
        (("--fromat", "json"), "did you mean --format?"),
        (("--model", "nothing"), "no reader in nothing"),
        (("--pattern", "d/d"), "has no '/'"),
        (("--lexicon", "no.txt"), "give a file of words"),
        (("--lexicon", ""), "give a file of words"),
        (("--lexicon", __file__, "--pattern", "d"), "not both"),
        (("--script", "arabic"), "no script 'arabic': the scripts of this reader are none"),
        (("--script", "roman"), "invalid choice: 'roman'"),
        (("--digits", "roman"), "invalid choice: 'roman'"),
    ],
)
def test_wrong_usage_is_one_line(run, arguments, message):
    status, output, errors = run(*arguments, "a.png")
    assert status == 2 and not output and errors.count("\n") == 1
    assert errors.startswith("main.py: ") and message in errors


def test_pattern_and_lexicon_constrain_the_text(read_json, drawn, tmp_path):
    texts = [row["text"] for row in read_json("--pattern", "ddaaa", drawn)]
    assert len(texts) == 8 and all(t[:2].isdigit() and t[2:].isalpha() for t in texts)
    words = tmp_path / "words.txt"
    words.write_text("\ufeffbbbbb\n\n 22222 \n", encoding="utf-8")
    assert {row["text"] for row in read_json("--lexicon", words, drawn)} <= {"bbbbb", "22222"}


def test_formats_agree(run, mixed):
    text, lines, table, tree = (
        run("--format", format, mixed)[1] for format in ("text", "json", "csv", "xml")
    )
    rows = [json.loads(line) for line in lines.splitlines()]
    assert len(rows) == 11 and sum("error" in row for row in rows) == 3
    for row in rows:
        assert set(row) in ({"path", "text", "confidence", "trusted"}, {"path", "error"})
    table = list(csv.DictReader(io.StringIO(table)))
    tree = ElementTree.fromstring(tree.encode())
    paths = [row["path"] for row in rows]
    assert paths == [row["path"] for row in table] == [one.get("path") for one in tree]
    texts = [row.get("text", "") for row in rows]
    assert texts == [row["text"] for row in table] == [one.text or "" for one in tree]
    errors = [row.get("error") for row in rows]
    assert errors == [row["error"] or None for row in table] == [one.get("error") for one in tree]
    good = [row for row in rows if "text" in row]
    assert all(0 <= row["confidence"] <= 1 and len(row["text"]) == 5 for row in good)
    trusted = [{None: "", False: "false", True: "true"}[row.get("trusted")] for row in rows]
    assert trusted == [row["trusted"] for row in table] == [one.get("trusted", "") for one in tree]
    columns = [line.split("\t") for line in text.splitlines()]
    assert columns == [
        [
            row["path"],
            row["text"],
            f"{row['confidence']:.4f}",
            "trusted" if row["trusted"] else "check",
        ]
        for row in good
    ]


def save_bars(folder, **texts):
    """Save barcodes of texts as NAME.png, and a reader of barcodes; return both folders."""
    for name, text in texts.items():
        (folder / "pictures").mkdir(exist_ok=True)
        Image.fromarray(barcodes.barcode(text)).save(folder / "pictures" / f"{name}.png")
    return barcodes.save(folder / "bars"), folder / "pictures"


def test_a_refusal_is_alike_in_all_formats(run, tmp_path):
    reader, pictures = save_bars(tmp_path, a="12", b="□", c="3□")
    found = {
        format: run("--model", reader, "--format", format, pictures)
        for format in ("text", "json", "csv", "xml")
    }
    assert all(status == 1 for status, _, _ in found.values())
    path = f"{pictures / 'b.png'}"
    _, lines, errors = found["text"]
    assert errors.splitlines()[0] == f"main.py: {path}: nothing that I can read"
    assert [line.split("\t")[1::2] for line in lines.splitlines()] == [
        ["12", "trusted"],
        ["3", "check"],
    ]
    assert {errors.partition(";")[0] for _, _, errors in found.values()} >= {
        "3 pictures: 1 trusted, 1 to check, 1 not readable"
    }
    rows = [json.loads(line) for line in found["json"][1].splitlines()]
    assert rows[1] == {
        "path": path,
        "text": "",
        "confidence": 0,
        "trusted": False,
        "error": "nothing that I can read",
    }
    assert [row["trusted"] for row in rows] == [True, False, False]
    table = list(csv.reader(io.StringIO(found["csv"][1])))
    assert table[0] == ["path", "text", "confidence", "trusted", "error"]
    assert table[2] == [path, "", "0.000000", "false", "nothing that I can read"]
    assert table[1][1:] == ["12", table[1][2], "true", ""]
    tree = ElementTree.fromstring(found["xml"][1].encode())
    assert dict(tree[1].attrib) == dict(
        zip(table[0][:1] + table[0][2:], table[2][:1] + table[2][2:])
    )
    assert not tree[1].text and tree[0].text == "12" and tree[0].get("trusted") == "true"


def test_script_digits_and_other_signs_are_options(read_json, tmp_path):
    reader, pictures = save_bars(tmp_path, a="٨٢٫٥", b="?١٢")

    def texts(*options):
        return [row["text"] for row in read_json("--model", reader, *options, pictures)]

    assert texts() == ["82.5", "12"]
    assert texts("--digits", "as-written") == ["٨٢٫٥", "١٢"]
    assert texts("--digits", "as-written", "--keep-other") == ["٨٢٫٥", "?١٢"]
    assert texts("--script", "persian", "--digits", "as-written")[1] == "۱۲"
    assert texts("--script", "western") == ["", ""]


def test_errors_name_the_file_in_one_line_each(run, mixed, tmp_path):
    _, output, errors = run(mixed, tmp_path / "missing.png", tmp_path)
    assert len(output.splitlines()) == 16  # the folder twice: alone, and inside tmp_path
    lines = errors.splitlines()
    errors, (last, *_) = lines[:7], lines[7:]
    assert all(line.startswith("main.py: ") for line in errors)
    assert last.startswith("23 pictures: ") and ", 7 not readable; " in last
    for message in (
        "missing.png: no such file",
        "empty.png: empty file (0 bytes)",
        "cut.png: damaged image",
    ):
        assert any(message in line for line in errors)


def test_errors_have_the_name_of_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "ocr", "read", "missing.png"],
        cwd=utils.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ocr read: missing.png: no such file")


def test_an_empty_folder_and_a_broken_zip_do_not_stop_the_others(read_json, tmp_path, drawn):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK")
    rows = read_json(tmp_path / "empty", tmp_path / "broken.zip", drawn)
    assert len(rows) == 10
    assert "no images in it" in rows[0]["error"] and "not a zip file" in rows[1]["error"]


def test_a_zip_reads_like_its_folder_and_nothing_is_written(read_json, tmp_path, drawn):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(drawn.iterdir()):
            archive.write(file, file.name)
        archive.writestr("../out.png", b"x")
    before = sorted(tmp_path.rglob("*"))
    packed, plain = read_json(tmp_path / "all.zip"), read_json(drawn)
    assert "outside the zip" in packed[0]["error"]
    assert [row["text"] for row in packed[1:]] == [row["text"] for row in plain]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_closed_pipe_is_no_error(drawn):
    pipe = subprocess.Popen(
        [*MAIN, *[str(drawn)] * 400], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pipe.stdout.readline()
    pipe.stdout.close()
    assert pipe.wait(60) == 0 and "Traceback" not in pipe.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_an_interrupt_leaves_complete_output(drawn, tmp_path):
    target = tmp_path / "out.xml"
    with open(target, "wb") as out:
        process = subprocess.Popen(
            [*MAIN, "--format", "xml", *[str(drawn)] * 2000], stdout=out, stderr=subprocess.PIPE
        )
    while target.stat().st_size < 1000 and process.poll() is None:  # more than the first lines
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors.decode()
    assert errors.decode().splitlines()[-1] == "main.py: stopped"
    assert 1 <= len(ElementTree.parse(target).getroot()) < 16_000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_undecodable_file_names_are_escaped(run, drawn):
    first = next(drawn.glob("?????.png"))
    os.rename(first, os.fsencode(drawn) + b"/\xff\x01\nz.png")
    for format, lines in (("text", 8), ("json", 8), ("csv", 9)):
        status, output, _ = run("--format", format, drawn)
        assert status == 0 and len(output.splitlines()) == lines
    _, output, _ = run("--format", "xml", drawn)
    assert len(ElementTree.fromstring(output.encode())) == 8


def test_output_is_utf_8(drawn):
    os.rename(next(drawn.glob("?????.png")), drawn / "\u0663.png")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*MAIN, drawn], capture_output=True, env=environment)
    assert done.returncode == 0 and "\u0663.png" in done.stdout.decode("utf-8")
