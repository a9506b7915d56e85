"""Pictures of numbers: nothing is cut off unsaid; what is no number is labelled so."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.drawing.ink import OTHER, UNREADABLE, Ink
from ocr.drawing.numbers import nonsense
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces import paper, placing, worn
from ocr.reading import scripts
from tests.writers import texts, writer

SEEDS = st.integers(0, 2**32 - 1)

# --- surfaces ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["print, western", "print, persian", "hand, arabic"])
def test_clean_paper_is_seeded_and_cuts_no_ink_off(kind, monkeypatch):
    write = writer(kind)
    labels = numbers(20, 3) + ["1", "-", "8" * 16, "1,234,567,890.12"]
    pairs = list(paper.pictures(write, labels, 5))
    assert [scripts.to_western(label) for label, _ in pairs] == labels
    again = paper.pictures(write, labels, 5)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(pairs, again, strict=True))
    assert all(p.dtype == np.uint8 and p.ndim == 2 and min(p.shape) >= 5 for _, p in pairs)
    inks, original = [], paper._lay_out
    monkeypatch.setattr(
        paper, "_lay_out", lambda ink, rng: inks.append((ink, original(ink, rng))) or inks[-1][1]
    )
    list(paper.pictures(write, labels, 5))
    for ink, (placed, _) in inks:
        border = np.concatenate([placed[0], placed[-1], placed[:, 0], placed[:, -1]])
        assert ink.max() > 0.5 and border.max() < 0.02 and placed.max() > 0.2


@pytest.mark.parametrize("surface", ["PRINT", "PAPER", "SCREEN", "ROLL"])
def test_worn_pictures_are_seeded_and_keep_the_label(surface):
    surface, write = getattr(worn, surface), writer("print, arabic")
    pairs = list(worn.pictures(write, texts(15), 7, surface))
    again = list(worn.pictures(write, texts(15), 7, surface))
    assert [label for label, _ in pairs] == [label for label, _ in again]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(pairs, again))
    assert all(p.dtype == np.uint8 and p.ndim == 2 and min(p.shape) >= 3 for _, p in pairs)
    assert not any(UNREADABLE in label for label, _ in pairs)
    ink = write("12", np.random.default_rng(0))
    rng = np.random.default_rng(1)
    assert all(worn.picture(ink, rng, surface, ink)[0] == "١٢" for _ in range(10))


@given(st.integers(4, 600), st.integers(4, 60), SEEDS, st.floats(0, 2))
def test_ink_lies_inside_the_picture(wide, high, seed, tilt):
    ink = Ink(np.full((high, wide), 255, np.uint8), ["1"], [(0, wide)])
    matrix, size, scale = placing.place(ink, np.random.default_rng(seed), tilt)
    ends = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]]) @ matrix.T
    ends = ends[:, :2] / ends[:, 2:]
    close = placing.CLOSE * scale * max(high, min(placing.TALL, 2.5 * wide))
    least, most = ends.min(axis=0) + (0, close), ends.max(axis=0) - (0, close)
    assert scale > 0 and least.min() > -1e-6 and (most <= size).all()


def bars(slant):
    """Ink of six leaning bars beside each other, and the ink of each alone."""
    alone = np.zeros((6, 40, 220), np.uint8)
    for k, pixels in enumerate(alone):
        middle = 30 + 30 * k
        corners = [
            [middle + dx + slant * (20 - y), y] for dx, y in ((-9, 1), (9, 1), (9, 39), (-9, 39))
        ]
        cv2.fillConvexPoly(pixels, np.round(corners).astype(np.int32), 255)
    spans = [(21 + 30 * k, 40 + 30 * k) for k in range(6)]
    return Ink(alone.max(axis=0), list("012345"), spans, slant), alone


@pytest.mark.parametrize("slant", [-0.4, 0.0, 0.2, 0.5])
def test_a_cut_picture_says_so_and_keeps_the_other_digits_whole(slant):
    ink, alone = bars(slant)
    sides = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        matrix, size, _ = placing.place(ink, rng)
        moved, smaller, signs = placing.cut(ink, matrix, size, rng)
        if UNREADABLE not in signs:
            assert signs == ink.signs and smaller == size
            continue
        at_right = moved is matrix
        sides.add(at_right)
        assert signs.count(UNREADABLE) == 1 and signs[-1 if at_right else 0] == UNREADABLE
        rest = signs[:-1] if at_right else signs[1:]
        assert rest == (ink.signs[: len(rest)] if at_right else ink.signs[6 - len(rest) :])
        shares = [
            cv2.warpPerspective(pixels, moved, smaller).sum(dtype=int)
            / cv2.warpPerspective(pixels, matrix, size).sum(dtype=int)
            for pixels in alone
        ]
        assert all(shares[int(sign)] > 0.9 for sign in rest), (seed, signs, shares)
        assert any(0.1 < share < 0.9 for share in shares), (seed, signs, shares)
    assert sides == {True, False}


def test_pictures_are_cut_as_often_as_asked():
    ink, rng = bars(0.0)[0], np.random.default_rng(8)
    surface = replace(worn.PAPER, cut=1.0)
    labels = [worn.picture(ink, rng, surface)[0] for _ in range(20)]
    assert sum(UNREADABLE in label for label in labels) > 15


# --- what is no number ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["print, western", "hand, persian", "display", "rolls"])
def test_nonsense_is_labelled_as_such_and_seeded(kind):
    first, second = (
        [nonsense.nonsense(writer(kind), rng, worn.PRINT) for _ in range(15)]
        for rng in map(np.random.default_rng, (9, 9))
    )
    assert {label for label, _ in first} <= {OTHER, UNREADABLE}
    for (label, picture), (same, again) in zip(first, second):
        assert label == same and np.array_equal(picture, again)
        assert picture.dtype == np.uint8 and min(picture.shape) >= 3


@pytest.mark.parametrize("draw", [nonsense.words, nonsense.sign])
def test_writers_of_digits_alone_draw_no_words(draw):
    rng = np.random.default_rng(1)
    for kind, label in (("rolls", UNREADABLE), ("display", UNREADABLE), ("hand, arabic", OTHER)):
        assert draw(writer(kind), rng, worn.PRINT)[0] == label


@pytest.mark.parametrize("kind", ["print, western", "print, arabic", "display"])
def test_turned_numbers_contain_a_telling_digit(kind):
    inks = []
    write = lambda text, rng: inks.append(writer(kind)(text, rng)) or inks[-1]
    for seed in range(15):
        assert nonsense.turned(write, np.random.default_rng(seed), worn.PRINT)[0] == UNREADABLE
        telling = nonsense.MIRRORED | nonsense.UPSIDE_DOWN
        assert len(inks[-1].signs) >= 2 and telling & set(inks[-1].signs)
    assert not nonsense.UPSIDE_DOWN & set("012568٠١٥٧٨")  # still digits when upside down
    assert not nonsense.MIRRORED & set("018٠١٥٧٨")
