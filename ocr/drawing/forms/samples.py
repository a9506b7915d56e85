"""Sample forms: two meter-reading cards, and any number of others that no template fits."""

import re

import numpy as np

from ocr.drawing.forms.sheets import CELL, GREY, Sheet

WORDS = re.findall(
    r"\w+",
    """
    name date street number city total amount reading customer meter invoice order signature
    department remarks telephone account branch delivery weight quantity price discount tax
    family given birth place country employer policy claim period from until approved
    """,
)


def meter_card() -> Sheet:
    """Draw a meter-reading card, A4, with Western combs."""
    sheet = Sheet("meter", (210, 297), _meter_values, rules=["day + night = total"])
    sheet.text(20, 20, "Meter reading card", 7, bold=True)
    sheet.text(20, 29, "Northfield Municipal Works, Electricity Department", 3.4)
    sheet.text(20, 35, "Please write clearly, one digit in each box, and send the card back.", 3)
    sheet.line(20, 40, 190, 40, 0.5)
    number = {"reader": "numbers", "script": "western"}
    count = number | {"type": "integer", "required": True}
    for y, label, name, cells, more in (
        (48, "Customer number (on your bill)", "customer", 8, {"check": "luhn"}),
        (68, "Meter number", "meter", 7, {}),
        (88, "Read on (day, month, year)", "read_on", 8, {"type": "date"}),
        (116, "Reading by day, kWh", "day", 6, {}),
        (136, "Reading by night, kWh", "night", 6, {}),
        (156, "Day and night together, kWh", "total", 7, {}),
    ):
        sheet.text(20, y, label)
        facts = {"name": name} | count | more
        sheet.comb(20, y + 3, cells, **_typed(facts))
    sheet.text(110, 48, "Amount paid")
    sheet.box(110, 51, 60, 11, name="amount", **number, type="amount", format="0.00")
    sheet.text(110, 68, "Telephone")
    sheet.ruled(110, 70, 70, 11, name="telephone", **number, type="integer")
    for y, label, name in (
        (116, "I have read the meter myself", "self_read"),
        (128, "The meter was changed this year", "changed"),
        (140, "I have moved", "moved"),
    ):
        sheet.box(110, y - 2.5, 5, 5, name=name, reader="check")
        sheet.text(119, y, label)
    sheet.text(20, 190, "How to read your meter", 4, bold=True)
    _paragraph(
        sheet,
        20,
        197,
        [
            "1. Read the black digits from left to right; leave out the red ones.",
            "2. Day and night have a counter each. Write noughts at the left as they are shown.",
            "3. Add both counters. If the sum is wrong we will call you at the number above.",
            "4. A changed meter has a new number: it is printed under the bar code.",
            "Readings that reach us by the tenth of the month count for the next bill.",
        ],
    )
    sheet.frame(20, 235, 170, 30, 0.4)
    sheet.text(24, 241, "For office use only", 3, ink=GREY)
    sheet.line(75, 235, 75, 265)
    sheet.line(130, 235, 130, 265)
    sheet.text(20, 275, "Form NMW-17, edition 3. Questions: counter 4, Monday to Friday.", 2.6)
    return sheet


def arabic_card() -> Sheet:
    """Draw a meter-reading form, A4, in Arabic, for Arabic-Indic digits."""
    sheet = Sheet("arabic", (210, 297), _arabic_values, True, ["present - previous = used"])
    sheet.text(190, 22, "بطاقة قراءة عداد المياه", 7, bold=True)
    sheet.text(190, 32, "شركة المياه والصرف الصحي - إدارة الاشتراكات", 3.6)
    sheet.text(190, 39, "يرجى كتابة رقم واحد في كل خانة ثم إعادة البطاقة إلى المكتب", 3.2)
    sheet.line(20, 45, 190, 45, 0.5)
    number = {"reader": "numbers", "script": "arabic"}
    for y, label, name, cells, more in (
        (56, "رقم المشترك", "subscriber", 7, {}),
        (76, "رقم العداد", "meter", 6, {}),
        (96, "تاريخ القراءة: يوم / شهر / سنة", "read_on", 8, {"type": "date"}),
        (124, "القراءة الحالية (متر مكعب)", "present", 6, {}),
        (144, "القراءة السابقة (متر مكعب)", "previous", 6, {}),
        (164, "الاستهلاك", "used", 5, {}),
    ):
        sheet.text(190, y, label, 3.8)
        facts = {"name": name, **number, "type": "integer", "required": True} | more
        sheet.comb(190 - cells * CELL[0], y + 3.5, cells, **_typed(facts))
    sheet.text(90, 56, "المبلغ المدفوع", 3.8)
    sheet.box(30, 59.5, 60, 11, name="amount", **number, type="amount", format="0.00")
    for y, label, name in ((80, "قرأت العداد بنفسي", "self_read"), (92, "تغيّر العداد", "changed")):
        sheet.box(85, y - 2.5, 5, 5, name=name, reader="check")
        sheet.text(81, y, label, 3.6)
    _paragraph(
        sheet,
        190,
        200,
        [
            "تكتب الأرقام من اليسار إلى اليمين كما تظهر على العداد.",
            "الاستهلاك هو الفرق بين القراءة الحالية والقراءة السابقة.",
            "إذا كان العداد مكسوراً يرجى الاتصال بالمكتب قبل نهاية الشهر.",
            "لا تكتب في هذا الجزء من البطاقة، فهو مخصص للمكتب.",
        ],
    )
    sheet.frame(20, 240, 170, 26, 0.4)
    sheet.line(105, 240, 105, 266)
    return sheet


