"""Run all attacks, a line each: `make attack`. They are bounded, and need no network."""

import sys

from tests.attacks import images, readers, results, trainings, zips

ATTACKS = (images.attacks, zips.attacks, readers.attacks, results.attacks, trainings.attacks)


def main() -> int:
    """Run the attacks; return 1 where one found a fault."""
    found = 0
    for attacks in ATTACKS:
        for line in attacks():
            print(line, *line.faults[:3], flush=True)
            found += len(line.faults)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
