"""Label the images of a folder in the browser: `ocr label FOLDER --name NAME`."""

import re
import webbrowser
from argparse import Namespace
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ocr.cli.parser import DONE, INTERRUPTED, Parser, fail, parse_columns
from ocr.datasets.tables import NAMED
from ocr.locks import Busy
from ocr.reading.contract import ReaderError
from ocr.reading.files import printable
from ocr.reading.images import ImageError
from ocr.training.recipes import RECIPES

ABOUT = "Label the images of a folder in the browser, and train a reader meanwhile."
EXAMPLES = """examples:
  {prog} FOLDER --name mine                  opens the page; every label is saved at once
  {prog} FOLDER --name mine --from numbers   the reader's guesses are in the text field

Labels are in FOLDER/labels.csv, every answer is in FOLDER/.labels.journal. From 20 labels on a
reader is trained again and again, saved in models/NAME where it is not worse than the one before,
and the images that it is least sure of are asked for first. Stop with Ctrl-C; the same command goes
on where you stopped. The page is for this computer alone.
"""


def add_parser(verbs) -> Parser:
    """Add `label` to the verbs of `ocr`."""
    parser = verbs.add_parser("label", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="the folder of the images, with sub-folders")
    add("--name", required=True, help="what the reader trained on these labels will be called")
    add("--from", dest="reader", metavar="READER", help="a reader that gives guesses at first")
    about = "; ".join(f"{name}: {recipe.about}" for name, recipe in RECIPES.items())
    add(
        "--kind",
        choices=tuple(RECIPES),
        help=f"what is trained; default: that of --from, or chosen by the labels. {about}",
    )
    add("--alphabet", default="", help="the characters that labels may have, as 0123456789")
    add(
        "--columns",
        metavar="file=NAME,label=NAME",
        help="which columns of an existing labels.csv hold the file names and the labels",
    )
    add("--epochs", type=int, help="of each training; default: by the number of images")
    add("--port", type=int, default=0, help="default: a free one")
    add("--no-browser", action="store_true", help="only print the address")
    add("--seed", type=int, default=0, help="of the order in which images are asked for (0)")
    return parser


def _check(options: Namespace) -> None:
    """Exit with status 2 where an option has a value that it cannot have."""
    error = options.parser.error
    if not re.fullmatch(r"\w[\w.-]*", options.name):
        error(f"--name {options.name}: give a plain name (letters, digits, . - _)")
    if options.name in RECIPES:
        error(f"--name {options.name}: the course's own reader is called so: give another")
    if not 0 <= options.port <= 65535:
        error(f"--port {options.port}: it must be from 0, any free one, to 65535")
    if options.epochs is not None and options.epochs < 1:
        error(f"--epochs {options.epochs}: it must be at least 1")
    if options.seed < 0:
        error(f"--seed {options.seed}: it must be at least 0")
    if problem := _other_table(options.folder):
        error(problem)


def _other_table(folder: Path) -> str | None:
    """Say what to do with labels that are in another table than labels.csv, which is kept here."""
    first, *others = NAMED
    names: dict[str, Path] = {}
    with suppress(OSError):  # which `open_desk` reports
        names = {path.name.lower(): path for path in folder.iterdir()}
    other = next((names[name] for name in others if name in names), None)
    if other is None or first in names:
        return None
    return f"{other}: save it as {first} there, so that its labels are not asked for again"


def run(options: Namespace) -> int:
    """Serve the page until it is stopped; return the exit status."""
    prog = options.parser.prog
    _check(options)
    columns = parse_columns(options)
    if find_spec("flask") is None:
        return fail(prog, 'needs the extra "desk": pip install "ocr-readers[desk]"')
    from ocr.labelling.opening import open_desk  # an install extra, as the next
    from ocr.labelling.server import Server

    try:
        desk = open_desk(
            options.folder,
            options.reader,
            options.alphabet,
            columns and columns[:2],
            options.seed,
            options.name,
            options.kind,
            options.epochs,
        )
    except KeyboardInterrupt:
        return fail(prog, "stopped", INTERRUPTED)
    except (ImageError, ReaderError, Busy) as error:
        return fail(prog, error)
    except ValueError as error:  # DataError
        return fail(prog, f"{printable(str(options.folder))}: {error}")
    except OSError as error:
        reason = error.strerror or error
        return fail(prog, f"{options.folder}: labels cannot be written there ({reason})")
    try:
        server = Server(desk, str(options.folder), options.port)
    except OSError as error:
        desk.close()
        reason = error.strerror or error
        return fail(prog, f"--port {options.port}: cannot listen there ({reason}): give another")
    _serve(desk, server, options)
    return DONE


def _serve(desk, server, options: Namespace) -> None:
    """Answer until Ctrl-C, then say where the labels are."""
    try:
        desk.store.lock.announce(server.address)
        desk.start()
        images = f"{len(desk.images.names):,} images"
        print(f"{images}; label them at {server.address}\nstop with Ctrl-C", flush=True)
        if not options.no_browser:
            webbrowser.open(server.address)
        server.run()
    except KeyboardInterrupt:
        pass
    desk.close()
    count, problem = len(desk.store.labels), desk.store.problem
    labels = f"{count:,} label{'' if count == 1 else 's'} in {desk.store.table.path}"
    print(f"\n{labels}" + (f"; {problem}" if problem else ""))
    print(_next_step(desk, options.name))


def _next_step(desk, name: str) -> str:
    """Say what there is to read with, or what it takes."""
    points = [point for point in desk.guesser.notes.points(name) if point.saved]
    if points:
        hits, n = points[-1].hits, points[-1].n
        return f"{hits} of {n} gold images right; read with: ocr read --model {name} PATH"
    return f"{desk.guesser.status()['text']}: go on with the same command"
