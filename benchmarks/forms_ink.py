"""Measure what the reader makes of the ink of forms without any form; see benchmarks/forms.py.

What is written into fields without cells is drawn on white, alone and whole: no place can be wrong
there, no cut, no print be left over. The forms can hardly read it better.
"""

from collections.abc import Iterator

import numpy as np

import utils
from benchmarks.forms_kept import share, templates
from ocr import Reader
from ocr.drawing.forms.office import SCRIPTS, WAYS, Office
from ocr.forms.rules import with_sign
from ocr.forms.template import Field, Form
from ocr.forms.trial import is_right

SEED, PAPER = 77, 8  # pixels of paper around the ink


def measure_ink(count: int, anew: bool) -> None:
    """Report for each form and way of writing which share of such fields is read."""
    office, reader = utils.open_office(), Reader.load("numbers")
    for form in templates(plain=True):
        for way in WAYS:
            drawn = draw(office, form, way)
            found = [next(drawn) for _ in range(count)]
            readings = reader.read([ink for _, _, ink in found], script=SCRIPTS[form.name])
            right = [
                is_right(each, with_sign(r.text, each.format) if each.format else r.text, label)
                for (each, label, _), r in zip(found, readings)
            ]
            print(f"{way} without cells, {form.name}, no form around: {share(sum(right), count)}")


def draw(office: Office, form: Form, way: str) -> Iterator[tuple[Field, str, np.ndarray]]:
    """Draw what is written into the fields without cells: (field, label, ink uint8 (h, w))."""
    write, _ = office.writers[SCRIPTS[form.name], way]
    number = 0
    while True:
        rng = np.random.default_rng((SEED, number))
        values = office.sheets[form.name].values(rng)
        for each in form.fields:
            if not each.is_check_box and not each.boxes:
                ink = write(values[each.name], rng).pixels
                yield each, values[each.name], 255 - np.pad(ink, PAPER)
        number += 1
