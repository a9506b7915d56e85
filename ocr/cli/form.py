"""Read whole forms: `ocr form read form.json SCANS --out rows.csv`, `ocr form test`."""

import sys
from argparse import Namespace
from collections import deque
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail
from ocr.reading.files import printable

ABOUT = "Read whole forms: scans are brought onto a template, and its fields become a row."
READ = "Read the fields of scanned forms into a table, one row a page."
EXAMPLES = """examples:
  {prog} form.json scans/ --out rows.csv
  {prog} a.json b.json scans.pdf --out rows.xlsx --overlay looked-at/

Every row is also in rows.jsonl, with boxes, alternatives and broken rules. Stopped and started
again, the same command goes on where it was.

exit status: 0 all pages were read, 1 some were refused, 2 wrong usage, 130 stopped by Ctrl-C
"""
TEST = "Measure a form on labelled scans: fields right, and how many a person must see."
TEST_EXAMPLES = """examples:
  {prog} form.json LABELLED                 a folder with labels.csv: file, and a column a field
  {prog} form.json LABELLED --calibrate     every other page calibrates, the rest is reported
"""


def add_parser(verbs) -> Parser:
    """Add `form` to the verbs of `ocr`, with its own verbs."""
    parser = verbs.add_parser("form", help=ABOUT, description=ABOUT)
    parser.set_defaults(work=None)
    parser.epilog = f"examples: {parser.prog} read --help, {parser.prog} test --help"
    actions = parser.add_subparsers(metavar="WHAT", title="what to do")
    read = actions.add_parser("read", help=READ, description=READ)
    read.epilog = EXAMPLES.format(prog=read.prog)
    read.add_argument("forms", nargs="+", metavar="FORM.json", help="templates, then the scans")
    read.add_argument("--out", type=Path, required=True, help="rows.csv, rows.xlsx or rows.jsonl")
    read.add_argument("--overlay", type=Path, metavar="FOLDER", help="a picture of each page read")
    read.set_defaults(work=_read, parser=read)
    test = actions.add_parser("test", help=TEST, description=TEST)
    test.epilog = TEST_EXAMPLES.format(prog=test.prog)
    test.add_argument("form", type=Path, metavar="FORM.json", help="the template")
    test.add_argument("labelled", type=Path, metavar="LABELLED", help="labels.csv, or its folder")
    test.add_argument("--calibrate", action="store_true", help="write confidences to the form")
    test.set_defaults(work=_test, parser=test)
    return parser


def run(options: Namespace) -> int:
    """Do what was asked for; return the exit status."""
    if options.work is None:
        options.parser.error("say what to do: read or test")
    if any(find_spec(name) is None for name in ("cv2", "pypdfium2", "openpyxl", "fastjsonschema")):
        return fail(options.parser.prog, 'needs the extra "desk": pip install "ocr-readers[desk]"')
    from ocr.forms.rules import FormError  # an install extra

    try:
        return options.work(options)
    except FormError as error:
        return fail(options.parser.prog, error)
    except KeyboardInterrupt:
        return fail(options.parser.prog, "stopped; the same command goes on", INTERRUPTED)


def _read(options: Namespace) -> int:
    from ocr.forms import bulk, journal, pages, tables
    from ocr.forms.reading import FormReader
    from ocr.forms.template import load_form

    count = sum(1 for name in options.forms if name.lower().endswith(".json"))
    templates, scans = options.forms[:count], options.forms[count:]
    if not count or not scans or not all(name.lower().endswith(".json") for name in templates):
        options.parser.error("give templates (FORM.json) and then scans: files, folders or zips")
    out, suffix = options.out, options.out.suffix.lower()
    if suffix not in (*tables.WRITERS, ".jsonl"):
        options.parser.error(f"--out {out}: give a name that ends in .csv, .xlsx or .jsonl")
    forms = [load_form(name) for name in templates]
    reader = FormReader(forms)
    rows = journal.Journal(out.with_suffix(".jsonl"), journal.versions(reader))
    before, refused, doubtful = len(rows.done), 0, 0
    found = tqdm(pages.find_pages(scans), unit=" pages", disable=None)
    try:
        for row in bulk.read_pages(reader, found, rows, options.overlay):
            if row["status"].startswith(journal.REFUSED):
                refused += 1
                why = row["status"].removeprefix(journal.REFUSED)
                tqdm.write(f"{options.parser.prog}: {row['file']}: {why}", file=sys.stderr)
            doubtful += row["status"] == "check"
    finally:
        rows.close()
        if suffix != ".jsonl":
            tables.WRITERS[suffix](journal.rows_of(rows.path), forms, out)
    read = len(rows.done) - before
    more = f", {before:,} before" if before else ""
    where = printable(str(out))
    print(f"{read:,} pages{more}; {doubtful:,} to check, {refused:,} refused; in {where}")
    return SOME_FAILED if refused else DONE


def _test(options: Namespace) -> int:
    from ocr.forms.reading import FormReader
    from ocr.forms.template import build_form, load_form, save_form
    from ocr.forms.trial import calibration, labelled, run_trial

    form, pages = load_form(options.form), labelled(options.labelled)
    if options.calibrate:
        plain = {k: v for k, v in form.facts.items() if k not in ("calibration", "accept")}
        trial = _last(run_trial(FormReader([build_form(plain, form.folder)]), pages[::2]))
        form, pages = save_form(plain | calibration(trial.answers), options.form), pages[1::2]
        print(f"{options.form}: calibrated on {trial.pages} pages; the others:")
    trial = _last(run_trial(FormReader([form]), pages))
    print("\n".join(trial.report()))
    return SOME_FAILED if trial.failures else DONE


def _last(trials):
    """Run through the trials with a progress bar; return the last."""
    return deque(tqdm(trials, unit=" pages", disable=None), maxlen=1).pop()
