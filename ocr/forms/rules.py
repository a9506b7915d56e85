"""Rules that texts of fields must keep: types, check digits, and rules across fields."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

Check = Callable[[str], bool]

INTEGER = re.compile(r"-?\d+")
PART = re.compile(r"dd|mm|yyyy|yy|[^dmy\s]")  # of a date's format
YEARS = range(1800, 2100)  # others are no year of a form, but a wrong digit
AMOUNT = re.compile(r"0([.,])(0{1,4})")  # an amount's format
TERM = re.compile(r"\s*([-+]?)\s*([^\W\d]\w*|\d+(?:\.\d+)?)\s*")
COMPARISON = re.compile(r"<=|>=|=|<|>")
COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class FormError(ValueError):
    """A template that cannot be used; the message is one line for a person."""


# --- types


def date_pattern(format: str) -> str:
    """Turn the format of a date, such as dd/mm/yyyy, into a reader's pattern, dd/dd/dddd.

    Raises FormError where day, month or year is missing or doubled.
    """
    parts = PART.findall(format)
    fields = sorted(part[0] for part in parts if part[0] in "dmy")
    if "".join(parts) != format or fields != ["d", "m", "y"]:
        raise FormError(f"format {format!r}: give dd, mm and yyyy or yy once each, as dd/mm/yyyy")
    return re.sub("[my]", "d", format)


def parse_date(text: str, format: str) -> date | None:
    """Parse a date of a format; None where there is no such day of YEARS. yy is 2000 to 2099."""
    if len(text) != len(format):
        return None
    found, at = {"d": 0, "m": 0, "y": 0}, 0
    for part in PART.findall(format):
        piece, at = text[at : at + len(part)], at + len(part)
        if part[0] not in found:
            if piece != part:
                return None
        elif piece.isdecimal():
            found[part[0]] = int(piece) + 2000 * (part == "yy")
        else:
            return None
    try:
        day = date(found["y"], found["m"], found["d"])
    except ValueError:
        return None
    return day if day.year in YEARS else None


def parse_amount(text: str) -> Decimal | None:
    """Parse an amount; None where it is none.

    A sign that occurs once, and last, is the decimal sign, unless it is a comma before three
    digits; others are thousands signs, which have three digits behind them.
    """
    found = re.fullmatch(r"(-?)(\d+(?:[.,]\d+)*)", text)
    if not found:
        return None
    pieces = re.split(r"([.,])", found[2])
    whole, signs, groups = pieces[0], pieces[1::2], pieces[2::2]
    decimals = ""
    if (
        signs
        and signs.count(signs[-1]) == 1
        and not (signs[-1] == "," and len(groups[-1]) == 3 and "." not in signs)
    ):
        decimals = groups.pop()
        signs.pop()
    if len(set(signs)) > 1 or any(len(group) != 3 for group in groups):
        return None
    if groups and not 1 <= len(whole) <= 3:
        return None
    return Decimal(f"{found[1]}{whole}{''.join(groups)}.{decimals or 0}")


def parse_formatted(text: str, format: str) -> Decimal | None:
    """Parse an amount of a format, such as 0.00, which says its decimal sign and its decimals."""
    sign, decimals = format[1], len(format) - 2
    other = ".,".replace(sign, "")
    found = re.fullmatch(rf"(-?)(\d+|\d{{1,3}}(?:\{other}\d{{3}})+)\{sign}(\d{{{decimals}}})", text)
    return Decimal(f"{found[1]}{found[2].replace(other, '')}.{found[3]}") if found else None


def with_sign(text: str, format: str) -> str:
    """Put the decimal sign of an amount's format into a text of digits alone.

    The format says that the decimals are always written, so the sign is there, too faint to see.
    """
    decimals = len(format) - 2
    if not (text.isdecimal() and len(text) > decimals):
        return text
    return f"{text[:-decimals]}{format[1]}{text[-decimals:]}"


def value_of(text: str, type: str | None, format: str | None = None) -> Decimal | None:
    """Compute the number that a text of a type stands for, of a date its day's; None: invalid."""
    if type == "amount" and format:
        return parse_formatted(text, format)
    if type == "date":
        day = parse_date(text, format or "dd/mm/yyyy")
        return None if day is None else Decimal(day.toordinal())
    if type == "integer":
        return Decimal(text) if INTEGER.fullmatch(text) else None
    return parse_amount(text)


