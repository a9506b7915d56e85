"""Numbers in several scripts: their mapping, the digits of MNIST and ADBase, and what is drawn of them."""

import gzip
import re

import cv2
import numpy as np
import pytest

import utils
from ocr import scores
from ocr.datasets import splits
from ocr.datasets.dataset import from_pairs
from ocr.datasets.emnist import write_idx
from ocr.datasets.labels import DataError
from ocr.drawing import fonts
from ocr.drawing import numbers as drawing
from ocr.drawing.fonts import faces
from ocr.drawing.numbers import hand, numbers, pictures, press
from ocr.reading import ctc
from ocr.reading.images import normalise
from ocr.reading.reader import Reader
from ocr.reading.scripts import NUMBERS, SCRIPTS, to_western
from utils import load_handwritten

WESTERN = faces(("open_sans", "pt_serif"), "western")


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x30])
def test_all_digits_of_all_scripts_are_mapped(zero):
    for value in range(10):
        assert to_western(chr(zero + value)) == str(value)


@pytest.mark.parametrize(
    "text, western",
    [
        ("١٢٣٫٤٥", "123.45"),
        ("١٬٢٣٤٬٥٦٧", "1,234,567"),
        ("۱۲/۰۳/۲۰۲۴", "12/03/2024"),
        ("٣،٤", "3,4"),
        ("\u200f٤٢\u200e", "42"),
        ("\u202b٥-٦\u202c", "5-6"),
        ("−٧", "-7"),
        ("12.5", "12.5"),
        ("رقم ٥", "رقم 5"),
        ("", ""),
        ("½", "½"),
    ],
)
def test_separators_and_marks(text, western):
    assert to_western(text) == western == to_western(western)


def idx(folder, stem, count=20, seed=0, shape=(28, 28)):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_idx(folder / f"{stem}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, *shape)))
    write_idx(folder / f"{stem}-labels-idx1-ubyte.gz", np.arange(count) % 10)


def test_handwritten_digits_are_found_where_they_lie(tmp_path, monkeypatch):
    (
        idx(tmp_path / "mnist", "train"),
        idx(tmp_path / "mnist", "t10k", 10, 1),
        idx(tmp_path / "arabic_digits", "adbase-train", 30, 2),
    )
    packed = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte").write_bytes(
        gzip.decompress(packed.read_bytes())
    )
    packed.unlink()  # unpacked files count, too
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    for script, part, count, origin in (
        ("western", "train", 20, "MNIST"),
        ("western", "test", 10, "MNIST"),
        ("arabic", "train", 30, "ADBase"),
    ):
        data, what = load_handwritten(script, part)
        assert (
            len(data) == count
            and what == origin
            and data.images.shape == (count, 28, 28, 1)
            and data.labels[:11] == list("01234567890")[: min(count, 11)]
        )
    data, what = load_handwritten("arabic", "test")
    assert "drawn" in what and sorted(set(data.labels)) == list("0123456789")


def test_damaged_or_mixed_files_of_digits_get_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    idx(tmp_path, "train", 20)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no train-labels-idx1-ubyte beside it"):
        load_handwritten("western", "train")
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(7))
    with pytest.raises(DataError, match="do not belong together"):
        load_handwritten("western", "train")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no")
    with pytest.raises(DataError, match="not an IDX file"):
        load_handwritten("western", "train")
    with pytest.raises(DataError, match="use western or arabic"):
        load_handwritten("roman", "train")


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


def test_drawn_numbers_as_a_data_set():
    data = from_pairs(pictures(writers()["western"], ["12.5", "7"]), (32, 256), name="mine")
    assert (
        data.images.shape == (2, 32, 256, 1)
        and data.labels == ["12.5", "7"]
        and data.names == ["mine[0]", "mine[1]"]
    )
    assert len(data.take([1])) == 1


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


@pytest.fixture(scope="module")
def shipped_numbers():
    return Reader.load("numbers")


def test_the_shipped_reader_of_numbers_reads_fonts_it_never_saw(shipped_numbers):
    for script, families, least in (
        ("western", fonts.WESTERN_UNSEEN, 0.93),
        ("arabic", fonts.ARABIC_UNSEEN, 0.93),
    ):
        labels = numbers(150, 77, (3, 16))
        read = shipped_numbers.read(
            [p for _, p in pictures(press(script, faces(families, script)), labels, 78)]
        )
        assert scores.score([r.text for r in read], labels).exact >= least, script


@pytest.mark.parametrize(
    "label", ["7", "1234567890123456", "1,234,567,890.12", "12/03/2024", "-42"]
)
def test_short_and_long_numbers_are_read(shipped_numbers, label):
    ((_, picture),) = pictures(press("western", faces(("roboto_slab",), "western")), [label], 6)
    assert shipped_numbers.read(picture).text == label


def test_keras_and_onnx_agree_on_numbers(shipped_numbers):
    from ocr.backend import keras

    model = keras.models.load_model(
        utils.ROOT / "models" / "numbers" / "model.keras", compile=False
    )
    drawn = from_pairs(pictures(writers()["western"], numbers(32, 5), 5), shipped_numbers.size)
    batch = normalise(drawn.images)
    assert (
        np.abs(
            ctc.log_softmax(model.predict_on_batch(batch)) - shipped_numbers.log_probs(batch)
        ).max()
        < 1e-4
    )


def test_spans_are_of_the_picture_as_given(shipped_numbers):
    ((_, picture),) = pictures(
        press("western", faces(("roboto_slab",), "western")), ["47110815"], 6
    )
    page = np.full((200, 900), np.median(picture), np.uint8)
    page[100 : 100 + picture.shape[0], 500 : 500 + picture.shape[1]] = picture
    near, far = (shipped_numbers.read(one, spans=True) for one in (picture, page))
    assert near.text == far.text == "47110815" and len(far.spans) == 8
    assert np.abs(np.array(far.spans) - 500 - np.array(near.spans)).max() < 12
