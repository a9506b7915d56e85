"""Ink detection: thresholds, polarity, colours of equal brightness, blank pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.drawing import symbols
from ocr.reading.ink import binary, character_ink, ink_box, otsu, paper_is_light
from ocr.reading.inputs import with_binary
from tests.samples import cross

colours = st.tuples(*[st.integers(0, 255)] * 3)


def test_otsu_separates_two_levels_in_the_middle():
    assert otsu(np.bincount([10, 10, 200], minlength=256)) == 104
    assert 0 <= otsu(np.bincount([7] * 9, minlength=256)) <= 255


def test_otsu_of_many_histograms_equals_that_of_each():
    counts = np.random.default_rng(0).integers(0, 50, (4, 3, 256))
    alone = [[otsu(histogram) for histogram in row] for row in counts]
    assert np.array_equal(otsu(counts), alone)


def test_the_border_decides_which_part_is_paper():
    frame = np.ones((9, 9), bool)
    frame[1:-1, 1:-1] = False
    assert paper_is_light(frame) and not paper_is_light(~frame)  # though the middle is larger
    half = np.zeros((4, 8), bool)
    half[:, :4] = True
    half[1, 4] = True  # the border is half light: the larger part is paper
    assert paper_is_light(half) and not paper_is_light(~half)
    assert paper_is_light(np.stack([frame, ~frame])).tolist() == [True, False]


def test_the_box_of_ink_ignores_specks():
    ink = np.zeros((60, 60), np.uint8)
    ink[20:40, 10:50] = 255
    ink[2, 3] = 255
    assert ink_box(ink) == (10, 20, 50, 40)


def test_a_flat_character_has_no_ink():
    assert character_ink(np.full((3, 3), 7, np.uint8)).max() == 0
    faint = np.full((9, 9), 100, np.uint8)
    faint[4, 4] = 108
    assert character_ink(faint).max() == 0


@settings(max_examples=200, deadline=None)
@given(colours, colours)
def test_binary_ink_is_white_whatever_the_colours(ink, paper):
    pixels, where = cross(ink, paper)
    if np.abs(np.subtract(ink, paper)).max() >= 6:  # far enough apart
        assert np.array_equal(binary(pixels[None])[0, :, :, 0], where * np.uint8(255))


def test_red_on_green_of_the_same_brightness_is_separated():
    pixels, where = cross((200, 0, 0), (0, 102, 0), noise=4)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    assert np.ptp(grey[where].mean() - grey[~where].mean()) < 2  # equal in a grey picture
    assert np.array_equal(binary(pixels[None])[0, :, :, 0] > 0, where)


def test_binary_of_grey_pictures_agrees_with_otsu_of_opencv():
    for seed, (_, picture) in enumerate(symbols.signs("aB3xQ7" * 5, seed=3)):
        level = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        stretched = np.round((level.astype(float) - level.min()) * 255 / np.ptp(level))
        _, expected = cv2.threshold(
            stretched.astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU
        )
        ours = binary(np.repeat(level[None, :, :, None], 3, axis=3))[0, :, :, 0]
        same = (ours == expected).mean()
        assert max(same, 1 - same) > 0.99, seed  # apart from the polarity


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_picture_of_one_colour_has_no_ink(value):
    assert binary(np.full((1, 30, 40, 3), value, np.uint8)).max() == 0


def test_a_batch_is_binarised_as_each_image_alone():
    pictures = np.stack([picture for _, picture in symbols.signs("abcDEF12" * 4, seed=1)])
    alone = np.concatenate([with_binary(picture[None]) for picture in pictures])
    assert np.array_equal(with_binary(pictures), alone)
