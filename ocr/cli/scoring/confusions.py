"""Which symbols are confused: texts aligned with their labels, symbol by symbol."""

from collections import Counter
from collections.abc import Iterable, Iterator

Pair = tuple[str, str]  # symbol of the label, symbol of the text; "" where one has none


def aligned(label: str, text: str) -> list[Pair]:
    """Align a text with its label by the fewest edits (Levenshtein 1966), from left to right."""
    costs = [list(range(len(text) + 1))]
    for i, wanted in enumerate(label, start=1):
        row = [i]
        for j, read in enumerate(text, start=1):
            above = costs[-1]
            row.append(min(above[j - 1] + (wanted != read), above[j] + 1, row[-1] + 1))
        costs.append(row)
    return list(_path(label, text, costs))[::-1]


def _path(label: str, text: str, costs: list[list[int]]) -> Iterator[Pair]:
    """Walk back from the end of both along the fewest edits; equal symbols first."""
    i, j = len(label), len(text)
    while i or j:
        cost = costs[i][j]
        if i and j and costs[i - 1][j - 1] + (label[i - 1] != text[j - 1]) == cost:
            i, j = i - 1, j - 1
            yield label[i], text[j]
        elif i and costs[i - 1][j] + 1 == cost:
            i -= 1
            yield label[i], ""
        else:
            j -= 1
            yield "", text[j]


def confusions(labels: Iterable[str], texts: Iterable[str]) -> list[tuple[Pair, int]]:
    """Count what symbols of labels were read as, most frequent first; equal ones left out."""
    counts = Counter(
        pair
        for label, text in zip(labels, texts, strict=True)
        for pair in aligned(label, text)
        if pair[0] != pair[1]
    )
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
