"""Train a reader on your own labelled images, by running a lesson's notebook without its course cells.

    python train.py                                        what can be trained
    python train.py captcha --data FOLDER --name mine      leaves models/mine/
    python train.py char_cnn --data FOLDER --name mine     FOLDER has a sub-folder for each character

The models live in the notebooks; this file only runs their cells, in order, with other parameters.
"""

import argparse
import math
import re
import sys
from pathlib import Path

import workers

ROOT = Path(__file__).resolve().parent
LESSONS = {  # what can be trained -> its notebook, a line about it, and parameters that one's own images need
    "captcha": (
        "ocr.ipynb",
        "strings in images of one kind: CAPTCHAs, meter readings, codes (CTC)",
        {"STRENGTH": 0.5},
    ),
    "char_cnn": (
        "notebooks/01_char_cnn.ipynb",
        "one character an image: handwriting, forms (deep CNN)",
        {"TEACHERS": 0},
    ),
    "cnn_lstm": (
        "notebooks/02_cnn_lstm.ipynb",
        "one character an image (CNN and LSTM, half the size)",
        {},
    ),
    "dual_input": (
        "notebooks/03_dual_input.ipynb",
        "one character an image, photographs too (colours and ink)",
        {"MEMBERS": 1},
    ),
    "numbers": (
        "notebooks/05_number_reader.ipynb",
        "numbers, in Western or Arabic-Indic digits (CTC)",
        {"STRINGS": 20_000},
    ),
}


def code_cells(notebook: Path):
    """The code cells of a notebook that are not tagged `course`, as (source, is the parameters cell)."""
    import nbformat  # here, where Ctrl-C is caught: it takes a second

    for cell in nbformat.read(notebook, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "course" not in tags:
            yield cell.source, "parameters" in tags


def run(notebook: Path, parameters: dict):
    """Run a notebook's cells in this process; `parameters` replace values that its parameters cell has set."""
    names = {"__name__": "__main__"}
    for number, (source, is_parameters) in enumerate(code_cells(notebook), start=1):
        exec(compile(source, f"{notebook.name}, cell {number}", "exec"), names)
        if is_parameters:
            unknown = parameters.keys() - names.keys()
            if unknown:
                raise KeyError(f"{notebook.name} has no parameter {', '.join(sorted(unknown))}")
            if (
                "BATCH" in parameters
            ):  # more images a step, a higher rate: the square root, for Adam (Malladi et al. 2022)
                names["PEAK"] *= math.sqrt(parameters["BATCH"] / names["BATCH"])
            names.update(parameters)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        prog="train.py", description="Train a reader on your own labelled images."
    )
    parser.add_argument("lesson", choices=LESSONS)
    parser.add_argument(
        "--data", required=True, type=Path, help="a folder or zip of labelled images"
    )
    parser.add_argument("--name", required=True, help="the reader is left in models/NAME")
    parser.add_argument(
        "--alphabet", help="the symbols to read, as 0123456789; default: those of the labels"
    )
    parser.add_argument(
        "--labels",
        choices=("hex", "index", "name"),
        help="how folders of characters are named: NIST's codes "
        "(30 to 7a), class numbers (0 to 61), or the character; default: found out",
    )
    parser.add_argument("--epochs", type=int, help="default: by the number of images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--batch",
        type=int,
        help="images a step, of all workers together; the learning rate goes with its square root",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="train with so many processes (JAX; pip install -r requirements-scale.txt): "
        "started here, or, with the next two, by a launcher on many machines",
    )
    parser.add_argument(
        "--rank",
        type=int,
        help="be this one of the workers, 0 to workers - 1, and end with the training",
    )
    parser.add_argument(
        "--coordinator", metavar="HOST:PORT", help="where the workers find worker 0"
    )
    if not (sys.argv[1:] if arguments is None else arguments):
        print("What can be trained:")
        for lesson, (notebook, about, _) in LESSONS.items():
            print(
                f"  python train.py {lesson:10} --data FOLDER --name mine    {about}; see {notebook}"
            )
        return 0
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\w[\w.-]*", options.name) or options.name in {*LESSONS, "quick"}:
        parser.error(
            f"--name {options.name}: a plain name, other than the course's own readers ({', '.join(LESSONS)})"
        )
    if options.seed < 0 or (options.epochs is not None and options.epochs < 1):
        parser.error("--epochs is at least 1, --seed at least 0")
    if options.labels and options.lesson in ("captcha", "numbers"):
        parser.error(
            "--labels is for lessons on single characters; strings are labelled as data/README.md says"
        )
    if options.batch and options.lesson not in ("captcha", "numbers"):
        parser.error(
            "--batch is for lessons on strings: the others' learning rates do not go with it"
        )
    if options.workers < 1 or (options.batch is not None and options.batch < 1):
        parser.error("--workers and --batch are at least 1")
    if (options.rank is None) != (options.coordinator is None) or (
        options.rank is not None and not 0 <= options.rank < options.workers
    ):
        parser.error("--rank, from 0 to workers - 1, and --coordinator go together")
    notebook, _, own = LESSONS[options.lesson]
    parameters = {
        "DATA": options.data.resolve(),
        "READER": f"models/{options.name}",
        "SEED": options.seed,
        "ALPHABET": options.alphabet,
        "EPOCHS": options.epochs,
        **own,
    }
    if options.labels:
        parameters["LABELS"] = options.labels
    if options.batch:
        parameters["BATCH"] = options.batch
    try:
        if options.rank is not None:
            workers.join(options.coordinator, options.workers, options.rank)
        elif options.workers > 1:
            workers.start(
                [sys.executable, __file__, *(sys.argv[1:] if arguments is None else arguments)],
                options.workers,
            )
        with workers.told_if_lost():
            run(ROOT / notebook, parameters)
    except workers.Trained:
        return 0
    except ValueError as error:  # DataError, ReaderError, ImageError: one line each
        if type(error) is ValueError:
            raise
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntrain.py: stopped; the same command goes on from the last epoch", file=sys.stderr)
        return 130
    print(f"read with it: python main.py --model {options.name} PATH")
    return 0


if __name__ == "__main__":
    sys.exit(main())
