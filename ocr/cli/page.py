"""Write readers as one HTML file that reads in the browser: `ocr page`."""

from argparse import Namespace
from pathlib import Path

from ocr.cli.parser import DONE, Parser, fail
from ocr.reading.contract import ReaderError

ABOUT = "Write readers as one HTML file: it reads in a browser, without a server or a network."
EXAMPLES = """examples:
  {prog} numbers --out numbers.html            open it by a double click, send it to a phone
  {prog} numbers captcha --out both.html       several readers in one file
"""


def add_parser(verbs) -> Parser:
    """Add `page` to the verbs of `ocr`."""
    parser = verbs.add_parser("page", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    parser.add_argument("readers", nargs="+", metavar="READER", help="name or folder of a reader")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write; default: READER.html"
    )
    return parser


def run(options: Namespace) -> int:
    """Write the page; return the exit status."""
    from ocr.page.writing import write  # here for speed: it loads NumPy

    out = options.out or Path(f"{Path(options.readers[0]).name}.html")
    try:
        size = write(options.readers, out)
    except (ReaderError, OSError) as error:
        return fail(options.parser.prog, error)
    print(f"{out}: {size / 1e6:.1f} MB; open it by a double click")
    return DONE
