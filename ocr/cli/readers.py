"""List the readers: what they read, how large, fast and good they are (`ocr readers`)."""

import random
import time
from argparse import Namespace
from string import ascii_lowercase, ascii_uppercase, digits
from textwrap import shorten

from PIL import Image, ImageDraw, ImageFont

from ocr.cli.parser import DONE, SOME_FAILED, Parser, fail
from ocr.reading.contract import ReaderError, find_reader, known_readers, read_contract
from ocr.reading.reader import Reader

ABOUT = "List the readers: what they read, how large, fast and good they are."
EXAMPLES = """examples:
  {prog}            all that are known by name
  {prog} numbers    one, with everything that it was tested on

Each draws and reads a few pictures: the CPU-ms are those of this machine.

exit status: 0 all can be used, 1 some cannot, 2 none is known
"""
NUMBER = "1,250.75"  # of readers of numbers
ROUNDS, PICTURES = 3, 16  # of which the fastest round counts


def add_parser(verbs) -> Parser:
    """Add `readers` to the verbs of `ocr`."""
    parser = verbs.add_parser("readers", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    parser.add_argument("names", nargs="*", metavar="NAME", help="names or folders of readers")
    return parser


def run(options: Namespace) -> int:
    """List the readers; return the exit status."""
    names, status = options.names or known_readers(), DONE
    if not names:
        return fail(options.parser.prog, "no readers yet: train one: ocr train --help")
    gap: list[str] = []
    for name in names:
        try:
            lines = describe(name, bool(options.names))
        except ReaderError as error:
            status = fail(options.parser.prog, error, SOME_FAILED)
            continue
        print(*gap, *lines, sep="\n", flush=True)
        gap = [""]
    return status


def describe(name: str, whole: bool = False) -> list[str]:
    """Describe a reader in some lines; `whole`: with all its scores. Raises ReaderError."""
    folder = find_reader(name)
    facts = read_contract(folder)
    size = sum(file.stat().st_size for file in folder.rglob("model.onnx"))
    text = example(facts)
    cost = cpu_ms(Reader.load(name), text)
    lines = [
        f"{name}: {alphabet(facts)}, such as {text}",
        f"    {size / 1e6:.1f} MB, {cost:.1f} CPU-ms a picture, trained on {data(facts, whole)}",
    ]
    scores = facts["scores"]
    if whole or len(scores) == 1:
        lines += [f"    {score(each)}" for each in scores]
    elif scores:
        least, most = (choose(each["exact"] for each in scores) for choose in (min, max))
        lines.append(f"    {least:.1%} to {most:.1%} right, on {len(scores)} sets of test images")
    trust = facts.get("trust")
    if trust is None or trust["threshold"] > 1:
        lines.append("    never trusted: it was tested on too few images")
    elif whole:
        lines.append(
            f"    trusted from confidence {trust['threshold']:.3f} on: {trust['share']:.1%} of "
            f"{trust['n']:,} {trust['on']}, {trust['right']:.1%} of them right"
        )
    return lines


def alphabet(facts: dict) -> str:
    """Say in words what a reader reads."""
    symbols = "".join(c for c in facts["alphabet"] if c not in facts.get("marks", {}).values())
    for run in (digits, ascii_uppercase, ascii_lowercase):
        symbols = symbols.replace(run, f"{run[0]}-{run[-1]} ").rstrip()
    if facts["kind"] != "ctc":
        return f"one character of {symbols}"
    if scripts := facts.get("scripts"):
        known = ", ".join(name.capitalize() for name in scripts)
        return f"a number ({known} digits)"
    least, most = facts["decoding"].get("lengths") or (None, None)
    if least is None:
        return f"a text of {symbols}"
    length = f"{least}" if least == most else f"{least} to {most}"
    return f"{length} characters of {symbols}"


def example(facts: dict) -> str:
    """Make up a text that a reader can read, always the same one."""
    if facts.get("scripts"):
        return NUMBER
    chance = random.Random(0)
    symbols = [c for c in facts["alphabet"] if c not in facts.get("marks", {}).values()]
    length = (facts["decoding"].get("lengths") or (5, 5))[1] if facts["kind"] == "ctc" else 1
    return "".join(chance.choices(symbols, k=length))


def data(facts: dict, whole: bool) -> str:
    """Name what a reader was trained on, in short or as a whole."""
    known = facts["data"]
    name = known["name"] if whole else shorten(known["name"], 48, placeholder=" ...")
    return f"{known['count']:,} images: {name}" if known["count"] else name


def score(facts: dict) -> str:
    """Format one score of a contract."""
    interval = f"{facts['low']:.1%} to {facts['high']:.1%}"
    return f"{facts['exact']:.1%} right ({interval}; n = {facts['n']:,}), {facts['on']}"


def cpu_ms(reader: Reader, text: str) -> float:
    """Measure the CPU time of reading a drawn picture, in milliseconds, among PICTURES."""
    pictures, costs = [draw(text)] * PICTURES, []
    for _ in range(ROUNDS):
        start = time.process_time()
        reader.read(pictures)
        costs.append(time.process_time() - start)
    return min(costs) / PICTURES * 1000


def draw(text: str) -> Image.Image:
    """Draw a text, dark on light, mode "L"."""
    font = ImageFont.load_default(36)
    picture = Image.new("L", (round(font.getlength(text)) + 28, 64), 255)
    ImageDraw.Draw(picture).text((14, 10), text, 0, font)
    return picture
