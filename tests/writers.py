"""Writers of numbers for the tests, one of each kind."""

from functools import cache

from ocr.datasets import digits
from ocr.drawing.fonts import faces
from ocr.drawing.numbers import amounts, displays
from ocr.drawing.numbers.hands import Hands
from ocr.drawing.numbers.handwriting import hand
from ocr.drawing.numbers.printing import press

WRITERS = (
    *("print, western", "print, arabic", "print, persian", "dots"),
    *("hand, western", "hand, arabic", "hand, persian", "display", "rolls"),
)


@cache
def hands(script):
    """Handwriting drawn from fonts, ten digits of each, and letters."""
    data, _ = digits.load_handwritten(script, "test", [])
    found = Hands().add(data.images, data.labels)
    found.letters = data.images[:20, :, :, 0]
    return found


@cache
def writer(kind, separators=0.5):
    """Make a writer of one of the kinds; separators: share of numbers with the script's own."""
    if kind == "display":
        return displays.display
    if kind == "rolls":
        return displays.rolls(faces(("open_sans",), "western"))
    if kind == "dots":
        return press("western", faces(("open_sans",), "western"), 0.0, separators, 1.0)
    how, script = kind.split(", ")
    if how == "hand":
        return hand(script, hands(script), separators, 1.0, 0.4 * (script == "western"))
    family = "open_sans" if script == "western" else "noto_kufi_arabic"
    return press(script, faces((family,), script), 0.15, separators)


def texts(count, seed=0, foreign=0.3):
    """Generate texts to write."""
    return amounts.amounts(count, seed, foreign)
