"""A second look: closer and farther inputs, which reading counts, and the contract's key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr.reading import contract_checks
from ocr.reading.decoders import REFUSED, Reading
from ocr.reading.images import fit_picture
from ocr.reading.inputs import Prepared
from ocr.reading.second_look import closer, farther, inverted, look_again

SIZE = (32, 256)
WHOLE = ("12", 0.9, (), (), True)


def prepared_of(picture):
    return Prepared(*fit_picture(Image.fromarray(picture), SIZE), picture.shape[::-1])


@pytest.mark.parametrize("look", [closer, farther])
@given(st.integers(20, 400), st.integers(24, 90))
def test_looks_keep_the_places_of_ink(look, wide, high):
    picture = np.full((high, wide), 200, np.uint8)
    left, right = wide // 4, wide // 4 + max(4, wide // 8)
    picture[high // 4 : 3 * high // 4, left:right] = 0
    again = look(prepared_of(picture))
    assert again.pixels.shape == (*SIZE, 1) and again.pixels.dtype == np.uint8
    columns = np.flatnonzero((again.pixels[:, :, 0] < 100).any(axis=0))
    near = 2 / again.placed.scale + 1
    assert again.span(columns[0], columns[-1] + 1) == pytest.approx((left, right), abs=near)


def test_closer_trims_the_frame_and_enlarges_the_digits():
    picture = np.full((32, 64), 220, np.uint8)
    picture[[0, -1]] = 0  # a frame
    picture[8:24, 20:24] = 0  # a digit of 16 rows
    dark = closer(prepared_of(picture)).pixels[:, :, 0] < 110
    assert not dark.all(axis=1).any() and dark.any(axis=1).sum() > 16


def test_farther_frees_ink_from_the_edge():
    picture = np.full((32, 64), 220, np.uint8)
    picture[:, 20:24] = 0  # a digit as high as the picture
    pixels = farther(prepared_of(picture)).pixels[:, :, 0]
    assert (pixels[[0, 1, -2, -1]] == 220).all() and (pixels < 110).any(axis=1).sum() == 26


def test_inverted_shows_light_ink_dark_and_moves_nothing():
    picture = np.full((32, 64), 30, np.uint8)
    picture[8:24, 20:24] = 240
    first = prepared_of(picture)
    again = inverted(first)
    assert (again.placed, again.size) == (first.placed, first.size)
    assert (again.pixels.astype(int) + first.pixels == 255).all()


def readings_of(*pairs):
    found = iter(pairs)
    return lambda inputs: [Reading(*next(found)) for _ in inputs]


def test_unsure_readings_are_looked_at_again_and_the_surest_counts():
    inputs = [prepared_of(np.zeros((32, 64), np.uint8))] * 3
    first = [("1", 0.9, (), (), True), ("2", 0.5, (), (), True), ("3", 0.6, (), (), True)]
    looks = ((22, 0.7), (0, 0), (23, 0.6), (33, 0.4), (5, 0.5), (9, 0.2))
    again = [(str(n), sure, (), (), True) for n, sure in looks]
    found = look_again(inputs, readings_of(*first, *again), 0.8)
    assert [(r.text, r.confidence) for r in found] == [("1", 0.9), ("22", 0.7), ("3", 0.6)]
    assert [r.text for r in look_again(inputs, readings_of(*first), 0)] == ["1", "2", "3"]


@pytest.mark.parametrize("first", [("1", 0.3, (), (), False), REFUSED])
def test_ink_that_the_first_look_cannot_read_is_not_trusted(first):
    inputs = [prepared_of(np.zeros((32, 64), np.uint8))]
    assert not look_again(inputs, readings_of(first, WHOLE, WHOLE, WHOLE), 0.8)[0].trusted
    sure = ("1", 0.3, (), (), True)
    assert look_again(inputs, readings_of(sure, first, first, WHOLE), 0.8)[0] == Reading(*WHOLE)


@pytest.mark.parametrize("below", [-0.1, 1.5, "0.8", None])
def test_the_contract_takes_numbers_from_0_to_1(below):
    decoding = {"blank": 0, "time_steps": 64, "lengths": None, "second_look": below}
    with pytest.raises(ValueError, match="second_look must be a number 0..1"):
        contract_checks.KINDS["ctc"](decoding)


def test_placement_of_a_picture_narrower_than_the_input():
    prepared = prepared_of(np.zeros((64, 128), np.uint8))
    assert closer(prepared).placed.scale == pytest.approx(0.5 * 32 / 26)
    assert farther(prepared).placed.scale == pytest.approx(0.5 * 32 / 40)
