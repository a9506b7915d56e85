"""Audit a data set: what it holds and what is wrong with it, with the names of the files."""

import textwrap
from collections import Counter, defaultdict

import pandas as pd

from ocr.datasets.dataset import Labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import digests, usable
from ocr.paths import ROOT
from ocr.reading.ctc import Alphabet, steps_needed

Finding = tuple[str, int, str, list[str]]  # finding, count, what, files


def audit(data: Labelled, time_steps: int, alphabet: Alphabet | None = None) -> pd.DataFrame:
    """Audit a data set: a table by finding with the columns count, what, files (a list).

    time_steps: of the network's output; 1 for a network that reads one character, where lengths and
    sizes are left out. alphabet: report labels outside it, too.
    """
    rows = [*_files(data), *_texts(data, time_steps)]
    rows += [*_duplicates(data), *_unusable(data, time_steps, alphabet)]
    return pd.DataFrame(rows, columns=["finding", "count", "what", "files"]).set_index("finding")


def _files(data: Labelled) -> list[Finding]:
    reasons = [f"{name}: {reason}" for name, reason in data.unreadable.items()]
    return [
        ("images", len(data), "read and labelled", []),
        ("unreadable", len(data.unreadable), "left out", reasons),
        ("unlabelled", len(data.unlabelled), "left out", data.unlabelled),
        ("missing", len(data.missing), "in the table of labels, but no such image", data.missing),
    ]


def _texts(data: Labelled, time_steps: int) -> list[Finding]:
    symbols, lengths = Counter("".join(data.labels)), Counter(map(len, data.labels))
    sizes = Counter(data.sizes)
    first = dict(zip(reversed(data.sizes), reversed(data.names)))
    rare = [first[size] for size, _ in sizes.most_common()[1:]]
    common = " ".join(f"{w}x{h}:{count}" for (w, h), count in sizes.most_common(5))
    common += f"{' ...' * (len(sizes) > 5)}; scaled to one size" if len(sizes) > 1 else ""
    findings: list[Finding] = [("characters", len(symbols), _counts(symbols), [])]
    if time_steps > 1:
        findings.append(("lengths", len(lengths), _counts(lengths), []))
        findings.append(("sizes", len(sizes), common, rare))
    return findings


def _counts(counter: Counter) -> str:
    return " ".join(f"{key}:{count}" for key, count in sorted(counter.items()))


def _duplicates(data: Labelled) -> list[Finding]:
    by_digest: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, label, digest in zip(data.names, data.labels, digests(data.images)):
        by_digest[digest].append((name, label))
    groups = [group for group in by_digest.values() if len(group) > 1]
    clashes = [group for group in groups if len({label for _, label in group}) > 1]
    return [
        (
            "exact duplicates",
            sum(len(group) - 1 for group in groups),
            f"in {len(groups)} groups, kept on one side of a split",
            [name for group in groups for name, _ in group],
        ),
        (
            "duplicates that disagree",
            len(clashes),
            "same picture, other label",
            [name for group in clashes for name, _ in group],
        ),
    ]


def _unusable(data: Labelled, time_steps: int, alphabet: Alphabet | None) -> list[Finding]:
    named = list(zip(data.names, data.labels))
    long = [name for name, label in named if steps_needed(label) > time_steps]
    strange = [name for name, label in named if alphabet and label not in alphabet]
    findings: list[Finding] = []
    if time_steps > 1:
        what = f"need more than {time_steps} time steps, left out"
        findings.append(("too long", len(long), what, long))
    findings.append(("outside the alphabet", len(strange), "left out", strange))
    return findings


def audited(
    data: Labelled, time_steps: int, alphabet: Alphabet | None = None
) -> tuple[Labelled, pd.DataFrame]:
    """Audit a data set and select what can be trained on: (the usable images, the table).

    Raises DataError, after printing the table, where too little is left.
    """
    table = audit(data, time_steps, alphabet)
    try:
        return usable(data, time_steps, alphabet), table
    except DataError:
        print(words(table))
        raise


def words(table: pd.DataFrame, width: int = 100) -> str:
    """Write an audit for a terminal: the findings that there are, then the files that they name."""
    lines = []
    for finding, count, what in zip(table.index, table["count"], table["what"]):
        start = f"{finding}  {count:,}  "
        lines += [textwrap.fill(start + what, width, subsequent_indent="    ")] if count else []
    named = listing(table.drop(index="sizes", errors="ignore"))
    return "\n".join([*lines, named] if named else lines)


def listing(table: pd.DataFrame, most: int = 20) -> str:
    """List the files of an audit's findings, one per line, at most `most` for each finding."""
    lines = []
    for finding, files in table["files"].items():
        lines += [f"{finding}: {file}".replace(f"{ROOT.as_posix()}/", "") for file in files[:most]]
        if len(files) > most:
            lines.append(f"{finding}: and {len(files) - most} more")
    return "\n".join(lines)
