"""Network inputs: the registry, characters in EMNIST's form, lines of text, views."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import utils
from ocr.datasets import dataset, emnist
from ocr.drawing import augment, fonts, symbols
from ocr.drawing.numbers import printing
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces import paper
from ocr.reading.images import NORMALISATIONS, ImageError, open_image, place, to_uint8
from ocr.reading.inputs import (
    INPUTS,
    SIDE,
    Glyph,
    Line,
    Picture,
    Views,
    binary,
    glyph,
    is_emnist_form,
    line,
    twin_view,
    views,
    with_binary,
)
from tests.samples import cross

SIZE = (32, 256)  # of a line


# --- the registry


def some_picture(width=90, height=60):
    """Dark ink on light paper, in colour."""
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[height // 4 : -height // 4, width // 3 : width // 2] = (30, 20, 60)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("fit", INPUTS)
def test_every_input_prepares_a_picture_and_shows_it(fit):
    kind = INPUTS[fit]
    height, width, channels = (n or default for n, default in zip(kind.shape, (32, 64, 3)))
    made = kind((height, width), channels)
    prepared = made.prepare(some_picture())
    assert prepared.pixels.shape == (height, width, channels) and prepared.pixels.dtype == np.uint8
    assert prepared.size == (90, 60)
    left, right = made.character_span(prepared)
    assert 0 <= left < right <= 90
    shown = Image.fromarray(made.show(prepared.pixels))
    assert shown.height == height and shown.mode == ("L" if channels == 1 else "RGB")
    assert kind.fit == fit and kind.normalisation in NORMALISATIONS
    assert callable(getattr(augment, kind.augmentation))


@pytest.mark.parametrize(
    "kind, size, channels, shape",
    [
        (Line, SIZE, 3, "[any, any, 1]"),
        (Glyph, (32, 32), 1, "[28, 28, 1]"),
        (Views, (28, 28), 3, "[28, 28, 4]"),
    ],
)
def test_an_input_of_another_shape_is_rejected(kind, size, channels, shape):
    with pytest.raises(ValueError) as caught:
        kind(size, channels)
    given = [*size, channels]
    assert str(caught.value) == f"fit {kind.fit!r} makes an input of {shape}, not {given}"


def test_views_are_shown_side_by_side():
    pixels = with_binary(cross()[0][None])[0]
    shown = Views((SIDE, SIDE), 4).show(pixels)
    assert shown.shape == (28, 56, 3) and np.array_equal(shown[:, :28], pixels[..., :3])
    assert set(np.unique(shown[:, 28:])) == {0, 255}


def test_columns_of_the_input_are_mapped_to_the_picture_and_clipped():
    taller = Picture((50, 200)).prepare(Image.new("L", (200, 100), 255))  # half as wide
    assert (taller.placed.width, taller.placed.left, taller.placed.scale) == (100, 50, 0.5)
    assert taller.span(0, 200) == (0.0, 200.0)
    assert taller.span(80, 100) == ((80 - 50) / 0.5, (100 - 50) / 0.5)


# --- glyph


def stroke(width, height, left, top, size, ink, ground, noise=0, seed=0):
    """A picture with an L of `size` pixels at (left, top)."""
    pixels = np.full((height, width), ground, float)
    thick = max(2, size // 6)
    pixels[top : top + size, left : left + thick] = ink
    pixels[top + size - thick : top + size, left : left + size // 2] = ink
    pixels += np.random.default_rng(seed).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


# size of the ink, its place as shares of the picture, dark and light grey levels
places = st.tuples(
    st.integers(12, 90), st.floats(0, 1), st.floats(0, 1), st.integers(0, 90), st.integers(165, 255)
)


def drawn(size, right, down, dark, light, noise=3):
    width, height = size * 2 + 20, size * 2 + 30
    left, top = 4 + int(right * (width - size - 8)), 4 + int(down * (height - size - 8))
    return stroke(width, height, left, top, size, dark, light, noise)


@settings(max_examples=40, deadline=None)
@given(places)
def test_glyph_is_the_same_dark_on_light_and_light_on_dark(where):
    picture = drawn(*where)
    inverted = Image.fromarray(255 - np.asarray(picture))
    a, b = glyph(picture)[0], glyph(inverted)[0]
    assert np.abs(a.astype(int) - b).max() <= 6
    assert a[0].max() < 60 and a.max() == 255  # light ink on black


@settings(max_examples=40, deadline=None)
@given(places)
def test_glyph_is_centred_and_fills_the_frame(where):
    pixels = glyph(drawn(*where))[0][:, :, 0] > 100
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 22 <= max(tall, wide) <= 26
    assert abs(rows[0] + rows[-1] - SIDE + 1) <= 3 and abs(columns[0] + columns[-1] - SIDE + 1) <= 3


@settings(max_examples=20, deadline=None)
@given(places)
def test_glyph_of_a_glyph_is_unchanged(where):
    once = glyph(drawn(*where, noise=0))[0]
    again = glyph(Image.fromarray(once[:, :, 0]))[0]
    assert is_emnist_form(once[:, :, 0]) and np.array_equal(again, once)


def test_glyph_leaves_images_of_emnist_unchanged():
    path, _ = utils.find_emnist("bymerge")
    images = emnist.load_emnist(path, "bymerge", "test").images[:2000]
    same = [np.array_equal(glyph(Image.fromarray(i[:, :, 0]))[0], i) for i in images]
    assert np.mean(same) > 0.995


def test_glyph_converts_what_is_not_in_emnist_form():
    small = np.zeros((28, 28), np.uint8)
    small[3:12, 3:5] = 255  # black paper, but small and in a corner
    assert not is_emnist_form(small) and is_emnist_form(glyph(Image.fromarray(small))[0][:, :, 0])
    assert not is_emnist_form(255 - small) and not is_emnist_form(np.zeros((28, 28), np.uint8))
    assert not is_emnist_form(np.zeros((32, 32), np.uint8))


def test_glyph_of_a_nist_page_is_as_emnist_made_it():
    """128 x 128, one bit: blurred, cropped to the ink, two pixels of margin, bicubic, stretched."""
    pixels, placed = glyph(stroke(128, 128, 40, 30, 60, 0, 255))
    rows = np.flatnonzero((pixels[:, :, 0] > 100).any(axis=1))
    assert (rows[0], rows[-1]) == (2, 25) and pixels.max() == 255
    assert np.count_nonzero((pixels > 20) & (pixels < 235)) > 0  # soft edges
    assert placed.scale == pytest.approx(24 / 60, rel=0.05)
    left = 40 * placed.scale + placed.left
    assert left == pytest.approx(8, abs=1)  # the L is half as wide as high


@pytest.mark.parametrize("value", [0, 128, 255])
def test_glyph_rejects_a_picture_without_ink(value):
    faint = np.random.default_rng(0).integers(value // 2, value // 2 + 4, (40, 50)).astype(np.uint8)
    for picture in (
        Image.new("L", (50, 40), value),
        Image.new("RGB", (28, 28), (value,) * 3),
        Image.fromarray(faint),
    ):
        with pytest.raises(ImageError, match="no ink found: nothing to read"):
            glyph(picture)


def test_glyph_does_not_depend_on_colour_and_size():
    page = stroke(200, 160, 60, 40, 80, 30, 220)
    red = Image.merge("RGB", [page.point(lambda v: min(255, v + 60)), page, page])
    large = page.resize((2000, 1600), Image.Resampling.BICUBIC)
    a = glyph(page)[0].astype(int)
    for other in (red, large):
        assert np.abs(glyph(other)[0] - a).mean() < 12


# --- line


@pytest.fixture(scope="module")
def written():
    """A number, dark on light paper, 40 x 200 pixels with a margin of 10 on each side."""
    write = printing.press("western", fonts.faces(("open_sans",), "western"))
    ink = write("4711.25", np.random.default_rng(1)).pixels / 255
    pixels = (255 - 200 * ink).astype(np.uint8)
    page = Image.new("L", (200, 40), 255)
    page.paste(Image.fromarray(pixels).resize((180, 20)), (10, 10))
    return page


def test_line_does_not_depend_on_the_paper_around_it(written):
    pixels, spot = line(written, SIZE)
    assert pixels.shape == (*SIZE, 1) and pixels.dtype == np.uint8
    wide = Image.new("L", (620, 300), 255)
    wide.paste(written, (350, 170))
    there = line(wide, SIZE)[1]
    assert there.scale == pytest.approx(spot.scale, rel=0.12)
    assert there.scale > 2 * place(wide.size, SIZE).scale
    ink = [
        (10 * one.scale + one.left, 190 * one.scale + one.left)
        for one in (spot, there._replace(left=there.left + 350 * there.scale))
    ]
    assert np.abs(np.subtract(*ink)).max() < 14  # of 256 pixels


def test_line_inverts_light_on_dark(written):
    first = line(written, SIZE)[0]
    dark = Image.eval(written, lambda v: 255 - v)
    assert np.array_equal(line(dark, SIZE)[0], first) and first[0, 0, 0] > 200


def test_line_finds_the_ink_under_shadow_and_specks(written):
    pixels = np.asarray(written.resize((400, 80)), float)
    pixels = pixels * np.linspace(1, 0.45, 400)  # paper on the right is darker than ink on the left
    dice = np.random.default_rng(1).random(pixels.shape)
    pixels = np.where(dice < 0.005, 0, np.where(dice > 0.995, 255, pixels)).astype(np.uint8)
    spot = line(Image.fromarray(pixels), SIZE)[1]
    clean = line(written.resize((400, 80)), SIZE)[1]
    assert spot.scale == pytest.approx(clean.scale, rel=0.06)
    assert (spot.left, spot.top) == pytest.approx((clean.left, clean.top), abs=3)


def test_line_cuts_off_no_ink_of_drawn_numbers(monkeypatch):
    inks, on_paper = [], paper._on_paper
    monkeypatch.setattr(
        paper, "_on_paper", lambda ink, *rest: (inks.append(ink), on_paper(ink, *rest))[1]
    )
    write = printing.press("arabic", fonts.faces(("amiri", "cairo"), "arabic"))
    for label, picture in paper.pictures(write, numbers(150, 3), 3):
        spot = line(Image.fromarray(picture), SIZE)[1]
        ink = inks.pop() > 0.6
        rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
        for ends, shift, side in ((rows, spot.top, SIZE[0]), (columns, spot.left, SIZE[1])):
            assert ends[0] * spot.scale + shift >= -1, label
            assert (ends[-1] + 1) * spot.scale + shift <= side + 1, label


@pytest.mark.parametrize(
    "picture",
    [Image.new("RGB", (300, 80), "white"), Image.new("L", (80, 30), 200), Image.new("RGB", (3, 3))],
)
def test_line_rejects_blank_paper(picture):
    with pytest.raises(ImageError, match="no ink found"):
        line(picture, SIZE)


def test_line_takes_pictures_of_any_shape():
    for size in ((3, 3), (3, 4000), (4000, 3), (2000, 2000)):
        pixels = np.full(size[::-1], 255, np.uint8)
        pixels[size[1] // 3 : 2 * size[1] // 3 + 1, size[0] // 3 : 2 * size[0] // 3 + 1] = 0
        assert line(Image.fromarray(pixels), SIZE)[0].shape == (*SIZE, 1)


def test_data_sets_of_lines_are_preprocessed_alike(tmp_path, written):
    written.save(tmp_path / "4711.png")
    data = dataset.load_labelled(tmp_path, SIZE, fit="line")
    assert np.array_equal(data.images[0], line(written, SIZE)[0])


# --- views


@pytest.mark.parametrize("thick", [1, 2, 5])
def test_views_show_strokes_of_a_pixel_and_more(thick):
    for side in (28, 56, 140):
        pixels, _ = cross(stroke=thick * side // 28, side=side)
        made, _ = views(Image.fromarray(pixels))
        assert made.shape == (28, 28, 4) and (made[14, 4:-4, 3] == 255).mean() > 0.9
    pixels, _ = cross(stroke=1, side=56)  # half a pixel of 28
    assert (views(Image.fromarray(pixels))[0][14, 4:-4, 3] == 255).mean() > 0.9


@pytest.mark.parametrize("value", [0, 77, 255])
def test_views_reject_a_picture_of_one_colour(value):
    with pytest.raises(ImageError, match="no ink found: nothing to read"):
        views(Image.fromarray(np.full((30, 40, 3), value, np.uint8)))


def test_views_reject_faint_grain():
    grain = np.random.default_rng(0).normal(200, 1.5, (28, 28, 3)).astype(np.uint8)
    with pytest.raises(ImageError, match="nothing to read"):
        views(Image.fromarray(grain))


def framed(side, scale, seed=4):
    """A drawn R, `scale` of `side` pixels, somewhere on `side` x 1.5 `side` pixels; left, right."""
    shape = 255 - next(symbols.glyphs("R", seed=1))[1][4:-4, 4:-4, 0]
    size = (round(side * scale),) * 2
    small = np.asarray(Image.fromarray(shape).resize(size, Image.Resampling.BICUBIC))
    rng = np.random.default_rng(seed)
    page = np.clip(rng.normal(235, 3, (side, side * 3 // 2)), 0, 255).astype(np.uint8)
    top, left = rng.integers(0, side - len(small)), rng.integers(0, side * 3 // 2 - len(small))
    page[top : top + len(small), left : left + len(small)] = np.minimum(small, 235)
    return Image.fromarray(page), left, left + len(small)


@pytest.mark.parametrize("scale", [0.05, 0.12, 0.3, 0.6])
def test_views_magnify_small_ink_which_stays_smaller(scale):
    picture, left, right = framed(160, scale)
    made, spot = views(picture)
    rows, columns = (np.flatnonzero(made[..., 3].any(axis=axis)) for axis in (1, 0))
    plain = 28 / 240 * 160 * scale  # its size if not magnified
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx((plain + 20) / 2, abs=3)
    at = [(x - spot.left) / spot.scale for x in (columns[0], columns[-1] + 1)]  # in the picture
    assert at == pytest.approx([left, right], abs=2.5 / spot.scale)


def test_views_of_a_transparent_picture_show_its_visible_ink():
    where = cross()[1]
    for level in (0, 255):
        pixels = np.zeros((28, 28, 4), np.uint8)
        pixels[where] = (level, level, level, 255)
        made, _ = views(open_image(Image.fromarray(pixels)))
        assert np.array_equal(made[:, :, 3] > 0, where)


def test_views_keep_the_aspect_ratio():
    made, spot = views(Image.fromarray(np.repeat(cross()[0], 2, axis=0)))  # twice as tall as wide
    assert (spot.width, spot.height) == (14, 28)
    assert not made[:, :6, 3].any() and not made[:, 22:, 3].any()


def test_a_twin_is_cropped_like_its_picture():
    picture, _, _ = framed(160, 0.12)
    twin = picture.point(lambda v: 255 if v > 150 else 0).resize((480, 320))
    colour, _ = views(picture)
    assert (twin_view(picture, twin) == colour[..., 3:]).mean() > 0.95
    with pytest.raises(ImageError, match="no ink found"):
        twin_view(picture, Image.new("L", (480, 320), 255))
    whole = cross()[0]
    assert np.array_equal(
        twin_view(Image.fromarray(whole), Image.fromarray(whole)),
        binary(to_uint8(Image.fromarray(whole), (28, 28), 3)[None])[0],
    )


def test_restyle_moves_both_views_alike_and_keeps_the_ink_black_and_white():
    images = with_binary(np.stack([picture for _, picture in symbols.signs("HTLEFX" * 20, seed=2)]))
    changed = augment.restyle(images, np.random.default_rng(0), 1.0)
    assert changed.shape == images.shape and changed.dtype == np.uint8
    assert set(np.unique(changed[..., 3])) == {0, 255}
    agree = (binary(changed[..., :3]) == changed[..., 3:]).mean(axis=(1, 2, 3))
    assert np.median(agree) > 0.9  # the ink in the new colours is where the binary channel says
    assert (changed != images).any(axis=(1, 2, 3)).all()
    again = augment.restyle(images, np.random.default_rng(0), 1.0)
    assert np.array_equal(changed, again)


def test_glyphs_on_drawn_paper_are_seeded_and_binary_finds_their_ink():
    shapes = np.stack([image for _, image in symbols.glyphs("Ag5" * 30, seed=7)])
    pages = symbols.on_paper(shapes, np.random.default_rng(0))
    assert pages.shape == (90, 28, 28, 3)
    assert np.array_equal(pages, symbols.on_paper(shapes, np.random.default_rng(0)))
    agree = (binary(pages) == np.where(shapes > 127, 255, 0)).mean(axis=(1, 2, 3))
    assert np.median(agree) > 0.9
