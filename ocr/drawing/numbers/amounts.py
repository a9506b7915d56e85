"""Generate the texts that people write where a number belongs: amounts, dates, codes, with signs.

Signs that belong to no number, a currency or a word, are enclosed in `ink.OPEN` and `ink.CLOSE`.
"""

from collections.abc import Callable

import numpy as np

from ocr.drawing.ink import CLOSE, OPEN

LENGTHS = (0.22, 0.13, 0.15, 0.16, 0.1, 0.07, 0.04, 0.03, 0.03, 0.03, 0.01, 0.01, 0.02, 0.01)
FORMS: dict[str, float] = {  # share of each kind of number
    "digits": 0.44,
    "decimal": 0.22,
    "thousands": 0.1,
    "mixed": 0.04,
    "date": 0.06,
    "code": 0.06,
    "signed": 0.03,
    "ending": 0.05,
}
ENDINGS = (".-", ",-", "-", "-", "--", ".", ",", "/-", "‹=›", "‹=›", "‹:›", ".‹=›", "‹~›")
BEFORE = (
    *("€", "$", "£", "¥", "₹", "RM", "Rs.", "USD ", "EUR ", "EGP ", "Fr. ", "kr ", "R$ "),
    *("Total: ", "TOTAL ", "Total ", "Sum ", "No. ", "No ", "Nr. ", "N° ", "Tel. ", "Tel: ", "#"),
    *("Date: ", "Qty ", "ID ", "Ref: ", "Inv. ", "Price ", "Amount ", "Page ", "x ", "@ ", "= "),
    *("+", "*", "(", "~", "<", ">", "PIN ", "A", "N", "R", "K", "W"),
)
AFTER = (
    *("€", "$", " EUR", " USD", " RM", " kr", " zł", "%", " %", " kg", "kg", " g", " lb", " cm"),
    *(" mm", " m", " km", " m²", " m³", " l", " ml", " kWh", " W", " V", "°", "°C", " h", " min"),
    *(" pcs", "x", " x", "*", ")", "=", " =", ":", "+", "!", " T", " A", " SR", " net", " ea"),
    *("th", "A", "F", "K", "N", "X", " Total", " each", " units", " kWh", " net"),
)
ARABIC = ("جنيه", "ريال", "رقم", "دينار", "درهم", "المجموع", "تومان", "ریال", "تاریخ", "كجم", "ج.م")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def amounts(count: int, seed: int, foreign: float = 0.1, arabic: bool = False) -> list[str]:
    """Generate `count` texts with numbers of 1 to 16 characters, in Western signs.

    foreign: share of the texts with signs that belong to no number. arabic: these signs are words
    in Arabic letters, too.
    """
    rng = np.random.default_rng(seed)
    return [amount(rng, foreign, arabic) for _ in range(count)]


def amount(rng: np.random.Generator, foreign: float = 0.1, arabic: bool = False) -> str:
    """Generate one text, see `amounts`."""
    kind = rng.choice(list(FORMS), p=list(FORMS.values()))
    text = _KINDS[kind](rng)
    return _with_foreign(text, rng, arabic) if rng.random() < foreign else text


def digits(rng: np.random.Generator, count: int) -> str:
    """Generate `count` digits; some end in noughts or repeat themselves, as amounts do."""
    found = [str(d) for d in rng.integers(0, 10, count)]
    dice = rng.random()
    if dice < 0.16 and count > 1:
        zeros = int(rng.integers(1, count))
        found[count - zeros :] = ["0"] * zeros
    elif dice < 0.26 and count > 1:
        start = int(rng.integers(0, count - 1))
        found[start + 1] = found[start]
    return "".join(found)


def _plain(rng: np.random.Generator) -> str:
    length = 1 + int(rng.choice(len(LENGTHS), p=np.array(LENGTHS) / sum(LENGTHS)))
    return digits(rng, length)


def _decimal(rng: np.random.Generator) -> str:
    whole = digits(rng, int(rng.choice((1, 2, 3, 4, 5), p=(0.3, 0.34, 0.22, 0.09, 0.05))))
    if rng.random() < 0.15:
        whole = "0"
    decimals = int(rng.choice((1, 2, 3), p=(0.25, 0.63, 0.12)))
    return whole + str(rng.choice((".", ","), p=(0.68, 0.32))) + digits(rng, decimals)


