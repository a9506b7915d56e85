"""Test the labelling page in a real Chromium; skipped where there is no Chromium."""

import contextlib
import errno
import json
import os
import re
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from benchmarks.labelling import WATCH
from ocr.labelling import table
from ocr.labelling.guesses import Doubt, Guess, Guesser
from ocr.labelling.loop import curve
from ocr.labelling.loop.curve import Point
from ocr.labelling.opening import open_desk
from ocr.labelling.server import Server
from tests.labelling import draw, edit, entries, rows
from tests.samples import save_noise

READY = """() => document.querySelector("#picture img")?.complete
  || !document.querySelector("#done").hidden"""
CONTEXTS = []  # of pages that are open
REFUSED = re.compile(r"status of (4(00|04|09|22)|507)")  # Chromium's note that one was refused
pytestmark = pytest.mark.slow


class FixedGuesses(Guesser):
    """Guesses that are there from the start."""

    def __init__(self, guesses):
        self._guesses = guesses

    def status(self):
        return {"text": "a reader has read all images", "share": 1.0}

    def guesses(self):
        return self._guesses


class Learning(FixedGuesses):
    """A loop in the middle of a training, with four points and labels for a second look."""

    def __init__(self, guesses, doubts):
        super().__init__(guesses)
        self.open = list(doubts)
        self.points = [Point(n, n, h, g) for n, h, g in ((20, 0, 4), (60, 5, 12), (150, 22, 30))]
        self.points += [Point(180, 150, 21, 36, saved=False), Point(400, 320, 64, 80)]

    def status(self):
        text = "training mine (captcha) on 320 images: epoch 48 of 400"
        status = {"text": text, "share": 0.12, "training": True, "version": 1}
        return status | {"problem": "training failed: too little", "doubts": len(self.open)}

    def curve(self, rate):
        points, labels = self.points, self.points[-1].labels
        said = {"points": curve.described(points), "forecast": curve.forecast(points)}
        return said | {"words": curve.words(points, labels, 9.0)}

    def doubts(self):
        return self.open

    def keep(self, file, label):
        self.open = [doubt for doubt in self.open if doubt.file != file]


@contextlib.contextmanager
def serving(folder, guesses=None, **options):
    """Serve a folder in a thread: the desk, with `address`."""
    desk = open_desk(folder, **options)
    if isinstance(guesses, Guesser):
        desk.guesser = guesses
    elif guesses is not None:
        desk.guesser = FixedGuesses(guesses)
    desk.start()
    server = Server(desk, folder.name)
    thread = threading.Thread(target=server.run)
    thread.start()
    desk.address = server.address
    try:
        yield desk
    finally:
        while CONTEXTS:  # what a page asks of a stopped server would be an error
            CONTEXTS.pop().close()
        server.stop()
        thread.join()
        desk.close()


@pytest.fixture
def open_page(browser):
    """A function that opens pages. Console errors and requests elsewhere fail the test."""
    faults = []

    def note(message):
        if message.type in ("error", "warning") and not REFUSED.search(message.text):
            faults.append(message.text)

    def open_page(address, **options):
        context = browser.new_context(**options)
        CONTEXTS.append(context)
        page, origin = context.new_page(), address.partition("/?")[0]
        page.on("console", note)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith((origin, "data:")) else faults.append(r)
        )
        page.goto(address)
        page.wait_for_function(READY)
        return page

    yield open_page
    assert faults == []


def shown(page):
    return page.locator("#place").inner_text().partition(":")[0]


def answer(page, key, before):
    """Press a key and wait for another image."""
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('#place').textContent !== before", arg=before
    )


def label(page, text):
    before = shown(page)
    page.keyboard.type(text)
    answer(page, "Enter", before)
    return before


def test_200_labels_by_keyboard_alone(tmp_path, open_page):
    texts = draw(tmp_path, 200)
    with serving(tmp_path) as desk:
        page = open_page(desk.address)
        for k in range(199):
            file = label(page, texts[shown(page)])
            if k % 40 == 0:
                assert rows(tmp_path)[file] == texts[file]
        page.keyboard.type(texts[shown(page)])
        page.keyboard.press("Enter")
        expect(page.locator("#done")).to_be_visible()
        assert "200 labelled" in page.inner_text("#counts")
    assert rows(tmp_path) == texts
    gold = [e["file"] for e in entries(tmp_path) if e.get("gold")]
    assert 20 <= len(gold) <= 60


