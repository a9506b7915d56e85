"""main.py as a person runs it: formats, exit status, bad input among good."""

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

import utils

MAIN = [sys.executable, str(utils.ROOT / "main.py")]


def run(*arguments, **options):
    return subprocess.run(
        [*MAIN, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", **options
    )


@pytest.fixture
def mixed(drawn):
    """Eight good images and three bad ones, with awkward names."""
    (drawn / "not & an <image>.png").write_text("text")
    (drawn / "empty.png").write_bytes(b"")
    whole = next(drawn.glob("?????.png")).read_bytes()
    (drawn / "cut.png").write_bytes(whole[: len(whole) // 2])
    return drawn


def test_all_read_is_0_some_not_is_1_wrong_usage_is_2(drawn, mixed, tmp_path):
    assert run(next(drawn.glob("?????.png"))).returncode == 0
    assert run(mixed).returncode == 1
    assert run().returncode == 2 and run("--format", "yaml", drawn).returncode == 2
    done = run("--model", "nothing", drawn)
    assert (
        done.returncode == 2
        and "no reader in nothing" in done.stderr
        and len(done.stderr.splitlines()) == 1
    )


def test_pattern_and_lexicon(drawn, tmp_path):
    done = run("--pattern", "ddaaa", drawn)
    texts = [line.split("\t")[1] for line in done.stdout.splitlines()]
    assert (
        done.returncode == 0
        and len(texts) == 8
        and all(t[:2].isdigit() and t[2:].isalpha() for t in texts)
    )
    words = tmp_path / "words.txt"
    words.write_text("\ufeffbbbbb\n\n 22222 \n", encoding="utf-8")
    assert {line.split("\t")[1] for line in run("--lexicon", words, drawn).stdout.splitlines()} <= {
        "bbbbb",
        "22222",
    }
    for arguments, message in (
        (("--pattern", "d/d"), "has no '/'"),
        (("--lexicon", tmp_path / "no.txt"), "give a file of words"),
        (("--lexicon", words, "--pattern", "d"), "not to both"),
        (("--lexicon", ""), "give a file of words"),
    ):
        done = run(*arguments, drawn)
        assert (
            done.returncode == 2
            and message in done.stderr
            and len(done.stderr.splitlines()) == 1
            and not done.stdout
        )


def test_formats_agree(mixed):
    rows = {
        format: run("--format", format, mixed).stdout for format in ("text", "json", "csv", "xml")
    }
    objects = [json.loads(line) for line in rows["json"].splitlines()]
    assert len(objects) == 11 and sum("error" in o for o in objects) == 3
    assert all(set(o) in ({"path", "text", "confidence"}, {"path", "error"}) for o in objects)
    table = list(csv.DictReader(io.StringIO(rows["csv"])))
    tree = ElementTree.fromstring(rows["xml"].encode())
    assert (
        [o["path"] for o in objects] == [r["path"] for r in table] == [e.get("path") for e in tree]
    )
    assert (
        [o.get("text", "") for o in objects]
        == [r["text"] for r in table]
        == [e.text or "" for e in tree]
    )
    assert [o.get("error") for o in objects] == [e.get("error") for e in tree]
    good = [o for o in objects if "text" in o]
    assert [line.split("\t")[:2] for line in rows["text"].splitlines()] == [
        [o["path"], o["text"]] for o in good
    ]
    assert all(0 <= o["confidence"] <= 1 and len(o["text"]) == 5 for o in good)


def test_errors_name_the_file_in_one_line_each(mixed, tmp_path):
    done = run(mixed, tmp_path / "missing.png", tmp_path)
    assert len(done.stdout.splitlines()) == 16  # the folder twice: alone, and inside tmp_path
    errors = done.stderr.splitlines()
    assert len(errors) == 7 and all(line.startswith("main.py: ") for line in errors)
    assert any("missing.png: no such file" in line for line in errors)
    assert any("empty.png: empty file (0 bytes)" in line for line in errors)
    assert any("cut.png: damaged image" in line for line in errors)


def test_empty_folder_and_broken_zip(tmp_path, drawn):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK")
    done = run("--format", "json", tmp_path / "empty", tmp_path / "broken.zip", drawn)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and len(objects) == 10
    assert "no images in it" in objects[0]["error"] and "not a zip file" in objects[1]["error"]


def test_a_zip_reads_like_its_folder_and_writes_nothing(tmp_path, drawn):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(drawn.iterdir()):
            archive.write(file, file.name)
        archive.writestr("../out.png", b"x")
    before = sorted(tmp_path.rglob("*"))
    packed = [
        json.loads(line)
        for line in run("--format", "json", tmp_path / "all.zip").stdout.splitlines()
    ]
    plain = [json.loads(line) for line in run("--format", "json", drawn).stdout.splitlines()]
    assert "leads out of the archive" in packed[0]["error"]
    assert [p["text"] for p in packed[1:]] == [p["text"] for p in plain]
    assert sorted(tmp_path.rglob("*")) == before


def test_output_that_nobody_reads_to_the_end(drawn):
    pipe = subprocess.Popen(
        [*MAIN, *[str(drawn)] * 400], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pipe.stdout.readline()
    pipe.stdout.close()
    assert pipe.wait(60) == 0 and "Traceback" not in pipe.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_being_stopped_leaves_whole_output(drawn, tmp_path):
    with open(tmp_path / "out.xml", "wb") as out:
        process = subprocess.Popen(
            [*MAIN, "--format", "xml", *[str(drawn)] * 2000], stdout=out, stderr=subprocess.PIPE
        )
    while (
        tmp_path / "out.xml"
    ).stat().st_size < 1000 and process.poll() is None:  # more than the first lines
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.decode().strip() == "main.py: stopped"
    assert 1 <= len(ElementTree.parse(tmp_path / "out.xml").getroot()) < 16_000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_file_names_that_are_no_text(drawn):
    first = next(drawn.glob("?????.png"))
    os.rename(first, os.fsencode(drawn) + b"/\xff\x01\nz.png")
    for format in ("text", "json", "csv", "xml"):
        done = run("--format", format, drawn)
        assert done.returncode == 0, done.stderr
        if format == "xml":
            assert len(ElementTree.fromstring(done.stdout.encode())) == 8
        else:
            assert len(done.stdout.splitlines()) == 8 + (format == "csv")
