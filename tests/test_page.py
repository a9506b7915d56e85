"""Test the page in a real Chromium, against a real server; skipped where there is no Chromium."""

import base64
import json
import re
import shutil
import threading

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from werkzeug.serving import make_server

from benchmarks import serving as serving_bench
from ocr.drawing import fonts, symbols
from ocr.drawing.numbers.printing import press
from ocr.paths import MODELS, PACKAGE
from ocr.reading.reader import Reader
from ocr.serving.server import create_app
from ocr.serving.service import Service
from ocr.words import page_words
from tests import barcodes

EXAMPLES = PACKAGE / "serving" / "static" / "examples"
REFUSED = re.compile(r"status of 4(00|22)")  # Chromium's own note that a request was refused
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    with serving_bench.Server() as server:
        server.first_read(serving_bench.captchas(1)[0])
        yield server.address


@pytest.fixture
def page(browser, address):
    """The page, freshly opened. Console errors and requests to other servers fail the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page, faults = context.new_page(), []

    def note_message(message):
        if message.type in ("error", "warning") and not REFUSED.search(message.text):
            faults.append(message.text)

    def note_request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            faults.append(request.url)

    page.on("console", note_message)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", note_request)
    page.goto(address)
    yield page
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Printed numbers as [(path, text)], which the reader of numbers reads and trusts."""
    folder, reader, found = tmp_path_factory.mktemp("numbers"), Reader.load("numbers"), []
    write = press("western", fonts.faces(("open_sans",), "western"))
    for i, text in enumerate(("40715", "27.50", "12/03/2024", "98364")):
        ink = write(text, np.random.default_rng(i)).pixels
        Image.fromarray(255 - np.pad(ink, 12)).save(folder / f"{i}.png")
        reading = reader.read(folder / f"{i}.png")
        assert (reading.text, reading.trusted) == (text, True)
        found.append((folder / f"{i}.png", text))
    return found


DROP = """([selector, name, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
  const event = new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true});
  document.querySelector(selector).dispatchEvent(event);
}"""
PASTE = """([name, bytes]) => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
  const event = new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true});
  document.dispatchEvent(event);
}"""


def texts(page, count):
    """Wait until the list has `count` entries; return their texts, from the top."""
    page.locator("#results li").nth(count - 1).wait_for(state="attached")
    page.wait_for_selector("#progress", state="hidden")
    return page.locator("#results .text").all_inner_texts()


def choose(page, reader):
    """Choose a reader, also where the settings are closed, as on a phone."""
    page.evaluate("document.getElementById('settings').open = true")
    page.check(f"#readers [value={reader}]")


def test_dropped_and_pasted_pictures_are_read_newest_first(page, files):
    (first, one), (second, two), *_ = files
    page.evaluate(DROP, ["h1", "0.png", list(first.read_bytes())])  # beside the box
    assert texts(page, 1) == [one]
    page.evaluate(PASTE, ["1.png", list(second.read_bytes())])
    assert texts(page, 2) == [two, one]
    assert page.input_value("#text") == two
    assert page.locator("#marks .sign").count() == len(two)
    page.click("#more summary")
    assert page.locator("#seen img").evaluate("img => img.complete && img.naturalWidth") == 256


