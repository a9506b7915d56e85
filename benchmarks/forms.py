"""Measure the reading of forms: python -m benchmarks.forms WHAT... [--pages N] [--anew]

alignment: how many scans are aligned within 2 mm, and how many pages of other forms are not refused
calibrate: read scans by people whom no reader knows; write `calibration` and `accept` of the sample
           forms
fields:    fields right by kind, and the share accepted: other digits of these people, other fonts
corrected: combs by hand in which one digit is written over another: found, accepted
ink:       what the reader makes of the same writing, with no form around it
memory:    of reading many pages
kills:     kill `ocr form read` again and again; is every page there once?
all:       these, in this order

Scans are drawn: the two sample forms, filled in, shifted, turned, in perspective, in shadow. What a
page gave is kept in logs/forms, so that a measurement that was stopped goes on; --anew forgets it.
After a new reader: python -m benchmarks.forms calibrate fields. CPU-seconds are of one core.
benchmarks/form_person.py measures the way from a blank form to the first row.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

import utils
from benchmarks import forms_fields
from benchmarks.forms_corrected import measure_corrected
from benchmarks.forms_ink import measure_ink
from benchmarks.forms_kept import Kept, share, templates
from benchmarks.forms_kills import measure_kills
from ocr.drawing.forms import samples
from ocr.drawing.forms.office import Filled, Office
from ocr.drawing.forms.scans import Wear, scan
from ocr.drawing.forms.sheets import MM
from ocr.forms import bulk
from ocr.forms.alignment import Aligner, Refused, transform
from ocr.forms.journal import Journal, versions
from ocr.forms.pages import Page
from ocr.forms.reading import FormReader

NEAR = 2.0  # mm, within which a form is aligned
FOREIGN = 200  # pages of other forms, for 500 of these
ALIGNED, OTHERS = 101, 102  # seeds


# --- alignment


def displacement(matrix: np.ndarray, filled: Filled, size: tuple[float, float]) -> float:
    """Measure how far, at most, a point of the page is from where it should be, in mm."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 2), axis=-1).reshape(-1, 2)
    pixels = np.array(size) * MM
    back = transform(np.linalg.inv(matrix), transform(filled.matrix, grid * pixels))
    return float(np.hypot(*((back - grid) * size).T).max())


def measure_alignment(count: int, anew: bool) -> None:
    """Report how many forms are aligned, and how many of other pages are not refused."""
    office, aligner = utils.open_office(), Aligner(templates())

    def place(number: int) -> dict:
        (filled,) = office.scans(number + 1, ALIGNED, Wear(), start=number, grey=True)
        picture = Image.fromarray(filled.scan)
        start = time.process_time()
        try:
            found, why = aligner.align(picture), None
        except Refused as error:
            found, why = None, str(error)
        spent = time.process_time() - start
        size = office.sheets[filled.form].size
        right = found is not None and found.template.form.name == filled.form
        far = displacement(found.matrix, filled, size) if found and right else None
        return {"form": filled.form, "far": far, "why": why, "cpu": spent}

    key = {"forms": [form.version for form in templates(plain=True)]}
    made = Kept("alignment", key, anew).records(count, place)
    far = [each["far"] for each in made if each["far"] is not None]
    near = sum(mm <= NEAR for mm in far)
    print(f"aligned within {NEAR} mm: {share(near, count)}")
    middle, last = np.quantile(far, [0.5, 0.99])
    print(f"displacement: half within {middle:.2f} mm, 99 % within {last:.2f} mm")
    print(f"CPU-seconds: {np.mean([each['cpu'] for each in made]):.3f} a page")
    for each in made:
        if each["why"]:
            print(f"  {each['form']}: {each['why']}")
    n = max(2, FOREIGN * count // 500)
    alone = {form.name: Aligner([form]) for form in templates()}

    def other(number: int) -> dict:
        page, form = _foreign(office, number)
        try:
            (alone[form] if form else aligner).align(Image.fromarray(page))
        except Refused:
            return {"read": False}
        return {"read": True}

    others = Kept("foreign", key, anew).records(n, other)
    print(f"foreign pages not refused: {sum(each['read'] for each in others)} of {n}")


def _foreign(office: Office, number: int) -> tuple[np.ndarray, str | None]:
    """Draw a page, and name the form whose aligner alone must refuse it; None: both."""
    rng, wear = np.random.default_rng((OTHERS, number)), Wear(scale=(0.5, 1.0))
    if number % 5 < 3:
        return scan(np.asarray(samples.other_form(rng).picture.convert("L")), rng, wear)[0], None
    if number % 5 == 3:
        (filled,) = office.scans(number + 1, OTHERS, wear, start=number, grey=True)
        return filled.scan, "arabic" if filled.form == "meter" else "meter"
    return scan(np.full((2339, 1654), 250, np.uint8), rng, wear)[0], None


# --- memory


def measure_memory(pages: int, anew: bool) -> None:
    """Report the memory of reading many pages, from the first to the last hundred."""
    office, reader, process = utils.open_office(), FormReader(templates()), psutil.Process()
    wear = Wear(scale=(0.9, 1.0), jpeg=0)
    files = []
    for filled in office.scans(8, 301, wear):
        _, data = cv2.imencode(".png", filled.scan)
        files.append(data.tobytes())
    with TemporaryDirectory() as folder:
        rows = Journal(Path(folder) / "rows.jsonl", versions(reader))
        names = (Page(f"{i}.png", lambda i=i: _opened(files[i % 8])) for i in range(pages))
        start = time.process_time()
        used = [
            process.memory_info().rss / 2**20
            for _ in tqdm(bulk.read_pages(reader, names, rows), total=pages, disable=None)
        ]
        spent = (time.process_time() - start) / pages
        rows.close()
    first, last = np.mean(used[50:150] or used), np.mean(used[-100:])
    print(f"memory: {first:.0f} MB around page 100, {last:.0f} MB at page {pages:,}")
    print(f"at most {max(used):.0f} MB")
    print(f"CPU-seconds, opening and the row included: {spent:.3f} a page of 180 to 200 dpi")


def _opened(data: bytes) -> Image.Image:
    return Image.fromarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


MEASURES: dict[str, tuple[Callable[[int, bool], None], int]] = {
    "alignment": (measure_alignment, 500),
    "calibrate": (forms_fields.calibrate, 600),
    "fields": (forms_fields.measure_fields, 1920),
    "corrected": (measure_corrected, 100),
    "ink": (measure_ink, 2000),
    "memory": (measure_memory, 2000),
    "kills": (measure_kills, 40),
}


def main() -> None:
    """Measure what is asked for."""
    shown = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forms", description=__doc__, formatter_class=shown
    )
    parser.add_argument("what", nargs="+", choices=[*MEASURES, "all"])
    usual = ", ".join(f"{what} {pages:,}" for what, (_, pages) in MEASURES.items())
    parser.add_argument("--pages", type=int, help=f"default: {usual}")
    parser.add_argument("--anew", action="store_true", help="do not go on where it was stopped")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for what in MEASURES if "all" in options.what else options.what:
        measure, pages = MEASURES[what]
        measure(options.pages or pages, options.anew)


if __name__ == "__main__":
    main()