# --- check digits


def luhn(text: str) -> bool:
    """Check the last digit of a number (ISO/IEC 7812-1, Luhn 1960); other signs are skipped."""
    digits = [int(c) for c in text if c.isdecimal()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return len(digits) > 1 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def iban(text: str) -> bool:
    """Check an international bank account number (ISO 13616): its remainder by 97 is 1."""
    plain = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def isbn(text: str) -> bool:
    """Check an ISBN of 10 or 13 digits (ISO 2108)."""
    plain = re.sub(r"[- ]", "", text).upper()
    if re.fullmatch(r"\d{9}[\dX]", plain):
        return sum((10 - i) * int(c.replace("X", "10")) for i, c in enumerate(plain)) % 11 == 0
    if not re.fullmatch(r"\d{13}", plain):
        return False
    return sum((1, 3)[i % 2] * int(c) for i, c in enumerate(plain)) % 10 == 0


CHECKS: dict[str, Check] = {"luhn": luhn, "iban": iban, "isbn": isbn}


def find_check(name: str, folder: Path) -> Check:
    """Find a check by its name in CHECKS, or as module:function, the module in `folder` first.

    Raises FormError.
    """
    if name in CHECKS:
        return CHECKS[name]
    module, _, function = name.partition(":")
    if not function:
        raise FormError(f"check {name!r}: give {', '.join(CHECKS)}, or module:function")
    try:
        file = folder / f"{module}.py"
        if file.is_file():
            spec = importlib.util.spec_from_file_location(module, file)
            assert spec is not None and spec.loader is not None
            loaded = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        found = getattr(loaded, function)
    except Exception as error:  # whatever a module of somebody else's raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormError(f"check {name!r}: cannot be loaded ({reason})") from None
    if not callable(found):
        raise FormError(f"check {name!r}: {function} is no function")
    return found


# --- rules across fields


@dataclass(frozen=True)
class Rule:
    """A rule across fields, such as day + night = total.

    Both sides are sums of (sign, field's name or number).
    """

    text: str
    left: tuple[tuple[int, str], ...]
    comparison: str
    right: tuple[tuple[int, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Parse a rule: names and numbers with + and -, and one of = < <= > >=. Raises FormError.

        sum(a, b) is a + b.
        """
        plain = re.sub(r"\bsum\(([^()]*)\)", lambda found: "+".join(found[1].split(",")), text)
        signs = COMPARISON.findall(plain)
        if len(signs) != 1:
            raise FormError(f"rule {text!r}: give two sums with = < <= > or >= between them")
        left, right = (cls._sum(side, text) for side in plain.split(signs[0]))
        return cls(text, left, signs[0], right)

    @staticmethod
    def _sum(side: str, rule: str) -> tuple[tuple[int, str], ...]:
        terms, at = [], 0
        while found := TERM.match(side, at):
            if at and not found[1]:
                break
            terms.append((-1 if found[1] == "-" else 1, found[2]))
            at = found.end()
        if not terms or at != len(side):
            raise FormError(f"rule {rule!r}: {side.strip()!r} is no sum of fields: a + b - c")
        return tuple(terms)

    @property
    def names(self) -> list[str]:
        """The fields that it is about, each once."""
        terms = [name for _, name in self.left + self.right if not name[0].isdecimal()]
        return list(dict.fromkeys(terms))

    def holds(self, values: Mapping[str, Decimal]) -> bool:
        """Tell whether the rule holds for the fields' values. Raises KeyError for one missing."""
        left, right = (
            sum(
                (sign * (Decimal(n) if n[0].isdecimal() else values[n]) for sign, n in side),
                Decimal(0),
            )
            for side in (self.left, self.right)
        )
        return COMPARISONS[self.comparison](left, right)