def test_a_server_that_is_busy_is_asked_again(browser, address, files):
    page, asked = browser.new_page(), []

    def answer(route):
        asked.append(route)
        busy = {"detail": "busy: try again"}
        route.continue_() if len(asked) > 1 else route.fulfill(status=503, json=busy)

    page.route("**/api/read", answer)
    page.goto(address)
    page.set_input_files("#files", str(files[0][0]))
    assert texts(page, 1) == [files[0][1]] and len(asked) == 2
    page.close()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_the_answer_is_on_the_first_screen(browser, address, files, width, height):
    page = browser.new_page(viewport={"width": width, "height": height}, has_touch=width < 500)
    page.goto(address)
    page.set_input_files("#files", str(files[0][0]))
    texts(page, 1)
    for part in ("#drop", "#picture", "#verdict", "#text", "#accept"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, (part, box)
    page.close()


def test_many_large_pictures_go_in_several_requests(page, tmp_path):
    paths = [tmp_path / f"{k}.png" for k in range(6)]
    for k, path in enumerate(paths):
        noise = np.random.default_rng(k).integers(0, 256, (1000, 1000, 3), np.uint8)
        Image.fromarray(noise).save(path)  # 3 MB
    page.set_input_files("#files", list(map(str, paths)))
    assert texts(page, 6) == ["–"] * 6 and "0 of 6 pictures read" in page.inner_text("#status")
    assert "none of the readers knows" in page.inner_text("#problem")
    assert page.inner_text("#verdict") == "cannot read this"


def test_a_person_checks_accepts_corrects_and_removes(page, files, tmp_path):
    bad = tmp_path / "=bad.png"  # no formula in the CSV
    bad.write_text("no image")
    paths, right = zip(*files)
    page.set_input_files("#files", list(map(str, [*paths[:2], bad, *paths[2:]])))
    assert texts(page, 5) == [*right[:2], "–", *right[2:]]
    assert "4 of 5 pictures read" in page.inner_text("#status")
    page.click("#show-check")
    assert page.locator("#results li:visible").count() == 1
    assert "not an image" in page.inner_text("#problem")
    page.fill("#text", "typed")
    page.press("#text", "Enter")
    assert page.inner_text("#verdict") == "corrected by you"
    assert page.inner_text("#show-check") == "To check 0"
    page.click("#show-all")
    page.locator("#results .item").first.click()
    page.click("#accept")
    with page.expect_download() as download:
        page.click("#csv")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "path,text,confidence,trusted,error,reader,person"
    assert lines[1].startswith(f"0.png,{right[0]},") and lines[1].endswith(",numbers,accepted")
    assert lines[3] == "'=bad.png,typed,0,false,,,corrected"
    with page.expect_download() as download:
        page.click("#labels")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines == ["file,label", f"0.png,{right[0]}", "'=bad.png,typed"]
    page.click("#copy")
    page.locator("#status", has_text="Copied.").wait_for()
    wanted = [*right[:2], "typed", *right[2:]]
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == wanted
    page.click("#remove")
    assert page.locator("#results li").count() == 4
    page.click("#clear")
    assert page.locator("#results li").count() == 0 and page.locator("#detail").is_hidden()


def test_keys_walk_through_the_list_and_the_order_can_be_changed(page, files):
    page.set_input_files("#files", [str(path) for path, _ in files])
    right = texts(page, 4)
    page.locator("#results .item").first.focus()
    for key, text in (("ArrowDown", right[1]), ("j", right[2]), ("k", right[1])):
        page.keyboard.press(key)
        assert page.input_value("#text") == text
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.press("ArrowDown")
    assert page.input_value("#text") == right[2]
    page.select_option("#sort", "name")
    assert texts(page, 4) == [text for _, text in files]


def test_a_result_is_cropped_turned_and_read_again(page, tmp_path):
    sheet = Image.new("RGB", (200, 100), "white")
    sign = Image.fromarray(next(iter(symbols.signs("R", 4)))[1]).resize((100, 100))
    sheet.paste(sign.transpose(Image.Transpose.ROTATE_90), (100, 0))
    sheet.save(tmp_path / "sheet.png")
    choose(page, "dual_input")
    page.set_input_files("#files", str(tmp_path / "sheet.png"))
    texts(page, 1)
    page.click("#crop-it")
    box = page.locator("#crop").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] - 1, steps=4)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#picture').naturalWidth < 110")
    page.click("#turn")
    page.locator("#results .text", has_text=re.compile("^R$")).wait_for()
    page.select_option("#again", "any")
    page.locator("#about", has_text="photo").wait_for()
    page.click("#whole")
    page.wait_for_function("() => document.querySelector('#picture').naturalWidth === 200")


def draw(page, points):
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    place = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*place[0])
    page.mouse.down()
    for x, y in place[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


def test_a_drawn_digit_is_read(page):
    page.click("#drawing summary")
    draw(page, [(0.42, 0.15), (0.58, 0.15), (0.48, 0.85)])
    choose(page, "char_cnn")
    page.click("#read-drawing")
    assert texts(page, 1) == ["7"]


def test_a_digit_drawn_by_touch_is_read(browser, address):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(address)
    choose(page, "char_cnn")
    page.tap("#drawing summary")
    page.locator("#canvas").scroll_into_view_if_needed()
    box, touch = page.locator("#canvas").bounding_box(), context.new_cdp_session(page)
    stroke = [(0.42, 0.15), (0.5, 0.15), (0.58, 0.15), (0.53, 0.5), (0.48, 0.85)]
    for k, (x, y) in enumerate(stroke):
        points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}]
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": "touchMove" if k else "touchStart", "touchPoints": points},
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.click("#read-drawing")
    assert texts(page, 1) == ["7"]
    context.close()


