"""What we draw: CAPTCHAs, characters, numbers; augmentation."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr.datasets import splits
from ocr.drawing import augment, captchas, fonts, symbols
from ocr.drawing import numbers as drawing
from ocr.drawing.fonts import faces
from ocr.drawing.numbers import hand, numbers, pictures, press
from ocr.reading.scripts import NUMBERS, SCRIPTS
from utils import load_handwritten

WESTERN = faces(("open_sans", "pt_serif"), "western")


def test_drawing_is_seeded_and_leaves_the_package_as_it_was():
    import secrets

    import captcha.image

    once, again, other = (list(captchas.captchas(3, seed=s)) for s in (5, 5, 6))
    assert (
        [label for label, _ in once]
        == [label for label, _ in again]
        != [label for label, _ in other]
    )
    assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(once, again))
    assert captcha.image.secrets is secrets
    label, drawn = once[0]
    assert (
        drawn.size == (200, 50) and len(label) == 5 and set(label) <= set(captchas.CAPTCHA_SYMBOLS)
    )


def test_jitter_keeps_shape_and_ink():
    ((_, drawn),) = captchas.captchas(1, seed=1)
    image = np.asarray(drawn.convert("L"))[:, :, None]
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = augment.jitter(image, rng, 0.5)
        assert moved.shape == image.shape and moved.dtype == np.uint8
        assert not np.array_equal(moved, image)
        assert abs(float((moved < 128).sum()) / (image < 128).sum() - 1) < 0.35
    colour = np.asarray(drawn)
    assert augment.jitter(colour, rng).shape == colour.shape


@pytest.mark.parametrize("size", [28, 64])
def test_distortion_keeps_shape_range_and_most_of_the_ink(size):
    glyphs = np.stack([image for _, image in symbols.glyphs("AbC7" * 4, seed=2)])
    if size != 28:
        glyphs = np.stack(
            [
                np.asarray(Image.fromarray(g[:, :, 0]).resize((size, size)))[:, :, None]
                for g in glyphs
            ]
        )
    bent = augment.distort(glyphs, np.random.default_rng(0))
    assert (
        bent.shape == glyphs.shape and bent.dtype == np.uint8 and not np.array_equal(bent, glyphs)
    )
    assert np.allclose(bent.mean(axis=(1, 2, 3)) / glyphs.mean(axis=(1, 2, 3)), 1, atol=0.35)
    assert np.array_equal(augment.distort(glyphs, np.random.default_rng(0)), bent)
    still = augment.distort(glyphs, np.random.default_rng(0), strength=0.0)
    assert np.abs(still.astype(int) - glyphs).max() <= 1


def test_drawn_characters_are_seeded_in_form_and_told_apart():
    first, again, other = (list(symbols.glyphs("0Aaz" * 5, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again))
    assert not any(np.array_equal(a, b) for (_, a), (_, b) in zip(first, other))
    for symbol, image in first:
        assert (
            image.shape == (28, 28, 1)
            and image.dtype == np.uint8
            and 0.03 < image.mean() / 255 < 0.6
        ), symbol


@pytest.mark.parametrize("lengths", [(1, 1), (16, 16), (3, 10)])
def test_numbers_have_their_lengths_and_signs(lengths):
    found = numbers(300, 1, lengths)
    assert {len(n) for n in found} == set(range(lengths[0], lengths[1] + 1)) and set(
        "".join(found)
    ) <= set(NUMBERS)
    assert all(any(c.isdigit() for c in n) for n in found) and not any(
        re.search(r"[./,-]{2}", n) for n in found
    )
    assert set("".join(numbers(300, 1, lengths, "."))) <= set("0123456789.")
    assert found == numbers(300, 1, lengths) != numbers(300, 2, lengths)


def writers():
    return {
        "western": press("western", WESTERN),
        "arabic": press("arabic", faces(("amiri", "tajawal"), "arabic")),
        "persian": press("persian", faces(("amiri",), "persian")),
        "hand": hand("western", load_handwritten("western", "test")[0]),
        "hand, arabic": hand("arabic", load_handwritten("arabic", "test")[0]),
    }


@pytest.mark.parametrize("kind", ["western", "arabic", "persian", "hand", "hand, arabic"])
def test_pictures_are_seeded_and_no_ink_is_cut_off(kind, monkeypatch):
    write = writers()[kind]
    labels = numbers(40, 3) + ["1", "-", "8" * 16, "1,234,567,890.12"]
    pairs = list(pictures(write, labels, 5))
    assert [label for label, _ in pairs] == labels
    again = list(pictures(write, labels, 5))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(pairs, again))
    assert all(p.dtype == np.uint8 and p.ndim == 2 and min(p.shape) >= 5 for _, p in pairs)
    laid = []
    original = drawing._laid
    monkeypatch.setattr(
        drawing, "_laid", lambda ink, rng: laid.append((ink, original(ink, rng))) or laid[-1][1]
    )
    list(pictures(write, labels, 5))
    for ink, (placed, _) in laid:
        border = np.concatenate([placed[0], placed[-1], placed[:, 0], placed[:, -1]])
        assert ink.max() > 0.5 and border.max() < 0.02 and placed.max() > 0.2


@pytest.mark.parametrize("script", ["western", "arabic", "persian"])
def test_the_first_character_stands_left(script):
    """A number that is written from right to left, or reordered at its separators, would be caught."""
    files = faces(("noto_kufi_arabic", "cairo") if script != "western" else ("open_sans",), script)[
        :1
    ]
    write = press(script, files)
    for label in ("1888", "18/88", "1-8-8", "1.88", "3,777"):
        calm = np.random.default_rng(
            1
        )  # the same face, weight and stroke for the whole and for its first sign
        whole, first = write(label, calm), write(label[0], np.random.default_rng(1))
        left = whole[:, : first.shape[1]]
        rows = np.flatnonzero(left.max(axis=1) > 0.2)
        left = cv2.resize(left[rows[0] : rows[-1] + 1], first.shape[::-1])
        last = cv2.resize(whole[:, -first.shape[1] :], first.shape[::-1])
        assert np.abs(left - first).mean() < 0.12 < np.abs(last - first).mean(), label


def test_each_sign_is_drawn_as_the_scripts_have_it():
    """Zeros, fives and the separators of both scripts differ; 4, 5 and 6 differ between Arabic and Persian."""
    inks = {
        s: {
            c: press(s, faces(("amiri",), s)[:1])(c, np.random.default_rng(4)) for c in "0123456789"
        }
        for s in SCRIPTS
    }
    for c in "456":
        a, p = inks["arabic"][c], inks["persian"][c]
        assert a.shape != p.shape or np.abs(a - p).mean() > 0.05
    assert inks["arabic"]["0"].shape[0] < 0.5 * inks["western"]["0"].shape[0]  # a dot
    assert len({ink.shape for ink in inks["western"].values()}) > 3


def test_families_and_writers_of_the_test_are_in_no_training():
    assert not set(fonts.WESTERN) & set(fonts.WESTERN_UNSEEN)
    assert not set(fonts.ARABIC) & set(fonts.ARABIC_UNSEEN)
    for script, families, kept in (
        ("western", fonts.WESTERN, fonts.WESTERN_UNSEEN),
        ("arabic", fonts.ARABIC, fonts.ARABIC_UNSEEN),
    ):
        here = {
            f.name.split("-")[0].split("[")[0].lower()
            for f in faces(families, script, installed=True)
        }
        there = {f.name.split("-")[0].split("[")[0].lower() for f in faces(kept, script)}
        assert there and not here & there
    for script in ("western", "arabic"):
        parts = [
            set(splits.digests(load_handwritten(script, part)[0].images))
            for part in ("train", "test")
        ]
        assert not parts[0] & parts[1]


def test_a_thousands_sign_that_looks_like_a_decimal_sign_is_not_printed():
    low, high = (
        faces(("cairo", "almarai"), "arabic"),
        faces(("amiri", "noto_kufi_arabic"), "arabic"),
    )
    assert low and high and all(fonts.THOUSANDS in fonts.printable_signs(file) for file in high)
    with pytest.raises(ValueError, match="none of the fonts has all signs"):
        press("arabic", low)("1,234", np.random.default_rng(0))
    assert (
        press("arabic", low + high)("1,234", np.random.default_rng(0)).any()
        and press("arabic", low)("1.234", np.random.default_rng(0)).any()
    )


def test_installed_fonts_are_used_if_new_not_kept_for_tests_and_their_digits_look_like_digits(
    tmp_path, monkeypatch
):
    from fontTools.ttLib import TTFont

    source, other = faces(("open_sans",), "western")[0], faces(("anton",), "western")[0]
    good, same, bad, kept = (
        tmp_path / name for name in ("Good.ttf", "Same.ttf", "Bad.ttf", "Nunito-Bold.ttf")
    )
    same.write_bytes(source.read_bytes())
    good.write_bytes(other.read_bytes())
    kept.write_bytes(other.read_bytes())
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    font = TTFont(source)
    for table in font["cmap"].tables:
        for digit, sign in zip("0123456789", "XQ#@%WM&TE"):
            table.cmap[ord(digit)] = table.cmap[ord(sign)]
    font.save(bad)
    monkeypatch.setattr(
        fonts.font_manager,
        "findSystemFonts",
        lambda fontext: [str(file) for file in tmp_path.iterdir()],
    )
    assert set(faces(("open_sans",), "western", installed=True)) - set(
        faces(("open_sans",), "western")
    ) == {good}
