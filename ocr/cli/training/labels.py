"""Look at the labels before a training: where they come from, and what may be wrong with them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ocr.datasets.labels import Source
from ocr.reading.files import printable

SHOWN = 3  # examples of each kind
MOSTLY = 0.8  # share of the names that look like ids
RARE = 3  # labels that a symbol must be in, to be learnt at all
SELDOM = 0.02  # share, of a pair of look-alikes, of the one that may be a slip
TWINS = ("0O", "0o", "1l", "1I", "Il", "5S", "8B", "2Z", "6b", "9g", "9q", "٠.", "-–", "−-")
IDS = {  # what names of files are that nobody wrote as a label
    "UUIDs": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "dates and times": r"(19|20)\d\d-?[01]\d-?[0-3]\d([T _-]?\d{2}[-.:]?\d{2}([-.:]?\d{2,5})?)?|"
    r"1[5-9]\d{8}(\d{3})?",
    "hashes": r"(?=.*\d)[0-9a-f]{8,64}",
}


def lines(sources: list[Source], strings: bool) -> list[str]:
    """Say where labels come from, with examples, and warn of what looks wrong in them.

    strings: labels of several characters, in which both cases of a letter may be a slip.
    """
    labels = {name: text for source in sources for name, text in source.labels.items()}
    said = [_origin(source) for source in sources]
    warnings = [note for source in sources for note in source.notes]
    warnings += _ids(sources)
    if strings:
        warnings += [*_spaces(labels), *_cases(labels), *_twins(labels)]
    warnings += _rare(labels)
    return said + [f"warning: {each}" for each in warnings]


def _origin(source: Source) -> str:
    some = [f"{_file(name)}: {text!r}" for name, text in list(source.labels.items())[:SHOWN]]
    return f"{len(source.labels):,} labels from {printable(source.words)}, as {', '.join(some)}"


def _file(name: str) -> str:
    return printable(PurePosixPath(name).name)


def _ids(sources: list[Source]) -> Iterator[str]:
    """Warn of file names that programs write."""
    for source in sources:
        texts = list(source.labels.values())
        if "names of the files" not in source.words or len(set(texts)) < MOSTLY * len(texts):
            continue
        for what, pattern in IDS.items():
            hits = sum(re.fullmatch(pattern, text.lower()) is not None for text in texts)
            if hits >= MOSTLY * len(texts):
                yield _no_labels(what)
                break
        else:
            numbers = sorted(int(text) for text in texts if re.fullmatch(r"\d{1,9}", text))
            if len(numbers) >= MOSTLY * len(texts) and numbers[-1] - numbers[0] < 2 * len(texts):
                yield _no_labels("running numbers")


def _no_labels(what: str) -> str:
    return (
        f"the names of the files look like {what}, not like what the images show: write a "
        "labels.csv (file,label), or ask for labels with: ocr label FOLDER --name NAME"
    )


def _spaces(labels: Mapping[str, str]) -> Iterator[str]:
    """Warn of white space in some labels."""
    count = sum(any(map(str.isspace, text)) for text in labels.values())
    if 0 < count < len(labels) / 2:
        where = _some(labels, lambda text: any(map(str.isspace, text)))
        yield f"{_many(count)} a space ({where}): --strip takes it out, else it is learnt"


def _cases(labels: Mapping[str, str]) -> Iterator[str]:
    """Warn of letters in both cases."""
    symbols = set("".join(labels.values()))
    both = sorted(c for c in symbols if c.islower() and c.upper() in symbols)
    if not both:
        return
    lower = sum(text == text.lower() != text.upper() for text in labels.values())
    upper = sum(text == text.upper() != text.lower() for text in labels.values())
    joined = {c.lower() for c in symbols}
    yield (
        f"{len(both)} letters are there in both cases ({lower:,} labels all lower, {upper:,} all "
        f"upper): if case means nothing, --case {'lower' if lower >= upper else 'upper'} joins "
        f"them, {len(joined)} symbols instead of {len(symbols)}"
    )


def _twins(labels: Mapping[str, str]) -> Iterator[str]:
    """Warn of symbols that look alike, of which one is rare."""
    counts = Counter(c for text in labels.values() for c in set(text))
    for pair in TWINS:
        rare, usual = sorted(pair, key=lambda c: counts[c])
        if 0 < counts[rare] <= max(1, SELDOM * counts[usual]):
            where = _some(labels, lambda text, rare=rare: rare in text)
            yield (
                f"{rare!r} is in {_labels(counts[rare])} ({where}) and {usual!r} in "
                f"{counts[usual]:,}: the same sign?"
            )


def _rare(labels: Mapping[str, str]) -> Iterator[str]:
    """Warn of symbols that are too rare to be learnt."""
    counts = Counter(c for text in labels.values() for c in set(text) if not c.isspace())
    rare = sorted(c for c in counts if counts[c] < RARE)
    if rare and len(labels) >= 10 * RARE:
        where = _some(labels, lambda text: any(c in text for c in rare))
        yield (
            f"{' '.join(map(repr, rare[:20]))}{' ...' if len(rare) > 20 else ''}: in fewer than "
            f"{RARE} labels each ({where}), too few to be learnt; --alphabet leaves them out"
        )


def _some(labels: Mapping[str, str], wanted) -> str:
    """Name some of the images whose labels are wanted, with these."""
    found = [f"{_file(name)} {text!r}" for name, text in labels.items() if wanted(text)]
    return ", ".join(found[:SHOWN]) + (" ..." if len(found) > SHOWN else "")


def _labels(count: int) -> str:
    return f"{count:,} label{'' if count == 1 else 's'}"


def _many(count: int) -> str:
    return f"{_labels(count)} hold{'s' if count == 1 else ''}"
