"""Remove the checkpoints of trainings: `ocr clean`."""

from argparse import Namespace

from ocr import paths
from ocr.cli.parser import DONE, Parser, fail

ABOUT = "Remove the checkpoints that trainings have left; readers and labels stay."

EXAMPLES = """examples:
  {prog} --dry-run    list them
  {prog}              remove them: a training that was stopped begins anew
"""


def add_parser(verbs) -> Parser:
    """Add `clean` to the verbs of `ocr`."""
    parser = verbs.add_parser("clean", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    parser.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    parser.add_argument(
        "--damaged", action="store_true", help="only those that were set aside as damaged"
    )
    return parser


def run(options: Namespace) -> int:
    """Remove the checkpoints; return the exit status."""
    size = count = 0
    for file in paths.checkpoints(paths.CACHE):
        if options.damaged and file.suffix != paths.DAMAGED:
            continue
        count, size = count + 1, size + file.stat().st_size
        if options.dry_run:
            print(file)
            continue
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            return fail(options.parser.prog, f"{file}: cannot be removed ({error.strerror})")
    what = "would be removed" if options.dry_run else "removed"
    print(f"{count:,} checkpoint{'' if count == 1 else 's'}, {size / 1e6:,.1f} MB, {what}")
    return DONE
