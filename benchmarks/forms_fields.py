"""Measure what is read in the fields of forms, and calibrate the sample forms on other pages.

See benchmarks/forms.py. The pages that calibrate are filled in by people whom the reader does not
know, in fonts that it does; those that are reported have other digits of theirs, and other fonts.
"""

import time

import numpy as np
from PIL import Image

import utils
from benchmarks.forms_kept import Kept, depends_on, share, templates
from ocr import scores
from ocr.drawing.forms.scans import Wear
from ocr.forms import trial
from ocr.forms.alignment import Refused
from ocr.forms.reading import WRITTEN_OVER, FieldReading, FormReader
from ocr.forms.template import Form, build_form, save_form

READING = Wear(scale=(0.5, 1.5))  # 100 to 300 dpi
SEEDS = {"tune": 201, "test": 202}
KINDS = ("print", "comb by hand", "free by hand", "check box")


def read_fields(part: str, pages: int, anew: bool) -> list[dict]:
    """Read scans by people and in fonts of a part, see `utils.open_office`: a record a page.

    Its `fields` are (form, name, kind, label, text, confidence, problem, right), the confidence
    before the form's own calibration.
    """
    office, forms = utils.open_office(part), templates(plain=True)
    reader = FormReader(forms)

    def read(number: int) -> dict:
        (filled,) = office.scans(number + 1, SEEDS[part], READING, start=number, grey=True)
        picture = Image.fromarray(filled.scan)
        start = time.process_time()
        try:
            page, why = reader.read(picture), None
        except Refused as error:
            page, why = None, str(error)
        spent = time.process_time() - start
        found = [
            (
                filled.form,
                each.field.name,
                _kind(each, filled.way),
                filled.values[each.field.name],
                each.text,
                each.confidence,
                each.problem,
                trial.is_right(each.field, each.text, filled.values[each.field.name]),
            )
            for each in (page.fields if page else ())
        ]
        return {"fields": found, "why": why, "cpu": spent}

    return Kept(f"fields-{part}", depends_on(reader, forms), anew).records(pages, read)


def _kind(each: FieldReading, way: str) -> str:
    if each.field.is_check_box:
        return "check box"
    if way == "print":
        return "print"
    return "comb by hand" if each.field.boxes else "free by hand"


def calibrate(pages: int, anew: bool) -> None:
    """Write what the sample forms know of their reader, by scans of the part "tune".

    One threshold is chosen on the fields of both forms, for errors are few.
    """
    rows = _rows(read_fields("tune", pages, anew))
    forms = {form.name: _fitted(form, rows) for form in templates(plain=True)}
    sure = [_calibrated(forms[row[0]], row) for row in rows]
    found = scores.trust_threshold(sure, [row[-1] for row in rows], trial.RIGHT)
    for form in forms.values():
        save_form(dict(form.facts) | {"accept": min(1.0, found.threshold)}, form.path)
    print(f"{len(rows):,} fields, {found.share:.1%} accepted, from {found.threshold:.4f}")


def _fitted(form: Form, rows: list[tuple]) -> Form:
    """Fit a form's calibration to its rows."""
    answers = [
        trial.Answer(form.field(row[1]), FieldReading(form.field(row[1]), *row[4:6]), row[-1])
        for row in rows
        if row[0] == form.name
    ]
    return build_form(dict(form.facts) | trial.calibration(answers), form.folder)


def _rows(made: list[dict]) -> list[tuple]:
    return [tuple(field) for each in made for field in each["fields"]]


def measure_fields(pages: int, anew: bool) -> None:
    """Report fields right by kind, and the share that the sample forms accept."""
    made, forms = read_fields("test", pages, anew), {form.name: form for form in templates()}
    rows = _rows(made)
    for kind in KINDS:
        for name in (None, *forms):
            own = [row[-1] for row in rows if row[2] == kind and name in (None, row[0])]
            if own:
                print(f"{kind}{f', {name}' if name else ''}: right {share(sum(own), len(own))}")
    combs = [row for row in rows if forms[row[0]].field(row[1]).boxes]
    said = sum(row[6] == WRITTEN_OVER for row in combs)
    print(f"combs said to have a digit over another, which none has: {share(said, len(combs))}")
    sure = [_calibrated(forms[row[0]], row) for row in rows]
    right = [row[-1] for row in rows]
    taken = [row[-1] for row, p in zip(rows, sure) if p >= forms[row[0]].accept]
    print(f"accepted: {share(len(taken), len(rows))}")
    if taken:
        print(f"right of these: {share(sum(taken), len(taken))}")
    best = scores.trust_threshold(sure, right, trial.RIGHT)
    print(f"at most, with a threshold chosen on these very fields: {best.share:.2%}")
    print(f"error of the calibration: {scores.calibration_error(sure, right):.4f}")
    print(f"CPU-seconds: {np.mean([each['cpu'] for each in made]):.3f} a page")
    refused = [each["why"] for each in made if each["why"]]
    print("\n  ".join([f"pages refused: {len(refused)} of {len(made)}", *refused]))


def _calibrated(form: Form, row: tuple) -> float:
    """Compute what a form makes of a field's confidence: 0 where a person must look anyway."""
    *_, kind, _, _, sure, problem, _ = row
    if problem:
        return 0.0
    points = form.calibration if kind != "check box" else ()
    return float(np.interp(sure, *zip(*points))) if points else sure
