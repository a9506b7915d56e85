"""Report how far a training is to whoever listens, as the labelling page does. No Keras in here."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple


class Report(NamedTuple):
    """An epoch has ended.

    name    of the training
    part    its number, from 0, among the `parts` trainings that one reader takes
    epoch   how many of its `epochs` have ended
    logs    loss, and what the training evaluates after each epoch, as val_exact
    """

    name: str
    part: int
    parts: int
    epoch: int
    epochs: int
    logs: Mapping[str, float]

    @property
    def share(self) -> float:
        """How far all parts together are, 0 to 1; the parts count alike."""
        return (self.part + self.epoch / self.epochs) / self.parts


_listeners: list[Callable[[Report], object]] = []
_parts: list[tuple[int, int]] = [(0, 1)]


@contextmanager
def heard(listener: Callable[[Report], object]) -> Iterator[None]:
    """Call `listener` after each epoch of the trainings within."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def part(number: int, count: int) -> Iterator[None]:
    """Name the trainings within part `number`, from 0, of `count` that one reader takes."""
    _parts.append((number, count))
    try:
        yield
    finally:
        _parts.pop()


def parts_left() -> int:
    """Count the trainings that are still to come after the one that goes on, for one reader."""
    number, count = _parts[-1]
    return count - number - 1


def report(name: str, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
    """Tell the listeners that `epoch` of `epochs` have ended."""
    for listener in list(_listeners):
        listener(Report(name, *_parts[-1], epoch, epochs, dict(logs)))
