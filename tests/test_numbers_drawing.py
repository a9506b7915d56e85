"""Writers of numbers: seeded, the label is what is written, no sign loses its ink."""

import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.drawing.fonts import faces
from ocr.drawing.ink import OPEN, OTHER, Ink, Part, compose, kept, split
from ocr.drawing.numbers import amounts, displays, handwriting, printing, strokes
from ocr.drawing.numbers.printing import dotted, press
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces import worn
from ocr.reading import scripts
from ocr.reading.scripts import NUMBERS, SCRIPTS
from tests.writers import WRITERS, texts, writer

SEEDS = st.integers(0, 2**32 - 1)

# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(1, 1), (16, 16), (3, 10)])
def test_numbers_have_the_lengths_and_signs_asked_for(lengths):
    found = numbers(300, 1, lengths)
    assert {len(n) for n in found} == set(range(lengths[0], lengths[1] + 1))
    assert set("".join(found)) <= set(NUMBERS)
    assert all(any(c.isdigit() for c in n) for n in found)
    assert not any(re.search(r"[./,-]{2}", n) for n in found)
    assert set("".join(numbers(300, 1, lengths, "."))) <= set("0123456789.")
    assert found == numbers(300, 1, lengths) != numbers(300, 2, lengths)


@given(SEEDS, st.booleans())
def test_amounts_are_numbers_with_marked_foreign_signs(seed, arabic):
    found = amounts.amounts(5, seed, 0.5, arabic)
    assert found == amounts.amounts(5, seed, 0.5, arabic)
    for text in found:
        bare = [piece for piece in split(text) if piece[0] != OPEN]
        assert set(bare) <= set(NUMBERS) | {" "} and any(c.isdigit() for c in bare)
        assert "".join(split(text)) == text.replace("›", "")


# --- ink -----------------------------------------------------------------------------------------


@st.composite
def some_parts(draw):
    count, rng = draw(st.integers(1, 6)), np.random.default_rng(draw(SEEDS))
    return [
        Part(
            str(k), rng.integers(1, 256, rng.integers(2, 30, 2), np.uint8), *rng.uniform(-40, 90, 2)
        )
        for k in range(count)
    ]


@given(some_parts())
def test_composed_ink_has_every_part(parts):
    ink = compose(parts)
    x0, y0 = (min(round(getattr(part, side)) for part in parts) for side in ("left", "top"))
    for part, (left, right) in zip(parts, ink.spans):
        assert (left, right) == (
            round(part.left) - x0,
            round(part.left) - x0 + part.pixels.shape[1],
        )
        top = round(part.top) - y0
        spot = ink.pixels[top : top + part.pixels.shape[0], left:right]
        assert spot.shape == part.pixels.shape and (spot >= part.pixels).all()
    assert ink.signs == [part.sign for part in parts] and ink.label == "".join(ink.signs)
    assert ink.pixels.any(axis=0)[[0, -1]].all() and ink.pixels.any(axis=1)[[0, -1]].all()


@pytest.mark.parametrize("kind", WRITERS)
def test_each_sign_of_a_number_adds_ink(kind, monkeypatch):
    """Compare the ink with and without each part, however signs are joined."""
    composed = []
    for module in (printing, handwriting, displays):
        monkeypatch.setattr(
            module, "compose", lambda parts: composed.append(list(parts)) or compose(parts)
        )
    rng = np.random.default_rng(3)
    for text in texts(25, 3):
        ink = writer(kind)(text, rng)
        parts = composed[-1]
        whole = compose(parts).pixels.sum(dtype=int)
        ends = [part._replace(pixels=0 * part.pixels) for part in parts]  # for the same strip
        for k, part in enumerate(parts):
            less = compose([*parts[:k], ends[k], *parts[k + 1 :]]).pixels.sum(dtype=int)
            assert whole - less > 0.25 * part.pixels.sum(dtype=int), (text, part.sign)
        assert ink.label == "".join(part.sign for part in parts), text


@pytest.mark.parametrize("kind", WRITERS)
def test_spans_are_in_order_and_hold_ink(kind):
    rng = np.random.default_rng(4)
    for text in texts(25, 4):
        ink = writer(kind)(text, rng)
        assert ink.pixels.dtype == np.uint8 and len(ink.spans) == len(ink.signs)
        middles = [left + right for left, right in ink.spans]
        assert middles == sorted(middles), text
        assert all(0 <= left < right <= ink.pixels.shape[1] for left, right in ink.spans), text
        if not ink.slant:
            assert all(ink.pixels[:, left:right].max() > 60 for left, right in ink.spans), text


@pytest.mark.parametrize("kind", WRITERS)
def test_a_seed_decides_every_pixel(kind):
    first, again, other = (
        [writer(kind)(text, rng) for text in texts(5)]
        for rng in map(np.random.default_rng, (5, 5, 6))
    )
    for one, two in zip(first, again, strict=True):
        assert one[1:] == two[1:] and np.array_equal(one.pixels, two.pixels)
    assert not all(np.array_equal(one.pixels, two.pixels) for one, two in zip(first, other))


# --- labels --------------------------------------------------------------------------------------


def expected(text, table):
    """The label of a text: foreign runs are one sign each, spaces dropped."""
    pieces = (piece for piece in split(text) if piece != " ")
    return "".join(OTHER if piece[0] == OPEN else table[piece] for piece in pieces)


