"""Drawing a form and reviewing its rows in a real Chromium; skipped where there is none."""

import contextlib
import json
import re
import shutil
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ocr.forms.desk import corrections, drawing_page, review_page
from ocr.forms.desk.drawing import Drawing
from ocr.forms.desk.review import Review
from ocr.forms.journal import Journal
from ocr.forms.template import load_form
from ocr.localhost import LocalServer
from ocr.paths import DATA
from tests.test_forms_review import row

METER = DATA / "forms" / "meter"
REFUSED = re.compile("status of 422")  # Chromium's note that an answer was refused
SCREENS = [(1280, "light"), (360, "dark")]
pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)


@contextlib.contextmanager
def opened(browser, app, **options):
    """Serve an application; give its page. Console errors and requests elsewhere fail."""
    server, faults = LocalServer(app), []
    thread = threading.Thread(target=server.run)
    thread.start()
    context = browser.new_context(bypass_csp=True, **options)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda m: (
            None
            if m.type not in ("error", "warning") or REFUSED.search(m.text)
            else faults.append(m.text)
        ),
    )
    page.on("request", lambda r: None if r.url.startswith(server.origin) else faults.append(r.url))
    try:
        page.goto(server.address)
        yield page
    finally:
        context.close()
        server.stop()
        thread.join()
    assert faults == []


def check_accessible(page, width):
    violations = Axe().run(page).response["violations"]
    assert violations == [], json.dumps(violations, indent=1)[:2000]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- drawing


@pytest.fixture
def drawing(tmp_path):
    shutil.copy(METER / "blank.png", tmp_path / "blank.png")
    drawing = Drawing(tmp_path / "blank.png")
    yield drawing
    drawing.close()


def saved(page, drawing, text="Saved"):
    expect(page.locator("#status")).to_contain_text(text)
    return {field.name: field for field in load_form(drawing.out).fields}


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def place(page, share_x, share_y):
    """The point of the page at shares of its sides, scrolled into view."""
    box = page.locator("#sheet").bounding_box()
    return box["x"] + share_x * box["width"], box["y"] + share_y * box["height"]


def test_boxes_are_drawn_moved_resized_named_and_undone(browser, drawing):
    with opened(browser, drawing_page.create_app(drawing)) as page:
        assert len(saved(page, drawing)) == 11
        drag(page, place(page, 0.62, 0.3), place(page, 0.82, 0.34))
        expect(page.locator("#name")).to_be_focused()
        page.keyboard.type("invoice")
        page.keyboard.press("Enter")
        made = saved(page, drawing, "Saved: 12")["invoice"].box
        assert made == pytest.approx((0.62, 0.3, 0.2, 0.04), abs=0.003)
        drag(page, place(page, 0.7, 0.32), place(page, 0.72, 0.33))
        drag(page, place(page, 0.84, 0.35), place(page, 0.9, 0.36))  # its corner
        expect(page.locator("#list button[aria-pressed=true]")).to_contain_text("invoice")
        page.wait_for_timeout(400)
        made = saved(page, drawing)["invoice"].box
        assert made == pytest.approx((0.64, 0.31, 0.26, 0.05), abs=0.004)
        page.select_option("#type", "date")
        page.fill("#format", "dd-mm-dd")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("give dd, mm and yyyy")
        page.fill("#format", "dd-mm-yy")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_be_empty()
        assert saved(page, drawing)["invoice"].format == "dd-mm-yy"
        page.click("#about summary")
        page.fill("#rules", "field_7 + nothing = field_9")
        page.click("h1")
        expect(page.locator("#problem")).to_contain_text("no field 'nothing'")
        page.fill("#rules", "")
        page.click("h1")
        expect(page.locator("#problem")).to_be_empty()
        for _ in range(7):
            page.click("#undo")
        assert "invoice" not in saved(page, drawing, "Saved: 11")


def test_saved_is_said_of_the_last_change_alone(browser, drawing):
    with opened(browser, drawing_page.create_app(drawing)) as page:
        before, held = saved(page, drawing), []
        page.route("**/api/form", lambda route: held.append(route))
        page.locator(".box").first.focus()
        with page.expect_request("**/api/form"):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")  # while the first change is on its way
        held.pop().continue_()
        while not held:  # the second is sent when the first is answered
            page.wait_for_timeout(50)
        expect(page.locator("#status")).to_have_text("Saving …")
        held.pop().continue_()
        (one, *_), (other, *_) = before.values(), saved(page, drawing, "Saved").values()
        assert other.box[0] - one.box[0] == pytest.approx(0.02, abs=1e-4)