NOTE_SIZES = """() => {
  const send = window.fetch;
  window.sent = [];
  window.fetch = (url, options) => {
    const parts = options?.body instanceof FormData ? [...options.body.values()] : [options?.body];
    window.sent.push(...parts.map((part) => part?.size ?? 0));
    return send(url, options);
  };
}"""  # in bytes; Chromium's own events tell no body with files


def test_a_large_photograph_is_scaled_down_before_it_is_sent(page, files, tmp_path):
    large = tmp_path / "large.png"
    picture = Image.open(files[0][0]).convert("L").resize((4000, 1000), Image.Resampling.BICUBIC)
    picture.crop((0, -1000, 4000, 1000)).save(large)  # 8 million pixels would be refused
    page.evaluate(NOTE_SIZES)
    choose(page, "numbers")
    page.set_input_files("#files", str(large))
    texts(page, 1)
    assert page.inner_text("#verdict") != "cannot read this"
    assert 1_000 < max(page.evaluate("sent")) < 500_000


def test_the_keyboard_reaches_everything(page):
    order = []
    for _ in range(30):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    for wanted in ("language", "files", "SUMMARY", "format", "lines"):
        assert wanted in order, (wanted, order)
    page.locator("#examples button").last.focus()
    page.keyboard.press("Enter")
    assert texts(page, 1) == ["R"]


def test_formats_are_chosen_by_what_they_are(page, files):
    choose(page, "numbers")
    page.select_option("#format", "dd/dd/dddd")
    page.set_input_files("#files", str(EXAMPLES / "hand.png"))
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", texts(page, 1)[0])
    page.select_option("#format", "digits")
    page.set_input_files("#files", str(EXAMPLES / "western.png"))
    texts(page, 2)
    assert "not of the format" in page.inner_text("#problem")
    assert page.inner_text("#verdict") == "please check"
    page.select_option("#format", "own")
    page.fill("#pattern", "AAAAA")
    page.set_input_files("#files", str(files[0][0]))
    assert texts(page, 3)[0] == "–" and "alphabet" in page.inner_text("#problem")


def test_several_numbers_are_read_one_by_one(page, tmp_path):
    number = Image.open(EXAMPLES / "western.png").convert("L")
    sheet = Image.new("L", (number.width, 3 * number.height), number.getpixel((2, 2)))
    sheet.paste(number, (0, 0))
    sheet.paste(number, (0, 2 * number.height))
    sheet.save(tmp_path / "sheet.png")
    page.check("#lines")
    page.set_input_files("#files", str(tmp_path / "sheet.png"))
    texts(page, 1)
    assert page.input_value("#text") == "12/03/2024\n12/03/2024"
    assert page.locator("#marks .line").count() == 2 and page.locator("#marks .sign").count() == 20


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_every_word_is_in_the_language(browser, address, files, language):
    context = browser.new_context(locale=language)
    page = context.new_page()
    page.goto(address)
    page.set_input_files("#files", [str(path) for path, _ in files])
    texts(page, 4)
    root = page.evaluate("[document.documentElement.lang, document.documentElement.dir]")
    assert root == [language, "ltr" if language == "en" else "rtl"]
    own = page_words()[language]
    empty = "all => all.filter(each => !each.textContent).length"
    assert page.eval_on_selector_all("[data-word]", empty) == 0
    assert page.inner_text("#verdict") in own.values()
    for place in ("teach", "forms"):
        page.click(f"[data-place={place}]")
        assert page.locator(f"#{place} h1").inner_text() == own[f"{place.rstrip('s')}.title"]
    page.select_option("#language", "en")
    assert page.inner_text("#forms h1") == page_words()["en"]["form.title"]
    context.close()


