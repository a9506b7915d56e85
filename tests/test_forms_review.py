"""The queue of fields that wait for a person: its order, corrections, kills, labels to train on."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ocr.cli import main
from ocr.datasets.dataset import load_labelled
from ocr.forms import journal, tables
from ocr.forms.desk import corrections, cutouts, labels
from ocr.forms.desk.corrections import Corrections, corrected
from ocr.forms.desk.review import Doubtful, Key, Refused, Review
from ocr.forms.desk.review_page import create_app
from ocr.forms.journal import Journal, rows_of
from ocr.forms.rules import FormError
from ocr.forms.template import Field, load_form
from ocr.locks import Busy
from ocr.paths import DATA, ROOT

METER = DATA / "forms" / "meter"
HERE = "http://127.0.0.1:8000"
ACCEPT = 0.96  # of these rows, whatever the sample form says
READ = {
    "customer": "12345674",
    "meter": "1234567",
    "read_on": "01/02/2024",
    "day": "000100",
    "night": "000200",
    "total": "0000300",
    "amount": "12.50",
    "telephone": "0123456",
    "self_read": "1",
    "changed": "0",
    "moved": "0",
}


def row(name, form, sure=None, problems=None, **texts):
    """Make a row of the sample card: what is given, or as READ and certain."""
    sure, problems, fields = sure or {}, problems or {}, {}
    width, height = Image.open(form.image).size
    for each in form.fields:
        left, top, wide, high = np.multiply(each.box, (width, height) * 2).round(1).tolist()
        confidence, problem = sure.get(each.name, 0.999), problems.get(each.name)
        text = texts.get(each.name, READ[each.name])
        fields[each.name] = {
            "text": text,
            "confidence": confidence,
            "accepted": problem is None and confidence >= ACCEPT,
            "box": [[left, top], [left + wide, top], [left + wide, top + high], [left, top + high]],
            "alternatives": [[text, confidence], ["7", 0.01]],
            "problem": problem,
        }
    status = "read" if all(each["accepted"] for each in fields.values()) else "check"
    facts = {"file": name, "form": "meter", "template": form.path.as_posix(), "status": status}
    return facts | {"fit": 1.0, "fields": fields}


@pytest.fixture(scope="module")
def form():
    return load_form(METER)


@pytest.fixture
def rows(form, tmp_path):
    """Rows of three pages and one that is refused; all pages are the blank one."""
    for name in ("a.png", "b.png", "c.png"):
        shutil.copy(form.image, tmp_path / name)
    sum_of = dict.fromkeys(("day", "night", "total"), "rule day + night = total")
    made = Journal(tmp_path / "rows.jsonl", {"meter": form.version})
    made.append(row(f"{tmp_path}/a.png", form, sure={"meter": 0.7, "amount": 0.95}))
    made.append(row(f"{tmp_path}/b.png", form, problems=sum_of, day="000110"))
    made.append(row(f"{tmp_path}/c.png", form))
    made.append(journal.refused_row("d.png", "a blank page"))
    made.close()
    tables.write_csv(rows_of(made.path), [form], tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


@pytest.fixture
def review(rows):
    review = Review(rows)
    yield review
    review.close()


def keys(review):
    return [(item["row"], item["field"]) for item in review.coming(99)]


def table(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# --- the queue


def test_broken_rules_come_first_then_the_least_sure(review):
    assert keys(review) == [(1, "day"), (1, "night"), (1, "total"), (0, "meter"), (0, "amount")]
    assert review.state() == {"waiting": 5, "pages": 2, "answered": 0, "corrected": 0}
    item = review.coming()[0]
    assert item["problem"] == "rule day + night = total" and item["text"] == "000110"
    assert item["alternatives"] == ["000110", "7"]
    assert item["may"] == "integer, 6 cells, day + night = total"


def test_a_correction_that_mends_a_rule_frees_its_other_fields(review, rows):
    saved = review.answer(Key(1, "day"), "answered", " 000100 ", False)
    assert (saved["text"], saved["read"], saved["confidence"]) == ("000100", "000110", 1.0)
    assert keys(review) == [(0, "meter"), (0, "amount")]
    assert review.undo()["text"] == "000110"
    assert len(keys(review)) == 5 and review.undo() is None
    review.answer(Key(1, "day"), "answered", "000110", False)  # as it is: the others are looked at
    assert (1, "night") in keys(review) and (1, "day") not in keys(review)
    review.answer(Key(0, "meter"), "answered", "1234567", False)
    assert review.state()["corrected"] == 0 and review.state()["answered"] == 2


def test_a_correction_that_breaks_a_rule_asks_for_its_other_fields(form):
    page = row("a", form, sure={"day": 0.5})
    said = {("a", "day"): corrections.Correction("a", "day", "answered", "000101", "000100")}
    fields = corrections.apply(page, form, said)["fields"]
    assert fields["night"]["problem"] == "rule day + night = total"
    assert fields["day"]["accepted"] and not fields["total"]["accepted"]
    said["a", "day"] = corrections.Correction("a", "day", "unreadable", "", "000100")
    page = corrections.apply(page, form, said)
    assert page["fields"]["day"]["problem"] == corrections.NOBODY and page["status"] == "check"
    assert page["fields"]["night"]["accepted"]  # a sum of what nobody can read is not checked


def test_answers_that_break_a_rule_are_asked_for_again(review):
    for name, text in (("customer", "12345678"), ("read_on", "31/02/2024"), ("day", "")):
        with pytest.raises(Doubtful, match="Enter again"):
            review.answer(Key(0, name), "answered", text, False)
        assert review.answer(Key(0, name), "answered", text, True)["text"] == text
    for key, state, text in (
        (Key(0, "moved"), "answered", "x"),
        (Key(0, "day"), "answered", "1" * 201),
        (Key(0, "day"), "sleeping", "1"),
        (Key(0, "nothing"), "answered", "1"),
        (Key(-1, "day"), "answered", "1"),
        (Key(9, "day"), "answered", "1"),
    ):
        with pytest.raises(Refused):
            review.answer(key, state, text, False)


def test_fields_that_are_put_off_come_last(review):
    review.later(Key(1, "day"))
    assert keys(review)[-1] == (1, "day") and len(keys(review)) == 5


# --- what is kept


def test_the_table_has_the_corrections_and_the_rows_what_was_read(rows, form):
    before = rows.with_suffix(".jsonl").read_bytes()
    review = Review(rows)
    review.answer(Key(1, "day"), "answered", "000100", False)
    review.answer(Key(0, "meter"), "unreadable", "", False)
    review.close()
    first, second, third, last = table(rows)
    assert (second["day"], second["day_confidence"], second["status"]) == ("000100", "1.0", "read")
    assert (first["meter"], first["meter_confidence"], first["status"]) == ("", "0.0", "check")
    assert (third["status"], last["status"]) == ("read", "refused: a blank page")
    assert rows.with_suffix(".jsonl").read_bytes() == before
    lines = corrections.path_of(rows).read_text(encoding="utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    assert [(each["text"], each["read"]) for each in kept] == [
        ("000100", "000110"),
        ("", "1234567"),
    ]
    again = Review(rows)
    assert keys(again) == [(0, "amount")] and again.state()["answered"] == 2
    again.close()


def test_a_torn_line_of_corrections_is_removed(rows, form):
    review = Review(rows)
    review.answer(Key(1, "day"), "answered", "000100", False)
    review.close()
    path = corrections.path_of(rows)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    assert len(Corrections(rows).current) == 1 and path.read_bytes() == whole
    path.write_bytes(b"[]\n")
    with pytest.raises(FormError, match="no correction"):
        list(corrected(rows.with_suffix(".jsonl"), [form]))


def test_rows_are_reviewed_by_one_person_and_with_their_own_forms(rows, tmp_path):
    review = Review(rows)
    with pytest.raises(Busy):
        Review(rows)
    review.close()
    with pytest.raises(FormError, match="give the rows"):
        Review(tmp_path / "nothing.csv")
    text = rows.with_suffix(".jsonl").read_text(encoding="utf-8")
    rows.with_suffix(".jsonl").write_text(text.replace('"meter": "', '"meter": "0'))
    with pytest.raises(FormError, match="read the scans again"):
        Review(rows)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_every_acknowledged_answer_survives_kills(rows):
    program = (
        "import sys\nfrom pathlib import Path\nfrom ocr.forms.desk.review import Key, Review\n"
        "review = Review(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    review.answer(Key(0, 'meter'), 'answered', f'{n:07}', False)\n"
        "    print(n, flush=True)\n"
    )
    for _ in range(2):
        command = [sys.executable, "-c", program, rows]
        started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        said = [started.stdout.readline() for _ in range(20)]
        started.send_signal(signal.SIGKILL)
        said = [line for line in said + started.stdout.readlines() if line.endswith("\n")]
        started.wait()
        review = Review(rows)
        (kept,) = review.corrections.current.values()
        assert int(said[-1]) <= int(kept.text) <= int(said[-1]) + 1
        review.close()
        assert table(rows)[0]["meter"] == kept.text


# --- labels


def test_labels_are_what_is_written():
    box = (0, 0, 0.1, 0.1)
    date = Field("d", box, "numbers", type="date", format="dd/mm/yyyy", boxes=8, script="arabic")
    assert labels.label_of(date, "01/02/2024") == "٠١٠٢٢٠٢٤"
    assert labels.label_of(Field("d", box, "numbers", type="date"), "01/02/2024") == "01/02/2024"
    amount = Field("a", box, "numbers", type="amount", script="persian")
    assert labels.label_of(amount, "12.50") == "۱۲.۵۰"


def test_answers_are_exported_as_labels_that_a_training_takes(rows, tmp_path, capsys):
    shutil.copy(METER / "filled" / "1.png", tmp_path / "b.png")
    review = Review(rows)
    review.answer(Key(1, "day"), "answered", "000100", False)
    review.answer(Key(1, "read_on"), "answered", "01/02/2024", False)
    review.answer(Key(0, "meter"), "unreadable", "", False)
    review.answer(Key(0, "moved"), "answered", "1", False)
    review.close()
    folder = tmp_path / "labels"
    assert main(["form", "review", str(rows), "--labels", str(folder)]) == 0
    data = load_labelled(folder / "numbers", (32, 256), fit="line")
    assert sorted(data.labels) == ["000100", "01022024"]
    os.remove(tmp_path / "b.png")
    assert main(["form", "review", str(rows), "--labels", str(folder)]) == 1
    assert "b.png" in capsys.readouterr().out


# --- the page


def test_the_page_asks_and_answers(review):
    client = create_app(review, "t").test_client()
    assert client.get("/api/next", base_url=HERE).status_code == 403
    page = client.get("/?token=t", base_url=HERE).get_data(as_text=True)
    session = page.partition('data-session="')[2].partition('"')[0]
    first = client.get("/api/next", base_url=HERE).json["coming"][0]
    post = lambda path, **body: client.post(path, json=body, base_url=HERE)
    wrong = post("/api/answer", row=1, field="day", state="answered", text="x")
    assert (wrong.status_code, wrong.json["again"]) == (422, True)
    right = post("/api/answer", row=1, field=first["field"], state="answered", text="000100")
    assert right.json["saved"]["text"] == "000100" and right.json["state"]["waiting"] == 2
    assert post("/api/undo").json["undone"]["field"] == "day"
    assert post("/api/later", row=1, field="day").json["coming"][0]["field"] == "night"
    assert post("/api/answer", row="1", field="day").status_code == 400
    for kind, mime in (("cutout", "image/png"), ("whole", "image/jpeg")):
        shown = client.get(f"/{kind}/{session}/1/day", base_url=HERE)
        assert shown.mimetype == mime and shown.data
        assert client.get(f"/{kind}/{session}/9/day", base_url=HERE).status_code == 404


def test_a_cut_out_is_upright():
    page = np.full((200, 300), 255, np.uint8)
    page[100:140, 50:60] = 0  # a bar at the left of a box of 40 x 120
    corners = [(50, 100), (170, 100), (170, 140), (50, 140)]
    shown = cutouts.upright(Image.fromarray(page), corners)
    turned = Image.fromarray(np.rot90(page).copy())
    spots = [(y, 299 - x) for x, y in corners]
    again = cutouts.upright(turned, spots)
    assert shown.shape == again.shape == (68, 148)
    assert shown[34, 18] == 0 and shown[34, 60] == 255
    assert np.abs(shown.astype(int) - again).mean() < 4
