"""When labels are too few: notice it after one training, and say how many may be needed."""

from ocr import scores
from ocr.datasets.labels import DataError

LEAST = 0.05  # share of unseen images that the first training must read, to go on
GOAL = 0.9  # exact match that the needed labels are given for
# Where reading begins, the odds of an error fall about as the square of the labels (lesson 08:
# captcha_images_v2, 26 pixels high, 47 % right with 40 labels and 79 % with 80); later more slowly,
# see forecast.SLOPE. So the labels needed are those at least.
SLOPE = 2.0


def check(count: int, texts: list[str], labels: list[str]) -> None:
    """Raise DataError where images that were held out are hardly read.

    count: images trained on; texts, labels: of those held out.
    """
    found = scores.score(texts, labels)
    if found.exact >= LEAST:
        return
    length = sum(map(len, labels)) / len(labels)
    raise DataError(
        f"{count} labelled images are too few: of {found.n} others the reader gets "
        f"{found.exact:.0%} right, and {min(found.cer, 1):.0%} of their characters wrong; "
        f"at least {needed(count, found.cer, length):,} or so are needed. Draw them with the "
        "library that makes them (--draw), or label more (ocr label); --epochs trains all the same"
    )


def needed(count: int, cer: float, length: float) -> int:
    """Estimate the labels that GOAL takes, by the character error rate with `count` of them.

    An order of magnitude: two figures would claim too much.
    """
    wanted = 1 - GOAL ** (1 / length)  # character error rate
    cer = min(max(cer, wanted), 0.95)
    ratio = (cer / (1 - cer)) / (wanted / (1 - wanted))
    guess = count * ratio ** (1 / SLOPE)
    digits = 10 ** (len(str(int(guess))) - 1)
    return max(2 * count, round(guess / digits) * digits)