def _thousands(rng: np.random.Generator) -> str:
    separator, point = ((".", ","), (",", "."), (" ", "."))[rng.choice(3, p=(0.3, 0.5, 0.2))]
    groups = [digits(rng, int(rng.integers(1, 4)))]
    groups += [digits(rng, 3) for _ in range(int(rng.choice((1, 2, 3), p=(0.7, 0.25, 0.05))))]
    return separator.join(groups) + (point + digits(rng, 2) if rng.random() < 0.25 else "")


def _mixed(rng: np.random.Generator) -> str:
    """Draw 3 to 12 digits with separators anywhere between them."""
    found = list(digits(rng, int(rng.integers(3, 13))))
    for place in rng.integers(1, len(found) - 1, int(rng.integers(1, 4))):
        if found[place - 1].isdigit() and found[place + 1].isdigit():
            found[place] = str(rng.choice(list("./-,")))
    return "".join(found)


def _date(rng: np.random.Generator) -> str:
    day, month = int(rng.integers(1, 32)), int(rng.integers(1, 13))
    year = int(rng.integers(1960, 2040))
    pad = rng.random() < 0.6
    parts = [f"{day:02d}" if pad else str(day), f"{month:02d}" if pad else str(month)]
    parts.append(str(year) if rng.random() < 0.5 else f"{year % 100:02d}")
    if rng.random() < 0.2:
        parts.reverse()
    elif rng.random() < 0.3:
        parts = parts[:2]
    return str(rng.choice(("/", "-", "."), p=(0.55, 0.2, 0.25))).join(parts)


def _code(rng: np.random.Generator) -> str:
    sign = str(rng.choice(("-", "/", " ", "."), p=(0.4, 0.25, 0.25, 0.1)))
    least = 3 if sign == " " else 1  # a gap before two digits may be a point that was not printed
    counts = rng.integers(least, 6, int(rng.integers(2, 4)))
    return sign.join(digits(rng, int(count)) for count in counts)


def _signed(rng: np.random.Generator) -> str:
    return "-" + (_plain(rng) if rng.random() < 0.5 else _decimal(rng))


def _ending(rng: np.random.Generator) -> str:
    text = _plain(rng) if rng.random() < 0.5 else _thousands(rng)
    return text + str(rng.choice(ENDINGS))


_KINDS: dict[str, Callable[[np.random.Generator], str]] = {
    "digits": _plain,
    "decimal": _decimal,
    "thousands": _thousands,
    "mixed": _mixed,
    "date": _date,
    "code": _code,
    "signed": _signed,
    "ending": _ending,
}


# --- signs that belong to no number ---------------------------------------------------------------


def _with_foreign(text: str, rng: np.random.Generator, arabic: bool) -> str:
    """Add foreign signs before, after or within a number."""
    dice = rng.random()
    if dice < 0.42:
        return _before(rng, arabic) + text
    if dice < 0.84:
        return text + _after(rng, arabic)
    if dice < 0.92:
        return _before(rng, arabic) + text + _after(rng, arabic)
    sign = str(rng.choice((":", "x", "+", "=", "*", "%", "h", "°", "~", "_", "·")))
    return text + foreign(sign) + _plain(rng)


def _before(rng: np.random.Generator, arabic: bool) -> str:
    if arabic and rng.random() < 0.5:
        return foreign(str(rng.choice(ARABIC)) + " ")
    return foreign(word(rng) + " " if rng.random() < 0.2 else str(rng.choice(BEFORE)))


def _after(rng: np.random.Generator, arabic: bool) -> str:
    if arabic and rng.random() < 0.5:
        return foreign(" " + str(rng.choice(ARABIC)))
    return foreign(" " + word(rng) if rng.random() < 0.2 else str(rng.choice(AFTER)))


def foreign(signs: str) -> str:
    """Mark signs as belonging to no number; spaces at either end stay outside."""
    bare = signs.strip()
    before, _, after = signs.partition(bare)
    return f"{before}{OPEN}{bare}{CLOSE}{after}"


def word(rng: np.random.Generator) -> str:
    """Generate a pronounceable or random word of 2 to 9 letters."""
    letters = rng.choice(list(LETTERS[:26]), int(rng.integers(2, 10)))
    text = "".join(letters)
    case = rng.random()
    return text.upper() if case < 0.3 else text.capitalize() if case < 0.6 else text
