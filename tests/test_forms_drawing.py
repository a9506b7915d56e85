"""Drawing a form's template: boxes that are found, form.json saved whole, who may ask."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ocr.cli import main
from ocr.drawing.forms import samples
from ocr.forms.desk import drawing
from ocr.forms.desk.boxes import find_boxes
from ocr.forms.desk.drawing import Drawing
from ocr.forms.desk.drawing_page import create_app
from ocr.forms.rules import FormError
from ocr.forms.template import load_form
from ocr.locks import Busy
from ocr.paths import DATA

METER = DATA / "forms" / "meter"
HERE = "http://127.0.0.1:8000"


# --- boxes


@pytest.mark.parametrize("draw", [samples.meter_card, samples.arabic_card])
def test_every_box_of_a_form_is_found_within_half_a_millimetre(draw):
    sheet = draw()
    found = find_boxes(sheet.picture)
    assert len(found) == len(sheet.entries)
    for entry in sheet.entries:
        shares = np.divide(entry.box, sheet.picture.size * 2)
        nearest = min(found, key=lambda each: np.abs(np.subtract(each.box, shares)).max())
        pixels = np.subtract(nearest.box, shares) * (sheet.picture.size * 2)
        assert np.abs(pixels).max() <= 4, entry.name
        assert nearest.cells == entry.cells, entry.name
        assert nearest.check == (entry.facts["reader"] == "check"), entry.name


def test_rows_of_a_table_are_boxes_and_its_heads_are_not():
    page = Image.new("L", (800, 1130), 255)
    pixels = np.asarray(page).copy()
    for row in range(5):
        pixels[200 + 40 * row : 202 + 40 * row, 100:700] = 0
    for column in range(4):
        pixels[200:362, 100 + 200 * column : 102 + 200 * column] = 0
    write = lambda top: [pixels[top : top + 12, x : x + 5].fill(0) for x in (130, 330, 530)]
    write(210)  # heads
    found = find_boxes(Image.fromarray(pixels))
    assert len(found) == 9 and all(each.cells is None and not each.check for each in found)
    write(250), write(290)  # filled in
    assert len(find_boxes(Image.fromarray(pixels))) == 12


@pytest.mark.parametrize("size", [(16, 16), (1, 300), (300, 40)])
def test_pages_without_boxes_have_none(size):
    assert find_boxes(Image.new("L", size, 255)) == []
    assert find_boxes(Image.new("L", size, 0)) == []


# --- form.json


@pytest.fixture
def blank(tmp_path):
    shutil.copy(METER / "blank.png", tmp_path / "blank.png")
    return tmp_path / "blank.png"


@pytest.fixture
def drawn(blank):
    drawn = Drawing(blank)
    yield drawn
    drawn.close()


def test_a_form_is_proposed_and_saved_in_the_order_of_its_keys(drawn, blank):
    facts = drawn.facts | {"fields": drawn.found}
    combs = [each["boxes"] for each in drawn.found if "boxes" in each]
    assert sorted(combs) == [6, 6, 7, 7, 8, 8]
    mixed = [dict(sorted(field.items())) for field in facts["fields"]]
    saved = drawn.save({"fields": mixed, "image": "blank.png", "name": "card"}, "")
    assert saved["warning"] is None
    written = json.loads((blank.parent / "form.json").read_text(encoding="utf-8"))
    assert list(written) == ["name", "image", "fields"]
    assert list(written["fields"][0])[:3] == ["name", "box", "reader"]
    with pytest.raises(FormError, match="changed elsewhere"):
        drawn.save(facts, "")
    assert drawn.save(facts, saved["digest"])["digest"] != saved["digest"]
    (blank.parent / "form.json").write_text("{}")
    with pytest.raises(drawing.Changed):
        drawn.save(facts, saved["digest"])


def test_a_form_that_is_wrong_leaves_the_one_before(drawn, blank):
    facts = drawn.facts | {"fields": drawn.found}
    digest = drawn.save(facts, "")["digest"]
    before = (blank.parent / "form.json").read_bytes()
    twice = facts | {"fields": [facts["fields"][0]] * 2}
    for wrong in (twice, facts | {"fields": []}, facts | {"fields": None}, {}):
        with pytest.raises(FormError):
            drawn.save(wrong, digest)
    assert (blank.parent / "form.json").read_bytes() == before
    assert sorted(file.name for file in blank.parent.iterdir()) == [
        ".form.json.lock",
        "blank.png",
        "form.json",
    ]


def test_a_form_is_drawn_on_by_one_person_at_a_time(blank, tmp_path):
    drawn = Drawing(blank)
    drawn.save(drawn.facts | {"fields": drawn.found[:2]}, "")
    with pytest.raises(Busy, match="is being drawn already"):
        Drawing(blank)
    drawn.close()
    again = Drawing(blank.parent)
    assert len(again.facts["fields"]) == 2 and again.found == []
    again.close()
    other = shutil.copy(blank, tmp_path / "other.png")
    with pytest.raises(FormError, match="give --out for another"):
        Drawing(tmp_path / "other.png")
    elsewhere = Drawing(tmp_path / "other.png", tmp_path / "forms" / "form.json")
    elsewhere.save(elsewhere.facts | {"fields": elsewhere.found}, "")
    elsewhere.close()
    assert load_form(tmp_path / "forms").image.samefile(other)


def test_a_pdf_is_a_blank_page_too(tmp_path):
    Image.open(METER / "blank.png").save(tmp_path / "card.pdf", resolution=200)
    drawn = Drawing(tmp_path / "card.pdf")
    assert len(drawn.found) == 11 and drawn.facts["image"] == "card.pdf"
    drawn.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "give a picture or PDF"),
        ([str(DATA / "README.md"), "--out", "{}/form.json"], "README.md"),
        ([str(METER / "blank.png"), "--out", "form.txt"], "ends in .json"),
        ([str(METER / "blank.png"), "--out", "{}/form.json", "--port", "70000"], "0, any free"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys, tmp_path):
    try:
        status = main(["form", "new", *[each.format(tmp_path) for each in arguments]])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr().err
    assert status == 2 and message in said and said.count("\n") == 1


# --- the server


def test_the_page_saves_and_strangers_are_refused(drawn):
    app = create_app(drawn, "a-token")
    stranger, client = app.test_client(), app.test_client()
    assert client.get("/?token=a-token", base_url=HERE).status_code == 200
    for path in ("/", "/api/form", "/page.jpg", "/static/drawing.js"):
        assert stranger.get(path, base_url=HERE).status_code == 403, path
        assert client.get(path, base_url=HERE).status_code == 200, path
    state = client.get("/api/form", base_url=HERE).json
    assert list(state["facts"]) == ["name", "image", "fields"] and len(state["found"]) == 11
    send = lambda **body: client.post("/api/form", json=body, base_url=HERE)
    assert send(facts=[]).status_code == 400
    wrong = send(facts=state["facts"], digest="")
    assert (wrong.status_code, "what is read" in wrong.json["problem"]) == (422, True)
    good = state["facts"] | {"fields": state["found"]}
    assert send(facts=good, digest="").json["warning"] is None
    assert send(facts=good, digest="").status_code == 409


def test_what_its_reader_cannot_read_is_a_warning(drawn):
    field = drawn.found[0] | {"pattern": "aaaaaaaa", "type": "text"}
    saved = drawn.save(drawn.facts | {"fields": [field]}, "")
    assert "field_1" in saved["warning"]
