"""Form templates: form.json read, checked, written; types, check digits and rules of fields."""

import json
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.forms import rules, template
from ocr.forms.rules import FormError, Rule
from ocr.forms.template import build_form, load_form, save_form

FIELD = {"name": "day", "box": [0.1, 0.1, 0.3, 0.05], "reader": "numbers"}
OTHER = {"name": "night", "box": [0.1, 0.3, 0.3, 0.05], "reader": "numbers"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "blank.png").write_bytes(b"a picture")
    return tmp_path


def facts(*fields, **more):
    return {"image": "blank.png", "fields": list(fields or (FIELD,)), **more}


def test_form_is_written_and_read_back(folder):
    date = {"type": "date", "format": "dd/mm/yyyy", "boxes": 8, "required": True}
    given = facts(FIELD | date, OTHER, rules=["night >= 1"], accept=0.9)
    save_form(given, folder / "form.json")
    form = load_form(folder / "form.json")
    assert json.loads((folder / "form.json").read_text(encoding="utf-8")) == given
    assert [field.name for field in form.fields] == ["day", "night"]
    assert form.fields[0].places == "dd/dd/dddd"
    assert (form.name, form.accept, form.fields[0].required) == (folder.name, 0.9, True)
    assert load_form(folder).version == form.version
    (folder / "blank.png").write_bytes(b"another")
    assert load_form(folder).version != form.version


def test_schema_is_a_schema_and_says_what_the_code_says(folder):
    schema = json.loads(template.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(facts(FIELD | {"boxes": 8, "type": "date"}), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(facts(FIELD | {"colour": "red"}), schema)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "must be object"),
        ({"image": "blank.png"}, "fields"),
        (facts() | {"fields": []}, "what is read, in the order of the columns"),
        (facts(FIELD | {"colour": 1}), "'colour'"),
        (facts(FIELD | {"box": [0, 0, 1]}), "left, top, width and height"),
        (facts(FIELD | {"name": ""}), "give a name of letters"),
        (facts(FIELD | {"name": "file"}), "give a name of letters"),
        (facts(FIELD | {"name": "a_confidence"}), "give a name of letters"),
        (facts(FIELD, OTHER | {"name": "day"}), "two fields are called 'day'"),
        (facts(FIELD, OTHER | {"box": [0.2, 0.12, 0.3, 0.05]}), "'day' and 'night' overlap"),
        (facts(FIELD | {"box": [0.1, 0.1, 0, 0.1]}), "its box is empty"),
        (facts(FIELD | {"box": [0.1, 0.1, float("nan"), 0.1]}), "its box is empty"),
        (facts(FIELD | {"box": [0.9, 0.1, 0.2, 0.1]}), "reaches outside the page"),
        (facts(FIELD | {"box": [-0.1, 0.1, 0.2, 0.1]}), "reaches outside the page"),
        (facts(FIELD | {"reader": "numbrs"}), "no reader 'numbrs': there are"),
        (facts(FIELD | {"reader": "check", "boxes": 3}), "a check box has no boxes"),
        (facts(FIELD | {"script": "roman"}), "western"),
        (facts(FIELD | {"type": "date", "format": "dd/mm"}), "once each"),
        (facts(FIELD | {"type": "date", "format": "dd/mm/dd"}), "once each"),
        (facts(FIELD | {"format": "dd/mm/yyyy"}), "a format is that of a date or amount"),
        (facts(FIELD | {"type": "amount", "format": "0.0x"}), "give 0.00 or 0,00"),
        (facts(FIELD | {"pattern": "dd", "type": "date"}), "give one"),
        (facts(FIELD | {"pattern": "dd", "lexicon": ["1"]}), "give one"),
        (facts(FIELD | {"pattern": "dd/dd", "boxes": 3}), "3 boxes for the pattern 'dd/dd'"),
        (facts(FIELD | {"check": "lun"}), "give luhn, iban, isbn, or module:function"),
        (facts(FIELD | {"check": "nowhere_at_all:f"}), "cannot be loaded"),
        (facts(FIELD | {"check": "math:pi"}), "is no function"),
        (facts(rules=["day + night = 3"]), "no field 'night'"),
        (facts(rules=["day + = 3"]), "is no sum of fields"),
        (facts(rules=["day + 3"]), "two sums"),
        (facts(rules=["3 = 3"]), "names no field"),
        (facts(calibration=[[0.5, 0.5], [0.4, 0.6]]), "must ascend"),
        (facts() | {"image": "nowhere.png"}, "no such file"),
    ],
)
def test_wrong_form_is_one_line(folder, given, message):
    with pytest.raises(FormError, match=".") as caught:
        build_form(given, folder)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "", "[1]", '{"image": 3}'])
