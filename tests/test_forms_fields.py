"""Fields of forms: cut-outs, what is flagged, alternatives weighed by rules."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr.drawing.forms import samples
from ocr.forms import reading
from ocr.forms.alignment import Aligner, Refused
from ocr.forms.candidates import agree, broken, merged, weigh
from ocr.forms.combs import filled_cells, written_closely
from ocr.forms.cutting import Cutout, cut, has_two_lines, is_crossed_out
from ocr.forms.reading import FormReader
from ocr.forms.rules import FormError, Rule, luhn
from ocr.forms.template import Field, save_form
from ocr.paths import DATA
from ocr.reading.decoders import Reading
from ocr.reading.images import ImageError

INTEGER = Field("a", (0, 0, 0.1, 0.1), "numbers", type="integer")
DATE = Field("d", (0, 0, 0.1, 0.1), "numbers", type="date", format="dd/mm/yyyy")
AMOUNT = Field("m", (0, 0, 0.1, 0.1), "numbers", type="amount", format="0.00")


# --- alternatives


def test_rule_chooses_a_close_alternative():
    field = Field("n", (0, 0, 0.1, 0.1), "numbers", check="luhn")
    found, problem = weigh(field, luhn, [("79927398718", 0.6), ("79927398713", 0.3)])
    assert found[0][0] == "79927398713" and problem is None
    assert 0.3 / 0.4 < found[0][1] < 1  # more than among both: the other one is ruled out


def test_rule_does_not_choose_a_far_alternative():
    field = Field("n", (0, 0, 0.1, 0.1), "numbers", check="luhn")
    found, problem = weigh(field, luhn, [("79927398718", 0.99), ("79927398713", 0.0001)])
    assert (found[0][0], problem) == ("79927398718", "check luhn")


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        (INTEGER, "12", None),
        (INTEGER, "1.2", "no integer"),
        (DATE, "29/02/2024", None),
        (DATE, "29/02/2023", "not a date dd/dd/dddd"),
        (AMOUNT, "1,211.50", None),
        (AMOUNT, "12.5", "no amount 0.00"),
        (AMOUNT, "1211.50,00", "no amount 0.00"),
    ],
)
def test_broken_types_are_named(field, text, fault):
    assert broken(field, None, text) == fault


def test_looks_are_merged_by_their_mean():
    assert merged([[("12", 0.5), ("17", 0.5)], [("17", 0.75)]]) == [("17", 0.625), ("12", 0.25)]
    assert merged([[], []]) == []


def test_sum_chooses_among_the_alternatives_of_three_fields():
    fields = dict.fromkeys("abc", INTEGER)
    found = {
        "a": [("10", 0.7), ("16", 0.3)],
        "b": [("5", 1.0)],
        "c": [("21", 0.9), ("27", 0.1)],
    }
    chosen = agree(Rule.parse("a + b = c"), fields, found)
    assert [chosen[name][0][0] for name in "abc"] == ["16", "5", "21"]
    assert all(chosen[name][0][1] > 0.9 for name in "abc")
    found["c"] = [("99", 1.0)]
    assert agree(Rule.parse("a + b = c"), fields, found) is None
    order = agree(Rule.parse("a < b"), fields, {"a": [("1", 0.8)], "b": [("2", 0.8)]})
    assert order["a"][0] == ("1", pytest.approx(0.64 / (0.64 + 0.5 * 0.36)))


# --- cut-outs


@pytest.fixture(scope="module")
def sheet():
    return samples.meter_card()


@pytest.fixture(scope="module")
def form(sheet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("meter")
    sheet.picture.save(folder / "blank.png")
    return save_form(sheet.facts(), folder / "form.json")


@pytest.fixture(scope="module")
def aligner(form):
    return Aligner([form])


def written(sheet, name, draw):
    """Draw on a field of a blank page: draw(page, left, top, width, height)."""
    page = np.array(sheet.picture)
    draw(page, *next(entry.box for entry in sheet.entries if entry.name == name))
    return page


def cutout(aligner, page, name):
    picture = Image.fromarray(page)
    field = aligner.templates[0].form.field(name)
    return cut(aligner.align(picture), np.asarray(picture.convert("L")), field)


def stroke(page, *ends):
    cv2.line(page, *(tuple(map(round, end)) for end in ends), (30, 40, 120), 4, cv2.LINE_AA)


def test_blank_fields_have_no_ink(aligner, sheet, form):
    page = cv2.GaussianBlur(np.asarray(sheet.picture), (0, 0), 1)
    for field in form.fields:
        assert not cutout(aligner, page, field.name).ink.any(), field.name


def test_print_is_removed_and_strokes_across_it_stay_whole(aligner, sheet):
    def draw(page, left, top, width, height):
        stroke(page, (left + width * 0.5, top + 5), (left + width * 0.52, top + height + 8))

    found = cutout(aligner, written(sheet, "amount", draw), "amount")
    count, *_ = cv2.connectedComponentsWithStats(found.ink.astype(np.uint8), connectivity=8)
    rows = np.flatnonzero(found.ink.any(axis=1))
    assert count == 2 and rows[-1] > found.box[3] + 2  # one stroke, over the edge
    assert found.ink.any(axis=0).sum() < 20


def test_a_decimal_point_is_kept_and_a_speck_elsewhere_is_not(aligner, sheet):
    def draw(page, left, top, width, height):
        for x in (0.1, 0.2):
            stroke(page, (left + width * x, top + 20), (left + width * x, top + height - 20))
        for x in (0.15, 0.8):
            spot = round(left + width * x), round(top + height - 22)
            cv2.circle(page, spot, 1, (30, 40, 120), -1)

    found = cutout(aligner, written(sheet, "amount", draw), "amount")
    count, *_ = cv2.connectedComponentsWithStats(found.ink.astype(np.uint8), connectivity=8)
    assert count == 4  # with the paper
    assert np.flatnonzero(found.ink.any(axis=0)).max() < 0.4 * found.ink.shape[1]


def test_a_shadow_is_no_ink_and_a_faint_stroke_beside_a_strong_one_is(aligner, sheet):
    def draw(page, left, top, width, height):
        x = np.arange(page.shape[1]) - left - 0.6 * width
        shade = 1 - 0.25 / (1 + np.exp((np.abs(x) - 0.15 * width) / 2))  # a shadow with edges
        page[:] = (page * shade[:, None]).astype(np.uint8)
        for k, grey in enumerate((20, 215, 20)):
            x = round(left + width / 8 * (k + 0.5))
            cv2.line(page, (x, top + 12), (x, top + height - 12), (grey,) * 3, 4, cv2.LINE_AA)

    found = cutout(aligner, written(sheet, "customer", draw), "customer")
    assert np.flatnonzero(filled_cells(found, 8)).tolist() == [0, 1, 2]
    rows = found.ink[:, found.ink.shape[1] // 8 : found.ink.shape[1] // 3].any(axis=1)
    assert rows.sum() > 0.5 * len(rows)


def test_a_faint_dot_alone_in_its_cell_is_a_sign(aligner, sheet):
    def draw(page, left, top, width, height):
        for k in (0, 2):
            x = left + width / 8 * (k + 0.5)
            stroke(page, (x, top + 12), (x, top + height - 12))
        spot = round(left + width / 8 * 1.5), top + height // 2
        cv2.circle(page, spot, 3, (228,) * 3, -1)

    found = cutout(aligner, written(sheet, "customer", draw), "customer")
    assert np.flatnonzero(filled_cells(found, 8)).tolist() == [0, 1, 2]


def test_hairlines_of_print_belong_to_their_sign(aligner, sheet):
    def draw(page, left, top, width, height):
        x, middle = round(left + 0.3 * width), round(top + 0.6 * height)
        stroke(page, (x, top + 20), (x, top + height - 20))
        cv2.line(page, (x - 14, middle), (x, middle), (185,) * 3, 1)  # the bar of a 4
        cv2.line(page, (x + 60, middle), (x + 74, middle), (185,) * 3, 1)  # alone: no ink

    found = cutout(aligner, written(sheet, "amount", draw), "amount")
    count, _, stats, _ = cv2.connectedComponentsWithStats(found.ink.astype(np.uint8))
    assert count == 2 and stats[1, cv2.CC_STAT_WIDTH] >= 14


def test_filled_cells_are_found_also_of_strokes_over_the_edge(aligner, sheet):
    def draw(page, left, top, width, height):
        cell = width / 8
        for number in (0, 1, 4):
            x = left + cell * (number + 0.6)
            stroke(page, (x - 10, top + 10), (x + 24, top + height - 10))

    found = cutout(aligner, written(sheet, "customer", draw), "customer")
    assert np.flatnonzero(filled_cells(found, 8)).tolist() == [0, 1, 4]
    assert filled_cells(made(((10, 20), (290, 25))), 8).all()  # one stroke through all cells


def test_signs_of_a_comb_are_written_closely_whole_and_in_order(aligner, sheet):
    def draw(page, left, top, width, height):
        for number, wide in ((0, 8), (1, 14), (3, 20)):
            x = left + width / 8 * (number + 0.7)  # the last reaches into the next cell
            stroke(page, (x - wide, top + 15), (x + wide, top + height - 15))

    found = cutout(aligner, written(sheet, "customer", draw), "customer")
    close = written_closely(found, 8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((close < 128).astype(np.uint8))
    signs = stats[1:][np.argsort(stats[1:, cv2.CC_STAT_LEFT])]
    assert len(signs) == 3 and close.shape[1] < 0.45 * found.darkness.shape[1]
    assert (np.diff(signs[:, cv2.CC_STAT_WIDTH]) > 4).all()
    gaps = signs[1:, 0] - (signs[:-1, 0] + signs[:-1, cv2.CC_STAT_WIDTH])
    assert (gaps > 0).all() and np.ptp(gaps) <= 2
    assert (255 - close.astype(int)).sum() == pytest.approx(found.darkness.sum(dtype=int), rel=0.02)


def made(*strokes, size=(60, 300)):
    """Make a cut-out of strokes ((x, y), (x, y))."""
    picture = np.zeros(size, np.uint8)
    for ends in strokes:
        cv2.line(picture, *ends, 255, 3)
    return Cutout(picture, picture > 0, (5, 5, size[1] - 5, size[0] - 5))


def test_crossed_out_and_two_lines():
    signs = [((x, 15), (x + 4, 45)) for x in range(30, 250, 30)]
    assert not is_crossed_out(made(*signs)) and not has_two_lines(made(*signs))
    assert is_crossed_out(made(*signs, ((20, 35), (270, 25))))
    upper = [((x, 8), (x + 3, 24)) for x in range(30, 250, 20)]
    lower = [((x, 34), (x + 3, 52)) for x in range(30, 250, 20)]
    assert has_two_lines(made(*upper, *lower))
    assert not has_two_lines(made(*upper))


# --- pages, by a reader that answers what it is told


class Scripted:
    """A reader of alternatives that are given, for the fields that have ink, in their order."""

    scripts, kind, input = (), "class", SimpleNamespace(fit="picture")

    def __init__(self, answers):
        self.answers, self.contract = list(answers), {}

    def options(self, top=1, pattern=None, lexicon=None, script=None):
        return pattern, lexicon, top

    def prepare(self, image, max_pixels=0):
        if image.min() > 200:
            raise ImageError("no ink")
        return image

    def read_prepared(self, prepared, options=None):
        """Answer the line of a comb, and the same for the line written closely."""
        pattern, _, top = options
        if top == 1:
            return [self._next(options) for _ in prepared]
        looks = 2 if pattern else 1
        return [each for _ in prepared[::looks] for each in [self._next(options)] * looks]

    def _next(self, options):
        pattern, _, top = options
        if top == 1:  # the best path alone, which here is never sure
            return Reading("?", 0.1)
        found = self.answers.pop(0)
        assert pattern is None or len(pattern) == len(found[0][0]), (pattern, found)
        return Reading(*found[0], tuple(found), (), True)


@pytest.fixture
def read(form, sheet, monkeypatch):
    """A function: pages with strokes in the cells of fields, and answers, to a PageReading."""

    def read(filled, answers):
        page = np.array(sheet.picture)
        for entry in sheet.entries:
            left, top, width, height = entry.box
            for cell in filled.get(entry.name, ()):
                x = left + width / (entry.cells or 10) * (cell + 0.5)
                stroke(page, (x - 4, top + 10), (x + 4, top + height - 10))
        monkeypatch.setattr(reading.Reader, "load", lambda name: Scripted(answers))
        return FormReader([form]).read(Image.fromarray(page))

    return read


def test_empty_fields_are_flagged_where_they_are_required(read):
    page = read({}, [])
    found = {each.field.name: each for each in page.fields}
    assert found["day"].problem == "empty: it must be filled in" and found["day"].text == ""
    assert found["amount"].problem is None and page.accepted(found["amount"])
    assert (found["moved"].text, found["moved"].problem) == ("0", None)
    assert page.status == "check"


def test_rule_across_fields_corrects_one(read):
    answers = [
        [("000010", 0.7), ("000016", 0.3)],
        [("000005", 0.99)],
        [("0000021", 0.99)],
    ]
    cells = {"day": range(6), "night": range(6), "total": range(7)}
    found = {each.field.name: each for each in read(cells, answers).fields}
    assert found["day"].text == "000016" and found["day"].problem is None
    assert found["total"].confidence > 0.99
    wrong = [[("000010", 0.99)], [("000005", 0.99)], [("0000021", 0.99)]]
    found = {each.field.name: each for each in read(cells, wrong).fields}
    assert found["day"].problem == found["total"].problem == "rule day + night = total"


def test_date_in_a_comb_gets_its_separators(read):
    found = read({"read_on": range(8)}, [[("31022024", 0.5), ("21022024", 0.4)]]).fields[2]
    assert (found.text, found.problem) == ("21/02/2024", None)


def test_comb_with_gaps_is_flagged(read):
    found = {
        each.field.name: each
        for each in read(
            {"day": (0, 1, 3), "read_on": range(5)}, [[("31022", 1.0)], [("123", 1.0)]]
        ).fields
    }
    assert found["day"].problem == "an empty cell between others"
    assert found["read_on"].problem == "5 of 8 cells are filled in"


@pytest.mark.parametrize(
    ("strokes", "text", "problem"),
    [
        ([], "0", None),
        ([((0.1, 0.1), (0.9, 0.9)), ((0.9, 0.1), (0.1, 0.9))], "1", None),
        ([((0.45, 0.5), (0.5, 0.5))], "1", "ticked or not?"),
        ([((0.1, y / 10), (0.9, y / 10)) for y in range(1, 10)], "1", "crossed out"),
    ],
)
def test_check_boxes(form, sheet, monkeypatch, strokes, text, problem):
    def draw(page, left, top, width, height):
        for (ax, ay), (bx, by) in strokes:
            stroke(
                page, (left + ax * width, top + ay * height), (left + bx * width, top + by * height)
            )

    monkeypatch.setattr(reading.Reader, "load", lambda name: Scripted([]))
    page = FormReader([form]).read(Image.fromarray(written(sheet, "moved", draw)))
    found = next(each for each in page.fields if each.field.name == "moved")
    assert (found.text, found.problem) == (text, problem)


def test_a_shadow_is_not_taken_for_a_tick(form, sheet, monkeypatch):
    def draw(page, left, top, width, height):
        middle = slice(top + 8, top + height - 8), slice(left + 15, left + 24)
        page[middle] = (page[middle] * 0.85).astype(np.uint8)

    monkeypatch.setattr(reading.Reader, "load", lambda name: Scripted([]))
    page = FormReader([form]).read(Image.fromarray(written(sheet, "moved", draw)))
    found = next(each for each in page.fields if each.field.name == "moved")
    assert found.problem == "ticked or not?"


def test_wrong_constraint_is_an_error_at_once(form):
    facts = dict(form.facts)
    facts["fields"] = [facts["fields"][0] | {"type": "text", "pattern": "aaaaaaaa"}]
    facts["rules"] = []
    with pytest.raises(FormError, match="customer.*no letter"):
        FormReader([save_form(facts, form.folder / "letters.json")])
    with pytest.raises(FormError, match="a name of its own"):
        FormReader([form, form])


# --- the sample forms, by the shipped reader


@pytest.mark.slow
@pytest.mark.parametrize("name", ["meter", "arabic"])
def test_printed_sample_forms_are_read(name, tmp_path):
    from ocr.drawing import fonts
    from ocr.drawing.forms.filling import fill
    from ocr.drawing.forms.scans import Wear, scan
    from ocr.drawing.numbers.printing import press
    from ocr.forms.template import load_form

    script, family = (
        ("western", "roboto_slab") if name == "meter" else ("arabic", "noto_kufi_arabic")
    )
    sheet = samples.meter_card() if name == "meter" else samples.arabic_card()
    reader = FormReader([load_form(DATA / "forms" / "meter"), load_form(DATA / "forms" / "arabic")])
    rng, hits, n = np.random.default_rng(4), 0, 0
    write = press(script, fonts.faces((family,), script))
    for _ in range(3):
        values = sheet.values(rng)
        picture, _ = scan(fill(sheet, values, rng, write, edge=0), rng, Wear(scale=(0.7, 1)))
        page = reader.read(Image.fromarray(picture))
        assert page.form.name == name
        hits += sum(each.text == values[each.field.name] for each in page.fields)
        n += len(page.fields)
    assert hits / n > 0.85


@pytest.mark.slow
def test_unknown_page_is_refused_by_the_samples():
    from ocr.forms.template import load_form

    reader = FormReader([load_form(DATA / "forms" / name) for name in ("meter", "arabic")])
    with pytest.raises(Refused):
        reader.read(samples.other_form(np.random.default_rng(1)).picture)
