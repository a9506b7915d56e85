"""What every program of lesson 07 begins with: its arguments, and the other workers."""

import argparse
import json

from ocr.training import distributed


def begin() -> argparse.Namespace:
    """Read the arguments and join the other workers; call it before Keras is imported."""
    parser = argparse.ArgumentParser()
    for name in ("coordinator", "data", "out"):
        parser.add_argument(f"--{name}")
    for name in ("workers", "rank", "batch", "steps"):
        parser.add_argument(f"--{name}", type=int)
    given = parser.parse_args()
    distributed.join(given.coordinator, given.workers, given.rank)
    return given


def leave(given: argparse.Namespace, facts: dict):
    """Write what was measured, as JSON, if this is worker 0."""
    if distributed.rank == 0:
        with open(given.out, "w", encoding="utf-8") as file:
            json.dump(facts, file)