def test_unreadable_file_is_named(folder, text):
    (folder / "form.json").write_text(text)
    with pytest.raises(FormError, match=r"form\.json"):
        load_form(folder / "form.json")
    with pytest.raises(FormError, match="cannot be read"):
        load_form(folder / "nowhere.json")


def test_touching_boxes_do_not_overlap(folder):
    below = OTHER | {"box": [0.1, 0.1499, 0.3, 0.05]}
    assert len(build_form(facts(FIELD, below), folder).fields) == 2


def test_own_check_is_loaded_from_beside_the_form(folder):
    (folder / "mine.py").write_text("def even(text):\n    return int(text) % 2 == 0\n")
    form = build_form(facts(FIELD | {"check": "mine:even"}), folder)
    assert form.checks["day"]("12") and not form.checks["day"]("13")


# --- types and check digits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,250.75", "1250.75"),
        ("1.250,75", "1250.75"),
        ("12,50", "12.50"),
        ("1,250", "1250"),
        ("1.250", "1.250"),
        ("1.234.567", "1234567"),
        ("-5.5", "-5.5"),
        ("007", "7"),
        ("1,2,3", None),
        ("12345,678.5", None),
        ("1,,2", None),
        ("5-", None),
        ("", None),
    ],
)
def test_amounts(text, value):
    assert rules.parse_amount(text) == (value and Decimal(value))


@given(st.decimals(-(10**9), 10**9, places=2))
def test_written_amounts_are_read(amount):
    assert rules.parse_amount(f"{amount:,.2f}") == rules.parse_amount(f"{amount:.2f}") == amount


@given(st.dates(min_value=rules.date(2000, 1, 1), max_value=rules.date(2099, 12, 31)))
def test_written_dates_are_read(day):
    for format, written in (
        ("dd/mm/yyyy", "%d/%m/%Y"),
        ("yyyy-mm-dd", "%Y-%m-%d"),
        ("mm.dd.yy", "%m.%d.%y"),
    ):
        assert rules.parse_date(day.strftime(written), format) == day


@pytest.mark.parametrize(
    "text",
    ["31/02/2024", "29/02/2023", "1/02/2024", "01-02-2024", "aa/02/2024", "01/02/2624"],
)
def test_days_that_do_not_exist(text):
    assert rules.parse_date(text, "dd/mm/yyyy") is None


@given(st.text("0123456789", min_size=1, max_size=15), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_breaks_luhn(number, place, off):
    right = next(number + d for d in "0123456789" if rules.luhn(number + d))
    place %= len(right)
    wrong = f"{right[:place]}{(int(right[place]) + off) % 10}{right[place + 1 :]}"
    assert not rules.luhn(wrong)


def test_known_numbers_pass():
    assert rules.luhn("79927398713") and not rules.luhn("79927398714") and not rules.luhn("")
    assert rules.iban("GB82 WEST 1234 5698 7654 32") and not rules.iban("GB82WEST12345698765433")
    assert rules.isbn("978-0-306-40615-7") and rules.isbn("0-306-40615-2")
    assert rules.isbn("0-8044-2957-X") and not rules.isbn("0-306-40615-3")


# --- rules across fields


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("a + b = c", True),
        ("sum(a, b) = c", True),
        ("c - b - 1 = 0", True),
        ("a + b = c + 1", False),
        ("a < b", True),
        ("b <= a", False),
        ("-a = -1", True),
    ],
)
def test_rules(rule, holds):
    values = {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3)}
    assert Rule.parse(rule).holds(values) is holds
    assert set(Rule.parse(rule).names) <= set(values)


@pytest.mark.parametrize(
    ("text", "format", "value"),
    [
        ("1211.50", "0.00", "1211.50"),
        ("1,211.50", "0.00", "1211.50"),
        ("1.211,50", "0,00", "1211.50"),
        ("-3.5", "0.0", "-3.5"),
        ("1211.5", "0.00", None),
        ("1211", "0.00", None),
        ("12,11.50", "0.00", None),
        ("1211,50", "0.00", None),
    ],
)
def test_amounts_of_a_format(text, format, value):
    assert rules.value_of(text, "amount", format) == (None if value is None else Decimal(value))


def test_a_decimal_sign_is_put_into_digits_alone():
    assert rules.with_sign("12150", "0.00") == "121.50"
    assert rules.with_sign("12150", "0,0") == "1215,0"
    assert rules.with_sign("121.50", "0.00") == "121.50"
    assert rules.with_sign("50", "0.00") == "50"
