"""Read images: files, folders and zips (`ocr read`, `python main.py`)."""

import csv
import io
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from tqdm import tqdm

from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail
from ocr.reading.bulk import Result, read_many
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import DIGITS, WESTERN, DecodingOptions, Reading
from ocr.reading.files import find_all, no_formula
from ocr.reading.reader import Reader
from ocr.reading.scripts import SCRIPTS

ABOUT = "Read the text in images, each with a confidence from 0 to 1."
EXAMPLES = """examples:
  {prog} picture.png
  {prog} --model numbers --pattern dd/dd/dddd --format json FOLDER ARCHIVE.zip > readings.jsonl

exit status: 0 all images were read, 1 some were not, 2 wrong usage, 130 stopped by Ctrl-C
"""


class AboveBar:
    """Write to standard output above the progress bar, where a terminal shows both."""

    def write(self, text: str) -> int:
        with tqdm.external_write_mode(file=sys.stdout):
            return sys.stdout.write(text)


class Text:
    """Write one line an image, with tabs between: path, text, confidence, "trusted" or "check".

    Errors go to stderr.
    """

    def __init__(self, out: TextIO | AboveBar, prog: str):
        self.out, self.prog = out, prog

    def write(self, result: Result) -> None:
        path, reading = result.name, result.reading
        if reading is None or result.error is not None:
            tqdm.write(f"{self.prog}: {path}: {result.error}", file=sys.stderr)
        else:
            trusted = "trusted" if reading.trusted else "check"
            self.out.write(f"{path}\t{reading.text}\t{reading.confidence:.4f}\t{trusted}\n")

    def close(self) -> None:
        """End the output; also called when the reading is stopped."""


class Json(Text):
    """Write one object a line: path; text, confidence, trusted, where it was opened; error."""

    def write(self, result: Result) -> None:
        row: dict = {"path": result.name}
        if result.reading is not None:
            row["text"] = result.reading.text
            row["confidence"] = round(result.reading.confidence, 6)
            row["trusted"] = result.reading.trusted
        if result.error is not None:
            row["error"] = result.error
        self.out.write(json.dumps(row, ensure_ascii=False) + "\n")


class Csv(Text):
    """Write the columns path, text, confidence, trusted, error; see `no_formula`."""

    def __init__(self, out: TextIO | AboveBar, prog: str):
        super().__init__(out, prog)
        self.rows = csv.writer(out, lineterminator="\n")
        self.rows.writerow(["path", "text", "confidence", "trusted", "error"])

    def write(self, result: Result) -> None:
        columns = ["", "", ""] if result.reading is None else _shown(result.reading)
        self.rows.writerow(map(no_formula, [result.name, *columns, result.error or ""]))


class Xml(Text):
    """Write <readings> of <image path= confidence= trusted=>text</image>; faults have error=."""

    def __init__(self, out: TextIO | AboveBar, prog: str):
        super().__init__(out, prog)
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<readings>\n')

    def write(self, result: Result) -> None:
        attributes, text = f"path={quoteattr(result.name)}", ""
        if result.reading is not None:
            text, confidence, trusted = _shown(result.reading)
            attributes += f' confidence="{confidence}" trusted="{trusted}"'
        if result.error is not None:
            attributes += f" error={quoteattr(result.error)}"
        self.out.write(f"<image {attributes}>{escape(text)}</image>\n")

    def close(self) -> None:
        self.out.write("</readings>\n")


def _shown(reading: Reading) -> tuple[str, str, str]:
    """Format text, confidence and trusted for tables."""
    return reading.text, f"{reading.confidence:.6f}", str(reading.trusted).lower()


FORMATS = {"text": Text, "json": Json, "csv": Csv, "xml": Xml}


def add_parser(verbs) -> Parser:
    """Add `read` to the verbs of `ocr`."""
    return _complete(verbs.add_parser("read", help=ABOUT, description=ABOUT))


