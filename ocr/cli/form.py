"""Read whole forms: `ocr form new blank.pdf`, `read form.json SCANS`, `review rows.csv`, `test`."""

import contextlib
import sys
import webbrowser
from argparse import Namespace
from collections import deque
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail
from ocr.locks import Busy
from ocr.reading.files import printable

ABOUT = "Read whole forms: scans are brought onto a template, and its fields become a row."
NEW = "Draw the template of a form in the browser, over a picture or PDF of the blank page."
NEW_EXAMPLES = """examples:
  {prog} blank.pdf                      opens the page; form.json is beside blank.pdf
  {prog} blank.png --out meter/form.json
  {prog} form.json                      draw on

Boxes are found where lines make them. Every change is saved at once. Stop with Ctrl-C.
The page is for this computer alone.
"""
READ = "Read the fields of scanned forms into a table, one row a page."
EXAMPLES = """examples:
  {prog} form.json scans/ --out rows.csv
  {prog} a.json b.json scans.pdf --out rows.xlsx --overlay looked-at/

Every row is also in rows.jsonl, with boxes, alternatives and broken rules. Stopped and started
again, the same command goes on where it was.

exit status: 0 all pages were read, 1 some were refused, 2 wrong usage, 130 stopped by Ctrl-C
"""
REVIEW = "Show the fields that a person must see, one by one: Enter accepts, typing replaces."
REVIEW_EXAMPLES = """examples:
  {prog} rows.csv                     opens the page; every answer is saved at once
  {prog} rows.csv --labels corrected  cut-outs and labels.csv: ocr train numbers --data
                                           corrected/numbers --name mine

Answers are in rows.corrections.jsonl, beside what was read in rows.jsonl; rows.csv has both.
The page is for this computer alone.
"""
TEST = "Measure a form on labelled scans: fields right, and how many a person must see."
NEEDED = ("cv2", "pypdfium2", "openpyxl", "fastjsonschema", "flask")
TEST_EXAMPLES = """examples:
  {prog} form.json LABELLED                 a folder with labels.csv: file, and a column a field
  {prog} form.json LABELLED --calibrate     every other page calibrates, the rest is reported
"""


def add_parser(verbs) -> Parser:
    """Add `form` to the verbs of `ocr`, with its own verbs."""
    parser = verbs.add_parser("form", help=ABOUT, description=ABOUT)
    parser.set_defaults(work=None)
    parser.epilog = f"examples: {parser.prog} new --help, {parser.prog} read --help"
    actions = parser.add_subparsers(metavar="WHAT", title="what to do")
    _add_new(actions)
    read = actions.add_parser("read", help=READ, description=READ)
    read.usage = f"{read.prog} [-h] --out OUT [--overlay FOLDER] FORM.json... SCANS..."
    read.epilog = EXAMPLES.format(prog=read.prog)
    scans = "templates, then the scans: images, PDF, TIFF, folders, zips"
    read.add_argument("forms", nargs="+", metavar="FORM.json... SCANS...", help=scans)
    read.add_argument("--out", type=Path, required=True, help="rows.csv, rows.xlsx or rows.jsonl")
    read.add_argument("--overlay", type=Path, metavar="FOLDER", help="a picture of each page read")
    read.set_defaults(work=_read, parser=read)
    _add_review(actions)
    test = actions.add_parser("test", help=TEST, description=TEST)
    test.epilog = TEST_EXAMPLES.format(prog=test.prog)
    test.add_argument("form", type=Path, metavar="FORM.json", help="the template")
    test.add_argument("labelled", type=Path, metavar="LABELLED", help="labels.csv, or its folder")
    test.add_argument("--calibrate", action="store_true", help="write confidences to the form")
    test.set_defaults(work=_test, parser=test)
    return parser


def _add_new(actions) -> None:
    new = actions.add_parser("new", help=NEW, description=NEW)
    new.epilog = NEW_EXAMPLES.format(prog=new.prog)
    new.add_argument("page", type=Path, metavar="PAGE", help="of the blank form; or its form.json")
    new.add_argument("--out", type=Path, metavar="FORM.json", help="default: form.json beside it")
    _add_server(new)
    new.set_defaults(work=_new, parser=new)


def _add_review(actions) -> None:
    review = actions.add_parser("review", help=REVIEW, description=REVIEW)
    review.epilog = REVIEW_EXAMPLES.format(prog=review.prog)
    review.add_argument("table", type=Path, metavar="ROWS", help="what `ocr form read` wrote")
    review.add_argument(
        "--labels",
        type=Path,
        metavar="FOLDER",
        help="export what was said about fields, with their cut-outs, and stop",
    )
    _add_server(review)
    review.set_defaults(work=_review, parser=review)


def _add_server(parser: Parser) -> None:
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(options: Namespace) -> int:
    """Do what was asked for; return the exit status."""
    if options.work is None:
        options.parser.error("say what to do: new, read, review or test")
    if any(find_spec(name) is None for name in NEEDED):
        return fail(options.parser.prog, 'needs the extra "desk": pip install "ocr-readers[desk]"')
    from ocr.forms.rules import FormError  # an install extra

    try:
        return options.work(options)
    except (FormError, Busy) as error:
        return fail(options.parser.prog, error)
    except KeyboardInterrupt:
        return fail(options.parser.prog, "stopped; the same command goes on", INTERRUPTED)


def _new(options: Namespace) -> int:
    from ocr.forms.desk import drawing, drawing_page

    drawn = drawing.Drawing(options.page, options.out)
    try:
        _serve(options, drawing_page.create_app(drawn), "draw the form")
        if drawn.out.exists():
            problem = drawing.warning(drawn.facts, drawn.out.parent)
            then = problem or f"next: ocr form read {drawn.out} SCANS --out rows.csv"
            print(f"\n{len(drawn.facts['fields'])} fields in {drawn.out}; {then}")
    finally:
        drawn.close()
    return DONE


def _review(options: Namespace) -> int:
    from ocr.forms.desk import labels, review, review_page  # an install extra

    table = review.Review(options.table)
    try:
        if options.labels is not None:
            done = tqdm(labels.export_labels(table.path, table.forms, options.labels), disable=None)
            faults = [f"{name}: {why}" for name, why in done if why]
            print("\n".join([*faults, f"labels in {options.labels}"]))
            return SOME_FAILED if faults else DONE
        _serve(options, review_page.create_app(table), f"{table.state()['waiting']:,} fields wait")
        state = table.state()
        print(f"\n{state['answered']:,} answers, {state['waiting']:,} fields left; {table.table}")
    finally:
        table.close()
    return DONE


def _serve(options: Namespace, app, what: str) -> None:
    """Serve a page until Ctrl-C. Raises FormError where the port is in use."""
    from ocr.forms.rules import FormError
    from ocr.localhost import LocalServer

    port = options.port
    if not 0 <= port <= 65535:
        options.parser.error(f"--port {port}: it must be from 0, any free one, to 65535")
    try:
        server = LocalServer(app, port)
    except OSError as error:
        reason = error.strerror or error
        raise FormError(f"--port {port}: cannot listen there ({reason}): give another") from None
    print(f"{what} at {server.address}\nstop with Ctrl-C", flush=True)
    if not options.no_browser:
        webbrowser.open(server.address)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _read(options: Namespace) -> int:
    from ocr.forms import bulk, journal, pages, tables
    from ocr.forms.desk import corrections
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
        try:
            if suffix != ".jsonl":
                tables.WRITERS[suffix](corrections.corrected(rows.path, forms), forms, out)
        finally:
            rows.close()
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
