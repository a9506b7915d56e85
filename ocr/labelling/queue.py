"""In which order images are asked for, and which labels may be trained on: pure functions.

The first images are drawn at random. Once there are guesses with confidences, the least sure come
first, with one image in ten at random among them so that confident mistakes are met as well. One
in five is a gold image: drawn at random before anything is known about it, asked for in every
phase, and never trained on, so that the score on the gold set stays that of fresh images.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

FIRST = 20  # images before the least sure come first
EVERY = 5  # one image in so many is gold, among the first LAST_GOLD
LAST_GOLD = 500
RANDOM = 10  # one image in so many is drawn at random
AGAIN = 20  # answers after which an image that was put off is asked for again


def draw_number(seed: int, purpose: str, name: str) -> int:
    """Draw a number for an image: the same whatever else lies in the folder."""
    key = f"{seed}/{purpose}/{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")


def random_order(names: Iterable[str], seed: int) -> list[str]:
    """Shuffle images; images that are added later do not change the order of the others."""
    return sorted(names, key=lambda name: draw_number(seed, "order", name))


def is_gold(name: str, seed: int) -> bool:
    """Does an image belong to the one in EVERY that is only scored on?"""
    return draw_number(seed, "gold", name) % EVERY == 0


class Streams(NamedTuple):
    """Three orders of the images: gold ones at random, others at random, others least sure first"""

    gold: list[str]
    random: list[str]
    unsure: list[str]


def streams(names: Iterable[str], seed: int) -> Streams:
    """Sort the images of a folder while nothing is known about them."""
    order = random_order(names, seed)
    gold = {name for name in order if is_gold(name, seed)}
    return Streams([n for n in order if n in gold], [n for n in order if n not in gold], [])


def least_sure(streams: Streams, confidences: Mapping[str, float]) -> Streams:
    """Sort the images that have a confidence by it; equal ones stay at random."""
    guessed = [name for name in streams.random if name in confidences]
    return streams._replace(unsure=sorted(guessed, key=confidences.__getitem__))


def upcoming(
    streams: Streams,
    place: int,
    *,
    closed: Collection[str] = (),
    near: Collection[str] = (),
    put_off: Mapping[str, int] | None = None,
    answers: int = 0,
) -> Iterator[str]:
    """Yield the images to ask for, each once, the next one first.

    place    number of images answered so far, those put off included: the place in the order
    closed   images that need no answer: labelled, or unreadable
    near     images that nearly repeat a labelled one: they come last
    put_off  {image: number of answers when it was put off}; it comes again AGAIN answers later
    answers  number of answers so far
    """
    put_off = put_off or {}
    given = {*closed, *near, *put_off}
    for name in sorted(put_off, key=put_off.__getitem__):
        if answers - put_off[name] >= AGAIN and name not in closed:
            yield name
    gold, random, unsure = (_not_given(stream, given) for stream in streams)
    guessed = bool(streams.unsure)
    while True:
        if place % EVERY == EVERY - 1 and place < LAST_GOLD:
            preferred = [gold, unsure, random]
        elif guessed and place >= FIRST and place % RANDOM:
            preferred = [unsure, random, gold]
        else:
            preferred = [random, gold]
        chosen = next((name for order in preferred for name in order), None)
        if chosen is None:
            break
        given.add(chosen)
        yield chosen
        place += 1
    for name in sorted(put_off, key=put_off.__getitem__):
        if answers - put_off[name] < AGAIN and name not in closed:
            yield name
    rest = {*near} - {*closed} - {*put_off}
    yield from (name for order in streams[:2] for name in order if name in rest)


def _not_given(names: list[str], given: set[str]) -> Iterator[str]:
    """Go through an order of images, passing over those already given."""
    return (name for name in names if name not in given)


def for_training(
    gold: Mapping[str, bool], nearly_same: Callable[[str], Collection[str]]
) -> set[str]:
    """Choose the labelled images that may be trained on.

    gold: {labelled image: is it gold?}. nearly_same(image): the images that nearly repeat it. What
    repeats a gold image is on gold's side.
    """
    scored = {name for name, each in gold.items() if each}
    scored |= {twin for name in scored for twin in nearly_same(name)}
    return set(gold) - scored
