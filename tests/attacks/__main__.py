"""Run attacks, a line each: `make attack`, or `python -m tests.attacks images zips`.

They are bounded, and use no network but this machine's own addresses. Each room is attacked in a
process of its own.
"""

import subprocess
import sys
from importlib import import_module

ROOMS = ("images", "zips", "readers", "results", "trainings", "kills", "server")


def main(rooms: list[str]) -> int:
    """Attack one room here, several in a process each; return 1 where a fault was found."""
    if len(rooms) != 1:
        command = [sys.executable, "-m", "tests.attacks"]
        return max(subprocess.call([*command, room]) for room in rooms or ROOMS)
    found = 0
    for line in import_module(f"tests.attacks.{rooms[0]}").attacks():
        print(line, *line.faults[:3], flush=True)
        found += len(line.faults)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
