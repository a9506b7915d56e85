"""Train a reader on labelled images: `ocr train RECIPE --data FOLDER --name NAME`."""

import os
import re
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ocr import paths
from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail, parse_columns
from ocr.cli.training import before, ending, watch
from ocr.datasets.labels import Columns
from ocr.reading.contract import NO_READERS
from ocr.reading.scripts import SCRIPTS
from ocr.training import distributed, launcher, progress, recipes
from ocr.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from ocr.reading.reader import Reader

EXAMPLES = """examples:
  {prog} captcha --draw mysite:draw --alphabet ABC123 --lengths 5 --name mine
                                  learns from pictures that draw("A1B2C") of mysite.py makes: try
                                  this first where a program draws the images
  {prog} captcha --data FOLDER --name mine                leaves models/mine/
  {prog} captcha --data FOLDER --name mine --curve        and says what more labels would bring
  {prog} captcha --data FOLDER --name mine --from captcha starts from the weights of a reader
  {prog} char_cnn --data FOLDER --name mine     FOLDER has a sub-folder for each character

Below 1,000 images the score comes from cross-validation, and the saved reader is trained on all of
them. How images get their labels is in data/README.md: a labels.csv or .xlsx, file names, folders.
"""


def add_parser(verbs) -> Parser:
    """Add `train` to the verbs of `ocr`."""
    about = "Train a reader on labelled images."
    parser = verbs.add_parser("train", help=about, description=about)
    return _complete(parser)


def _complete(parser: Parser) -> Parser:
    """Add one sub-command a recipe, with the options that mean something there."""
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    recipes = parser.add_subparsers(metavar="RECIPE", title="what can be trained")
    for name, recipe in RECIPES.items():
        about = f"{recipe.about}; explained in {recipe.lesson}"
        added = recipes.add_parser(name, help=about, description=f"Train on {about}.")
        added.set_defaults(recipe=name, parser=added)
        _add_options(added, recipe)
    return parser