@pytest.mark.parametrize("how", ["print", "hand"])
@pytest.mark.parametrize("script", SCRIPTS)
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_the_label_is_what_is_written(how, script, seed):
    own = dict(zip(NUMBERS, scripts.own_digits(script) + SCRIPTS[script][10:]))
    for separators, table in ((1.0, own), (0.0, own | {".": "."})):
        rng = np.random.default_rng(seed)
        text = amounts.amount(rng, 0.5)
        ink = writer(f"{how}, {script}", separators)(text, rng)
        assert ink.label == expected(text, table)
        assert set(ink.label) <= set(scripts.SYMBOLS + OTHER)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_displays_and_rolls_label_the_signs_they_have(seed):
    rng = np.random.default_rng(seed)
    text = amounts.amount(rng, 0.5)
    digits_only = re.sub(r"‹.*?›|[^0-9]", "", text)
    shown = re.sub(r"‹.*?›|[^0-9.,-]", "", text).replace(",", ".")
    assert writer("display")(text, rng).label == shown
    assert writer("rolls")(text, rng).label == digits_only


@pytest.mark.parametrize("script", ["western", "arabic", "persian"])
def test_the_first_character_is_on_the_left(script):
    """Catch a number that is written from right to left, or reordered at its separators."""
    family = "open_sans" if script == "western" else "noto_kufi_arabic"
    write = press(script, [str(file) for file in faces((family,), script)[:1]])
    for label in ("1888", "18/88", "1-8-8", "1.88", "3,777"):
        # one seed: the same face, weight and stroke for the whole and for its first character
        inks = (write(text, np.random.default_rng(1)).pixels for text in (label, label[0]))
        whole, first = (ink.astype(np.float32) / 255 for ink in inks)
        left = whole[:, : first.shape[1]]
        rows = np.flatnonzero(left.max(axis=1) > 0.2)
        left = cv2.resize(left[rows[0] : rows[-1] + 1], first.shape[::-1])
        last = cv2.resize(whole[:, -first.shape[1] :], first.shape[::-1])
        assert np.abs(left - first).mean() < 0.12 < np.abs(last - first).mean(), label


def test_each_script_has_its_own_digits():
    """Compare Arabic and Persian 4, 5 and 6, and the zeros of Arabic and Western digits."""
    inks = {}
    for script in SCRIPTS:
        write = press(script, faces(("amiri",), script)[:1])
        inks[script] = {c: write(c, np.random.default_rng(4)).pixels / 255 for c in "0123456789"}
    for c in "456":
        a, p = inks["arabic"][c], inks["persian"][c]
        assert a.shape != p.shape or np.abs(a - p).mean() > 0.05
    assert inks["arabic"]["0"].shape[0] < 0.5 * inks["western"]["0"].shape[0]  # a dot
    assert len({ink.shape for ink in inks["western"].values()}) > 3


def test_fonts_without_a_sign_are_skipped():
    without, having = faces(("tajawal",), "arabic"), faces(("noto_kufi_arabic",), "persian")
    with pytest.raises(ValueError, match="no font given has all characters") as failed:
        press("persian", without)("4", np.random.default_rng(0))
    assert "\n" not in str(failed.value)
    assert press("persian", without + having)("4", np.random.default_rng(0)).label == "۴"
    for write in (
        lambda: press("western", [])("4", np.random.default_rng(0)),
        lambda: displays.rolls([]),
    ):
        with pytest.raises(ValueError, match="no font given has all characters"):
            write()


# --- thin and missing ink ------------------------------------------------------------------------


def thin_and_thick():
    """A sign of a thin, faint line between two thick ones."""
    pixels = np.zeros((36, 60), np.uint8)
    pixels[:, 2:14] = pixels[:, 46:58] = 255
    pixels[4:30, 30] = 120
    return Ink(pixels, ["1", "2", "3"], [(2, 14), (30, 31), (46, 58)])


def test_a_matrix_of_dots_keeps_every_sign():
    for seed in range(40):
        ink = dotted(thin_and_thick(), np.random.default_rng(seed))
        assert ink.label == "123"
        assert all(ink.pixels[:, left:right].any() for left, right in ink.spans), seed


def test_thin_strokes_are_not_thinned_away():
    assert not handwriting._thick_enough(thin_and_thick())
    assert handwriting._thick_enough(Ink(thin_and_thick().pixels, ["1", "3"], [(2, 14), (46, 58)]))


@pytest.mark.parametrize("kind", ["print, arabic", "hand, western"])
def test_missing_dots_never_erase_a_sign(kind):
    rng, worst = np.random.default_rng(6), []
    for text in texts(60, 6):
        ink = writer(kind)(text, rng)
        found = worn._with_missing_dots(ink, rng)
        assert found[1:] == ink[1:] and (found.pixels <= ink.pixels).all()
        worst.append(kept(found.pixels, ink.pixels, ink.spans).min())
    assert 0.4 <= min(worst) < 0.8


def test_the_share_of_kept_ink_is_that_of_each_span():
    before = thin_and_thick()
    after = before.pixels.copy()
    after[:18, 2:14], after[:, 46:58] = 0, 0
    assert kept(after, before.pixels, before.spans) == pytest.approx([0.5, 1, 0])
    assert kept(after, after, before.spans) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("sign", strokes.SHAPES)
def test_pen_strokes_have_ink_and_proportions(sign):
    for shape in range(len(strokes.SHAPES[sign])):
        ink, top = strokes.stroke_sign(sign, shape, np.random.default_rng(shape), 3.0)
        assert ink.dtype == np.uint8 and ink.max() == 255
        height, width = (int(np.ptp(np.flatnonzero((ink > 128).any(axis=k)))) + 1 for k in (1, 0))
        if sign.isdigit():
            assert 0.7 < height / strokes.HEIGHT < 1.35, (sign, shape)
            assert 0.02 < width / height < 1.25, (sign, shape)
            assert abs(top - np.flatnonzero((ink > 128).any(axis=1))[0]) < 0.35 * strokes.HEIGHT
        else:
            assert 2 <= height < 1.5 * strokes.HEIGHT and 2 <= width < 1.2 * strokes.HEIGHT
