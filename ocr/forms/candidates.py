"""Choose what fields say: alternatives weighed by the rules that they keep or break."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product
from math import prod

from ocr.forms.rules import Check, Rule, value_of
from ocr.forms.template import Field

Candidates = list[tuple[str, float]]  # texts with their probabilities, best first

PASSES = {"luhn": 0.1, "isbn": 0.1, "iban": 0.01}  # share of wrong texts that pass a check
PASSES_OWN, PASSES_DATE, PASSES_SUM, PASSES_ORDER = 0.3, 0.04, 0.001, 0.5
CLOSE = 0.02  # of the best alternative's probability, that one that keeps the rules needs
MOST = 4  # alternatives of each field that are combined


def broken(field: Field, check: Check | None, text: str) -> str | None:
    """Name the rule of a field that a text breaks, or None."""
    typed = field.type in ("integer", "amount", "date")
    if typed and value_of(text, field.type, field.format) is None:
        if field.type == "date":
            return f"not a date {field.places}"
        return f"no amount {field.format}" if field.format else f"no {field.type}"
    if check is not None and not check(text):
        return f"check {field.check}"
    return None


def merged(looks: Sequence[Candidates]) -> Candidates:
    """Merge what several looks at one field gave: mean probabilities, best first.

    What a look does not name has no probability there. Texts that occur twice are added up.
    """
    means: dict[str, float] = {}
    for found in looks:
        for text, p in found:
            means[text] = means.get(text, 0.0) + p / len(looks)
    return sorted(means.items(), key=lambda each: -each[1])


def weigh(
    field: Field, check: Check | None, candidates: Candidates
) -> tuple[Candidates, str | None]:
    """Weigh a field's alternatives by its own rules: (those that keep them, what is broken).

    Where none, or none that is close to the best, keeps them, all are returned as they are, with
    the rule that the best one breaks. Probabilities are those given that the rule holds (Bayes):
    a wrong text passes by chance alone.
    """
    faults = {text: broken(field, check, text) for text, _ in candidates}
    kept = [(text, p) for text, p in candidates if not faults[text]]
    best_text, best = candidates[0]
    if not kept or kept[0][1] < CLOSE * best:
        return candidates, faults[best_text]
    chance = 1.0
    if field.type == "date":
        chance *= PASSES_DATE
    if field.check:
        chance *= PASSES.get(field.check, PASSES_OWN)
    rest = max(0.0, 1 - sum(p for _, p in candidates))
    whole = sum(p for _, p in kept) + chance * rest
    return [(text, p / max(whole, p)) for text, p in kept], None


def agree(
    rule: Rule, fields: Mapping[str, Field], found: Mapping[str, Candidates]
) -> dict[str, Candidates] | None:
    """Weigh the alternatives of several fields by a rule across them; None: none keeps it.

    found: the candidates of every field that the rule names. Returns those of each, best first, as
    probable as they are given that the rule holds.
    """
    names = rule.names
    some = {name: _valued(fields[name], found[name][:MOST]) for name in names}
    sums: dict[str, dict[str, float]] = {name: {} for name in names}
    total, likeliest, best = 0.0, 0.0, prod(found[name][0][1] for name in names)
    for combination in product(*(some[name] for name in names)):
        if not rule.holds({name: value for name, (_, _, value) in zip(names, combination)}):
            continue
        weight = prod(p for _, p, _ in combination)
        total, likeliest = total + weight, max(likeliest, weight)
        for name, (text, _, _) in zip(names, combination):
            sums[name][text] = sums[name].get(text, 0.0) + weight
    if likeliest < CLOSE * best or not total:
        return None
    chance = PASSES_SUM if rule.comparison == "=" else PASSES_ORDER
    whole = total + chance * max(0.0, 1 - prod(sum(p for _, p, _ in some[n]) for n in names))
    return {
        name: sorted(((t, w / whole) for t, w in sums[name].items()), key=lambda each: -each[1])
        for name in names
    }


def _valued(
    field: Field, candidates: Sequence[tuple[str, float]]
) -> list[tuple[str, float, Decimal]]:
    valued = ((text, p, value_of(text, field.type, field.format)) for text, p in candidates)
    return [(text, p, value) for text, p, value in valued if value is not None]
