"""Images: formats, modes, limits, scaling, normalisation, bad input."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr.reading.images import (
    NORMALISATIONS,
    ImageError,
    fit_picture,
    normalise,
    open_image,
    place,
    to_uint8,
)

INK = np.full((20, 40), 255, np.uint8)
INK[5:15, 10:14] = 0  # a dark bar on white


def encoded(picture, format="png", **options):
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def grey(source):
    return np.asarray(open_image(source).convert("L")).astype(int)


def png_header(width, height):
    """A PNG whose header claims a size, with hardly any data."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


WHOLE = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)))
BAD = {
    "text": (b"this is text", "not an image"),
    "empty": (b"", "0 bytes"),
    "truncated": (WHOLE[: len(WHOLE) // 2], "damaged image"),
    "1x1": (encoded(Image.new("L", (1, 1))), "1 x 1 pixels: too small"),
    "20000x20000": (png_header(20_000, 20_000), "more than 16,777,216 pixels"),
    "zip as png": (b"PK\x03\x04" + bytes(100), "not an image"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_images_are_reported_in_one_line(case):
    data, message = BAD[case]
    with pytest.raises(ImageError, match=message) as caught:
        open_image(data)
    assert "\n" not in str(caught.value)


def test_the_path_of_a_bad_image_is_named(tmp_path):
    with pytest.raises(ImageError, match="missing.png: no such file"):
        open_image(tmp_path / "missing.png")
    (tmp_path / "bad.png").write_bytes(b"x")
    with pytest.raises(ImageError, match="bad.png: not an image"):
        open_image(str(tmp_path / "bad.png"))


@pytest.mark.parametrize("format", ["png", "jpeg", "bmp", "webp", "gif", "tiff"])
def test_formats_agree(format):
    options = (
        {"lossless": True} if format == "webp" else {"quality": 100} if format == "jpeg" else {}
    )
    assert np.abs(grey(encoded(Image.fromarray(INK), format, **options)) - INK).max() <= 8


def test_modes_agree():
    rgb = Image.fromarray(INK).convert("RGB")
    deep = Image.fromarray(INK.astype(np.uint16) * 257)
    for source in (
        rgb,
        rgb.convert("CMYK"),
        rgb.convert("P"),
        Image.fromarray(INK > 0),
        deep,
        Image.fromarray(INK.astype(np.int32) * 257),
        Image.fromarray(INK.astype(np.float32) / 255),
    ):
        assert np.abs(grey(source) - INK).max() <= 1, source.mode
    assert np.abs(grey(encoded(deep)) - INK).max() <= 1
    assert np.abs(grey(encoded(rgb.convert("CMYK"), "jpeg", quality=100)) - INK).max() <= 8
    assert np.array_equal(grey(INK), INK) and np.array_equal(
        grey(INK[:, :, None].repeat(3, axis=2)), INK
    )


def test_transparency_is_blended_so_that_the_ink_shows():
    dark, light = (Image.new("RGBA", (40, 20), (0, 0, 0, 0)) for _ in range(2))
    dark.paste((0, 0, 0, 255), (10, 5, 14, 15))
    light.paste((255, 255, 255, 255), (10, 5, 14, 15))
    assert np.array_equal(grey(dark), INK)
    assert np.array_equal(grey(light), 255 - INK)
    palette = Image.fromarray((INK > 0).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0])
    red_transparent = encoded(palette, "png", transparency=1)
    assert np.array_equal(grey(red_transparent), INK)  # on white


def test_integers_and_floats_keep_their_scale():
    assert np.asarray(open_image(Image.fromarray(np.full((5, 5), 1, np.int32)))).max() == 1
    assert np.asarray(open_image(Image.fromarray(np.full((5, 5), 0.5, np.float32)))).max() == 127


def test_a_picture_opened_by_pillow_is_read_like_its_file():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(INK), "jpeg", exif=exif)
    assert open_image(Image.open(io.BytesIO(data))).size == open_image(data).size == (20, 40)
    with pytest.raises(ImageError, match="damaged image"):
        open_image(Image.open(io.BytesIO(WHOLE[: len(WHOLE) // 2])))


def test_first_frame_of_an_animation_and_orientation_of_a_camera():
    frames = [Image.fromarray(INK), Image.fromarray(255 - INK)]
    assert np.array_equal(
        grey(encoded(frames[0], "gif", save_all=True, append_images=frames[1:])), INK
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    assert open_image(encoded(Image.fromarray(INK), "jpeg", exif=exif)).size == (20, 40)


@given(
    st.integers(3, 400),
    st.integers(3, 400),
    st.sampled_from([(50, 200), (32, 32), (64, 300)]),
    st.sampled_from([1, 3]),
)
@settings(max_examples=60, deadline=None)
def test_pictures_of_any_size_are_scaled_to_fit(width, height, size, channels):
    spot = place((width, height), size)
    assert spot.left >= 0 and spot.left + spot.width <= size[1]
    assert spot.top >= 0 and spot.top + spot.height <= size[0]
    assert spot.width == size[1] or spot.height == size[0]
    pixels, placed = fit_picture(Image.new("RGB", (width, height), (9, 9, 9)), size, channels)
    assert placed == spot and pixels.shape == (*size, channels)
    assert (pixels == 9).all()  # padded with the border's colour


def test_a_picture_of_the_right_size_is_unchanged():
    assert np.array_equal(to_uint8(Image.fromarray(INK), INK.shape)[:, :, 0], INK)


@given(st.integers(1, 5), st.floats(0.3, 1.0), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_standard_normalisation_is_invariant_to_contrast_and_brightness(seed, contrast, light):
    image = np.random.default_rng(seed).integers(0, 190, (1, 12, 30, 1), np.uint8)
    once = normalise(image)
    again = normalise((image * contrast + light).astype(np.uint8))
    assert once.dtype == np.float32 and abs(once.mean()) < 1e-4
    assert np.abs(once - again).max() < 0.15
    assert (once[image < 30] > 0).all()  # dark ink is positive


def test_normalise_rejects_floats_and_unknown_modes():
    with pytest.raises(TypeError, match="applied twice"):
        normalise(np.zeros((1, 2, 2, 1), np.float32))
    with pytest.raises(
        ValueError, match="unknown normalisation 'other': use standard, unit, views"
    ):
        normalise(np.zeros((1, 2, 2, 1), np.uint8), "other")
    assert (normalise(np.full((1, 4, 4, 1), 7, np.uint8)) == 0).all()
    assert normalise(np.full((1, 4, 4, 1), 255, np.uint8), "unit").max() == 1


@pytest.mark.parametrize("mode", NORMALISATIONS)
def test_normalise_keeps_the_shape_and_treats_each_image_alone(mode):
    batch = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 4), np.uint8)
    made = normalise(batch, mode)
    assert made.shape == batch.shape and made.dtype == np.float32
    assert np.array_equal(made[1:2], normalise(batch[1:2], mode))


def test_views_normalise_colours_and_the_binary_channel_differently():
    batch = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 4), np.uint8)
    made = normalise(batch, "views")
    assert np.array_equal(made[..., :3], normalise(batch[..., :3], "standard"))
    assert np.array_equal(made[..., 3:], normalise(batch[..., 3:], "unit"))


def test_sources_of_a_wrong_type_are_rejected():
    with pytest.raises(TypeError, match="uint8"):
        open_image(np.zeros((4, 4)))
    with pytest.raises(TypeError, match="shape"):
        open_image(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(TypeError, match="not int"):
        open_image(3)


def test_formats_that_start_programs_or_hide_pictures_are_rejected():
    picture = Image.new("RGB", (60, 20), "white")
    for kind in ("EPS", "ICO", "PPM", "TGA"):
        out = io.BytesIO()
        picture.save(out, kind)
        with pytest.raises(ImageError, match="not an image that can be opened"):
            open_image(out.getvalue())


def test_another_limit_on_pixels():
    out = io.BytesIO()
    Image.new("L", (300, 200)).save(out, "PNG")
    assert open_image(out.getvalue(), 60_000).size == (300, 200)
    with pytest.raises(ImageError, match="300 x 200 pixels, more than 59,999"):
        open_image(out.getvalue(), 59_999)


def test_a_bmp_opened_by_pillow_is_read_twice():
    out = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(out, "BMP")
    picture = Image.open(out)
    for _ in range(2):  # its tiles are gone once it is loaded
        assert open_image(picture).size == (60, 20)


def test_heic_is_named_and_says_what_to_do():
    with pytest.raises(ImageError, match=r"^HEIC: set the camera to JPEG .* save it again as PNG$"):
        open_image(b"\x00\x00\x00\x18ftypheic" + bytes(100))