def _add_options(parser: Parser, recipe: Recipe):
    parser.add_argument(
        "--data", type=Path, help="a folder or zip of labelled images; with --draw: to test on"
    )
    parser.add_argument("--name", required=True, help="the reader is saved in models/NAME")
    parser.add_argument(
        "--alphabet", help="the symbols to read, as 0123456789; default: those of the labels"
    )
    parser.add_argument("--epochs", type=int, help="default: by the number of images")
    parser.add_argument(
        "--from", dest="start", metavar="READER", help="begin with the weights of this reader"
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace a reader of this name by a worse one, too"
    )
    parser.add_argument(
        "--folds",
        type=int,
        help="of the cross-validation below 1,000 images; default: as many as two minutes allow, "
        "at least 3",
    )
    parser.add_argument(
        "--curve",
        action="store_true",
        help="train on 1/8, 1/4 and 1/2 of the labels, too, and say what more would bring",
    )
    parser.add_argument(
        "--columns",
        metavar="file=NAME,label=NAME",
        help="which columns of the table beside the images (.csv, .tsv, .xlsx) hold the file names "
        "and the labels",
    )
    parser.add_argument(
        "--case", choices=("lower", "upper"), help="write all labels so, where case means nothing"
    )
    parser.add_argument("--strip", action="store_true", help="take spaces out of labels")
    parser.add_argument(
        "--if-better-than",
        type=float,
        metavar="PERCENT",
        help="ask, or stop where nobody can be asked, if a reader already reads more than so many "
        "percent of these images",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split and the training (0)")
    if "labels" in recipe.options:
        parser.add_argument(
            "--labels",
            choices=("hex", "index", "name"),
            help="how folders are named: NIST's codes (30 to 7a), class numbers (0 to 61), or the "
            "character; default: found out",
        )
    if "batch" in recipe.options:
        parser.add_argument(
            "--batch",
            type=int,
            help="images a step, of all workers together; the learning rate goes with its root",
        )
    if "script" in recipe.options:
        parser.add_argument(
            "--script",
            choices=tuple(SCRIPTS),
            help="what the numbers are written in, where their labels are in Western digits; "
            "default: as the labels are",
        )
    drawing = parser.add_argument_group("pictures that a program of yours draws")
    drawing.add_argument(
        "--draw", metavar="MODULE:FUNCTION", help="your function from a text to its picture"
    )
    drawing.add_argument(
        "--lengths", metavar="5 or 4-8", help="of the texts to draw; default: those of the labels"
    )
    drawing.add_argument("--count", type=int, default=3000, help="of pictures to draw (3000)")
    workers = parser.add_argument_group("distributed training (JAX, extra 'scale')")
    workers.add_argument(
        "--workers",
        type=int,
        default=1,
        help="train with so many processes: started here or, with the next two options, by a "
        "launcher on many machines",
    )
    workers.add_argument("--rank", type=int, help="be this worker, 0 to workers - 1")
    workers.add_argument("--coordinator", metavar="HOST:PORT", help="where worker 0 listens")


def _check(options):
    """Exit with status 2 where an option has a value that it cannot have."""
    error = options.parser.error
    reserved = {*RECIPES, "quick", *NO_READERS}
    if not re.fullmatch(r"\w[\w.-]*", options.name) or options.name in reserved:
        error(
            f"--name {options.name}: give a plain name (letters, digits, . - _) that is not one of "
            f"the course's own readers ({', '.join(sorted(reserved))})"
        )
    for name, least in (
        ("epochs", 1),
        ("seed", 0),
        ("batch", 1),
        ("workers", 1),
        ("count", 100),
        ("folds", 2),
    ):
        value = getattr(options, name, None)
        if value is not None and value < least:
            error(f"--{name} {value}: it must be at least {least}")
    if options.if_better_than is not None and not 0 <= options.if_better_than <= 100:
        error(f"--if-better-than {options.if_better_than:g}: it must be from 0 to 100, in percent")
    if options.draw is None and options.data is None:
        error("give --data, a folder of labelled images, or --draw, a function that draws them")
    if options.draw is not None and (options.workers > 1 or options.curve):
        error(
            "--draw draws for one process, and as many pictures as you like: leave out "
            "--workers and --curve"
        )
    if (options.rank is None) != (options.coordinator is None):
        error("--rank and --coordinator go together: give both or none")
    if options.rank is not None and not 0 <= options.rank < options.workers:
        error(f"--rank {options.rank}: it must be from 0 to workers - 1 ({options.workers - 1})")


def run(options) -> int:
    """Train; return the exit status."""
    prog = options.parser.prog
    if not hasattr(options, "recipe"):
        options.parser.print_help()
        return DONE
    prog = prog.rpartition(" ")[0]  # without the recipe's name
    _check(options)
    if find_spec("keras") is None:
        return fail(prog, 'the extra "train" is missing: pip install "ocr-readers[train]"')
    try:
        reader = _train(options)
    except distributed.WorkerFinished:
        return DONE
    except before.NotWanted as error:
        return fail(prog, error, SOME_FAILED)
    except ValueError as error:  # DataError, ReaderError, ImageError, WorkerError: one line each
        if type(error) is ValueError:
            raise
        return fail(prog, error, SOME_FAILED)
    except MemoryError as error:
        return fail(prog, f"too little memory ({error}): is one label far too long?", SOME_FAILED)
    except OSError as error:  # a full disk, for one, in logs/ or figures/
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
        return fail(prog, f"{reason}; the same command goes on from the last epoch", SOME_FAILED)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return fail(prog, "stopped; the same command resumes from the last epoch", INTERRUPTED)
    read = "python main.py" if prog == "train.py" else "ocr read"
    last = f"read with it: {read} --model {options.name} PATH"
    print(*ending.lines(reader.contract, options.curve), last, sep="\n")
    return DONE


def _train(options) -> "Reader":
    """Train here, as one of several workers, or start the workers and finish what they trained."""
    names = (*RECIPES[options.recipe].options, "alphabet", "epochs", "seed", "start", "folds")
    given = {name: getattr(options, name) for name in names}
    flags = [name for name in ("replace", "curve") if getattr(options, name)]
    columns = parse_columns(options)
    data = options.data and options.data.resolve()
    if data is not None and options.rank is None:
        before.check(options, data, columns)
    watched = nullcontext() if options.epochs else progress.heard(watch.stop_where_hopeless)
    if options.draw is not None:
        with watched:
            return _train_on_drawn(options, given, data, columns)
    if options.rank is not None:
        distributed.join(options.coordinator, options.workers, options.rank)
    elif options.workers > 1:
        words = ["--data", data, "--name", options.name]
        for name, value in given.items():
            option = "from" if name == "start" else name
            words += [] if value is None else [f"--{option}", value]
        words += [f"--{name}" for name in flags]
        words += ["--columns", options.columns] if options.columns else []
        words += ["--case", options.case] if options.case else []
        words += ["--strip"] if options.strip else []
        command = [sys.executable, "-m", "ocr", "train", options.recipe, *map(str, words)]
        places = [str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        here = os.pathsep.join(filter(None, places))
        variables = {"PYTHONPATH": here, "PYTHONSAFEPATH": "1"}  # this package, not the folder's
        launcher.start(command, options.workers, environment=variables)
    together = options.rank is not None or options.workers > 1
    given |= dict.fromkeys(flags, True) | {"columns": columns, "together": together}
    with distributed.exit_if_lost(), watched:
        return recipes.train(options.recipe, data, paths.MODELS / options.name, **given)


def _train_on_drawn(options, given: dict, data: Path | None, columns: Columns | None) -> "Reader":
    """Draw pictures by the caller's own function, and train on them."""
    from ocr.training.own import drawing  # an install extra

    drawn = drawing.draw(
        options.draw,
        options.name,
        count=options.count,
        seed=options.seed,
        like=data,
        alphabet=options.alphabet,
        lengths=options.lengths,
        columns=columns,
    )
    given |= {"test": data, "replace": options.replace}
    return recipes.train(options.recipe, drawn, paths.MODELS / options.name, **given)


def main(arguments: list[str] | None = None) -> int:
    """Run `python train.py`, the same as `ocr train`."""
    parser = _complete(Parser(prog="train.py", description="Train a reader on labelled images."))
    parser.set_defaults(parser=parser)
    return run(parser.parse_args(arguments))