def test_a_form_is_drawn_by_keyboard_alone(browser, drawing):
    with opened(browser, drawing_page.create_app(drawing)) as page:
        assert len(saved(page, drawing)) == 11
        page.locator(".box").first.focus()
        for name in ("customer", "amount"):
            page.keyboard.press("Enter")
            page.keyboard.type(name)
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
        page.keyboard.press("Delete")  # the meter's number
        before = saved(page, drawing, "Saved: 10")
        assert list(before)[:2] == ["customer", "amount"]
        page.locator(".box").first.focus()
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Alt+ArrowDown")
        page.keyboard.press("d")
        after = saved(page, drawing, "Saved: 11")
        shift = [b - a for a, b in zip(before["customer"].box, after["customer"].box)]
        assert shift == pytest.approx([0.01, 0, 0, 0.001], abs=1e-4)
        assert after["customer_1"].boxes == 8
        page.keyboard.press("Control+z")
        assert len(saved(page, drawing, "Saved: 10")) == 10


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_drawing_is_accessible_and_fits(browser, drawing, tmp_path, width, scheme):
    viewport = {"width": width, "height": 800}
    app = drawing_page.create_app(drawing)
    with opened(browser, app, color_scheme=scheme, viewport=viewport) as page:
        saved(page, drawing)
        page.click("#about summary")
        page.select_option("#type", "date")
        check_accessible(page, width)
        page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)


# --- reviewing


@pytest.fixture
def review(tmp_path):
    form = load_form(METER)
    rows = Journal(tmp_path / "rows.jsonl", {"meter": form.version})
    scan = (METER / "filled" / "1.png").as_posix()
    sums = dict.fromkeys(("day", "night", "total"), "rule day + night = total")
    rows.append(row(scan, form, sure={"meter": 0.7, "amount": 0.9, "telephone": 0.95}))
    rows.append(row(f"{METER}/blank.png", form, problems=sums, day="000110"))
    rows.close()
    review = Review(tmp_path / "rows.csv")
    yield review
    review.close()


def test_fields_are_reviewed_by_keyboard_alone(browser, review):
    with opened(browser, review_page.create_app(review)) as page:
        text, field, press = page.locator("#text"), page.locator("#field"), page.keyboard.press
        expect(field).to_have_text("day")
        expect(page.locator("#why")).to_have_text("rule day + night = total")
        expect(text).to_be_focused()
        picture = page.locator("#picture img")
        assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 100
        page.keyboard.type("00010x")  # replaces what was read
        press("Enter")
        expect(page.locator("#message")).to_contain_text("no integer. Enter again")
        text.select_text()
        page.keyboard.type("000100")
        press("Enter")
        expect(page.locator("#saved")).to_contain_text("Saved: day 000100")
        expect(field).to_have_text("meter")  # the rule holds: night and total need nobody
        press("ArrowDown")
        expect(text).to_have_value("7")
        press("ArrowUp")
        expect(text).to_have_value("1234567")
        press("F4")
        expect(page.get_by_role("img", name="the field marked")).to_be_visible()
        press("Escape")
        expect(field).to_have_text("amount")
        press("F2")
        expect(field).to_have_text("telephone")
        press("Control+z")
        expect(field).to_have_text("amount")
        expect(text).to_have_value("12.50")
        for name in ("telephone", "meter"):
            press("Enter")
            expect(field).to_have_text(name)
        press("Enter")
        expect(page.locator("#done")).to_be_visible()
        expect(page.locator("#counts")).to_contain_text("4 answered, 1 of them corrected")
    lines = corrections.path_of(review.path).read_text(encoding="utf-8").splitlines()
    kept = [(each["field"], each["text"]) for each in map(json.loads, lines)]
    assert kept[0] == ("day", "000100") and kept[-1] == ("meter", "1234567")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_reviewing_is_accessible_and_fits(browser, review, tmp_path, width, scheme):
    viewport = {"width": width, "height": 800}
    app = review_page.create_app(review)
    with opened(browser, app, color_scheme=scheme, viewport=viewport) as page:
        expect(page.locator("#text")).to_be_focused()
        page.keyboard.press("F4")
        expect(page.locator("#page img")).to_be_visible()
        check_accessible(page, width)
        page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
