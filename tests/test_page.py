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
from ocr.drawing import fonts
from ocr.paths import MODELS
from ocr.reading.reader import Reader
from ocr.serving.server import create_app
from ocr.serving.service import Service
from tests import barcodes

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
    """CAPTCHAs as [(path, text that the reader reads)]."""
    folder, reader = tmp_path_factory.mktemp("captchas"), Reader.load("captcha")
    for i, data in enumerate(serving_bench.captchas(4)):
        (folder / f"{i}.png").write_bytes(data)
    return [(path, reader.read(path).text) for path in sorted(folder.iterdir())]


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
    """Wait until the list has `count` entries; return their texts."""
    page.wait_for_function(
        "count => document.querySelectorAll('#results li').length >= count", arg=count
    )
    return page.locator("#results .text").all_inner_texts()


def test_dropped_and_pasted_pictures_are_read(page, files):
    (first, one), (second, two), *_ = files
    page.evaluate(DROP, ["#drop", "0.png", list(first.read_bytes())])
    assert texts(page, 1) == [one]
    page.evaluate(PASTE, ["1.png", list(second.read_bytes())])
    assert texts(page, 2) == [one, two]
    assert page.locator("#results li").first.locator(".marks span").count() == len(one)
    seen = page.locator("#results .seen img").first
    assert seen.evaluate("img => img.complete && img.naturalWidth") == 200


def test_many_large_pictures_go_in_several_requests(page, tmp_path):
    paths = [tmp_path / f"{k}.png" for k in range(6)]
    for k, path in enumerate(paths):
        noise = np.random.default_rng(k).integers(0, 256, (1000, 1000, 3), np.uint8)
        Image.fromarray(noise).save(path)  # 3 MB
    page.set_input_files("#files", list(map(str, paths)))
    assert len(texts(page, 6)) == 6 and "6 of 6 pictures read" in page.inner_text("#status")


def test_several_files_and_an_unreadable_one(page, files, tmp_path):
    bad = tmp_path / "=bad.png"  # no formula in the CSV
    bad.write_text("no image")
    paths, right = zip(*files)
    page.set_input_files("#files", list(map(str, [*paths[:2], bad, *paths[2:]])))
    assert texts(page, 5) == [*right[:2], "not read", *right[2:]]
    assert "4 of 5 pictures read" in page.inner_text("#status")
    assert "not an image" in page.locator(".failed").inner_text()
    with page.expect_download() as download:
        page.click("#csv")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "name,text,confidence,trusted,problem"
    assert lines[1].startswith(f"0.png,{right[0]},") and lines[3].startswith("'=bad.png,,,,")
    page.click("#copy")
    page.wait_for_function("() => document.getElementById('status').textContent === 'Copied.'")
    assert page.evaluate("navigator.clipboard.readText()") == "\n".join(right)
    page.click("#clear")
    assert page.locator("#results li").count() == 0


def test_an_unreadable_file_alone_and_a_bad_pattern(page, files, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    page.set_input_files("#files", str(bad))
    assert texts(page, 1) == ["not read"]
    page.fill("#pattern", "AAAAA")
    page.set_input_files("#files", str(files[0][0]))
    page.wait_for_function("() => document.querySelectorAll('#results li').length === 2")


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
    page.select_option("#reader", "char_cnn")
    page.click("#drawing summary")
    draw(page, [(0.42, 0.15), (0.58, 0.15), (0.48, 0.85)])
    page.click("#read-drawing")
    assert texts(page, 1) == ["7"]


def test_a_digit_drawn_by_touch_is_read(browser, address):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(address)
    page.select_option("#reader", "char_cnn")
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


def test_a_large_photograph_is_scaled_down_before_it_is_sent(page, files, tmp_path):
    large = tmp_path / "large.png"
    picture = Image.open(files[0][0]).convert("L").resize((4000, 1000), Image.Resampling.BICUBIC)
    picture.crop((0, -1000, 4000, 1000)).save(large)  # 8 million pixels would be refused
    sent = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    page.set_input_files("#files", str(large))
    texts(page, 1)
    assert page.locator(".failed").count() == 0 and max(sent) < 500_000


def test_the_keyboard_reaches_everything(page):
    page.focus("#reader")
    order = []
    for _ in range(30):
        order.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        page.keyboard.press("Tab")
    for wanted in ("reader", "pattern", "files", "SUMMARY", "form-name", "form-file"):
        assert wanted in order, (wanted, order)
    button = page.locator("#examples button").last
    button.focus()
    page.keyboard.press("Enter")
    assert texts(page, 1) == ["R"]


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
    choice = page.locator("#script-choice")
    options = page.locator("#script option").all_inner_texts()
    assert options == ["any", "western", "arabic", "persian"]
    assert choice.is_visible() and "75.0 % are sure" in page.inner_text("#about")
    page.set_input_files("#files", list(map(str, paths)))
    assert texts(page, 3) == ["82", "3", "not read"]
    assert "2 of 3 pictures read, 1 to check." in page.inner_text("#status")
    notes = page.locator("#results .sure").all_inner_texts()
    assert notes[0].startswith("sure (") and notes[1].startswith("please check (")
    assert notes[2] == "nothing that I can read"
    page.select_option("#script", "western")
    page.set_input_files("#files", str(paths[0]))
    assert texts(page, 4)[3] == "not read"  # no Western sign in it
    page.select_option("#reader", "captcha")
    assert not choice.is_visible()
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
  .filter(e => e.getBoundingClientRect().right > width + 0.5 && !e.closest(".hidden"))
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_accessibility_and_no_overflow(browser, address, files, scheme, width, tmp_path):
    page = browser.new_page(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    page.goto(address)
    page.set_input_files("#files", [str(path) for path, _ in files])
    texts(page, 4)
    page.click("#drawing summary")
    violations = Axe().run(page).response["violations"]
    serious = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
    assert serious == [], json.dumps(serious, indent=1)[:2000]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
    page.close()
