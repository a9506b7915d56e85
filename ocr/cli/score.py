"""Score a reader on labelled images: `ocr score READER LABELLED`."""

from argparse import Namespace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ocr import paths
from ocr.cli.parser import DONE, INTERRUPTED, SOME_FAILED, Parser, fail, parse_columns
from ocr.cli.reads.loop import Loaded
from ocr.cli.reads.rows import Row
from ocr.cli.reads.summary import many
from ocr.cli.scoring.confusions import confusions
from ocr.cli.scoring.worst import Wrong, picture
from ocr.datasets.labels import DataError, list_files, read_characters, read_labels
from ocr.paths import whole
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import DecodingOptions
from ocr.reading.files import Found, printable
from ocr.reading.images import ImageError, open_image
from ocr.reading.reader import Reader
from ocr.reading.scripts import to_western
from ocr.scores import score, wilson

ABOUT = "Score a reader on labelled images that it was not trained on."
EXAMPLES = """examples:
  {prog} captcha FOLDER
  {prog} models/mine labelled.zip --picture worst.png

LABELLED has labels as for training: labels.csv or .xlsx (file,label, or what ocr read writes),
x.gt.txt beside x.png, a folder for each character, or names as LABEL.png.

exit status: 0 all images were read, 1 some were not, 2 wrong usage, 130 stopped by Ctrl-C
"""
SHOWN = 10  # worst readings, confused pairs


def add_parser(verbs) -> Parser:
    """Add `score` to the verbs of `ocr`."""
    parser = verbs.add_parser("score", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    add = parser.add_argument
    add("reader", metavar="READER", help="a reader's name or folder")
    add("labelled", metavar="LABELLED", help="a folder or zip of labelled images")
    add("--pattern", metavar="P", help="as of ocr read")
    add("--labels", choices=("name", "hex", "index"), help="how folders of characters are named")
    add("--columns", metavar="file=NAME,label=NAME", help="of the table with the labels")
    add("--picture", type=Path, metavar="FILE.png", help="of the worst (figures/NAME-worst.png)")
    return parser


def run(options: Namespace) -> int:
    """Score the reader; return the exit status."""
    prog = options.parser.prog
    try:
        loaded = Loaded.load(partial(_load, options.reader, options.pattern))
        found, labels = _labelled(options, loaded.reader)
        rows = list(tqdm(loaded.rows(found, len(found)), total=len(found), disable=None))
        print("\n".join(report(options.reader, loaded.reader, rows, labels)))
        return _show_worst(options, rows, labels)
    except (ReaderError, DataError, ImageError) as error:
        return fail(prog, error)
    except KeyboardInterrupt:
        return fail(prog, "stopped", INTERRUPTED)


def _load(name: str, pattern: str | None) -> tuple[Reader, DecodingOptions]:
    reader = Reader.load(name)
    return reader, reader.options(pattern=pattern)


def _labelled(options: Namespace, reader: Reader) -> tuple[list[Found], list[str]]:
    """List labelled images and their labels, as the reader would give them. Raises DataError."""
    files, columns = list_files(options.labelled), parse_columns(options)
    if reader.kind == "ctc":
        labels, _ = read_labels(files, columns)
    else:
        labels, _ = read_characters(files, options.labelled, options.labels, columns)
    found = [file for file in files if labels.get(file.name)]
    if not found:
        raise DataError(
            f"{options.labelled}: {many(len(files), 'file')}, no image with a label: name them "
            "LABEL.png, or write a labels.csv with the columns file,label"
        )
    return found, [wanted(labels[file.name], reader) for file in found]


def wanted(label: str, reader: Reader) -> str:
    """Give a label the form of the reader's texts: Western digits, one case where both are one."""
    if reader.scripts:
        return to_western(label)
    both = reader.contract["decoding"].get("both_cases", "")
    return "".join(c.upper() if c.upper() in both else c for c in label)


# --- the report


def report(name: str, reader: Reader, rows: list[Row], labels: list[str]) -> list[str]:
    """Describe how well a reader reads labelled images, in some lines."""
    texts = [_text(row) for row in rows]
    result = score(texts, labels)
    hits = sum(text == label for text, label in zip(texts, labels))
    lines = [
        f"{name}: {many(len(rows), 'labelled image')}",
        f"right            {_share(hits, len(rows))}",
        f"character errors {result.cer:.2%} of the characters of the labels",
    ]
    trusted = [text == label for row, text, label in zip(rows, texts, labels) if row.trusted]
    lines.append(f"trusted          {_share(len(trusted), len(rows))}")
    if trusted:
        lines.append(f"  right of these {_share(sum(trusted), len(trusted))}")
    if hits == len(rows) and reader.threshold is not None and 2 * len(trusted) < hits:
        lines.append("all right, and few trusted: are these its own readings, not yet corrected?")
    if failed := sum(not row.read for row in rows):
        lines.append(f"not readable     {failed:,}, which count as wrong")
    known = set(reader.decoder.alphabet.symbols)
    if strange := {c for label in labels for c in label} - known:
        count = sum(not known.issuperset(label) for label in labels)
        lines.append(
            f"{many(count, 'label')} with symbols that {name} cannot read: "
            f"{''.join(sorted(strange))}"
        )
    pairs = confusions(labels, texts)[:SHOWN]
    if pairs:
        shown = (f"{a or '(nothing)'} as {b or '(nothing)'} ({n:,})" for (a, b), n in pairs)
        lines.append(f"confused         {', '.join(shown)}")
    return lines


def _text(row: Row) -> str:
    return "" if row.result.reading is None else row.result.reading.text


def _share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits / n:.2%} ({hits:,} of {n:,}; 95 % interval {low:.2%} to {high:.2%})"


def _show_worst(options: Namespace, rows: list[Row], labels: list[str]) -> int:
    """Print the worst readings, save them as a picture; return the exit status."""
    errors = [(row, label) for row, label in zip(rows, labels) if _text(row) != label]
    errors.sort(key=lambda pair: -pair[0].confidence)
    worst = list(filter(None, (_wrong(row, label) for row, label in errors[:SHOWN])))
    if worst:
        print("the surest of the wrong ones: label, read, confidence, image")
        for each in worst:
            print(f"  {each.label}\t{each.text}\t{each.confidence:.4f}\t{each.name}")
        name = Path(options.reader).name
        out = options.picture or paths.FIGURES / f"{name}-worst.png"
        try:
            with whole(out) as part:
                picture(worst).save(part, "png")
        except OSError as error:
            reason = error.strerror or error
            return fail(options.parser.prog, f"{out}: cannot be written ({reason})")
        print(f"picture: {out}")
    return DONE if all(row.read for row in rows) else SOME_FAILED


def _wrong(row: Row, label: str) -> Wrong | None:
    """Take what is shown of a wrong reading; None where the image cannot be opened."""
    try:
        image = open_image(row.found.read())
    except ImageError:
        return None
    confidence = max(0.0, row.confidence)
    return Wrong(image, label, _text(row), confidence, printable(row.found.name))