def test_guesses_are_accepted_and_replaced_and_the_keys_do_what_they_say(tmp_path, open_page):
    texts = draw(tmp_path, 12)
    guesses = {file: Guess(text, 0.7) for file, text in texts.items()}
    with serving(tmp_path, guesses) as desk:
        page = open_page(desk.address)
        first = shown(page)
        expect(page.locator("#text")).to_have_value(texts[first])
        assert "confidence 70 %" in page.inner_text("#sure")
        answer(page, "Enter", first)  # accepted
        second = label(page, "222")  # typing replaces
        put_off = shown(page)
        answer(page, "Tab", put_off)
        also = shown(page)
        answer(page, "Escape", also)
        unreadable = shown(page)
        answer(page, "F2", unreadable)
        expect(page.locator("#saved")).to_have_text(f"Nobody can read: {unreadable}")
        states = {file: entry.state for file, entry in desk.store.answered().items()}
        assert states == {
            first: "labelled",
            second: "labelled",
            put_off: "skipped",
            also: "skipped",
            unreadable: "unreadable",
        }
        assert rows(tmp_path) == {first: texts[first], second: "222"}
        answer(page, "Control+z", shown(page))
        assert shown(page) == unreadable and unreadable not in desk.store.answered()
        page.keyboard.press("PageUp")
        expect(page.locator("#place")).to_have_text(f"{also}: answered before")
        page.keyboard.press("Alt+ArrowLeft")
        page.keyboard.press("Alt+ArrowLeft")
        expect(page.locator("#place")).to_have_text(f"{second}: answered before")
        expect(page.locator("#text")).to_have_value("222")
        page.keyboard.type("2222")
        page.keyboard.press("Enter")
        expect(page.locator("#saved")).to_have_text(f"Saved: 2222 ({second})")
        assert rows(tmp_path)[second] == "2222"


def test_another_day_and_put_off_images_come_again(tmp_path, open_page):
    texts = draw(tmp_path, 3)
    with serving(tmp_path) as desk:
        page = open_page(desk.address)
        first = shown(page)
        answer(page, "Escape", first)
        second = label(page, "1")
    with serving(tmp_path) as desk:
        page = open_page(desk.address)
        assert "1 labelled" in page.inner_text("#counts")
        assert shown(page) == first
        label(page, "2")
        assert shown(page) == ({*texts} - {first, second}).pop()


def test_two_tabs(tmp_path, open_page):
    draw(tmp_path, 5)
    with serving(tmp_path) as desk:
        one, two = open_page(desk.address), open_page(desk.address)
        file = label(one, "fast")
        assert shown(two) == file
        two.keyboard.type("slow")
        two.keyboard.press("Enter")
        expect(two.locator("#message")).to_contain_text(
            "answered elsewhere in the meantime: “fast”"
        )
        expect(two.locator("#text")).to_have_value("slow")
        assert rows(tmp_path) == {file: "fast"}
        answer(two, "Enter", file)
        assert rows(tmp_path) == {file: "slow"}


def test_refused_characters_empty_labels_a_full_disk_and_a_locked_table(
    tmp_path, open_page, monkeypatch
):
    draw(tmp_path, 6)
    with serving(tmp_path, alphabet="0123456789") as desk:
        page = open_page(desk.address)
        page.keyboard.type("12é-")
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_have_text("not in the alphabet: '-' 'é'")
        expect(page.locator("#text")).to_have_value("12é-")
        page.fill("#text", "")
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_contain_text("type what the image says")
        replace = os.replace

        def fail(*arguments):
            raise OSError(number, os.strerror(number))

        number = errno.EACCES
        monkeypatch.setattr(table.paths.os, "replace", fail)
        locked = label(page, "1")
        expect(page.locator("#problem")).to_contain_text("open in another program")
        number = errno.ENOSPC
        full = label(page, "2")
        page.keyboard.type("3")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("disk is full")
        expect(page.locator("#text")).to_have_value("3")
        monkeypatch.setattr(table.paths.os, "replace", replace)
        third = shown(page)
        answer(page, "Enter", third)
        expect(page.locator("#problem")).to_be_hidden()
        assert rows(tmp_path) == {locked: "1", full: "2", third: "3"}
        edit(tmp_path, f"file,label\n{locked},9\n{full},2\n{third},3\n")
        label(page, "4")
        expect(page.locator("#notices")).to_contain_text("1 changes taken over")


