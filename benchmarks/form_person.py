"""Measure how long it takes from a blank form to the first row: python -m benchmarks.form_person

A script does in Chromium what a person does: draws the sample card's template in the page of
`ocr form new`, then `ocr form read` reads one scan. Machines' seconds are measured. A person's are
those of the keystroke-level model (Card, Moran and Newell 1980) for the same clicks and keys: a
mental step before each field, pointing, clicking, typing as a non-secretary does.
"""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from ocr.forms.template import load_form
from ocr.paths import DATA, ROOT

METER = DATA / "forms" / "meter"
KEY, POINT, CLICK, HOME, THINK = 0.28, 1.1, 0.2, 0.4, 1.35  # seconds
WAIT = 60_000  # milliseconds for the page to answer, on a machine that has other work
FIELDS = (  # name, and what to choose, in the order in which the boxes are found
    ("customer", {"check": "luhn"}),
    ("amount", {"type": "amount"}),
    ("meter", {}),
    ("telephone", {"type": "integer"}),
    ("read_on", {"type": "date"}),
    ("self_read", {}),
    ("day", {}),
    ("changed", {}),
    ("night", {}),
    ("moved", {}),
    ("total", {}),
)


class Person:
    """Do what a person does, and count the seconds that it would take one."""

    def __init__(self, page: Page):
        self.page, self.seconds, self.actions = page, 0.0, 0

    def think(self) -> None:
        """Decide what to do next."""
        self.seconds += THINK

    def click(self, selector: str) -> None:
        """Take the mouse, point, click."""
        self._spend(HOME + POINT + CLICK)
        self.page.click(selector)

    def type(self, text: str) -> None:
        """Go back to the keyboard and type a text, then Enter."""
        self._spend(HOME + KEY * (len(text) + 1))
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def choose(self, selector: str, value: str) -> None:
        """Open a list and choose from it."""
        self._spend(2 * (POINT + CLICK) + HOME)
        self.page.select_option(selector, value)

    def _spend(self, seconds: float) -> None:
        self.seconds, self.actions = self.seconds + seconds, self.actions + 1


def draw(page: Page, person: Person) -> None:
    """Name the boxes that are found, choose their types, write the rule."""
    expect(page.locator("#list li")).to_have_count(len(FIELDS), timeout=WAIT)
    for number, (name, properties) in enumerate(FIELDS, 1):
        person.think()
        person.click(f'.box[aria-label^="field_{number},"]')
        person.click("#name")
        page.keyboard.press("Control+A")
        person.type(name)
        for key, value in properties.items():
            if key == "type":
                person.choose("#type", value)
            else:
                person.click(f"#{key}")
                person.type(value)
    person.think()
    person.click("#about summary")
    person.click("#rules")
    person.type("day + night = total")
    person.click("h1")
    expect(page.locator("#status")).to_contain_text("Saved", timeout=WAIT)
    expect(page.locator("#problem")).to_be_empty()


def command(*arguments: object) -> list[str]:
    """A command line of `ocr form`."""
    return [sys.executable, "-m", "ocr", "form", *map(str, arguments)]


def typed(arguments: list[str]) -> float:
    """Seconds in which a person types a command."""
    return THINK + KEY * (len("ocr ") + sum(len(each) + 1 for each in arguments[3:]))


def measure(folder: Path) -> None:
    """Go from the blank form to the first row; report the seconds, and what was drawn."""
    shutil.copy(METER / "blank.png", folder / "blank.png")
    begun = time.monotonic()
    new = command("new", "blank.png", "--no-browser")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = subprocess.Popen(new, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    found = re.search(r"http://\S+", started.stdout.readline())
    assert found is not None
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(found[0])
        person = Person(page)
        draw(page, person)
        browser.close()
    started.send_signal(signal.SIGINT)
    started.wait()
    read = command("read", "form.json", METER / "filled" / "1.png", "--out", "rows.csv")
    subprocess.run(read, cwd=folder, env=environment, check=True)
    machine = time.monotonic() - begun
    with open(folder / "rows.csv", encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    hands = person.seconds + typed(new[:-1]) + typed(read)
    form = load_form(folder)
    print(", ".join(f"{field.name} {row[field.name]}" for field in form.fields))
    print(f"{len(form.fields)} fields, {person.actions} clicks, choices and words")
    print(f"a person's hands and head: {hands:.0f} s (keystroke-level model)")
    print(f"the machine: {machine:.0f} s; together {hands + machine:.0f} s of 300 s")


def main() -> None:
    """Measure in a folder of its own."""
    with TemporaryDirectory() as folder:
        measure(Path(folder))


if __name__ == "__main__":
    main()
