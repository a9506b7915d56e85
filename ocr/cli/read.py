"""Read images: files, folders, zips, PDF (`ocr read`, `python main.py`)."""

import argparse
import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail
from ocr.cli.reads import summary, tables
from ocr.cli.reads.loop import Loaded
from ocr.cli.reads.rows import Row
from ocr.cli.reads.sources import STDIN, Sources, listed
from ocr.cli.reads.streams import FORMATS, AboveBar
from ocr.cli.reads.unsure import Copies
from ocr.reading.anything import ANY, NUMBER, AnyReader, reads
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import DIGITS, WESTERN
from ocr.reading.files import printable
from ocr.reading.reader import Reader
from ocr.reading.scripts import SCRIPTS

ABOUT = "Read the text in images, each with a confidence from 0 to 1."
EXAMPLES = """examples:
  {prog} picture.png
  {prog} --model numbers --pattern dd/dd/dddd --output reads.xlsx FOLDER ARCHIVE.zip

exit status: 0 all images were read, 1 some were not, 2 wrong usage, 130 stopped by Ctrl-C
"""


def add_parser(verbs) -> Parser:
    """Add `read` to the verbs of `ocr`."""
    return _complete(verbs.add_parser("read", help=ABOUT, description=ABOUT))


def _number(least: float, most: float, kind: type = int):
    """Make a type of options: a number within bounds."""

    def number(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            up_to = f" to {most:g}" if most < 2**31 else " or more"
            raise argparse.ArgumentTypeError(f"{text!r}: give a number, {least:g}{up_to}")
        return value

    return number


def _complete(parser: Parser) -> Parser:
    parser.usage = f"{parser.prog} [OPTIONS] PATH..."
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, max_help_position=26)
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help='files, folders, zips, "*.png"; - is stdin')
    add("--files-from", metavar="LIST", help="read paths from a file, one a line (-: stdin)")
    add(
        "--model",
        default=summary.DEFAULT,
        metavar="NAME",
        help="any (of all), or one of: ocr readers (captcha)",
    )
    add("--output", "--out", metavar="FILE", help="write .csv .xlsx .jsonl .parquet or .xml")
    add("--format", choices=FORMATS, metavar="F", help="of stdout: text (default) json csv xml")
    add("--sort", choices=("confidence",), metavar="confidence", help="the least sure first")
    add("--top", type=_number(1, 100), default=1, metavar="K", help="give the K best texts")
    add("--pattern", metavar="P", help="d digit, a letter, x either, else itself: dd/dd/dddd")
    add("--lexicon", metavar="FILE", help="read only words of a file, one a line")
    add("--script", choices=SCRIPTS, metavar="S", help="of numbers: western arabic persian")
    add("--digits", choices=DIGITS, default=WESTERN, metavar="D", help="western or as-written")
    add("--split", action="store_true", help="read the lines and numbers of a picture one by one")
    add("--keep-other", action="store_true", help="show a ? where signs belong to no number")
    least = _number(0, 1, float)
    add("--min-confidence", type=least, metavar="C", help="trust readings from C, 0 to 1, on")
    add("--copy-unsure", type=Path, metavar="FOLDER", help="copy pictures that are not trusted")
    cores = _number(1, 2**31)
    add("--processes", type=cores, metavar="N", help="at a time, at most (default: the cores)")
    add("--cluster", metavar="ADDRESS", help="of Dask, or local; --output is a folder then")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run `python main.py`, the same as `ocr read`."""
    parser = _complete(Parser(prog="main.py", description=ABOUT))
    parser.set_defaults(parser=parser)
    return run(parser.parse_args(arguments))


def run(options: Namespace) -> int:
    """Read the images; return the exit status."""
    prog = options.parser.prog
    _check(options)
    try:
        words = None if options.lexicon is None else _words(options.lexicon)
        how = {key: getattr(options, key) for key in ("pattern", "script", "digits", "keep_other")}
        if options.cluster is None:
            how["top"] = options.top
        make = partial(_load, options.model, options.min_confidence, words, how)
        loaded = Loaded.load(make)
    except ReaderError as error:
        return fail(prog, error)
    if options.cluster is not None:
        return _read_on_cluster(options, words, how)
    try:
        return _read_here(options, Sources(options.paths, options.split), loaded)
    except KeyboardInterrupt:  # while files are listed
        return fail(prog, "stopped", INTERRUPTED)


def _load(model: str, least: float | None, words: list[str] | None, how: dict) -> tuple[Any, Any]:
    """Load a reader, or all of them, and say how to decode. Raises ReaderError."""
    reader = AnyReader.load() if model == ANY else Reader.load(model)
    if least is not None:
        reader.trust_from(least)
    return reader, reader.options(lexicon=words, **how)


# --- options


def _check(options: Namespace) -> None:
    """Exit with status 2 where one option needs another, or excludes it; complete the paths."""
    error, out = options.parser.error, options.output
    if options.files_from is not None:
        options.paths = [*options.paths, *_listed(options)]
    if not options.paths:
        error("give PATH: files, folders or zips, or --files-from LIST")
    if options.cluster is not None:
        if out is None:
            error("--cluster needs --output FOLDER: the readings are written there")
        here = ("format", "sort", "copy_unsure", "processes", "min_confidence")
        given = [name for name in here if getattr(options, name) is not None]
        given += ["top"] * (options.top > 1) + ["split"] * options.split
        if given:
            name = given[0].replace("_", "-")
            error(f"--cluster writes Parquet files with one text an image: leave out --{name}")
    elif out is not None:
        if options.format is not None:
            error("--output chooses the format by its ending: leave out --format")
        if problem := tables.problem(Path(out)):
            error(f"--output {problem}")


def _listed(options: Namespace) -> list[str]:
    if options.files_from == STDIN and STDIN in options.paths:
        options.parser.error("- and --files-from -: standard input can only be one of them")
    try:
        return listed(options.files_from)
    except OSError as error:
        reason = error.strerror or error
        options.parser.error(f"--files-from {options.files_from}: cannot be read ({reason})")
        raise


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


# --- reading


def _namer(out: str | None) -> Callable[[str], str]:
    """Name pictures as labels.csv does: relative to a table that is in a folder above them."""
    folder = None if out is None else Path(os.path.abspath(out)).parent

    def name(given: str) -> str:
        if folder is not None and given != STDIN:
            with suppress(ValueError):
                return Path(os.path.abspath(given)).relative_to(folder).as_posix()
        return given

    return name


def _read_here(options: Namespace, sources: Sources, loaded: Loaded) -> int:
    prog, tally, count = options.parser.prog, summary.Tally(), sources.count()
    reading = loaded.rows(sources, count, options.processes)
    total = None if options.split else count
    rows = tqdm(reading, total=total, unit=" images", disable=None)
    status, named = DONE, _namer(options.output)
    try:
        copies = Copies(options.copy_unsure) if options.copy_unsure else None
        with _writer(options) as writer:
            kept: list[Row] = []
            try:
                for row in rows:
                    tally.add(row)
                    row = row.named(named(row.result.name))
                    if copies is not None:
                        copies.add(row)
                    if options.sort:
                        kept.append(row)
                    else:
                        writer.write(row)
            except KeyboardInterrupt:
                status = INTERRUPTED
            for row in sorted(kept, key=lambda row: row.confidence):
                writer.write(row)
    except BrokenPipeError:  # whoever reads our output, `head` for one, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        name = str(error.filename or "")
        where = options.output if not name or name.endswith(".part") else name
        reason = error.strerror or error
        return fail(prog, f"{where or 'standard output'}: cannot be written ({reason})")
    rows.close()
    _sum_up(options, tally, sources, loaded.reader)
    if copies is not None and copies.count:
        print(summary.about_copies(copies.count, copies.folder, options.model), file=sys.stderr)
    if status == INTERRUPTED:
        return fail(prog, "stopped", INTERRUPTED)
    return SOME_FAILED if tally.failed else DONE


@contextmanager
def _writer(options: Namespace) -> Iterator[Any]:
    """Open what writes the rows: a file, or standard output."""
    if options.output is not None:
        with tables.file_writer(Path(options.output), options.parser.prog, options.top) as writer:
            yield writer
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    both = sys.stdout.isatty() and sys.stderr.isatty()
    kind = FORMATS[options.format or "text"]
    writer = kind(AboveBar() if both else sys.stdout, options.parser.prog, options.top)
    yield writer
    writer.close()
    sys.stdout.flush()


def _sum_up(options: Namespace, tally: summary.Tally, sources: Sources, reader: Reader) -> None:
    """Say how many were read, and what may be wrong where most are doubtful."""
    if tally.count > 1 or sources.passed or options.output:
        where = f"; in {printable(options.output)}" if options.output else ""
        print(f"{tally.line(sources.passed)}{where}", file=sys.stderr)
    numbers = options.model == ANY or reads(reader) == NUMBER
    hint = summary.LINES if tally.empty and numbers and not options.split else None
    if advice := tally.advice(options.model, reader) or hint:
        print(advice, file=sys.stderr)


def _read_on_cluster(options: Namespace, words: list[str] | None, how: dict) -> int:
    prog, out = options.parser.prog, Path(options.output)
    try:
        from ocr.archive import cluster  # an install extra, and importing Dask takes a second
    except ModuleNotFoundError:
        return fail(prog, '--cluster needs the extra "scale": pip install "ocr-readers[scale]"')
    try:
        job = cluster.Job.create(options.model, words, **how)
        count, failed = cluster.read(options.cluster, out, options.paths, job)
    except cluster.ClusterError as error:
        return fail(prog, error)
    except KeyboardInterrupt:
        return fail(prog, "stopped; the same command continues from what is read", INTERRUPTED)
    print(f"{count:,} images, {failed:,} of them not read; in {out}")
    return SOME_FAILED if failed else DONE
