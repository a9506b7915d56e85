"""Read forms: align a scan, cut its fields out, read them, weigh them by the form's rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from ocr.forms.alignment import Aligned, Aligner
from ocr.forms.candidates import Candidates, agree, broken, weigh
from ocr.forms.cutting import Cutout, cut, filled_cells, has_two_lines, is_crossed_out
from ocr.forms.rules import FormError
from ocr.forms.template import Field, Form, places_of, wildcards
from ocr.reading.bulk import NOTHING
from ocr.reading.constraints import WILDCARDS
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import DecodingOptions
from ocr.reading.images import ImageError
from ocr.reading.inputs import Prepared
from ocr.reading.reader import Reader

TOP = 6  # alternatives asked for
PLAIN = 0.9  # confidence from which alternatives are not asked for
TICKED = (0.02, 0.06, 0.5)  # share of ink: below, not ticked; above, ticked; above, crossed out
SURE = 0.999  # confidence in ink, or none, that is beyond doubt


@dataclass(frozen=True)
class FieldReading:
    """What was read in a field.

    text          "" where there is nothing; of a check box "1" or "0"
    confidence    the probability that the text is right
    alternatives  ((text, confidence), ...), best first
    problem       why a person must look at it, whatever the confidence; None: no reason
    corners       of its box in the scan, pixels, (4, 2), clockwise from its left top
    """

    field: Field
    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()
    problem: str | None = None
    corners: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class PageReading:
    """What was read on a page: the form found, how well it fits, its fields in their order."""

    aligned: Aligned
    fields: tuple[FieldReading, ...]

    @property
    def form(self) -> Form:
        """The form that the page is."""
        return self.aligned.template.form

    def accepted(self, reading: FieldReading) -> bool:
        """Tell whether a field needs no person."""
        return reading.problem is None and reading.confidence >= self.form.accept

    @cached_property
    def status(self) -> str:
        """ "read" where no field needs a person, else "check"."""
        return "read" if all(map(self.accepted, self.fields)) else "check"


@dataclass
class _Draft:
    """A field on its way: its cut-out, how to decode it, candidates or a problem."""

    field: Field
    cutout: Cutout
    found: Candidates
    options: DecodingOptions | None = None
    pattern: str | None = None
    prepared: Prepared | None = None
    closely: bool = False  # has it been read under its constraints?
    problem: str | None = None


class FormReader:
    """Read pages of one form or several: each page finds its own. Raises FormError.

    readers: by their names, those that are loaded already.
    """

    def __init__(self, forms: Sequence[Form], readers: Mapping[str, Reader] | None = None):
        names = [form.name for form in forms]
        if len(set(names)) < len(names):
            raise FormError(f"forms called {', '.join(names)}: give each a name of its own")
        self.aligner = Aligner(forms)
        self._options: dict[tuple, DecodingOptions] = {}
        self.readers: dict[str, Reader] = dict(readers or {})
        for form in forms:
            for each in form.fields:
                if not each.is_check_box:
                    self._load(form, each)

    def _load(self, form: Form, each: Field) -> None:
        """Load a field's reader, and try its constraints."""
        try:
            if each.reader not in self.readers:
                self.readers[each.reader] = Reader.load(each.reader)
            self._decoding(each, _pattern(each, each.boxes))
        except ReaderError as error:
            raise FormError(f"{form.name}: field {each.name!r}: {error}") from None

    def _decoding(self, each: Field, pattern: str | None) -> DecodingOptions:
        """Build the options of a field, once. A reader without scripts reads all of them."""
        reader = self.readers[each.reader]
        script = each.script if reader.scripts else None
        key = each.reader, pattern, each.lexicon, script
        if key not in self._options:
            self._options[key] = reader.options(
                TOP, pattern=pattern, lexicon=each.lexicon, script=script
            )
        return self._options[key]

    def read(self, picture: Image.Image) -> PageReading:
        """Read a page, mode "L" or "RGB". Raises alignment.Refused."""
        aligned = self.aligner.align(picture)
        grey = np.asarray(picture.convert("L"))
        form = aligned.template.form
        drafts = [self._draft(each, cut(aligned, grey, each)) for each in form.fields]
        self._read_plainly(form, drafts)
        self._read_closely(form, [d for d in drafts if d.options is not None and not d.found])
        self._agree(form, {draft.field.name: draft for draft in drafts})
        return PageReading(aligned, tuple(_finished(draft, aligned) for draft in drafts))

    def _draft(self, each: Field, cutout: Cutout) -> _Draft:
        """Look at a field's ink: what needs no reader, and how to decode the rest."""
        draft = _Draft(each, cutout, [])
        if each.is_check_box:
            draft.found, draft.problem = _ticked(cutout)
        elif not cutout.ink.any():
            draft.found = [("", SURE)]
            draft.problem = "empty: it must be filled in" if each.required else None
        else:
            count = None
            if each.boxes:
                filled = np.flatnonzero(filled_cells(cutout, each.boxes))
                count = len(filled)
                if np.ptp(filled) + 1 != count:
                    draft.problem = "an empty cell between others"
                elif each.places and count != each.boxes:
                    draft.problem = f"{count} of {each.boxes} cells are filled in"
            if is_crossed_out(cutout):
                draft.problem = "crossed out"
            elif has_two_lines(cutout):
                draft.problem = "two lines"
            draft.pattern = _pattern(each, count)
            draft.options = self._decoding(each, draft.pattern)
        return draft

    def _read_plainly(self, form: Form, drafts: Sequence[_Draft]) -> None:
        """Read a page's cut-outs in one batch a reader; keep what is sure and as it must be.

        The best path takes a hundredth of the time of a constrained beam search.
        """
        groups: dict[tuple[str, str | None], list[_Draft]] = {}
        for draft in drafts:
            if draft.options is None:
                continue
            reader = self.readers[draft.field.reader]
            try:
                draft.prepared = reader.prepare(draft.cutout.picture)
            except ImageError:
                draft.problem, draft.options = draft.problem or NOTHING, None
                continue
            script = draft.field.script if reader.scripts else None
            groups.setdefault((draft.field.reader, script), []).append(draft)
        for (name, script), group in groups.items():
            reader = self.readers[name]
            prepared = [draft.prepared for draft in group if draft.prepared is not None]
            readings = reader.read_prepared(prepared, reader.options(script=script))
            for draft, reading in zip(group, readings):
                text = _shown(draft.field, reading.text)
                check = form.checks.get(draft.field.name)
                sure = reading.confidence >= PLAIN and _fits(draft, reading.text)
                if sure and broken(draft.field, check, text) is None:
                    draft.found, _ = weigh(draft.field, check, [(text, reading.confidence)])

    def _read_closely(self, form: Form, drafts: Sequence[_Draft]) -> None:
        """Read cut-outs under their constraints, with alternatives that their rules choose among.

        Those with the same options are read in one batch.
        """
        groups: dict[tuple[str, int], list[_Draft]] = {}
        for draft in drafts:
            groups.setdefault((draft.field.reader, id(draft.options)), []).append(draft)
        for (name, _), group in groups.items():
            prepared = [draft.prepared for draft in group if draft.prepared is not None]
            readings = self.readers[name].read_prepared(prepared, group[0].options)
            for draft, reading in zip(group, readings):
                draft.closely = True
                if not reading.text:
                    draft.problem = draft.problem or NOTHING
                    continue
                found = [(_shown(draft.field, t), p) for t, p in reading.alternatives]
                check = form.checks.get(draft.field.name)
                draft.found, problem = weigh(draft.field, check, found)
                draft.problem = draft.problem or problem

    def _agree(self, form: Form, drafts: dict[str, _Draft]) -> None:
        """Weigh the fields by the rules across them; fields that are empty leave a rule out."""
        fields = {name: draft.field for name, draft in drafts.items()}
        for rule in form.rules:
            some = [drafts[name] for name in rule.names]
            if not all(draft.found and draft.found[0][0] for draft in some):
                continue
            found = agree(rule, fields, {draft.field.name: draft.found for draft in some})
            if found is None:
                self._read_closely(form, [draft for draft in some if not draft.closely])
                found = agree(rule, fields, {draft.field.name: draft.found for draft in some})
            for draft in some:
                if found is None:
                    draft.problem = draft.problem or f"rule {rule.text}"
                else:
                    draft.found = found[draft.field.name]


