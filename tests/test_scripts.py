"""Numbers in other scripts become Western ones."""

import pytest

from ocr.reading.scripts import to_western


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
