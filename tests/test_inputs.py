"""The binary view: polarity, colours of one brightness, thin strokes, pictures that show nothing; distortion of both views."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr.drawing import augment, symbols
from ocr.reading.images import ImageError, open_image
from ocr.reading.views import binary, views, with_binary


def cross(ink=(20, 20, 20), paper=(230, 230, 230), noise=0, stroke=3, side=28):
    """A cross, uint8 (side, side, 3), and where its ink is."""
    where = np.zeros((side, side), bool)
    middle = slice(side // 2, side // 2 + stroke)
    where[4:-4, middle] = where[middle, 4:-4] = True
    pixels = np.where(where[..., None], ink, paper) + np.random.default_rng(0).normal(
        0, noise, (side, side, 3)
    )
    return np.clip(pixels, 0, 255).astype(np.uint8), where


colours = st.tuples(*[st.integers(0, 255)] * 3)


@settings(max_examples=200, deadline=None)
@given(colours, colours)
def test_ink_is_white_whatever_the_colours(ink, paper):
    pixels, where = cross(ink, paper)
    if np.abs(np.subtract(ink, paper)).max() >= 6:  # far enough apart
        assert np.array_equal(binary(pixels[None])[0, :, :, 0], where * np.uint8(255))


def test_red_on_green_of_the_same_brightness_is_parted():
    pixels, where = cross((200, 0, 0), (0, 102, 0), noise=4)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    assert np.ptp(grey[where].mean() - grey[~where].mean()) < 2  # a grey picture would show nothing
    assert np.array_equal(binary(pixels[None])[0, :, :, 0] > 0, where)


def test_on_grey_pictures_it_is_opencvs_otsu():
    for seed, (_, picture) in enumerate(symbols.signs("aB3xQ7" * 5, seed=3)):
        level = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        stretched = np.round((level.astype(float) - level.min()) * 255 / np.ptp(level)).astype(
            np.uint8
        )
        _, expected = cv2.threshold(stretched, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        ours = binary(np.repeat(level[None, :, :, None], 3, axis=3))[0, :, :, 0]
        same = (ours == expected).mean()
        assert max(same, 1 - same) > 0.99, seed  # but for the polarity


@pytest.mark.parametrize("stroke", [1, 2, 5])
def test_strokes_of_a_pixel_and_more(stroke):
    for side in (28, 56, 140):
        pixels, where = cross(stroke=stroke * side // 28, side=side)
        made, _ = views(Image.fromarray(pixels))
        assert made.shape == (28, 28, 4) and (made[14, 4:-4, 3] == 255).mean() > 0.9
    pixels, _ = cross(stroke=1, side=56)  # half a pixel of 28
    assert (views(Image.fromarray(pixels))[0][14, 4:-4, 3] == 255).mean() > 0.9


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_picture_has_no_ink_and_is_not_read(value):
    plain = np.full((30, 40, 3), value, np.uint8)
    assert binary(plain[None]).max() == 0
    with pytest.raises(ImageError, match="no ink stands out: nothing to read"):
        views(Image.fromarray(plain))


def test_faint_grain_is_nothing_to_read():
    grain = np.random.default_rng(0).normal(200, 1.5, (28, 28, 3)).astype(np.uint8)
    with pytest.raises(ImageError, match="nothing to read"):
        views(Image.fromarray(grain))


def framed(side, scale, seed=4):
    """A drawn R, `scale` of `side` pixels, somewhere on a page of `side` x 1.5 `side` pixels; and where."""
    glyph = 255 - next(symbols.glyphs("R", seed=1))[1][4:-4, 4:-4, 0]
    small = np.asarray(
        Image.fromarray(glyph).resize((round(side * scale),) * 2, Image.Resampling.BICUBIC)
    )
    rng = np.random.default_rng(seed)
    page = np.clip(rng.normal(235, 3, (side, side * 3 // 2)), 0, 255).astype(np.uint8)
    top, left = rng.integers(0, side - len(small)), rng.integers(0, side * 3 // 2 - len(small))
    page[top : top + len(small), left : left + len(small)] = np.minimum(small, 235)
    return Image.fromarray(page), left, left + len(small)


@pytest.mark.parametrize("scale", [0.05, 0.12, 0.3, 0.6])
def test_small_ink_is_looked_at_more_closely_and_stays_smaller(scale):
    picture, left, right = framed(160, scale)
    made, spot = views(picture)
    rows, columns = (
        np.flatnonzero(made[..., 3].any(axis=1)),
        np.flatnonzero(made[..., 3].any(axis=0)),
    )
    plain = 28 / 240 * 160 * scale  # its size without
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx((plain + 20) / 2, abs=3)
    at = [
        (x - spot.left) / spot.scale for x in (columns[0], columns[-1] + 1)
    ]  # back in the picture
    assert at == pytest.approx([left, right], abs=2.5 / spot.scale)


def test_a_transparent_picture_is_read_by_its_visible_ink():
    where = cross()[1]
    for level in (0, 255):
        pixels = np.zeros((28, 28, 4), np.uint8)
        pixels[where] = (level, level, level, 255)
        made, _ = views(open_image(Image.fromarray(pixels)))
        assert np.array_equal(made[:, :, 3] > 0, where)


def test_a_picture_of_another_shape_keeps_its_proportions():
    made, spot = views(Image.fromarray(np.repeat(cross()[0], 2, axis=0)))  # twice as tall as wide
    assert (spot.width, spot.height) == (14, 28)
    assert not made[:, :6, 3].any() and not made[:, 22:, 3].any()


def test_many_at_once_are_as_one_at_a_time():
    pictures = np.stack([picture for _, picture in symbols.signs("abcDEF12" * 4, seed=1)])
    alone = np.concatenate([with_binary(picture[None]) for picture in pictures])
    assert np.array_equal(with_binary(pictures), alone)


def test_restyle_moves_both_views_alike_and_leaves_the_ink_black_and_white():
    images = with_binary(np.stack([picture for _, picture in symbols.signs("HTLEFX" * 20, seed=2)]))
    rng = np.random.default_rng(0)
    changed = augment.restyle(images, rng, 1.0)
    assert changed.shape == images.shape and changed.dtype == np.uint8
    assert set(np.unique(changed[..., 3])) == {0, 255}
    agree = (binary(changed[..., :3]) == changed[..., 3:]).mean(axis=(1, 2, 3))
    assert np.median(agree) > 0.9  # the ink in the new colours is where the ink view says
    assert (changed != images).any(axis=(1, 2, 3)).all()
    again = augment.restyle(images, np.random.default_rng(0), 1.0)
    assert np.array_equal(changed, again)


def test_signs_and_paper_are_seeded_and_their_ink_can_be_seen():
    one, two = ([picture for _, picture in symbols.signs("Ag5" * 10, seed=7)] for _ in range(2))
    assert np.array_equal(one, two)
    assert np.ptp(np.stack(one), axis=(1, 2)).max(axis=1).min() > 30
    glyphs = np.stack([image for _, image in symbols.glyphs("Ag5" * 30, seed=7)])
    paper = symbols.on_paper(glyphs, np.random.default_rng(0))
    assert paper.shape == (90, 28, 28, 3) and np.array_equal(
        paper, symbols.on_paper(glyphs, np.random.default_rng(0))
    )
    agree = (binary(paper) == np.where(glyphs > 127, 255, 0)).mean(axis=(1, 2, 3))
    assert np.median(agree) > 0.9
