"""Measure what becomes of combs in which one digit is written over another.

See benchmarks/forms.py. The digit on top counts as right, but a person shall decide.
"""

from PIL import Image

import utils
from benchmarks.forms_fields import READING
from benchmarks.forms_kept import Kept, depends_on, share, templates
from ocr.drawing.forms.office import SCRIPTS
from ocr.forms import reading, trial
from ocr.forms.alignment import Refused
from ocr.forms.reading import FormReader

SEED = 203


def measure_corrected(pages: int, anew: bool) -> None:
    """Report how many such combs are found, and how many are accepted nevertheless."""
    office, forms = utils.open_office(), {form.name: form for form in templates()}
    reader = FormReader(list(forms.values()))

    def read(number: int) -> dict:
        (filled,) = office.scans(
            number + 1, SEED, READING, printed=0, start=number, grey=True, corrected=1.0
        )
        try:
            page = reader.read(Image.fromarray(filled.scan))
        except Refused:
            return {"combs": []}
        combs = [
            (
                filled.form,
                each.problem,
                each.confidence >= page.form.accept,
                trial.is_right(each.field, each.text, filled.values[each.field.name]),
            )
            for each in page.fields
            if each.field.boxes
        ]
        return {"combs": combs}

    made = Kept("corrected", depends_on(reader, forms.values()), anew).records(pages, read)
    for name in SCRIPTS:
        if rows := [row[1:] for each in made for row in each["combs"] if row[0] == name]:
            _report(name, rows)


def _report(name: str, rows: list[tuple[str | None, bool, bool]]) -> None:
    """Print how the combs of a form fare: rows of (problem, sure, right)."""
    found = [problem == reading.WRITTEN_OVER for problem, _, _ in rows]
    sure = [
        right for problem, sure, right in rows if sure and problem in (None, reading.WRITTEN_OVER)
    ]
    taken = [right for problem, sure, right in rows if sure and problem is None]
    print(f"{name}: found {share(sum(found), len(rows))}")
    for how, some in (("accepted", taken), ("accepted if nobody looked for them", sure)):
        print(f"  {how}: {share(len(some), len(rows))}, {some.count(False)} of these wrong")