def test_five_thousand_rows_stay_quick(page):
    """Walk and sort in under 100 ms of the page's own time each, beside one step of 50 rows."""
    page.evaluate(FILL, 5000)
    page.locator("#results li").nth(4999).wait_for(state="attached")
    assert page.inner_text("#show-all") == "All 5,000"
    page.locator("#results .item").first.focus()
    page.keyboard.press("PageDown")
    assert page.input_value("#text") == "10"
    page.select_option("#sort", "unsure")
    assert page.locator("#results li").count() == 5000


FILL = """async count => {
  const { addRow } = await import("./static/rows.js");
  const { addItems, select } = await import("./static/list.js");
  const file = new File([new Uint8Array(0)], "x.png", { type: "image/png" });
  const added = [];
  for (let k = 0; k < count; k++) {
    const found = { name: `${k}.png`, text: `${k}`, confidence: k / count, trusted: true };
    added.push(Object.assign(addRow(file, found), { group: 1, after: added.at(-1) }));
  }
  addItems(added);
  select(added[0]);
}"""


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """The address of a server whose readers are one of barcodes, which has scripts, and captcha."""
    folder = tmp_path_factory.mktemp("readers")
    barcodes.save(folder / "bars")
    shutil.copytree(MODELS / "captcha", folder / "captcha")
    app = create_app(Service([folder]), token="")
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()


def test_scripts_trust_and_refusals_are_shown(browser, bars, tmp_path):
    paths = []
    for name, text in (("a", "٨٢"), ("b", "3□"), ("c", "□")):
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(barcodes.barcode(text)).save(paths[-1])
    page = browser.new_page()
    page.goto(bars)
    options = page.locator("#script option").evaluate_all("all => all.map(each => each.value)")
    assert options == ["", "western", "arabic", "persian"]
    choose(page, "bars")
    page.set_input_files("#files", list(map(str, paths)))
    assert texts(page, 3) == ["82", "3", "–"]
    assert "2 of 3 pictures read, 1 to check, 1 cannot be read." in page.inner_text("#status")
    notes = page.locator("#results .state").all_inner_texts()
    assert notes == ["sure", "please check", "cannot read this"]
    page.select_option("#script", "western")
    page.set_input_files("#files", str(paths[0]))
    assert texts(page, 4)[0] == "–"  # no Western sign in it
    choose(page, "captcha")
    assert not page.locator("#script-choice").is_visible()
    page.close()


WIDE = """() => {
  const style = document.createElement("style");
  style.textContent = `
    @font-face { font-family: wide; src: url(data:font/ttf;base64,${FONT}) }
    * { font-family: wide !important; letter-spacing: 0.08em }`;
  document.head.append(style);
  return document.fonts.load("16px wide");
}"""


OVERFLOWING = """width => [...document.body.querySelectorAll("*")]
  .filter(e => e.getBoundingClientRect().right > width + 0.5)
  .filter(e => !e.closest(".hidden, .table, pre, #crop, .skip"))
  .map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [1100, 360, 320])
def test_the_page_does_not_overflow_with_a_wide_font(browser, address, files, width):
    """A font whose letters are as wide as high stands in for the fonts of unknown phones."""
    font = base64.b64encode(fonts.fonts(("press_start_2p",))[0].read_bytes()).decode()
    page = browser.new_page(viewport={"width": width, "height": 800}, bypass_csp=True)
    page.goto(address)
    page.evaluate(WIDE.replace("${FONT}", font))
    page.set_input_files("#files", [str(path) for path, _ in files])
    texts(page, 4)
    page.click("#drawing summary")
    overflowing = page.evaluate(OVERFLOWING, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, overflowing
    page.close()


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        (320, "light", "en"),
        (1100, "dark", "en"),
        (2560, "light", "en"),
        (320, "dark", "ar"),
        (1100, "light", "ar"),
        (320, "light", "fa"),
        (2560, "dark", "fa"),
    ],
)
def test_accessibility_and_no_overflow(browser, address, files, width, scheme, language):
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        bypass_csp=True,
        locale=language,
    )
    page = context.new_page()
    for place in ("", "#teach", "#forms", "docs"):
        page.goto(f"{address}/{place}")
        if not place:
            page.set_input_files("#files", [str(path) for path, _ in files])
            texts(page, 4)
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        violations = Axe().run(page).response["violations"]
        assert violations == [], (place, json.dumps(violations, indent=1)[:2000])
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (place, page.evaluate(OVERFLOWING, width))
    context.close()
