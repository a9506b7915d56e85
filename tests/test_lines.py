"""The road of a line of text: cropped to its ink, dark on light."""

import numpy as np
import pytest
from PIL import Image

from ocr.datasets import dataset
from ocr.drawing import fonts, numbers, paper
from ocr.reading.images import ImageError, place
from ocr.reading.lines import line

SIZE = (32, 256)


@pytest.fixture(scope="module")
def written():
    """A number, dark on light paper, 40 x 200 pixels with 10 to spare on each side."""
    write = numbers.press("western", fonts.faces(("open_sans",), "western"))
    ink = Image.fromarray(
        (255 - 200 * write("4711.25", np.random.default_rng(0))).astype(np.uint8)
    ).resize((180, 20))
    page = Image.new("L", (200, 40), 255)
    page.paste(ink, (10, 10))
    return page


def test_paper_around_the_ink_does_not_matter(written):
    pixels, _ = line(written, SIZE)
    assert pixels.shape == (*SIZE, 1) and pixels.dtype == np.uint8
    wide = Image.new("L", (620, 300), 255)
    wide.paste(written, (350, 170))
    spot, there = line(written, SIZE)[1], line(wide, SIZE)[1]
    assert (
        there.scale == pytest.approx(spot.scale, rel=0.12)
        and there.scale > 2 * place(wide.size, SIZE).scale
    )
    ink = [
        (10 * one.scale + one.left, 190 * one.scale + one.left)
        for one in (spot, there._replace(left=there.left + 350 * there.scale))
    ]
    assert np.abs(np.subtract(*ink)).max() < 14  # of 256 pixels


def test_light_on_dark_becomes_dark_on_light(written):
    first = line(written, SIZE)[0]
    dark = Image.eval(written, lambda v: 255 - v)
    assert np.array_equal(line(dark, SIZE)[0], first) and first[0, 0, 0] > 200


def test_shadow_and_specks_do_not_hide_the_ink(written):
    pixels = np.asarray(written.resize((400, 80)), float)
    pixels = pixels * np.linspace(
        1, 0.45, 400
    )  # its right-hand paper is darker than its left-hand ink may be
    dice = np.random.default_rng(1).random(pixels.shape)
    pixels = np.where(dice < 0.005, 0, np.where(dice > 0.995, 255, pixels)).astype(np.uint8)
    spot, clean = (
        line(picture, SIZE)[1] for picture in (Image.fromarray(pixels), written.resize((400, 80)))
    )
    assert spot.scale == pytest.approx(clean.scale, rel=0.06)
    assert (spot.left, spot.top) == pytest.approx((clean.left, clean.top), abs=3)


def test_no_ink_of_drawn_numbers_is_cut_off(monkeypatch):
    inks, on_paper = [], paper._on_paper
    monkeypatch.setattr(
        paper, "_on_paper", lambda ink, *rest: (inks.append(ink), on_paper(ink, *rest))[1]
    )
    write = numbers.press("arabic", fonts.faces(("amiri", "cairo"), "arabic"))
    for label, picture in paper.pictures(write, numbers.numbers(150, 3), 3):
        spot = line(Image.fromarray(picture), SIZE)[1]
        ink = inks.pop() > 0.6
        rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
        for ends, shift, side in ((rows, spot.top, SIZE[0]), (columns, spot.left, SIZE[1])):
            assert (
                ends[0] * spot.scale + shift >= -1
                and (ends[-1] + 1) * spot.scale + shift <= side + 1
            ), label


@pytest.mark.parametrize(
    "picture",
    [Image.new("RGB", (300, 80), "white"), Image.new("L", (80, 30), 200), Image.new("RGB", (3, 3))],
)
def test_blank_paper_is_refused(picture):
    with pytest.raises(ImageError, match="no ink to be seen"):
        line(picture, SIZE)


def test_any_shape_of_picture_has_a_place():
    for size in ((3, 3), (3, 4000), (4000, 3), (2000, 2000)):
        pixels = np.full(size[::-1], 255, np.uint8)
        pixels[size[1] // 3 : 2 * size[1] // 3 + 1, size[0] // 3 : 2 * size[0] // 3 + 1] = 0
        assert line(Image.fromarray(pixels), SIZE)[0].shape == (*SIZE, 1)


def test_folders_take_the_same_road(tmp_path, written):
    written.save(tmp_path / "4711.png")
    data = dataset.load_labelled(tmp_path, SIZE, fit="line")
    assert np.array_equal(data.images[0], line(written, SIZE)[0])