def _fits(draft: _Draft, text: str) -> bool:
    """Tell whether a text keeps a field's pattern or lexicon."""
    field = draft.field
    if field.lexicon is not None:
        return text in field.lexicon
    if draft.pattern is None:
        return True
    places = places_of(draft.pattern)
    return len(text) == len(places) and all(
        WILDCARDS[place](c) if place in WILDCARDS else place[-1] == c
        for place, c in zip(places, text)
    )


def _pattern(each: Field, count: int | None) -> str | None:
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


def _shown(each: Field, text: str) -> str:
    """Insert the separators of a pattern that a comb has no cells for."""
    places = each.places
    if not each.boxes or places is None or len(text) != wildcards(places):
        return text
    signs = iter(text)
    return "".join(next(signs) if c in WILDCARDS else c[-1] for c in places_of(places))


def _ticked(cutout: Cutout) -> tuple[Candidates, str | None]:
    low, high, most = TICKED
    share = cutout.share
    if share > most:
        return [("1", 0.5), ("0", 0.5)], "crossed out"
    if low <= share <= high:
        return [("1", 0.5), ("0", 0.5)], "ticked or not?"
    return [("1" if share > high else "0", SURE)], None


def _finished(draft: _Draft, aligned: Aligned) -> FieldReading:
    points = aligned.template.form.calibration
    found = draft.found
    if points and draft.options is not None:
        raw, shares = zip(*points)
        found = [(text, float(np.interp(p, raw, shares))) for text, p in found]
    corners = tuple(
        (round(float(x), 1), round(float(y), 1)) for x, y in aligned.corners(draft.field.box)
    )
    text, confidence = found[0] if found else ("", 0.0)
    return FieldReading(draft.field, text, confidence, tuple(found[:TOP]), draft.problem, corners)
