"""Numbers in other scripts become Western ones."""

import pytest

from ocr.reading.scripts import NUMBERS, SCRIPTS, SHARED, SIGNS, SYMBOLS, own_digits, to_western


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x30])
def test_digits_of_all_scripts_are_converted(zero):
    for value in range(10):
        assert to_western(chr(zero + value)) == str(value)


@pytest.mark.parametrize(
    "text, western",
    [
        ("١٢٣٫٤٥", "123.45"),
        ("١٬٢٣٤٬٥٦٧", "1,234,567"),
        ("۱۲/۰۳/۲۰۲۴", "12/03/2024"),
        ("٣،٤", "3,4"),
        ("\u200f٤٢\u200e", "42"),
        ("\u202b٥-٦\u202c", "5-6"),
        ("−٧", "-7"),
        ("12.5", "12.5"),
        ("رقم ٥", "رقم 5"),
        ("", ""),
        ("½", "½"),
    ],
)
def test_separators_are_converted_and_direction_marks_dropped(text, western):
    assert to_western(text) == western == to_western(western)


def test_every_symbol_belongs_to_a_script_and_shared_shapes_are_one_symbol():
    assert set().union(*SIGNS.values()) == set(SYMBOLS)
    assert set(SIGNS["arabic"]) & set(SIGNS["persian"]) >= set("٠١٢٣٧٨٩٤٦٫٬")
    assert "٥" not in SIGNS["persian"] and not set("۴۵۶") & set(SIGNS["arabic"])
    for script, own in SIGNS.items():
        for symbol, western in zip(SCRIPTS[script].translate(SHARED), NUMBERS):
            assert own[symbol] == western
        assert own_digits(script) == SCRIPTS[script][:10].translate(SHARED)
        assert all(to_western(symbol) == western for symbol, western in own.items())
        assert own["."] == "." and own[","] == ","
