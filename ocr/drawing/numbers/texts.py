"""Generate the texts of numbers: plain, decimal, in thousands, negative, dates, ranges."""

import numpy as np

from ocr.reading.scripts import NUMBERS

DATES = {
    8: ("dd/dd/dd", "d/d/dddd", "dd-dd-dd"),
    9: ("d/dd/dddd", "dd/d/dddd"),
    10: ("dd/dd/dddd", "dddd/dd/dd", "dd-dd-dddd", "dddd-dd-dd", "dd.dd.dddd"),
}


def numbers(
    count: int, seed: int = 0, lengths: tuple[int, int] = (1, 16), signs: str = NUMBERS
) -> list[str]:
    """Generate `count` numbers: plain, decimal, in thousands, negative, dates, ranges.

    lengths: least and most characters. signs: the characters allowed; digits always are.
    """
    rng = np.random.default_rng(seed)
    found: list[str] = []
    while len(found) < count:
        form = _form(rng, int(rng.integers(lengths[0], lengths[1] + 1)))
        if set(form) - {"d"} <= set(signs):
            found.append("".join(str(rng.integers(10)) if c == "d" else c for c in form))
    return found


def _form(rng: np.random.Generator, length: int) -> str:
    """Choose the form of a number of `length` characters: "d" for each digit, and separators."""
    kind = rng.choice(
        ["plain", "point", "thousands", "date", "negative", "mixed"],
        p=[0.4, 0.15, 0.1, 0.1, 0.05, 0.2],
    )
    if kind == "point" and length >= 3:
        decimals = int(rng.integers(1, min(4, length - 1)))
        return "d" * (length - 1 - decimals) + "." + "d" * decimals
    if kind == "thousands":
        return _thousands(rng, length)
    if kind == "date" and length in DATES:
        return str(rng.choice(DATES[length]))
    if kind == "negative" and length >= 2:
        return "-" + "d" * (length - 1)
    if kind == "mixed" and length >= 3:
        return _mixed(rng, length)
    return "d" * length


def _thousands(rng: np.random.Generator, length: int) -> str:
    """Choose a form in thousands; digits alone where none has this length."""
    numbers = (f"{10**n:,}{end}" for n in range(3, 13) for end in ("", ".00", ".0"))
    forms = [number for number in numbers if len(number) == length]
    if not forms:
        return "d" * length
    return "".join("d" if c.isdigit() else c for c in rng.choice(forms))


def _mixed(rng: np.random.Generator, length: int) -> str:
    """Choose a form with separators anywhere between digits."""
    form = ["d"] * length
    for place in sorted(rng.integers(1, length - 1, int(rng.integers(1, 2 + length // 4)))):
        if form[place - 1] == "d":
            form[place] = str(rng.choice(list("./-,")))
    return "".join(form)
