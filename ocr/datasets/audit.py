"""What a data set holds and what is wrong with it, with the names of the files."""

from collections import Counter, defaultdict

import pandas as pd

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import digests, usable
from ocr.paths import ROOT
from ocr.reading.ctc import Alphabet, steps_needed


def audit(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> pd.DataFrame:
    """One table of what the data holds and what is wrong with it, each finding with the list of its files.

    With an `alphabet`, labels that it cannot write are a finding too. Where a network reads one character
    (`time_steps` is 1) lengths and sizes say nothing and are left out.
    """
    by_digest = defaultdict(list)
    for name, label, digest in zip(data.names, data.labels, digests(data.images)):
        by_digest[digest].append((name, label))
    twins = [group for group in by_digest.values() if len(group) > 1]
    clashes = [group for group in twins if len({label for _, label in group}) > 1]
    too_long = [n for n, label in zip(data.names, data.labels) if steps_needed(label) > time_steps]
    strange = [n for n, label in zip(data.names, data.labels) if alphabet and label not in alphabet]
    symbols, lengths = Counter("".join(data.labels)), Counter(map(len, data.labels))
    rare_size = Counter(data.sizes).most_common()[1:]
    first = dict(zip(reversed(data.sizes), reversed(data.names)))
    rows = [
        ("images", len(data), "read and labelled", []),
        (
            "unreadable",
            len(data.unreadable),
            "left out",
            [f"{n}: {w}" for n, w in data.unreadable.items()],
        ),
        ("unlabelled", len(data.unlabelled), "left out", data.unlabelled),
        ("missing", len(data.missing), "in labels.csv, but no such image", data.missing),
        ("characters", len(symbols), " ".join(f"{s}:{n}" for s, n in sorted(symbols.items())), []),
        ("lengths", len(lengths), " ".join(f"{n}:{k}" for n, k in sorted(lengths.items())), []),
        (
            "sizes",
            len(set(data.sizes)),
            " ".join(f"{w}x{h}:{k}" for (w, h), k in Counter(data.sizes).most_common(5)),
            [first[size] for size, _ in rare_size],
        ),
        (
            "exact duplicates",
            sum(len(g) - 1 for g in twins),
            f"in {len(twins)} groups, kept on one side of a split",
            [name for group in twins for name, _ in group],
        ),
        (
            "duplicates that disagree",
            len(clashes),
            "same picture, other label",
            [n for g in clashes for n, _ in g],
        ),
        ("too long", len(too_long), f"need more than {time_steps} time steps, left out", too_long),
        ("outside the alphabet", len(strange), "left out", strange),
    ]
    table = pd.DataFrame(rows, columns=["finding", "count", "what", "files"]).set_index("finding")
    return table.drop(index=["lengths", "sizes", "too long"]) if time_steps == 1 else table


def audited(
    data: Labelled, time_steps: int, alphabet: Alphabet | None = None
) -> tuple[Labelled, pd.DataFrame]:
    """(the images that can be trained on, the audit's table). Where too little is left the table is printed, and DataError raised."""
    table = audit(data, time_steps, alphabet)
    try:
        return usable(data, time_steps, alphabet), table
    except DataError:
        print(table.drop(columns="files").to_string(), listing(table), sep="\n")
        raise


def listing(table: pd.DataFrame, most: int = 20) -> str:
    """The files of an audit's findings, a line each, at most `most` a finding."""
    lines = []
    for finding, files in table["files"].items():
        lines += [f"{finding}: {file}".replace(f"{ROOT.as_posix()}/", "") for file in files[:most]]
        if len(files) > most:
            lines.append(f"{finding}: and {len(files) - most} more")
    return "\n".join(lines)
