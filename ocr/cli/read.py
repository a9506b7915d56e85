"""Read images from the command line: files, folders and zips.

    python main.py picture.png
    python main.py --model captcha --format json FOLDER ARCHIVE.zip > reads.jsonl

Exit status: 0 when all images were read, 1 when some were not, 2 for wrong usage.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tqdm import tqdm

from ocr.reading.bulk import read_all
from ocr.reading.contract import ReaderError
from ocr.reading.files import find_all
from ocr.reading.reader import Reader


def _words(path: str) -> list[str]:
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(
            f"{path}: not a text file that can be read ({getattr(error, 'strerror', None) or 'not UTF-8'}): "
            "give a file of words, one a line"
        ) from None
    return [line.strip() for line in lines if line.strip()]


class Text:
    """One line an image: path, text, confidence, with tabs between; errors go to stderr."""

    def __init__(self, out):
        self.out = out

    def write(self, path, reading, error):
        if error:
            tqdm.write(f"main.py: {path}: {error}", file=sys.stderr)
        else:
            self.out.write(f"{path}\t{reading.text}\t{reading.confidence:.4f}\n")

    def close(self):
        pass


class Json(Text):
    """One object a line: path, text, confidence; or path, error."""

    def write(self, path, reading, error):
        row = (
            {"error": error}
            if error
            else {"text": reading.text, "confidence": round(reading.confidence, 6)}
        )
        self.out.write(json.dumps({"path": path, **row}, ensure_ascii=False) + "\n")


class Csv(Text):
    """Columns path, text, confidence, error."""

    def __init__(self, out):
        self.rows = csv.writer(out, lineterminator="\n")
        self.rows.writerow(["path", "text", "confidence", "error"])

    def write(self, path, reading, error):
        self.rows.writerow(
            [path, "", "", error]
            if error
            else [path, reading.text, f"{reading.confidence:.6f}", ""]
        )


class Xml(Text):
    """<readings> with one <image path=... confidence=...>text</image> or <image path=... error=.../> each."""

    def __init__(self, out):
        self.out = out
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<readings>\n')

    def write(self, path, reading, error):
        if error:
            self.out.write(f"<image path={quoteattr(path)} error={quoteattr(error)}/>\n")
        else:
            self.out.write(
                f'<image path={quoteattr(path)} confidence="{reading.confidence:.6f}">'
                f"{escape(reading.text)}</image>\n"
            )

    def close(self):
        self.out.write("</readings>\n")


FORMATS = {"text": Text, "json": Json, "csv": Csv, "xml": Xml}


class AboveBar:
    """Standard output for a terminal that shows the progress bar too: each piece is written above the bar."""

    def write(self, text):
        with tqdm.external_write_mode(file=sys.stdout):
            sys.stdout.write(text)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="main.py", description="Read the text in images.")
    parser.add_argument(
        "--model",
        default="captcha",
        metavar="NAME",
        help="a reader in models/, or its folder (captcha)",
    )
    parser.add_argument(
        "--format", default="text", choices=FORMATS, help="text (default), json, csv or xml"
    )
    parser.add_argument(
        "--pattern",
        help="what may stand at each place: d a digit, a a letter, x either, anything else itself, "
        "as dd/dd/dddd",
    )
    parser.add_argument(
        "--lexicon", metavar="FILE", help="read only words of this text file, one a line"
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="read with many processes, for archives: a Dask scheduler's address, or local for "
        "workers started here; needs --out and requirements-scale.txt",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="with --cluster: where the reads go, as Parquet files; what is there is not read again",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="image files, folders, zip archives"
    )
    options = parser.parse_args(arguments)
    if (options.cluster is None) != (options.out is None):
        parser.error("--cluster and --out go together")
    try:
        reader = Reader.load(options.model)
        words = _words(options.lexicon) if options.lexicon is not None else None
        bound = reader.bind(options.pattern, words)
        if options.cluster is not None:
            return _read_on_cluster(options, words)
    except ReaderError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    both = sys.stdout.isatty() and sys.stderr.isatty()
    output, failed = FORMATS[options.format](AboveBar() if both else sys.stdout), 0
    try:
        for path, reading, error in read_all(
            reader, tqdm(find_all(options.paths), unit=" images", disable=None), bound
        ):
            output.write(path, reading, error)
            failed += error is not None
        output.close()
        sys.stdout.flush()
    except KeyboardInterrupt:
        output.close()
        print("main.py: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if failed else 0


def _read_on_cluster(options, words) -> int:
    from ocr.archive import cluster  # Dask takes a second

    try:
        how = cluster.job(options.model, options.pattern, words)
        count, failed = cluster.read(options.cluster, options.out, options.paths, how)
    except cluster.ClusterError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("main.py: stopped; the same command goes on from what is read", file=sys.stderr)
        return 130
    print(f"{count:,} images, {failed:,} of them not read; in {options.out}")
    return 1 if failed else 0
