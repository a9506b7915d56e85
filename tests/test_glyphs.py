"""One character on its way to EMNIST's form: polarity, centring, and what passes unchanged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import utils
from ocr.datasets import emnist
from ocr.reading import glyphs
from ocr.reading.glyphs import SIZE, glyph, is_emnist_form, otsu
from ocr.reading.images import ImageError


def stroke(width, height, left, top, size, ink, paper, noise=0, seed=0):
    """A picture with an L of `size` pixels at (left, top)."""
    pixels = np.full((height, width), paper, float)
    thick = max(2, size // 6)
    pixels[top : top + size, left : left + thick] = ink
    pixels[top + size - thick : top + size, left : left + size // 2] = ink
    pixels += np.random.default_rng(seed).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


places = st.tuples(
    st.integers(12, 90), st.floats(0, 1), st.floats(0, 1), st.integers(0, 90), st.integers(165, 255)
)


def drawn(size, right, down, dark, light, noise=3, swapped=False):
    width, height = size * 2 + 20, size * 2 + 30
    left, top = 4 + int(right * (width - size - 8)), 4 + int(down * (height - size - 8))
    ink, paper = (light, dark) if swapped else (dark, light)
    return stroke(width, height, left, top, size, ink, paper, noise)


@settings(max_examples=40, deadline=None)
@given(places)
def test_dark_on_light_is_light_on_dark(place):
    size, right, down, dark, light = place
    picture = drawn(*place)
    inverted = Image.fromarray(255 - np.asarray(picture))
    a, b = glyph(picture)[0], glyph(inverted)[0]
    assert np.abs(a.astype(int) - b).max() <= 6
    assert a[0].max() < 60 and a.max() == 255  # light ink on black


@settings(max_examples=40, deadline=None)
@given(places)
def test_ink_is_centred_and_fills_the_frame_wherever_and_however_large_it_was(place):
    pixels = glyph(drawn(*place))[0][:, :, 0] > 100
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 22 <= max(tall, wide) <= 26
    assert abs(rows[0] + rows[-1] - SIZE + 1) <= 3 and abs(columns[0] + columns[-1] - SIZE + 1) <= 3


@settings(max_examples=20, deadline=None)
@given(places)
def test_its_own_output_passes_unchanged(place):
    once = glyph(drawn(*place, noise=0))[0]
    assert is_emnist_form(once[:, :, 0]) and np.array_equal(
        glyph(Image.fromarray(once[:, :, 0]))[0], once
    )


def test_images_of_the_data_set_pass_unchanged():
    path, _ = utils.find_emnist("bymerge")
    images = emnist.load_emnist(path, "bymerge", "test").images[:2000]
    assert (
        np.mean([np.array_equal(glyph(Image.fromarray(i[:, :, 0]))[0], i) for i in images]) > 0.995
    )


def test_what_is_not_in_form_is_brought_to_it():
    small = np.zeros((28, 28), np.uint8)
    small[3:12, 3:5] = 255  # black ground, but small and in a corner
    assert not is_emnist_form(small) and is_emnist_form(glyph(Image.fromarray(small))[0][:, :, 0])
    assert not is_emnist_form(255 - small) and not is_emnist_form(np.zeros((28, 28), np.uint8))
    assert not is_emnist_form(np.zeros((32, 32), np.uint8))


def test_a_nist_page_comes_out_as_emnist_made_it():
    """128 x 128, one bit: blurred, cropped to the ink, two pixels of margin, bicubic, stretched."""
    pixels, placed = glyph(stroke(128, 128, 40, 30, 60, 0, 255))
    ink = pixels[:, :, 0] > 100
    rows = np.flatnonzero(ink.any(axis=1))
    assert (rows[0], rows[-1]) == (2, 25) and pixels.max() == 255
    assert np.count_nonzero((pixels > 20) & (pixels < 235)) > 0  # soft edges
    assert placed.scale == pytest.approx(24 / 60, rel=0.05)
    assert 40 * placed.scale + placed.left == pytest.approx(
        8, abs=1
    )  # the L is half as wide as high


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_without_ink_is_refused(value):
    faint = np.random.default_rng(0).integers(value // 2, value // 2 + 4, (40, 50)).astype(np.uint8)
    for picture in (
        Image.new("L", (50, 40), value),
        Image.new("RGB", (28, 28), (value,) * 3),
        Image.fromarray(faint),
    ):
        with pytest.raises(ImageError, match="no ink to be seen"):
            glyph(picture)


def test_colour_and_size_do_not_matter():
    page = stroke(200, 160, 60, 40, 80, 30, 220)
    red = Image.merge("RGB", [page.point(lambda v: min(255, v + 60)), page, page])
    large = page.resize((2000, 1600), Image.Resampling.BICUBIC)
    a = glyph(page)[0].astype(int)
    for other in (red, large):
        assert np.abs(glyph(other)[0] - a).mean() < 12


def test_otsu_parts_two_levels_in_the_middle():
    assert otsu(np.bincount([10, 10, 200], minlength=256)) == 104
    assert 0 <= otsu(np.bincount([7] * 9, minlength=256)) <= 255
    assert glyphs.ink_of(np.full((3, 3), 7, np.uint8)).max() == 0
