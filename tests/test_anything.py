"""Test "any": which reader is chosen, what is trusted; lines and numbers found in a picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.cli import main
from ocr.drawing import symbols
from ocr.paths import MODELS, PACKAGE
from ocr.reading.anything import AnyReader, Kinds, View, choose, describe, reads, same_as
from ocr.reading.contract import ReaderError
from ocr.reading.decoders import Reading
from ocr.reading.images import ImageError, Placed
from ocr.reading.inputs import Prepared
from ocr.reading.parts import box, parts
from ocr.reading.reader import Reader
from ocr.serving.processes.jobs import Job, Options, Upload
from tests.test_app import png

NAMES = ("captcha", "char_cnn", "cnn_lstm", "dual_input", "numbers")


@pytest.fixture(scope="module")
def readers():
    return {name: Reader.load(MODELS / name) for name in NAMES}


def test_what_readers_read_comes_from_their_contracts(readers):
    assert [reads(reader) for reader in readers.values()] == [
        "code",
        "handwriting",
        "handwriting",
        "character",
        "number",
    ]
    assert same_as(readers) == {"cnn_lstm": "char_cnn"}
    assert "cnn_lstm" not in AnyReader(readers).readers
    assert same_as({"cnn_lstm": readers["cnn_lstm"]}) == {}
    assert [one["same_as"] for one in describe(readers)] == [None, None, "char_cnn", None, None]


def view(reads, text, confidence, trusted=False, script=None, **fits):
    how = {"shaped": True, "single": True} | fits
    reading = Reading(text, confidence, trusted=trusted, script=script)
    return View(reads, reads, **how, reading=reading)


A_NUMBER, A_CHARACTER = Kinds(0.95, 0.03, 0.02), Kinds(0.03, 0.95, 0.02)
EITHER, NEITHER = Kinds(0.49, 0.49, 0.02), Kinds(0.02, 0.03, 0.95)


@pytest.mark.parametrize(
    ("kinds", "views", "chosen", "trusted"),
    [
        (A_NUMBER, [], None, False),
        (A_NUMBER, [view("number", "12.50", 0.97, True)], "number", True),
        (A_NUMBER, [view("number", "12.50", 0.6)], "number", False),
        # neither the network nor a reader knows it; both must doubt
        (NEITHER, [view("number", "12.50", 0.6)], None, False),
        (NEITHER, [view("character", "R", 0.9, True)], None, False),
        (A_NUMBER, [view("number", "12.50", 0.02)], None, False),
        # a code by its reader and its shape
        (
            NEITHER,
            [view("code", "2345b", 0.9, True), view("number", "2345", 0.95, True)],
            "code",
            True,
        ),
        (NEITHER, [view("code", "2345b", 0.9, True, shaped=False)], None, False),
        # one character
        (A_CHARACTER, [view("character", "R", 0.97, True)], "character", True),
        (A_CHARACTER, [view("character", "R", 0.97, True, single=False)], None, False),
        (
            A_CHARACTER,
            [view("character", "r", 0.6), view("handwriting", "R", 0.7)],
            "handwriting",
            False,
        ),
        # one digit is both: the number is given where a reader of characters agrees
        (
            EITHER,
            [view("number", "7", 0.98, True, "western"), view("handwriting", "7", 0.9)],
            "number",
            True,
        ),
        (EITHER, [view("number", "7", 0.98, True, "western")], "number", True),
        (
            EITHER,
            [view("number", "7", 0.98, True, "western"), view("character", "Z", 0.9, True)],
            "character",
            False,
        ),
        (
            A_CHARACTER,
            [view("number", "0", 0.98, True, "western"), view("handwriting", "O", 0.97, True)],
            "handwriting",
            True,
        ),
        # digits that no reader of characters knows, and letters that look like them
        (A_NUMBER, [view("number", "7", 0.98, True, "persian")], "number", True),
        (
            A_NUMBER,
            [view("number", "7", 0.98, True, "persian"), view("character", "V", 0.6)],
            "number",
            True,
        ),
        (
            A_CHARACTER,
            [view("number", "7", 0.98, True, "persian"), view("character", "V", 0.99, True)],
            "character",
            True,
        ),
        (
            EITHER,
            [view("number", "7", 0.98, True, "persian"), view("character", "V", 0.9, True)],
            "character",
            False,
        ),
        # several digits against one character
        (
            A_CHARACTER,
            [view("number", "11", 0.6), view("character", "H", 0.97, True)],
            "character",
            True,
        ),
    ],
)
def test_the_reader_that_a_picture_suits_is_chosen(kinds, views, chosen, trusted):
    assert choose(views, kinds) == (chosen, trusted)


def test_pictures_are_read_by_the_reader_they_suit(readers):
    reader = AnyReader(readers)
    number = PACKAGE / "serving" / "static" / "examples" / "western.png"
    found = reader.read(number, top=2, spans=True)
    assert (found.reader, found.text, found.trusted) == ("numbers", "12/03/2024", True)
    sign = next(iter(symbols.signs("R", 4)))[1]
    assert reader.read(sign)[:1] + (reader.read(sign).reader,) == ("R", "dual_input")
    noise = np.random.default_rng(0).integers(0, 256, (60, 200), np.uint8)
    refused = reader.read(noise)
    assert (refused.text, refused.confidence, refused.reader) == ("", 0.0, None)
    with pytest.raises(ImageError, match="no ink"):
        AnyReader({"numbers": readers["numbers"]}).read(np.full((40, 90), 255, np.uint8))


def test_readers_that_cannot_take_a_pattern_are_left_out(readers):
    reader = AnyReader(readers)
    assert list(reader.options(pattern="dd/dd").each) == ["numbers"]
    assert list(reader.options(script="arabic").each) == ["numbers"]
    with pytest.raises(ReaderError, match="alphabet"):
        reader.options(pattern="€")


def test_the_command_reads_anything(capsys):
    example = PACKAGE / "serving" / "static" / "examples" / "western.png"
    assert main(["read", "--model", "any", "--format", "csv", str(example)]) == 0
    assert ",12/03/2024," in capsys.readouterr().out
    assert main(["read", "--model", "any", "--pattern", "€", str(example)]) == 2


# --- parts


def sheet(lines, rules=False, columns=False):
    """Print lines of numbers, 230 pixels from one to the next, with ruled lines."""
    picture = Image.new("L", (520, 40 + 70 * len(lines)), 245)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(36)
    bottom = 20 + 70 * len(lines)
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            pen.text((30 + 230 * column, 25 + 70 * row), text, 20, font)
    if rules:
        for y in range(20, bottom + 1, 70):
            pen.line((5, y, 515, y), 60, 2)
    if columns:
        for x in (5, 230, 515):
            pen.line((x, 20, x, bottom), 60, 2)
    return picture


TWO = [["12.50", "714"], ["48213", "3.99"]]


@pytest.mark.parametrize(("rules", "columns"), [(False, False), (True, False), (True, True)])
def test_lines_and_numbers_are_found_on_blank_and_ruled_paper(rules, columns):
    found = parts(sheet(TWO, rules, columns))
    assert [len(line) for line in found] == [2, 2]
    (first, second), (third, _) = found
    assert first[2] < second[0] and first[3] <= third[1] + 20
    assert first[0] <= 32 and 100 < first[2] < 200 and 20 <= first[1] < 40


@pytest.mark.parametrize("text", ["12.50", "48 213", "1111", "1"])
def test_one_number_is_one_part(text):
    assert [len(line) for line in parts(sheet([[text]]))] == [1]


def test_a_blank_picture_has_no_parts():
    assert parts(Image.new("L", (90, 40), 255)) == []


def test_several_numbers_are_read_one_by_one(readers):
    picture = png(sheet(TWO, True, True))
    asked, default, whole = Job(
        [
            Upload("a", picture, Options(split=True)),
            Upload("a", picture),
            Upload("a", picture, Options("numbers")),
        ]
    ).run(readers)
    assert asked == default
    assert asked["text"] == "12.50 714\n48213 3.99" and asked["trusted"]
    assert [part["text"] for part in asked["parts"]] == ["12.50", "714", "48213", "3.99"]
    assert "parts" not in whole
    cropped = Upload("a", picture, Options("numbers", split=True), (0, 0, 520, 85))
    (found,) = Job([cropped]).run(readers)
    assert found["text"] == "12.50 714" and found["height"] == 180


def test_the_box_is_where_the_network_looked():
    placed = Placed(0.5, 10, 4, 40, 20)  # of a picture of 200 x 100, scaled to half
    found = box(Prepared(np.zeros((32, 64, 1), np.uint8), placed, (200, 100)), (32, 64))
    assert found == (4.0, 4.0, 80.0, 40.0)
