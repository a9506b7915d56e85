"""Rows, tables and the commands of forms: read back, continued after a kill, every page once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import openpyxl
import pytest
from PIL import Image

from ocr.cli import main
from ocr.forms import bulk, journal, tables, trial
from ocr.forms.journal import Journal, rows_of
from ocr.forms.pages import Page, find_pages
from ocr.forms.reading import FormReader
from ocr.forms.rules import FormError
from ocr.forms.template import Field, load_form
from ocr.locks import Busy
from ocr.paths import DATA, ROOT
from ocr.reading.images import ImageError

METER, ARABIC = DATA / "forms" / "meter", DATA / "forms" / "arabic"
VERSIONS = {"meter": "1"}


def row(name, status="read", **texts):
    fields = {
        key: {
            "text": text,
            "confidence": 0.98,
            "accepted": text != "07",
            "box": [],
            "alternatives": [],
            "problem": None,
        }
        for key, text in texts.items()
    }
    return {"file": name, "form": "meter", "status": status, "fit": 1.0, "fields": fields}


@pytest.fixture(scope="module")
def form():
    return load_form(METER)


# --- rows


def test_rows_are_kept_and_a_torn_line_is_removed(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = Journal(path, VERSIONS)
    for name in ("a", "b\u2028c", "é"):
        rows.append(row(name))
    rows.close()
    whole = path.read_bytes()
    for torn in (whole + b'{"file": "d", "fie', whole[:-1], b"", b"{", whole):
        path.write_bytes(torn)
        again = Journal(path, VERSIONS)
        count = torn.count(b"\n")
        assert again.done == set(["a", "b\u2028c", "é"][:count])
        again.append(row("new"))
        again.close()
        assert [each["file"] for each in rows_of(path)] == [*["a", "b\u2028c", "é"][:count], "new"]


def test_rows_of_other_forms_are_not_continued(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = Journal(path, VERSIONS)
    rows.append(row("a"))
    rows.close()
    with pytest.raises(FormError, match="give another --out, or delete it"):
        Journal(path, {"meter": "2"})
    path.write_text("[1, 2]\n")
    with pytest.raises(FormError, match="no row of a form"):
        Journal(path, VERSIONS)
    with pytest.raises(FormError, match="cannot be written"):
        Journal(tmp_path, VERSIONS)


def test_every_page_is_read_once_and_faults_are_rows(tmp_path):
    class Reader:
        def read(self, picture):
            raise bulk.Refused("a blank page")

    def fault():
        raise ImageError("damaged")

    def memory():
        raise MemoryError

    blank = lambda: Image.new("L", (20, 20))
    pages = [Page("a", blank), Page("b", fault), Page("a", blank), Page("c", memory)]
    rows = Journal(tmp_path / "rows.jsonl", VERSIONS)
    made = list(bulk.read_pages(Reader(), pages, rows))
    assert [each["file"] for each in made] == ["a", "b", "c"]
    assert [each["status"][:17] for each in made] == [
        "refused: a blank ",
        "refused: damaged",
        "refused: too larg",
    ]
    assert list(bulk.read_pages(Reader(), pages, rows)) == []
    rows.close()


def test_two_processes_do_not_write_the_same_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = Journal(path, VERSIONS)
    with pytest.raises(Busy, match="rows.jsonl: is being written already, by process"):
        Journal(path, VERSIONS)
    rows.close()
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]
    Journal(path, VERSIONS).close()


# --- tables


def test_csv_is_read_back(form, tmp_path):
    rows = [
        row("ä.png", day="000123", amount="1,250.75"),
        row("=x.png", "refused: blank") | {"fields": {}},
    ]
    tables.write_csv(rows, [form], tmp_path / "rows.csv")
    data = (tmp_path / "rows.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and b"\r\n" in data
    with open(tmp_path / "rows.csv", encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    names = [field.name for field in form.fields]
    assert list(first) == ["file", *names, *[f"{name}_confidence" for name in names], "status"]
    assert (first["file"], first["day"], first["day_confidence"]) == ("ä.png", "000123", "0.98")
    assert (first["amount"], first["status"]) == ("1,250.75", "read")
    assert (second["file"], second["status"]) == ("'=x.png", "refused: blank")
    assert {second[name] for name in names} == {""}


def test_xlsx_is_read_back(form, tmp_path):
    rows = [row("a.png", day="000123", night="07"), row("=1+1", day="1\x00")]
    tables.write_xlsx(rows, [form, load_form(ARABIC)], tmp_path / "rows.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "rows.xlsx").active
    head, first, second = sheet.iter_rows()
    names = [cell.value for cell in head]
    assert names[:3] == ["file", "form", "customer"] and names[-1] == "status"
    day, night = (first[names.index(name)] for name in ("day", "night"))
    assert (day.value, night.value, day.data_type) == ("000123", "07", "s")
    assert night.fill.start_color.rgb == tables.DOUBTFUL != day.fill.start_color.rgb
    assert (second[0].value, second[names.index("day")].value) == ("=1+1", "1")
    assert first[names.index("day_confidence")].value == 0.98


def test_overlay_shows_what_was_read(form):
    reader = FormReader([form])
    (page,) = find_pages([METER / "filled" / "1.png"])
    picture = page.open()
    drawn = np.asarray(bulk.overlay(picture, reader.read(picture), "check"))
    assert (drawn == bulk.GOOD).all(axis=2).sum() > 200
    assert bulk.overlay(picture, None, "refused: blank").size == drawn.shape[1::-1]


# --- trials


def test_labels_are_found_and_compared_by_value(tmp_path):
    pages = trial.labelled(METER / "filled")
    assert [path.name for path, _ in pages] == ["1.png", "2.png", "3.png"]
    amount = Field("a", (0, 0, 0.1, 0.1), "numbers", type="amount")
    text = Field("a", (0, 0, 0.1, 0.1), "numbers", type="integer")
    assert trial.is_right(amount, "1,250", "1250") and not trial.is_right(amount, "1,251", "1250")
    assert trial.is_right(text, "007", "007") and not trial.is_right(text, "7", "007")
    for content in (None, "a,b\n1,2\n", "\xff"):
        if content is not None:
            (tmp_path / "labels.csv").write_text(content, encoding="latin-1")
        with pytest.raises(FormError, match="give the columns file"):
            trial.labelled(tmp_path)


def test_calibration_needs_fields_right_and_wrong():
    rng, field = np.random.default_rng(0), Field("a", (0, 0, 0.1, 0.1), "numbers")

    def answers(n):
        sure = rng.uniform(0.5, 1, n)
        return [
            trial.Answer(field, trial.FieldReading(field, "1", s), bool(r))
            for s, r in zip(sure, rng.random(n) < np.minimum(1, 2 * sure - 0.8))
        ]

    found = trial.calibration(answers(4000))
    raw, shares = np.transpose(found["calibration"])
    assert abs(np.interp(0.7, raw, shares) - 0.6) < 0.08
    assert 0.9 < found["accept"] <= 1
    with pytest.raises(FormError, match="takes at least"):
        trial.calibration(answers(20))


def test_a_trial_reports_fields_acceptance_and_calibration():
    field = Field("day", (0, 0, 0.1, 0.1), "numbers")
    sure = [0.995] * 760 + [0.6] * 40
    answers = [
        trial.Answer(field, trial.FieldReading(field, "1", p), p > 0.9, p > 0.99) for p in sure
    ]
    answers[0] = trial.Answer(field, trial.FieldReading(field, "1", 0.995), False, True)
    lines = trial.Trial(801, answers, [("a.png", "a blank page")]).report()
    assert lines[0].startswith("day") and "94.88% right (n = 800" in lines[0]
    assert "a person sees 5.0% of the fields; of the others 99.87% right (n = 760" in lines[2]
    assert "a person would see 5.0%" in lines[3]
    assert "differ by 0.027" in lines[4]
    assert lines[5:] == ["pages not read: 1 of 801", "  a.png: a blank page"]


# --- commands


@pytest.mark.slow
def test_read_and_test_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "rows.csv"
    other = tmp_path / "blank.png"
    Image.new("L", (800, 1100), 255).save(other)
    scans = [str(METER / "filled" / "1.png"), str(ARABIC / "filled" / "1.png"), str(other)]
    forms = [str(METER / "form.json"), str(ARABIC)]
    command = ["form", "read", forms[0], f"{forms[1]}/form.json", *scans, "--out", str(out)]
    assert main([*command, "--overlay", str(tmp_path / "seen")]) == 1
    said = capsys.readouterr()
    assert "3 pages" in said.out and "1 refused" in said.out
    assert f"{other}: a blank page" in said.err
    with open(out, encoding="utf-8-sig", newline="") as file:
        made = list(csv.DictReader(file))
    assert [each["form"] for each in made] == ["meter", "arabic", ""]
    assert made[2]["status"] == "refused: a blank page"
    assert len(list((tmp_path / "seen").iterdir())) == 3
    lines = out.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    box = json.loads(lines[0])["fields"]["day"]["box"]
    assert len(box) == 4
    assert main(command) == 0  # nothing is left to do
    assert "0 pages, 3 before" in capsys.readouterr().out
    assert main(["form", "test", str(ARABIC / "form.json"), str(ARABIC / "filled")]) == 0
    said = capsys.readouterr().out
    assert "subscriber" in said and "pages not read: 0 of 3" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to do"),
        (["read", "a.png", "--out", "b.csv"], "give templates"),
        (["read", str(METER / "form.json"), "--out", "b.csv"], "give templates"),
        (["read", str(METER / "form.json"), "a.png", "--out", "b.txt"], "ends in .csv"),
        (["read", "nowhere.json", "a.png", "--out", "b.csv"], "cannot be read"),
        (["test", str(METER / "form.json"), "nowhere.csv"], "give the columns"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    try:
        status = main(["form", *arguments])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr().err
    assert status == 2 and message in said and said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_killed_again_and_again_every_page_is_read_once(tmp_path):
    source = (METER / "filled" / "1.png").read_bytes()
    scans, count = tmp_path / "scans", 30
    scans.mkdir()
    for number in range(count):
        (scans / f"{number:02}.png").write_bytes(source)
    out = tmp_path / "rows.csv"
    command = [sys.executable, "-m", "ocr", "form", "read", METER / "form.json", scans]
    command += ["--out", out]
    rng, kills = np.random.default_rng(0), 0
    rows = out.with_suffix(".jsonl")
    for _ in range(60):
        before = rows.stat().st_size if rows.exists() else 0
        started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        while started.poll() is None and (not rows.exists() or rows.stat().st_size <= before):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        if started.poll() is not None:
            break
        started.send_signal(signal.SIGKILL)
        started.wait()
        kills += 1
    assert started.wait() == 0 and kills >= 5
    names = [each["file"] for each in rows_of(rows)]
    assert names == [f"{scans}/{number:02}.png" for number in range(count)]
    with open(out, encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == count
    assert journal.REFUSED not in out.read_text(encoding="utf-8-sig")
