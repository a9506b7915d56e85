"""Draw the sample forms: python -m benchmarks.draw_forms

They are drawn once and committed, in data/forms/: blank pages, their form.json, and a few that are
filled in, in pen strokes and fonts of ours. Needs the fonts of requirements.txt.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ocr.drawing import fonts
from ocr.drawing.forms import samples
from ocr.drawing.forms.filling import fill
from ocr.drawing.forms.scans import Wear, scan
from ocr.drawing.numbers import printing
from ocr.drawing.numbers.hands import Hands
from ocr.drawing.numbers.handwriting import hand
from ocr.forms.template import save_form
from ocr.paths import DATA

FOLDER = DATA / "forms"
FILLED = 3
WEAR = Wear(shift=0.03, turn=4, quarters=False, scale=(0.6, 0.7), jpeg=0, noise=1)


def stroked():
    """Make a writer of Western numbers in pen strokes."""
    hands = Hands().add(np.zeros((10, 28, 28, 1), np.uint8), list("0123456789"))
    return hand("western", hands, joined=0.3, drawn=1.0)


def draw(folder: Path = FOLDER) -> None:
    """Draw both forms, blank and filled in, as small PNG files."""
    arabic = printing.press("arabic", fonts.faces(("amiri",), "arabic"), separators=1.0)
    for sheet, write in ((samples.meter_card(), stroked()), (samples.arabic_card(), arabic)):
        rng, place = np.random.default_rng(17), folder / sheet.name
        place.mkdir(parents=True, exist_ok=True)
        _save(place / "blank.png", np.asarray(sheet.picture))
        save_form(sheet.facts(), place / "form.json")
        labels = []
        for number in range(1, FILLED + 1):
            values = sheet.values(rng)
            taken, _ = scan(fill(sheet, values, rng, write, edge=0), rng, WEAR)
            _save(place / "filled" / f"{number}.png", taken)
            labels.append({"file": f"{number}.png", **values})
        with open(place / "filled" / "labels.csv", "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, labels[0], lineterminator="\n")
            table.writeheader()
            table.writerows(labels)


def _save(file: Path, pixels: np.ndarray) -> None:
    """Save in sixteen levels of grey, which compress well."""
    file.parent.mkdir(parents=True, exist_ok=True)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    levels = (np.round(grey / 17) * 17).astype(np.uint8)
    Image.fromarray(levels).quantize(16).save(file, optimize=True)


if __name__ == "__main__":
    draw()