def _typed(facts: dict) -> dict:
    return facts | {"format": "dd/mm/yyyy"} if facts["type"] == "date" else facts


def _paragraph(sheet: Sheet, x: float, y: float, lines: list[str]) -> None:
    for number, text in enumerate(lines):
        sheet.text(x, y + 6 * number, text, 3)


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _luhn_digit(number: str) -> str:
    """Compute the check digit to append to a number (Luhn 1960)."""
    digits = [int(c) for c in number]
    return str(-(sum(sum(divmod(2 * d, 10)) for d in digits[::-2]) + sum(digits[-2::-2])) % 10)


def _day(rng: np.random.Generator) -> str:
    return f"{rng.integers(1, 29):02}/{rng.integers(1, 13):02}/{rng.integers(2015, 2030)}"


def _ticks(rng: np.random.Generator, *names: str) -> dict[str, str]:
    return {name: str(int(rng.random() < 0.4)) for name in names}


def _meter_values(rng: np.random.Generator) -> dict[str, str]:
    day, night, number = *map(int, rng.integers(0, 10**6, 2)), _digits(rng, 7)
    return {
        "customer": number + _luhn_digit(number),
        "meter": _digits(rng, 7),
        "read_on": _day(rng),
        "day": f"{day:06}",
        "night": f"{night:06}",
        "total": f"{day + night:07}",
        "amount": f"{rng.integers(1, 200_000) / 100:.2f}",
        "telephone": f"0{_digits(rng, int(rng.integers(7, 11)))}",
        **_ticks(rng, "self_read", "changed", "moved"),
    }


def _arabic_values(rng: np.random.Generator) -> dict[str, str]:
    previous, used = int(rng.integers(0, 900_000)), int(rng.integers(0, 99_999))
    return {
        "subscriber": _digits(rng, 7),
        "meter": _digits(rng, 6),
        "read_on": _day(rng),
        "present": f"{previous + used:06}",
        "previous": f"{previous:06}",
        "used": f"{used:05}",
        "amount": f"{rng.integers(1, 200_000) / 100:.2f}",
        **_ticks(rng, "self_read", "changed"),
    }


# --- other forms


def other_form(rng: np.random.Generator) -> Sheet:
    """Draw a form of no template: title, paragraphs, tables, combs, boxes, at random."""
    sheet = Sheet("other", (210, 297), lambda rng: {})
    some = lambda count: " ".join(rng.choice(WORDS, count)).capitalize()
    sheet.text(20, 20, some(3), float(rng.uniform(4, 8)), bold=True)
    y = float(rng.uniform(30, 45))
    while y < 265:
        kind = rng.choice(["text", "table", "comb", "box", "ruled"])
        x = float(rng.choice([20, 20, 110]))
        sheet.text(x, y, some(int(rng.integers(2, 5))), 3.2)
        y += 4
        if kind == "comb":
            sheet.comb(x, y, int(rng.integers(3, 11)), name="x")
            y += 16
        elif kind == "box":
            sheet.box(x, y, float(rng.uniform(30, 75)), 10, name="x")
            y += 16
        elif kind == "ruled":
            sheet.ruled(x, y, float(rng.uniform(30, 75)), 10, name="x")
            y += 15
        elif kind == "table":
            y = _table(sheet, y, rng)
        else:
            lines = [some(int(rng.integers(5, 9))) for _ in range(int(rng.integers(1, 5)))]
            _paragraph(sheet, 20, y, lines)
            y += 6 * len(lines) + 4
    return sheet


def _table(sheet: Sheet, y: float, rng: np.random.Generator) -> float:
    rows, columns = int(rng.integers(2, 6)), int(rng.integers(2, 6))
    high, wide = float(rng.uniform(7, 10)), 170 / columns
    for row in range(rows + 1):
        sheet.line(20, y + row * high, 190, y + row * high)
    for column in range(columns + 1):
        sheet.line(20 + column * wide, y, 20 + column * wide, y + rows * high)
    for column in range(columns):
        sheet.text(22 + column * wide, y + high / 2, str(rng.choice(WORDS)), 3)
    return y + rows * high + 8
