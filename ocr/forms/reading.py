"""Read forms: align a scan, cut its fields out, read them, weigh them by the form's rules."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from PIL import Image

from ocr.forms.alignment import Aligned, Aligner
from ocr.forms.candidates import agree, broken, merged, weigh
from ocr.forms.combs import find_overwritten
from ocr.forms.cutting import cut
from ocr.forms.drafts import Draft, draft, pattern_of
from ocr.forms.rules import FormError
from ocr.forms.template import Field, Form
from ocr.reading.anything import NUMBER, reads
from ocr.reading.bulk import NOTHING
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import DecodingOptions, Reading
from ocr.reading.images import ImageError
from ocr.reading.overwritten import overwritten_reader
from ocr.reading.reader import Reader

TOP = 6  # alternatives asked for
PLAIN = 0.6  # of the network's probability, from which alternatives are not asked for
WRITTEN_OVER = "a digit is written over another"  # a problem
CERTAIN = ((0.0, 0.0), (1.0, 1.0))  # a calibration that changes nothing


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
            self._decoding(each, pattern_of(each, each.boxes))
            if self._is_comb_of_digits(each):
                overwritten_reader()
        except ReaderError as error:
            raise FormError(f"{form.name}: field {each.name!r}: {error}") from None

    def _is_comb_of_digits(self, each: Field) -> bool:
        return bool(each.boxes) and reads(self.readers[each.reader]) == NUMBER

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
        picture = picture.convert("L")
        aligned, grey = self.aligner.align(picture), np.asarray(picture)
        form = aligned.template.form
        drafts = [draft(each, cut(aligned, grey, each)) for each in form.fields]
        self._find_overwritten(drafts)
        self._read_plainly(form, drafts)
        self._read_closely(form, [each for each in drafts if each.read and not each.found])
        self._agree(form, {each.field.name: each for each in drafts})
        return PageReading(aligned, tuple(self._finished(each, aligned) for each in drafts))

    def _find_overwritten(self, drafts: Sequence[Draft]) -> None:
        """Say which combs of digits have one that is written over another."""
        combs = [
            (each, each.cutout, each.field.boxes or 0)
            for each in drafts
            if each.read and self._is_comb_of_digits(each.field)
        ]
        for (each, *_), found in zip(combs, find_overwritten([comb[1:] for comb in combs])):
            if found:
                each.problem = each.problem or WRITTEN_OVER

    def _read_plainly(self, form: Form, drafts: Sequence[Draft]) -> None:
        """Read a page's cut-outs in one batch a reader; keep what is sure and as it must be.

        The best path takes a hundredth of the time of a constrained beam search.
        """
        groups: dict[tuple[str, str | None], list[Draft]] = {}
        for each in drafts:
            if not each.read:
                continue
            reader = self.readers[each.field.reader]
            for picture in each.looks():
                with suppress(ImageError):
                    each.prepared.append(reader.prepare(picture))
            if not each.prepared:
                each.problem, each.read = each.problem or NOTHING, False
                continue
            script = each.field.script if reader.scripts else None
            groups.setdefault((each.field.reader, script), []).append(each)
        for (name, script), group in groups.items():
            options = self.readers[name].options(script=script)
            for each, readings in zip(group, self._looks(name, group, options)):
                texts = {reading.text for reading in readings}
                if len(texts) > 1 or not each.fits(readings[0].text):
                    continue
                raw = [self._probability(name, reading.confidence) for reading in readings]
                text, check = each.shown(readings[0].text), form.checks.get(each.field.name)
                if np.mean(raw) >= PLAIN and broken(each.field, check, text) is None:
                    each.found, _ = weigh(each.field, check, [(text, float(np.mean(raw)))])

    def _read_closely(self, form: Form, drafts: Sequence[Draft]) -> None:
        """Read cut-outs under their constraints, with alternatives that their rules choose among.

        Those with the same options are read in one batch.
        """
        groups: dict[tuple, list[Draft]] = {}
        for each in drafts:
            options = self._decoding(each.field, each.pattern)
            groups.setdefault((each.field.reader, id(options)), []).append(each)
        for (name, _), group in groups.items():
            options = self._decoding(group[0].field, group[0].pattern)
            for each, readings in zip(group, self._looks(name, group, options)):
                each.closely = True
                found = merged(
                    [
                        [(each.shown(t), self._probability(name, p)) for t, p in r.alternatives]
                        for r in readings
                    ]
                )
                if not found:
                    each.problem = each.problem or NOTHING
                    continue
                check = form.checks.get(each.field.name)
                each.found, problem = weigh(each.field, check, found)
                each.problem = each.problem or problem

    def _looks(
        self, name: str, drafts: Sequence[Draft], options: DecodingOptions
    ) -> Iterator[list[Reading]]:
        """Read all looks at several fields in one batch; yield the readings of each field."""
        prepared = [look for each in drafts for look in each.prepared]
        readings = iter(self.readers[name].read_prepared(prepared, options))
        for each in drafts:
            yield list(islice(readings, len(each.prepared)))

    def _trust(self, name: str) -> Sequence[Sequence[float]]:
        """Find the calibration of a reader, pairs [probability, share that is right]."""
        trust = self.readers[name].contract.get("trust")
        return trust["points"] if trust else CERTAIN

    def _probability(self, name: str, confidence: float) -> float:
        """Undo a reader's calibration: the network's probability, which sums to 1 over texts.

        The shares of calibrated alternatives do not, and rules weigh alternatives by Bayes.
        """
        raw, shares = zip(*self._trust(name))
        return float(np.interp(confidence, shares, raw))

    def _agree(self, form: Form, drafts: dict[str, Draft]) -> None:
        """Weigh the fields by the rules across them; fields that are empty leave a rule out."""
        fields = {name: each.field for name, each in drafts.items()}
        for rule in form.rules:
            some = [drafts[name] for name in rule.names]
            if not all(each.found and each.found[0][0] for each in some):
                continue
            found = agree(rule, fields, {each.field.name: each.found for each in some})
            if found is None:
                self._read_closely(form, [each for each in some if not each.closely])
                found = agree(rule, fields, {each.field.name: each.found for each in some})
            for each in some:
                if found is None:
                    each.problem = each.problem or f"rule {rule.text}"
                else:
                    each.found = found[each.field.name]

    def _finished(self, each: Draft, aligned: Aligned) -> FieldReading:
        """Calibrate what was found: as the reader says, then as the form does."""
        found = each.found
        if each.read:
            for points in (self._trust(each.field.reader), aligned.template.form.calibration):
                if points:
                    raw, shares = zip(*points)
                    found = [(text, float(np.interp(p, raw, shares))) for text, p in found]
        corners = tuple(
            (round(float(x), 1), round(float(y), 1)) for x, y in aligned.corners(each.field.box)
        )
        text, confidence = found[0] if found else ("", 0.0)
        found = found[:TOP]
        return FieldReading(each.field, text, confidence, tuple(found), each.problem, corners)