def _complete(parser: Parser) -> Parser:
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="image files, folders, zip archives")
    add("--model", default="captcha", metavar="NAME", help="a reader's name or folder (captcha)")
    add("--format", choices=FORMATS, help="text (default), json, csv or xml")
    add(
        "--pattern",
        help="constrain each place: d a digit, a a letter, x either, anything else itself, as in "
        "dd/dd/dddd",
    )
    add("--lexicon", metavar="FILE", help="read only words of this text file, one a line")
    add("--script", choices=SCRIPTS, help="the script of the numbers, where it is known")
    add(
        "--digits",
        choices=DIGITS,
        default=WESTERN,
        help="give numbers of every script in Western digits (default), or as they are written",
    )
    add(
        "--keep-other",
        action="store_true",
        help="also show where signs are that belong to no number, such as a currency",
    )
    add(
        "--cluster",
        metavar="ADDRESS",
        help="read an archive with many processes: the address of a Dask scheduler, or local to "
        "start workers here; needs --out",
    )
    add(
        "--out",
        metavar="FOLDER",
        help="with --cluster: write the readings there as Parquet files; continues an earlier run",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run `python main.py`, the same as `ocr read`."""
    parser = _complete(Parser(prog="main.py", description=ABOUT))
    parser.set_defaults(parser=parser)
    return run(parser.parse_args(arguments))


def run(options: Namespace) -> int:
    """Read the images; return the exit status."""
    _check(options)
    try:
        reader = Reader.load(options.model)
        words = None if options.lexicon is None else _words(options.lexicon)
        how = {key: getattr(options, key) for key in ("pattern", "script", "digits", "keep_other")}
        decoding = reader.options(lexicon=words, **how)
    except ReaderError as error:
        return fail(options.parser.prog, error)
    if options.cluster is not None:
        return _read_on_cluster(options, words, how)
    return _read_here(options, reader, decoding)


def _check(options: Namespace) -> None:
    """Exit with status 2 where one option needs another, or excludes it."""
    if options.cluster is not None and options.out is None:
        options.parser.error("--cluster needs --out FOLDER: the readings are written there")
    if options.out is not None and options.cluster is None:
        options.parser.error("--out needs --cluster ADDRESS: other readings go to standard output")
    if options.cluster is not None and options.format is not None:
        options.parser.error("--cluster writes Parquet files: leave out --format")


def _words(path: str) -> list[str]:
    """Load the words of a lexicon. Raises ReaderError."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}): "
            "give a file of words, one a line"
        ) from None
    return [line.strip() for line in lines if line.strip()]


def _read_here(options: Namespace, reader: Reader, decoding: DecodingOptions) -> int:
    prog, failed = options.parser.prog, 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    both = sys.stdout.isatty() and sys.stderr.isatty()
    out = FORMATS[options.format or "text"](AboveBar() if both else sys.stdout, prog)
    found = tqdm(find_all(options.paths), unit=" images", disable=None)
    try:
        for result in read_many(reader, found, decoding):
            out.write(result)
            failed += result.error is not None
        out.close()
        sys.stdout.flush()
    except KeyboardInterrupt:
        out.close()
        return fail(prog, "stopped", INTERRUPTED)
    except BrokenPipeError:  # whoever reads our output, `head` for one, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return SOME_FAILED if failed else DONE


def _read_on_cluster(options: Namespace, words: list[str] | None, how: dict) -> int:
    prog = options.parser.prog
    try:
        from ocr.archive import cluster  # an install extra, and importing Dask takes a second
    except ModuleNotFoundError:
        return fail(prog, '--cluster needs the extra "scale": pip install "ocr-readers[scale]"')
    try:
        job = cluster.Job.create(options.model, words, **how)
        count, failed = cluster.read(options.cluster, options.out, options.paths, job)
    except cluster.ClusterError as error:
        return fail(prog, error)
    except KeyboardInterrupt:
        return fail(prog, "stopped; the same command continues from what is read", INTERRUPTED)
    print(f"{count:,} images, {failed:,} of them not read; in {options.out}")
    return SOME_FAILED if failed else DONE