def test_unreadable_and_deleted_images_are_passed_over(tmp_path, open_page):
    draw(tmp_path, 6)
    (tmp_path / "broken.png").write_text("no image")
    with serving(tmp_path) as desk:
        page = open_page(desk.address)
        while not desk.images.faults:
            page.wait_for_timeout(50)
        for file in list(desk.images.names):
            if file not in ("00000.png", shown(page), "broken.png"):
                (tmp_path / file).unlink()
        label(page, "1")
        assert shown(page) == "00000.png" or page.locator("#done").is_visible()
        expect(page.locator("#faults summary")).to_contain_text("images are passed over")
        page.click("#faults summary")
        expect(page.locator("#faults ul")).to_contain_text("broken.png: not an image")
        expect(page.locator("#faults ul")).to_contain_text("no longer there")


def test_many_at_once(tmp_path, open_page):
    texts = draw(tmp_path, 300)
    guesses = {file: Guess(text, 0.9) for file, text in texts.items()}
    odd = "00123.png"
    guesses[odd] = Guess("00", 0.4)
    with serving(tmp_path, guesses) as desk:
        page = open_page(desk.address)
        page.click("#show-many")
        expect(page.locator("#many-count")).to_have_text("300 images")
        first = page.locator(".tile").first
        expect(first).to_have_attribute("aria-label", f"00 guess, {odd}")
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        expect(page.locator("#editor-text")).to_have_value("00")
        page.keyboard.type(texts[odd])
        page.keyboard.press("Enter")
        expect(page.locator("#editor")).to_be_hidden()
        expect(first).to_have_attribute("aria-label", f"{texts[odd]} label, {odd}")
        assert rows(tmp_path) == {odd: texts[odd]}
        page.keyboard.press("End")
        last = page.locator("[aria-selected=true]")
        expect(last).to_have_attribute("aria-posinset", "300")
        last.click()
        page.keyboard.press("Escape")
        expect(page.locator("#editor")).to_be_hidden()
        page.select_option("#which", "label")
        expect(page.locator("#many-count")).to_have_text("1 images")
        page.click("#show-one")
        label(page, "5")
        assert len(rows(tmp_path)) == 2


def doubtful(folder, texts, count=3):
    """Doubts about the first images: labelled 1, read as they are."""
    return [Doubt(file, "1", text, 0.97) for file, text in list(texts.items())[:count]]


def test_the_training_and_its_curve_are_shown(tmp_path, open_page):
    texts = draw(tmp_path, 6)
    with serving(tmp_path, Learning({}, [])) as desk:
        page = open_page(desk.address)
        expect(page.locator("#guesser")).to_contain_text("epoch 48 of 400")
        expect(page.locator("#progress")).to_have_js_property("value", 0.12)
        expect(page.locator("#fault")).to_have_text("training failed: too little")
        expect(page.locator("#show-doubts")).to_be_hidden()
        expect(page.locator("#learning-words")).to_contain_text("64 of 80 right (70 to 87 %)")
        expect(page.locator("#learning-words")).to_contain_text("Twice the labels should bring")
        picture = page.get_by_role("img", name="Learning curve: labels against exact match")
        expect(picture.locator("circle")).to_have_count(5)
        assert "400 labels: 80 % (70 % to 87 %)" in picture.locator("desc").text_content()
        page.click("#learning summary")
        expect(page.locator("#trainings tr")).to_have_count(5)
        expect(page.locator("#trainings tr").nth(3)).to_contain_text("not better: left")
        expect(page.locator("#trainings tr").last).to_contain_text("64 of 80")
        page.focus("#text")
        label(page, texts[shown(page)])  # and the labelling goes on


