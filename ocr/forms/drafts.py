"""Drafts of fields: what their ink says before a reader has seen it, and what it is shown."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ocr.forms.candidates import Candidates
from ocr.forms.combs import filled_cells, written_closely
from ocr.forms.cutting import Cutout, has_two_lines, is_crossed_out
from ocr.forms.rules import with_sign
from ocr.forms.template import Field, places_of, wildcards
from ocr.reading.constraints import WILDCARDS
from ocr.reading.inputs import Prepared

TICKED = (0.02, 0.06, 0.5)  # share of ink: below, not ticked; above, ticked; above, crossed out
PALE = 60  # levels by which a tick's darkest part is darker than paper, at least; or a shadow
SURE = 0.999  # confidence in ink, or none, that is beyond doubt


@dataclass
class Draft:
    """A field on its way.

    read      is there anything for a reader?
    pattern   of the signs that are written
    prepared  the looks at it, for its reader
    found     what it may say, best first
    closely   has it been read under its constraints?
    problem   why a person must look at it
    """

    field: Field
    cutout: Cutout
    read: bool = False
    pattern: str | None = None
    prepared: list[Prepared] = dataclasses.field(default_factory=list)
    found: Candidates = dataclasses.field(default_factory=list)
    closely: bool = False
    problem: str | None = None

    def looks(self) -> list[np.ndarray]:
        """Show a reader the field: its line and, of a comb, the line written closely, too."""
        pictures = [self.cutout.picture]
        if self.field.boxes:
            pictures.append(written_closely(self.cutout, self.field.boxes))
        return pictures

    def fits(self, text: str) -> bool:
        """Tell whether a text keeps the pattern or lexicon."""
        if self.field.lexicon is not None:
            return text in self.field.lexicon
        if self.pattern is None:
            return True
        places = places_of(self.pattern)
        return len(text) == len(places) and all(
            WILDCARDS[place](c) if place in WILDCARDS else place[-1] == c
            for place, c in zip(places, text)
        )

    def shown(self, text: str) -> str:
        """Insert what is not written: separators that a comb has no cells for, a decimal sign."""
        places = self.field.places
        if self.field.type == "amount" and self.field.format:
            return with_sign(text, self.field.format)
        if not self.field.boxes or places is None or len(text) != wildcards(places):
            return text
        signs = iter(text)
        return "".join(next(signs) if c in WILDCARDS else c[-1] for c in places_of(places))


def draft(each: Field, cutout: Cutout) -> Draft:
    """Look at a field's ink: what needs no reader, and what a person must see anyway."""
    made = Draft(each, cutout)
    if each.is_check_box:
        made.found, made.problem = _ticked(cutout)
    elif not cutout.ink.any():
        made.found = [("", SURE)]
        made.problem = "empty: it must be filled in" if each.required else None
    else:
        made.read = True
        count = None
        if each.boxes:
            filled = np.flatnonzero(filled_cells(cutout, each.boxes))
            count = len(filled)
            if np.ptp(filled) + 1 != count:
                made.problem = "an empty cell between others"
            elif each.places and count != each.boxes:
                made.problem = f"{count} of {each.boxes} cells are filled in"
        if is_crossed_out(cutout):
            made.problem = "crossed out"
        elif has_two_lines(cutout):
            made.problem = "two lines"
        made.pattern = pattern_of(each, count)
    return made


def pattern_of(each: Field, count: int | None) -> str | None:
    """Make the pattern of a reading; of a comb, whose separators are not written, `count` signs."""
    places = each.places
    if not each.boxes or count is None or each.lexicon:
        return places
    if places is None:
        return "d" * count if each.type == "integer" else None
    signs = places_of(places)
    if each.boxes == wildcards(places):
        signs = [sign for sign in signs if sign in WILDCARDS]
    return "".join(signs[:count])


def _ticked(cutout: Cutout) -> tuple[Candidates, str | None]:
    (low, high, most), share = TICKED, cutout.share
    if share > most:
        return [("1", 0.5), ("0", 0.5)], "crossed out"
    pale = cutout.darkness.max(where=cutout.ink, initial=0) < PALE
    if low <= share <= high or (share > high and pale):
        return [("1", 0.5), ("0", 0.5)], "ticked or not?"
    return [("1" if share > high else "0", SURE)], None
