"""Number scripts: Western, Arabic and Persian digits, converted to Western ones."""

import unicodedata

NUMBERS = "0123456789./-,"  # the symbols of numbers, in Western form
SCRIPTS = {
    "western": NUMBERS,
    "arabic": "٠١٢٣٤٥٦٧٨٩٫/-٬",
    "persian": "۰۱۲۳۴۵۶۷۸۹٫/-٬",
}  # symbol for symbol
SHARED = str.maketrans("۰۱۲۳۷۸۹", "٠١٢٣٧٨٩")  # Persian digits to Arabic-Indic ones of their shape
SYMBOLS = NUMBERS + "٠١٢٣٤٥٦٧٨٩٫٬" + "۴۵۶"  # of a reader that keeps the scripts apart: one a shape
MARKS = {"other": "?", "unreadable": "□"}  # symbols of an alphabet that are not text
_SEPARATORS = {".": ".", "٫": ".", ",": ",", "٬": ",", "/": "/", "-": "-"}
_PERSIAN_HANDS = {"٤": "4", "٦": "6"}  # Arabic-Indic shapes that Persian hands write, too
# Which symbols belong to a script, and the Western sign of each.
SIGNS: dict[str, dict[str, str]] = {
    "western": {sign: sign for sign in NUMBERS},
    "arabic": dict(zip(SCRIPTS["arabic"], NUMBERS)) | _SEPARATORS,
    "persian": dict(zip(SCRIPTS["persian"].translate(SHARED), NUMBERS))
    | _PERSIAN_HANDS
    | _SEPARATORS,
}


def own_digits(script: str) -> str:
    """List the symbols of 0 to 9 in a script, shapes that Persian shares as Arabic-Indic ones."""
    return SCRIPTS[script][:10].translate(SHARED)


_OTHERS = {
    "\u060c": ",",
    "\u2212": "-",
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "-",
    "\u2044": "/",
    "\u2215": "/",
}
_TABLE = str.maketrans(
    {
        **_OTHERS,
        **{
            symbol: western
            for script in SCRIPTS.values()
            for symbol, western in zip(script, NUMBERS)
        },
    }
)


def to_western(text: str) -> str:
    """Convert the digits and separators of a number in any script to Western ones.

    U+0660-0669 and U+06F0-06F9 become 0-9, the Arabic decimal separator a point, the thousands
    separator and the Arabic comma a comma, dashes and the minus sign a hyphen. Format characters
    (category Cf, such as marks of the writing direction) are dropped; everything else stays.
    Digits of these scripts run left to right.
    """
    return "".join(c for c in text.translate(_TABLE) if unicodedata.category(c) != "Cf")


class SymbolError(ValueError):
    """Symbols that no alphabet can have; the message is one line."""


def check_symbols(symbols: str) -> None:
    """Check the symbols of an alphabet: distinct, and none that steers a terminal or a text.

    Raises SymbolError.
    """
    if not isinstance(symbols, str) or not symbols or len(set(symbols)) != len(symbols):
        raise SymbolError(f"an alphabet is a text of distinct symbols, got {symbols!r}")
    for symbol in symbols:
        turns = "\u202a" <= symbol <= "\u202e" or "\u2066" <= symbol <= "\u2069"
        if turns or unicodedata.category(symbol) in ("Cc", "Cs", "Zl", "Zp"):
            raise SymbolError(
                f"an alphabet has no control characters, got {symbol!r}: leave it out of the labels"
            )
