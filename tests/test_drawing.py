"""Drawing: CAPTCHAs and characters are seeded and complete; augmentation keeps the ink; fonts."""

import re
import secrets
import zipfile

import captcha.image
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from ocr.drawing import augment, captchas, fonts, symbols
from ocr.drawing.fonts import faces
from ocr.drawing.numbers.printing import press


def same(first, second):
    """Tell whether two lists of (label, image) hold the same images."""
    return all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, second, strict=True))


# --- CAPTCHAs ------------------------------------------------------------------------------------


def test_captchas_are_seeded_and_restore_the_captcha_package():
    once, again, other = (list(captchas.captchas(3, seed=s)) for s in (5, 5, 6))
    assert [label for label, _ in once] == [label for label, _ in again]
    assert [label for label, _ in once] != [label for label, _ in other]
    assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(once, again))
    assert captcha.image.secrets is secrets
    label, drawn = once[0]
    assert drawn.size == (200, 50) and len(label) == 5
    assert set(label) <= set(captchas.CAPTCHA_SYMBOLS)


def test_captcha_zip_is_written_whole_and_kept(tmp_path, monkeypatch):
    target = str(tmp_path / "new" / "set.zip")
    path = captchas.captcha_zip(target, 3, symbols="AB", length=2)
    names = zipfile.ZipFile(path).namelist()
    assert [name[2:] for name in names] == [f"_{i:05d}.png" for i in range(3)]
    before = path.stat().st_mtime_ns
    assert captchas.captcha_zip(target, 5).stat().st_mtime_ns == before

    def failing(*_, **__):
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(captchas, "captchas", failing)
    with pytest.raises(KeyboardInterrupt):
        captchas.captcha_zip(tmp_path / "new" / "other.zip", 3)
    assert [p.name for p in path.parent.iterdir()] == ["set.zip"]


# --- augmentation --------------------------------------------------------------------------------


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
def test_distort_keeps_shape_range_and_most_of_the_ink(size):
    glyphs = np.stack(
        [
            np.asarray(Image.fromarray(image[:, :, 0]).resize((size, size)))[:, :, None]
            for _, image in symbols.glyphs("AbC7" * 4, seed=2)
        ]
    )
    bent = augment.distort(glyphs, np.random.default_rng(0))
    assert bent.shape == glyphs.shape and bent.dtype == np.uint8
    assert not np.array_equal(bent, glyphs)
    assert np.allclose(bent.mean(axis=(1, 2, 3)) / glyphs.mean(axis=(1, 2, 3)), 1, atol=0.35)
    assert np.array_equal(augment.distort(glyphs, np.random.default_rng(0)), bent)
    still = augment.distort(glyphs, np.random.default_rng(0), strength=0.0)
    assert np.abs(still.astype(int) - glyphs).max() <= 1


# --- characters ----------------------------------------------------------------------------------


def test_glyphs_are_seeded_and_in_emnist_form():
    first, again, other = (list(symbols.glyphs("0Aaz" * 5, seed)) for seed in (1, 1, 2))
    assert same(first, again)
    assert not any(np.array_equal(a, b) for (_, a), (_, b) in zip(first, other))
    for symbol, image in first:
        assert image.shape == (28, 28, 1) and image.dtype == np.uint8, symbol
        assert 0.03 < image.mean() / 255 < 0.6, symbol


# --- fonts ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_font_families_of_the_tests_are_not_trained_on():
    assert not set(fonts.SIGNS) & set(fonts.UNSEEN)
    for script, families, reserved in (
        ("western", fonts.WESTERN, fonts.WESTERN_UNSEEN),
        ("arabic", fonts.ARABIC, fonts.ARABIC_UNSEEN),
    ):
        assert not set(families) & set(reserved)
        trained, tested = (
            {re.split(r"[-\[]", file.name)[0].lower() for file in files}
            for files in (faces(families, script, installed=True), faces(reserved, script))
        )
        assert tested and not trained & tested


def test_an_ambiguous_thousands_sign_is_not_printed():
    low = faces(("cairo", "almarai"), "arabic")
    high = faces(("amiri", "noto_kufi_arabic"), "arabic")
    assert low and high and all(fonts.THOUSANDS in fonts.printable_signs(file) for file in high)
    with pytest.raises(ValueError, match="no font given has all characters"):
        press("arabic", low)("1,234", np.random.default_rng(0))
    for files, text in ((low + high, "1,234"), (low, "1.234")):
        assert press("arabic", files)(text, np.random.default_rng(0)).pixels.any()


def test_a_sign_without_ink_is_not_printed(tmp_path):
    font = TTFont(faces(("open_sans",), "western")[0])
    for table in font["cmap"].tables:
        table.cmap[ord("-")] = table.cmap[ord(" ")]
    font.save(tmp_path / "Blank.ttf")
    signs = fonts.printable_signs(tmp_path / "Blank.ttf")
    assert "-" not in signs and set("0123456789./,") <= signs
    with pytest.raises(ValueError, match="no font given has all characters"):
        press("western", [tmp_path / "Blank.ttf"])("-1", np.random.default_rng(0))


def test_installed_fonts_are_used_if_new_not_reserved_and_with_proper_digits(tmp_path, monkeypatch):
    source, other = faces(("open_sans",), "western")[0], faces(("anton",), "western")[0]
    (tmp_path / "Same.ttf").write_bytes(source.read_bytes())
    (tmp_path / "Good.ttf").write_bytes(other.read_bytes())
    (tmp_path / "Nunito-Bold.ttf").write_bytes(other.read_bytes())  # reserved for tests
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    font = TTFont(source)
    for table in font["cmap"].tables:
        for digit, sign in zip("0123456789", "XQ#@%WM&TE"):
            table.cmap[ord(digit)] = table.cmap[ord(sign)]
    font.save(tmp_path / "Bad.ttf")
    monkeypatch.setattr(
        fonts.font_manager,
        "findSystemFonts",
        lambda fontext: [str(file) for file in tmp_path.iterdir()],
    )
    packaged = faces(("open_sans",), "western")
    more = set(faces(("open_sans",), "western", installed=True)) - set(packaged)
    assert more == {tmp_path / "Good.ttf"}
