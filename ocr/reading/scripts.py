"""Digits of other scripts: what they are in Western ones."""

import unicodedata

NUMBERS = "0123456789./-,"  # what a number is written with, in Western signs
SCRIPTS = {
    "western": NUMBERS,
    "arabic": "٠١٢٣٤٥٦٧٨٩٫/-٬",
    "persian": "۰۱۲۳۴۵۶۷۸۹٫/-٬",
}  # sign for sign
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
        **{sign: western for signs in SCRIPTS.values() for sign, western in zip(signs, NUMBERS)},
    }
)


def to_western(text: str) -> str:
    """A number in Western signs, whatever its script; marks that only steer the direction of writing are dropped.

    U+0660-0669 and U+06F0-06F9 become 0-9, the Arabic decimal sign a point, the thousands sign and the Arabic comma a
    comma, dashes and the minus sign a hyphen. Everything else stays. Digits of these scripts run left to right.
    """
    return "".join(c for c in text.translate(_TABLE) if unicodedata.category(c) != "Cf")