def test_a_second_look_by_keyboard_alone(tmp_path, open_page):
    texts = draw(tmp_path, 6)
    first, second, third = list(texts)[:3]
    with serving(tmp_path, Learning({}, doubtful(tmp_path, texts))) as desk:
        for file in (first, second, third):
            desk.answer(file, "labelled", "1")
        page = open_page(desk.address)
        button = page.get_by_role("button", name="Second look (3)")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#doubt-place")).to_have_text(f"1 of 3: {first}")
        expect(page.locator("#doubt-text")).to_have_value("1")
        assert f"Labelled “1”, read “{texts[first]}” (97 %)" in page.inner_text("#doubt-read")
        page.keyboard.press("Escape")
        expect(page.locator("#doubt-place")).to_have_text(f"2 of 3: {second}")
        page.keyboard.press("F4")  # what was read
        expect(page.locator("#doubt-saved")).to_have_text(f"Corrected: {texts[second]} ({second})")
        expect(page.locator("#doubt-place")).to_have_text(f"2 of 2: {third}")
        page.keyboard.type("33")
        page.keyboard.press("Enter")
        expect(page.locator("#doubt-saved")).to_have_text(f"Corrected: 33 ({third})")
        expect(page.locator("#doubt-place")).to_have_text(f"1 of 1: {first}")
        page.keyboard.press("Enter")
        expect(page.locator("#doubt-saved")).to_have_text(f"Kept: 1 ({first})")
        expect(page.locator("#doubts-done")).to_be_visible()
        assert rows(tmp_path) == {first: "1", second: texts[second], third: "33"}
        assert first not in [doubt.file for doubt in desk.guesser.open]
        page.keyboard.press("Enter")  # the button that has the focus
        expect(page.locator("#text")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_accessibility_and_no_overflow(tmp_path, open_page, scheme, width):
    texts = draw(tmp_path, 60)
    (
        tmp_path / "a-very-long-name-that-goes-on-and-on-and-has-no-space-anywhere-in-it.png"
    ).write_text("")
    guesses = {file: Guess(text, 0.9) for file, text in texts.items()}
    learning = Learning(guesses, doubtful(tmp_path, texts))
    with serving(tmp_path, learning, alphabet="0123456789") as desk:
        for doubt in learning.open:
            desk.answer(doubt.file, "labelled", "1")
        viewport = {"width": width, "height": 800}
        page = open_page(desk.address, color_scheme=scheme, viewport=viewport, bypass_csp=True)
        label(page, "12345")
        page.keyboard.type("x")
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_contain_text("not in the alphabet")
        views = (("one", "#one"), ("doubts", "#doubts"), ("many", "#many"), ("editor", "#editor"))
        for view, where in views:
            if view == "doubts":
                page.click("#show-doubts")
                expect(page.locator("#doubts-list li")).to_have_count(3)
            if view == "many":
                page.click("#show-many")
                page.wait_for_selector(".tile")
            if view == "editor":
                page.locator(".tile").first.click()
            page.wait_for_timeout(300)
            violations = Axe().run(page).response["violations"]
            serious = [v for v in violations if v["impact"] in ("serious", "critical")]
            assert serious == [], json.dumps(serious, indent=1)[:2000]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
            page.screenshot(path=tmp_path / f"{view}-{scheme}-{width}.png", full_page=True)


def test_20000_images_stay_quick(tmp_path, open_page):
    texts = draw(tmp_path, 40)
    save_noise(tmp_path, ["noise.png"])
    for k in range(20_000 - 41):  # hard links: as many names, few bytes
        os.link(tmp_path / f"{k % 40:05}.png", tmp_path / f"copy{k:05}.png")
    guesses = {file: Guess(text, 0.5) for file, text in texts.items()}
    with serving(tmp_path, guesses) as desk:
        page = open_page(desk.address)
        page.evaluate(WATCH)
        times = []
        for k in range(30):
            label(page, str(k))
            page.wait_for_function("() => window.took !== null")
            times.append(page.evaluate("window.took"))
            page.evaluate("window.took = null")
            page.wait_for_timeout(150)  # nobody types faster
        times.sort()
        print(f"key to next image: median {times[15]:.0f} ms, slowest {times[-1]:.0f} ms")
        assert times[15] < 200
        page.evaluate("window.began = performance.now()")
        page.click("#show-many")
        page.wait_for_selector(".tile")
        print(f"many: {page.evaluate('performance.now() - window.began'):.0f} ms")
        assert page.locator(".tile").count() < 200
        page.keyboard.press("End")
        expect(page.locator("[aria-selected=true]")).to_have_attribute("aria-posinset", "20000")
