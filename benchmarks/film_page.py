"""Film the server's page for the README: python -m benchmarks.film_page

A number that somebody wrote, an Arabic price and a date are dropped on it, one after the other. An
animated picture, docs/pictures/page.webp. Needs Chromium.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import Server
from ocr.paths import PACKAGE, ROOT

FILE = ROOT / "docs" / "pictures" / "page.webp"
EXAMPLES = PACKAGE / "serving" / "static" / "examples"
SHOWN = (("western", "12/03/2024"), ("arabic", "1,250.75"), ("character", "7"))
SIZE = {"width": 760, "height": 560}  # of the window, in pixels
STILL = 1600  # milliseconds that a reading is shown


def taken(page: Page) -> Image.Image:
    """Take a picture of the window."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def film(page: Page) -> list[Image.Image]:
    """Read the examples one after the other; return a picture of each step."""
    steps = [taken(page)]
    for name, text in SHOWN:
        page.locator("input[type=file]").first.set_input_files(EXAMPLES / f"{name}.png")
        # what was read stands in a field that takes corrections, or as text
        page.wait_for_function(
            "text => [...document.querySelectorAll('input')].some(one => one.value === text)"
            " || document.body.innerText.includes(text)",
            arg=text,
            timeout=60_000,
        )
        page.wait_for_timeout(300)
        steps.append(taken(page))
    return steps


def main(file: Path = FILE) -> None:
    """Start a server, film its page, write the animated picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with Server(environ={"WEB_CONCURRENCY": "1"}) as server, sync_playwright() as driver:
        server.wait()
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(server.address)
        steps = film(page)
        browser.close()
    first, *rest = steps
    options = {"save_all": True, "append_images": rest, "duration": STILL, "loop": 0}
    first.save(file, "WEBP", quality=60, method=6, **options)


if __name__ == "__main__":
    main()
