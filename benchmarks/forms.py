"""Measure the reading of forms: python -m benchmarks.forms alignment|fields|memory|all [--pages N]

Scans are drawn: the two sample forms, filled in by people and in fonts of the test part, shifted,
turned, in perspective, in shadow. CPU-seconds are of one core. benchmarks/form_person.py measures
the way from a blank form to the first row; tests/test_forms_tables.py kills `ocr form read`.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

import utils
from ocr import scores
from ocr.drawing.forms import samples
from ocr.drawing.forms.office import SCRIPTS, Filled, Office
from ocr.drawing.forms.scans import Wear, scan
from ocr.drawing.forms.sheets import MM
from ocr.forms import bulk, trial
from ocr.forms.alignment import Aligner, Refused, transform
from ocr.forms.journal import Journal, versions
from ocr.forms.pages import Page
from ocr.forms.reading import FormReader
from ocr.forms.template import build_form, load_form
from ocr.paths import DATA

NEAR = 2.0  # mm, within which a form is aligned
READING = Wear(scale=(0.5, 1.5))  # 100 to 300 dpi
FOREIGN = 200  # pages of other forms


def templates(plain: bool = False) -> list:
    """Load the sample forms; plain: without a calibration."""
    forms = [load_form(DATA / "forms" / name) for name in SCRIPTS]
    left_out = ("calibration", "accept") if plain else ()
    return [
        build_form({k: v for k, v in form.facts.items() if k not in left_out}, form.folder)
        for form in forms
    ]


def share(hits: int, n: int) -> str:
    """Format a share with its interval."""
    low, high = scores.wilson(hits, n)
    return f"{hits / n:.2%} (n = {n:,}, 95 % interval {low:.2%} to {high:.2%})"


# --- alignment


def displacement(matrix: np.ndarray, filled: Filled, size: tuple[float, float]) -> float:
    """Measure how far, at most, a point of the page is from where it should be, in mm."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 2), axis=-1).reshape(-1, 2)
    pixels = np.array(size) * MM
    back = transform(np.linalg.inv(matrix), transform(filled.matrix, grid * pixels))
    return float(np.hypot(*((back - grid) * size).T).max())


def measure_alignment(count: int) -> None:
    """Report how many forms are aligned, and how many of other pages are not refused."""
    office, aligner = utils.open_office(), Aligner(templates())
    far, spent = [], 0.0
    for filled in tqdm(office.scans(count, 101, Wear()), total=count):
        picture = Image.fromarray(filled.scan)
        start = time.process_time()
        try:
            found = aligner.align(picture)
        except Refused as error:
            tqdm.write(f"{filled.form}: {error}")
            far.append(np.inf)
            continue
        finally:
            spent += time.process_time() - start
        right = found.template.form.name == filled.form
        size = office.sheets[filled.form].size
        far.append(displacement(found.matrix, filled, size) if right else np.inf)
    near = int(np.sum(np.array(far) <= NEAR))
    print(f"aligned within {NEAR} mm: {share(near, count)}")
    middle, last = np.quantile([d for d in far if np.isfinite(d)], [0.5, 0.99])
    print(f"displacement: half within {middle:.2f} mm, 99 % within {last:.2f} mm")
    print(f"CPU-seconds: {spent / count:.3f} a page")
    n = max(2, FOREIGN * count // 500)
    read = sum(_is_read(page, aligners) for page, aligners in _foreign(office, aligner, n))
    print(f"foreign pages not refused: {read} of {n}")


def _is_read(page: np.ndarray, aligner: Aligner) -> bool:
    try:
        aligner.align(Image.fromarray(page))
    except Refused:
        return False
    return True


def _foreign(office: Office, both: Aligner, count: int) -> Iterator[tuple[np.ndarray, Aligner]]:
    """Draw pages of other forms, each for an aligner that does not have its template."""
    rng, wear = np.random.default_rng(102), Wear(scale=(0.5, 1.0))
    alone = {form.name: Aligner([form]) for form in templates()}
    for number in range(count):
        kind = number % 5
        if kind < 3:
            yield scan(np.asarray(samples.other_form(rng).picture), rng, wear)[0], both
        elif kind == 3:
            filled = next(office.scans(1, 1000 + number, wear))
            yield filled.scan, alone["arabic" if filled.form == "meter" else "meter"]
        else:
            white = np.full((2339, 1654, 3), 250, np.uint8)
            yield scan(white, rng, wear)[0], both


# --- fields


def measure_fields(pages: int) -> None:
    """Report fields right by kind, and the share accepted at 0.5 % errors, on other pages."""
    office, reader = utils.open_office(), FormReader(templates(plain=True))
    chosen, _ = _answers(office, reader, pages, 201)
    answers, spent = _answers(office, reader, pages, 202)
    for kind in ("print", "comb by hand", "free by hand", "check box"):
        own = [answer.right for each, answer in answers if each == kind]
        if own:
            print(f"{kind}: right {share(sum(own), len(own))}")
    sure, right = zip(*((a.sure, a.right) for _, a in chosen))
    threshold = scores.trust_threshold(sure, right, trial.RIGHT).threshold
    taken = [answer.right for _, answer in answers if answer.sure >= threshold]
    print(f"accepted from {threshold:.4f}: {share(len(taken), len(answers))}")
    if taken:
        print(f"right of these: {share(sum(taken), len(taken))}")
    print(f"CPU-seconds: {spent / pages:.3f} a page")


def _answers(
    office: Office, reader: FormReader, count: int, seed: int
) -> tuple[list[tuple[str, trial.Answer]], float]:
    """Read scans: (kind, answer) of every field, CPU-seconds."""
    answers, spent = [], 0.0
    for filled in tqdm(office.scans(count, seed, READING), total=count):
        picture = Image.fromarray(filled.scan)
        start = time.process_time()
        try:
            page = reader.read(picture)
        except Refused:
            continue
        finally:
            spent += time.process_time() - start
        for each in page.fields:
            right = trial.is_right(each.field, each.text, filled.values[each.field.name])
            kind = "comb by hand" if each.field.boxes else "free by hand"
            kind = "print" if filled.way == "print" else kind
            kind = "check box" if each.field.is_check_box else kind
            answers.append((kind, trial.Answer(each.field, each, right)))
    return answers, spent


# --- memory


def measure_memory(pages: int) -> None:
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
        used = [
            process.memory_info().rss / 2**20
            for _ in tqdm(bulk.read_pages(reader, names, rows), total=pages)
        ]
        rows.close()
    first, last = np.mean(used[50:150] or used), np.mean(used[-100:])
    print(f"memory: {first:.0f} MB around page 100, {last:.0f} MB at page {pages:,}")
    print(f"at most {max(used):.0f} MB")


def _opened(data: bytes) -> Image.Image:
    return Image.fromarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


MEASURES = {
    "alignment": (measure_alignment, 500),
    "fields": (measure_fields, 700),
    "memory": (measure_memory, 2000),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forms", description=__doc__)
    parser.add_argument("what", choices=[*MEASURES, "all"])
    parser.add_argument("--pages", type=int, help="default: alignment 500, fields 700, memory 2000")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for what in MEASURES if options.what == "all" else [options.what]:
        measure, usual = MEASURES[what]
        measure(options.pages or usual)


if __name__ == "__main__":
    main()
