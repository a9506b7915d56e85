"""Forms in the server: the API, what it refuses, and the page in a real Chromium."""

import io
import json
import shutil
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from openapi_spec_validator import validate
from PIL import Image
from playwright.sync_api import expect
from werkzeug.serving import make_server

from ocr.paths import DATA
from ocr.serving import forms
from ocr.serving.openapi import document
from ocr.serving.server import create_app
from ocr.serving.service import Service

METER = DATA / "forms" / "meter"
SCAN = METER / "filled" / "1.png"


@pytest.fixture(scope="module")
def app():
    return create_app(Service(), token="")


@pytest.fixture(scope="module")
def client(app):
    return app.test_client()


def send(client, data, form="meter", name="scan.png"):
    parts = {"file": [(io.BytesIO(each), name) for each in data]}
    return client.post(f"/api/forms/{form}", data=parts, content_type="multipart/form-data")


@pytest.fixture(scope="module")
def read(client):
    """What is read of a sample scan that is sent upside down."""
    data = io.BytesIO()
    Image.open(SCAN).rotate(180).save(data, "PNG")
    return send(client, [data.getvalue()])


def test_a_scan_is_read_and_unsure_fields_have_their_cut_out(read):
    assert read.status_code == 200
    page = read.json
    assert (page["form"], page["fit"] > 0.9) == ("meter", True)
    found = {each["name"]: each for each in page["fields"]}
    assert [*found][:3] == ["customer", "meter", "read_on"] and len(found) == 11
    assert found["self_read"]["text"] in ("0", "1")
    unsure = {name for name, each in found.items() if not each["accepted"]}
    assert {name for name, each in found.items() if "cutout" in each} == unsure
    assert page["status"] == ("check" if unsure else "read")
    for name in unsure:
        assert found[name]["cutout"].startswith("data:image/png;base64,")


def test_forms_are_listed_and_documented(client, read):
    listed = client.get("/api/forms").json
    assert [each["name"] for each in listed] == ["arabic", "meter"]
    assert listed[1]["fields"][0] == {"name": "customer", "check": False}
    for token in (False, True):
        described = document(["numbers"], token, ["meter"])
        validate(described)
        assert ("401" in described["paths"]["/api/forms/{name}"]["post"]["responses"]) == token
    assert "/api/forms/{name}" not in document(["numbers"], False)["paths"]
    schema = client.get("/openapi.json").json["components"]["schemas"]
    assert set(read.json) == set(schema["FormReading"]["required"])
    for field in read.json["fields"]:
        assert set(field) - {"cutout"} == set(schema["FieldReading"]["required"])


def test_what_cannot_be_read_is_said_in_one_line(client, tmp_path, monkeypatch):
    blank, other = io.BytesIO(), io.BytesIO()
    Image.new("L", (300, 400), 255).save(blank, "PNG")
    Image.open(DATA / "forms" / "arabic" / "blank.png").save(other, "PNG")
    pages = io.BytesIO()
    scan = Image.open(SCAN).convert("L").resize((300, 400))
    scan.save(pages, "PDF", save_all=True, append_images=[scan])
    for data, status, said in (
        ([blank.getvalue()], 422, "a blank page"),
        ([other.getvalue()], 422, "not a form that I know"),
        ([b"no image"], 422, "not an image"),
        ([b"%PDF-1.4 damaged"], 422, "damaged PDF"),
        ([pages.getvalue()], 422, "several pages"),
        ([b"a", b"b"], 400, "one page at a time"),
        ([], 400, "no image in the form"),
    ):
        answer = send(client, data)
        assert (answer.status_code, said in answer.json["detail"]) == (status, True), answer.json
        assert "\n" not in answer.json["detail"]
    assert "there are arabic, meter" in send(client, [b"a"], "other").json["detail"]
    assert client.post("/api/forms/meter?top=3", data=b"a").status_code == 400
    monkeypatch.setattr(forms, "NEEDED", ("no_such_module",))
    missing = send(client, [blank.getvalue()])
    assert missing.status_code == 501 and 'the extra "desk"' in missing.json["detail"]


def test_the_folder_of_forms_can_be_chosen(tmp_path, monkeypatch):
    shutil.copytree(METER, tmp_path / "card", ignore=shutil.ignore_patterns("filled"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "form.json").write_text("{")
    monkeypatch.setenv("OCR_FORMS", str(tmp_path))
    found = forms.find_forms()
    assert [*found] == ["broken", "card"]
    assert [len(each["fields"]) for each in forms.describe(found)] == [0, 11]
    monkeypatch.setenv("OCR_FORMS", str(tmp_path / "nothing"))
    assert forms.find_forms() == {}
    page = create_app(Service(), token="").test_client().get("/").get_data(as_text=True)
    assert 'id="forms-known">[]' in page


# --- the page


@pytest.fixture(scope="module")
def address(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (360, "dark")])
def test_the_form_fills_itself(browser, address, tmp_path, width, scheme):
    expect.set_options(timeout=30_000)
    viewport = {"width": width, "height": 800}
    page = browser.new_page(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{address}/#forms")
    page.select_option("#form-name", "meter")
    expect(page.locator("#form-fields .field")).to_have_count(11)
    page.set_input_files("#form-file", str(SCAN))
    expect(page.locator("#form-status")).to_contain_text("11 fields read")
    assert len(page.input_value("#field-customer")) == 8
    count = page.locator("#form-fields .check img").count()
    assert f"{count} to check" in page.inner_text("#form-status")
    assert count == page.locator("#form-fields .check").count()
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert serious == [], json.dumps(serious, indent=1)[:2000]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
    page.select_option("#form-name", "arabic")
    page.set_input_files("#form-file", str(SCAN))
    expect(page.locator("#form-status")).to_contain_text("Cannot read this: not a form that I know")
    assert page.input_value("#field-subscriber") == "" and faults == []
    page.close()
