"""An office: people and machines who fill in the sample forms, and what a scanner makes of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import cv2
import numpy as np

from ocr.drawing.forms import samples
from ocr.drawing.forms.filling import fill
from ocr.drawing.forms.scans import Wear, scan
from ocr.drawing.ink import Writer

SCRIPTS = {"meter": "western", "arabic": "arabic"}  # of the sample forms
WAYS = ("print", "hand")


class Filled(NamedTuple):
    """A scan of a filled form: which form, what is written how, and where it lies.

    matrix    float64 (3, 3), from pixels of the sheet to pixels of the scan
    """

    form: str
    way: str
    values: dict[str, str]
    scan: np.ndarray
    matrix: np.ndarray


class Office:
    """Those who fill in the sample forms.

    writers: of each (script, way of WAYS), who writes fields without cells, and who those with.
    """

    def __init__(self, writers: Mapping[tuple[str, str], tuple[Writer, Writer]]) -> None:
        self.sheets = {"meter": samples.meter_card(), "arabic": samples.arabic_card()}
        self.writers = writers

    def scans(
        self,
        count: int,
        seed: int,
        wear: Wear | None = None,
        printed: float = 0.3,
        edge: float = 0.06,
        start: int = 0,
        grey: bool = False,
        corrected: float = 0.0,
    ) -> Iterator[Filled]:
        """Draw filled forms and scan them: numbers `start` to `count`, each from its own seed.

        printed: share of the forms that a machine fills in. edge, corrected: see `fill`. grey: scan
        without colour, which no reader of fields looks at, in half the time.
        """
        for number in range(start, count):
            rng = np.random.default_rng((seed, number))
            name = str(rng.choice(list(self.sheets)))
            way, sheet = "print" if rng.random() < printed else "hand", self.sheets[name]
            values = sheet.values(rng)
            free, combs = self.writers[SCRIPTS[name], way]
            page = fill(sheet, values, rng, free, combs, edge, corrected)
            if grey:
                page = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
            yield Filled(name, way, values, *scan(page, rng, wear))
