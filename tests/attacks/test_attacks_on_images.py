"""Hostile pictures are refused at once; what cameras and programs write is opened as before."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ocr.reading import structure
from ocr.reading.images import ImageError, open_image

if sys.platform == "win32":
    pytest.skip("attacks run in forked processes", allow_module_level=True)

from tests.attacks import images, pictures

SOME = ("JPEG of 1,000 scans", "TIFF of 1 x 1 tiles", "TIFF, 60,000 tags of 8 MB")
HARMLESS = ("comments between scans", "blocks of pixels")  # decoded in C, in milliseconds


def attacked(what):
    """Open one; processor time counts, since the clock's depends on what else runs."""
    done = images.attack_one(what, pictures.HOSTILE[what]())
    most = 2 if "4096" in what else 0.5  # as many pixels as are still opened
    assert done.faults == [] and done.cpu < most and done.peak < 300, str(done)
    opened = any(each in what for each in (*HARMLESS, "still opened"))
    assert ("opened" if opened else "refused") in done.what


@pytest.mark.parametrize("what", SOME)
def test_some_hostile_pictures_are_refused_at_once(what):
    attacked(what)


@pytest.mark.slow
@pytest.mark.parametrize("what", [what for what in pictures.HOSTILE if what not in SOME])
def test_hostile_pictures_are_refused_at_once(what):
    attacked(what)


@pytest.mark.slow
def test_mutated_pictures_of_all_formats():
    done = images.mutated(1_000, seed=1)
    assert done.faults == [] and done.cpu < 0.5 and done.peak < 300, str(done)


@pytest.mark.slow
def test_mutated_pictures_are_read_by_all_readers():
    done = images.mutated_read(50, seed=1)
    assert done.faults == [] and done.cpu < 0.5 and done.peak < 300, str(done)


def test_refusals_say_how_many_parts_there_are():
    for data, message in (
        (pictures.scans(100, 64), "51 scans, more than 50: save it again as PNG"),
        (pictures.png_chunks(2_000), "1,001 chunks that are no pixels, more than 1,000"),
        (pictures.tiff_tags(2_000, 16), "2,006|2,009 tags, more than 1,000"),
        (pictures.tiff_tags(900, 2**16), "tags that claim more bytes than it has"),
    ):
        with pytest.raises(ImageError, match=message):
            open_image(data)


def saved(kind, **options):
    pixels = np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def test_ordinary_files_are_opened():
    for data in (
        saved("JPEG", progressive=True, comment=b"a" * 60_000, icc_profile=bytes(600_000)),
        saved("JPEG") + b"\xff\xda" * 1000,  # a film behind the picture, as phones save it
        saved("PNG", icc_profile=bytes(600_000)),
        saved("GIF", comment=b"a" * 60_000),
        saved("WEBP", xmp=bytes(600_000)),
        saved("TIFF", compression="tiff_lzw", tiffinfo={278: 1}),
        saved("TIFF", big_tiff=True),
    ):
        assert open_image(data).size == (90, 70)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_as_pillow_does(kind, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(np.asarray(open_image(data)), np.asarray(expected))


def test_files_that_are_cut_anywhere_are_left_to_the_decoder():
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
        data = saved(kind)
        for end in range(0, min(len(data), 900), 7):
            structure.check_structure(data[:end])


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_never_ends_is_no_image(tmp_path, what):
    path = tmp_path / "endless.png"
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ImageError, match="endless.png: cannot be opened: a pipe or a device"):
        open_image(path)


NOISY = """
import io, sys
import numpy as np
from PIL import Image
from ocr.reading.images import ImageError, open_image
rng = np.random.default_rng(0)
for packing in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "group4", "packbits"):
    picture = Image.new("1" if packing == "group4" else "L", (64, 64))
    out = io.BytesIO()
    picture.save(out, "TIFF", compression=packing)
    for _ in range(20):
        data = bytearray(out.getvalue())
        for place in rng.integers(8, len(data), 20):
            data[place] = rng.integers(256)
        try:
            open_image(bytes(data))
        except ImageError:
            pass
print("done")
"""


def test_libtiff_writes_nothing_to_standard_error():
    done = subprocess.run([sys.executable, "-c", NOISY], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
