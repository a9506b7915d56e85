"""Say in words how good a trained reader is: how many right, of which, and with more labels."""

from math import exp, log

from ocr.training import forecast
from ocr.training.trust import WANTED

LEAST = 10  # images that a sentence about hundred is made of
NEARLY = 0.995  # right: there is no more to be said about more labels


def lines(facts: dict, measured: bool) -> list[str]:
    """Sum up the contract of a reader; measured: has the learning curve said what labels bring?"""
    if not facts["scores"] or facts["scores"][0]["n"] < LEAST:
        return []
    score = facts["scores"][0]
    share, low, high = (round(100 * score[key]) for key in ("exact", "low", "high"))
    said = [
        f"{share} of 100 right ({low} to {high}), measured on {score['n']:,} images that the "
        "reader had not seen"
    ]
    said += [_trust(facts.get("trust"))]
    if not measured and facts["data"]["count"] and 0 < score["exact"] < NEARLY:
        said.append(_more(facts["data"]["count"], score["exact"]))
    return said


def _trust(trust: dict | None) -> str:
    if not trust or not trust["share"]:
        return (
            "There is no confidence from which 99 of 100 were right: a person must see all readings"
        )
    return (
        f"From confidence {trust['threshold']:.3f} on, which {100 * trust['share']:.0f} of 100 "
        f"reach, {WANTED:.0%} or more were right: these are `trusted`, see the others"
    )


def _more(labels: int, share: float) -> str:
    """Say what twice the labels would bring, on slopes measured elsewhere."""
    mean, deviation = forecast.SLOPE
    errors = -log(share)  # an image, where they come independently
    found = [
        round(100 * exp(-errors * forecast.TWICE**-slope))
        for slope in (mean - deviation, mean + deviation)
    ]
    low, high = found
    about = f"{low} to {high}" if low < high else f"{low}"
    return (
        f"With {forecast.TWICE * labels:,} labels about {about}, if they bring what they brought "
        "elsewhere; --curve measures it on yours"
    )
