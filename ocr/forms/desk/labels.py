"""Export what people said about fields as labelled images, which `ocr train` takes."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ocr.forms.alignment import Aligner, Refused
from ocr.forms.cutting import cut
from ocr.forms.desk.corrections import Correction, Corrections
from ocr.forms.journal import rows_of
from ocr.forms.pages import file_name, open_named
from ocr.forms.template import Field, Form, places_of, wildcards
from ocr.paths import whole
from ocr.reading.constraints import WILDCARDS
from ocr.reading.images import ImageError
from ocr.reading.scripts import NUMBERS, SCRIPTS

TABLE = "labels.csv"


def export_labels(
    rows: Path, forms: Sequence[Form], folder: Path
) -> Iterator[tuple[str, str | None]]:
    """Export the fields that a person has answered: for each reader a folder of cut-outs.

    A cut-out is what the reader saw: upright, the form's print removed. folder/READER/labels.csv
    has the columns file and label, the label in the digits of the field's script. Yields (page,
    None), or (page, why it has no cut-outs), page by page. Raises OSError.
    """
    aligners = {form.name: Aligner([form]) for form in forms}
    tables: dict[str, dict[str, str]] = {}
    for name, form, answers in _pages(rows, forms):
        try:
            picture = open_named(name)
            aligned = aligners[form.name].align(picture)
        except (ImageError, Refused) as error:
            yield name, str(error)
            continue
        grey = np.asarray(picture.convert("L"))
        for answer in answers:
            field = form.field(answer.field)
            file = f"{file_name(name)}-{field.name}.png"
            reader = Path(field.reader).name
            with whole(folder / reader / file) as part:
                Image.fromarray(cut(aligned, grey, field).picture).save(part, "PNG")
            tables.setdefault(reader, {})[file] = label_of(field, answer.text)
        yield name, None
    for reader, labels in tables.items():
        _write(folder / reader / TABLE, labels)


def _pages(rows: Path, forms: Iterable[Form]) -> Iterator[tuple[str, Form, list[Correction]]]:
    """Group the answers that are labels by their page."""
    known, answers = {form.name: form for form in forms}, Corrections(rows).current
    for row in rows_of(rows):
        form = known.get(row["form"] or "")
        if form is None:
            continue
        said = [answers.get((row["file"], name)) for name in row["fields"]]
        own = [
            each for each in said if each and each.text and not form.field(each.field).is_check_box
        ]
        if own:
            yield row["file"], form, own


def label_of(field: Field, text: str) -> str:
    """Turn a field's text into what is written: numbers of a script in its own digits.

    Separators that a comb has no cells for are left out.
    """
    places = field.places
    if field.boxes and places and field.boxes == wildcards(places):
        signs = places_of(places)
        if len(signs) == len(text):
            text = "".join(c for c, sign in zip(text, signs) if sign in WILDCARDS)
    if field.script:
        text = text.translate(str.maketrans(NUMBERS[:10], SCRIPTS[field.script][:10]))
    return text


def _write(table: Path, labels: dict[str, str]) -> None:
    with whole(table) as part, open(part, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label"))
        writer.writerows(labels.items())
