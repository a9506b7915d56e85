"""Which recipe trains on a folder's labels: that of a reader, or one that suits the labels."""

from collections.abc import Iterable

from ocr.reading.contract import find_reader, read_contract
from ocr.reading.scripts import SCRIPTS
from ocr.training.recipes import RECIPES

LENGTHS = 3  # different lengths of labels that numbers have, and CAPTCHAs have not
NUMBERS = set("".join(SCRIPTS.values()))


def kind_of_reader(name: str) -> str:
    """Name the recipe that a reader came from, by its name or its contract. Raises ReaderError."""
    if name in RECIPES:
        return name
    facts = read_contract(find_reader(name))
    if facts["kind"] == "ctc":
        return "numbers" if facts["input"]["fit"] == "line" else "captcha"
    return "dual_input" if facts["input"]["fit"] == "views" else "char_cnn"


def kind_of_labels(labels: Iterable[str]) -> str:
    """Choose a recipe by the labels.

    Single characters: char_cnn. Digits and separators of at least LENGTHS lengths: numbers. Others:
    captcha, strings in images of one kind.
    """
    labels = list(labels)
    lengths = {len(label) for label in labels}
    if lengths == {1}:
        return "char_cnn"
    if len(lengths) >= LENGTHS and NUMBERS.issuperset("".join(labels)):
        return "numbers"
    return "captcha"
