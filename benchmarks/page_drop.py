"""Measure the page, from a dropped picture to its answer: python -m benchmarks.page_drop

CAPTCHAs, one after the other, on the server's page in Chromium, 1280 and 360 pixels wide: the
milliseconds from the drop to the frame that shows the text, after one drop that warms up. Real
CAPTCHAs with OCR_DATA, else drawn ones.
"""

import os
import shutil

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.samples import captchas
from benchmarks.serving import Server

DROPS = 30
WIDTHS = (1280, 360)
DROP = """([name, bytes]) => new Promise(done => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
  const start = performance.now();
  const observer = new MutationObserver(async () => {  // its row is in the list, its text in #text
    observer.disconnect();
    await document.querySelector("#picture").decode();
    requestAnimationFrame(() => {
      const sent = performance.getEntriesByType("resource").findLast(
        each => each.name.endsWith("/api/read"));
      done([performance.now() - start, sent.duration, document.querySelector("#text").value]);
    });
  });
  observer.observe(document.querySelector("#results"), {childList: true});
  const event = new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true});
  document.querySelector("h1").dispatchEvent(event);
})"""


def drop(page: Page, pictures: list[bytes]) -> np.ndarray:
    """Drop pictures, the first to warm up; return the milliseconds (drops, 2): all, of the API."""
    times = []
    for k, picture in enumerate(pictures):
        *took, text = page.evaluate(DROP, [f"{k}.png", list(picture)])
        assert text, f"drop {k}: no text"
        times.append(took)
        page.wait_for_timeout(100)
    return np.array(times[1:])


def main() -> None:
    """Measure both widths."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    pictures = captchas(DROPS + 1)
    with Server() as server, sync_playwright() as driver:
        server.first_read(pictures[0])
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto(server.address)
            all_, api = drop(page, pictures).T
            low, middle, high = np.percentile(all_, [10, 50, 90])
            print(
                f"{width} pixels, {DROPS} drops: median {middle:.0f} ms, a tenth under {low:.0f}, "
                f"a tenth over {high:.0f}; the request alone {np.median(api):.0f}; "
                f"load {os.getloadavg()[0]:.1f}"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
