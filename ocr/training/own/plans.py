"""How long to train, and how many trainings: by the number of images and their size.

Costs are estimates in CPU-seconds, from counts alone: the same data give the same plan everywhere.
"""

from typing import NamedTuple

FEW = 1000  # images below which the score comes from cross-validation
MOST = 5  # folds
LEAST = 3
MANY = 728  # images of strings from which on the recipe of ocr.ipynb holds, as it is
FIRST = 100  # images that FEW_STEPS suffice for
FEW_STEPS = 640  # of 16 images
AGAIN = 0.5  # share of the steps where a training begins with the weights of a reader
EPOCHS = 10
START = 15.0  # CPU-seconds that a command takes: libraries, saving
EACH = 5.0  # CPU-seconds that a training takes before its first step, and between its epochs


class Plan(NamedTuple):
    """A training.

    epochs
    length  of an epoch: passes over the images (strings), or batches (others)
    cost    CPU-seconds, estimated
    """

    epochs: int
    length: int
    cost: float


def string_epochs(count: int, batch: int, begun: bool) -> tuple[int, int]:
    """Choose (epochs, passes over the images an epoch) for so many images of strings.

    Many: 40 epochs of 728 images, the recipe of ocr.ipynb, or 8 where that is more. Few: FEW_STEPS
    batches, or more, in EPOCHS epochs. begun: does the training begin with the weights of a reader?
    """
    if count >= MANY:
        return max(8, -(-40 * MANY // count)), 1
    share = max(0.0, (count - FIRST) / (MANY - FIRST))
    steps = FEW_STEPS + share * (40 * MANY / 16 - FEW_STEPS)
    steps *= AGAIN if begun else 1
    return EPOCHS, max(1, round(steps / EPOCHS / max(1, count // batch)))


def folds(cost: float, budget: float) -> int:
    """Choose the number of folds: as many as a budget allows, beside the training on all images.

    cost: of one training; budget: of all of them, CPU-seconds both.
    """
    return max(LEAST, min(MOST, int((budget - START) / (cost + EACH)) - 1))


def minutes(seconds: float) -> str:
    """Say how long a time is: "about 2 minutes", "about 40 seconds"."""
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    return f"about {round(seconds / 60):,} minutes"
