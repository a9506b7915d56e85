"""Train a reader on labelled images: `ocr train RECIPE --data FOLDER --name NAME`."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from ocr import paths
from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail
from ocr.reading.scripts import SCRIPTS
from ocr.training import distributed, launcher, recipes
from ocr.training.recipes import RECIPES, Recipe

EXAMPLES = """examples:
  {prog} captcha --data FOLDER --name mine      leaves models/mine/
  {prog} char_cnn --data FOLDER --name mine     FOLDER has a sub-folder for each character

How images get their labels is in data/README.md: a labels.csv, file names, or folders.
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
        "--data", required=True, type=Path, help="a folder or zip of labelled images"
    )
    parser.add_argument("--name", required=True, help="the reader is saved in models/NAME")
    parser.add_argument(
        "--alphabet", help="the symbols to read, as 0123456789; default: those of the labels"
    )
    parser.add_argument("--epochs", type=int, help="default: by the number of images")
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
    reserved = {*RECIPES, "quick"}
    if not re.fullmatch(r"\w[\w.-]*", options.name) or options.name in reserved:
        error(
            f"--name {options.name}: give a plain name (letters, digits, . - _) that is not one of "
            f"the course's own readers ({', '.join(sorted(reserved))})"
        )
    for name, least in (("epochs", 1), ("seed", 0), ("batch", 1), ("workers", 1)):
        value = getattr(options, name, None)
        if value is not None and value < least:
            error(f"--{name} {value}: it must be at least {least}")
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
        _train(options)
    except distributed.WorkerFinished:
        return DONE
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
    print(f"read with it: {read} --model {options.name} PATH")
    return DONE


def _train(options):
    """Train here, as one of several workers, or start the workers and finish what they trained."""
    names = (*RECIPES[options.recipe].options, "alphabet", "epochs", "seed")
    given = {name: getattr(options, name) for name in names}
    data = options.data.resolve()
    if options.rank is not None:
        distributed.join(options.coordinator, options.workers, options.rank)
    elif options.workers > 1:
        words = ["--data", data, "--name", options.name]
        for name, value in given.items():
            words += [] if value is None else [f"--{name}", value]
        command = [sys.executable, "-m", "ocr", "train", options.recipe, *map(str, words)]
        places = [str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        here = os.pathsep.join(filter(None, places))
        variables = {"PYTHONPATH": here, "PYTHONSAFEPATH": "1"}  # this package, not the folder's
        launcher.start(command, options.workers, environment=variables)
    with distributed.exit_if_lost():
        recipes.train(options.recipe, data, paths.MODELS / options.name, **given)


def main(arguments: list[str] | None = None) -> int:
    """Run `python train.py`, the same as `ocr train`."""
    parser = _complete(Parser(prog="train.py", description="Train a reader on labelled images."))
    parser.set_defaults(parser=parser)
    return run(parser.parse_args(arguments))
