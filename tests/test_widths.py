"""Networks of several widths: padding is cropped, and nothing but padding; batches keep order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr.reading.bulk import read_many
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import BLANK, log_softmax
from ocr.reading.files import Found
from ocr.reading.images import fit_picture, narrow, normalise
from ocr.reading.network import NEVER, widen
from ocr.reading.reader import Reader
from tests import barcodes
from tests.barcodes import HEIGHT, WIDTH, WIDTHS, barcode

STEPS = WIDTH // barcodes.STRIDE


@pytest.fixture(scope="module", params=["unit", "standard"])
def reader(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / request.param
    return Reader.load(barcodes.save(folder, normalisation=request.param))


def noise(width, height=HEIGHT, seed=0):
    return np.random.default_rng(seed).integers(1, 255, (height, width), np.uint8)


def smallest(width):
    return next(each for each in WIDTHS if each >= min(width, WIDTH))


@given(st.lists(st.tuples(st.integers(3, 400), st.integers(3, 90)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_only_padding_is_cropped(sizes):
    fitted = [
        fit_picture(Image.fromarray(noise(w, h, i)), (32, 256)) for i, (w, h) in enumerate(sizes)
    ]
    pixels = np.stack([picture for picture, _ in fitted])
    widths = [placed.width for _, placed in fitted]
    seen = []
    for rows, cropped in narrow(pixels, widths, WIDTHS):
        assert cropped.dtype == np.uint8 and cropped.shape[2] in WIDTHS
        for row, crop in zip(rows, cropped):
            assert cropped.shape[2] == smallest(widths[row])
            start = (256 - cropped.shape[2]) // 2
            left = pixels[row][:, :start]
            right = pixels[row][:, start + crop.shape[1] :]
            assert np.array_equal(np.concatenate([left, crop, right], axis=1), pixels[row])
            for part in (left, right):  # of one colour, and outside the picture
                assert part.size == 0 or np.ptp(part) == 0
            placed = fitted[row][1]
            assert start <= placed.left
            assert placed.left + placed.width <= start + cropped.shape[2]
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(sizes)))


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_any_ascending_widths_keep_the_picture_whole(full, data):
    widths = sorted({*data.draw(st.lists(st.integers(1, full))), full})
    width = data.draw(st.integers(1, full))
    pixels = np.zeros((1, 2, full, 1), np.uint8)
    left = (full - width) // 2
    pixels[:, :, left : left + width] = 1
    ((rows, cropped),) = narrow(pixels, [width], widths)
    assert rows.tolist() == [0] and cropped.sum() == pixels.sum()
    assert cropped.shape[2] == min(each for each in widths if each >= width)


def test_narrower_log_probabilities_lie_in_the_middle_of_certain_blank():
    rng = np.random.default_rng(0)
    parts = [
        (np.array([2, 0]), log_softmax(rng.normal(0, 1, (2, 4, 5))).astype(np.float32)),
        (np.array([1]), log_softmax(rng.normal(0, 1, (1, 8, 5))).astype(np.float32)),
    ]
    whole = widen(parts, 8)
    assert whole.shape == (3, 8, 5) and whole.dtype == np.float32
    assert np.array_equal(whole[[2, 0], 2:6], parts[0][1])
    assert np.array_equal(whole[1], parts[1][1][0])
    for padded in (whole[[2, 0], :2], whole[[2, 0], 6:]):
        assert (padded[..., BLANK] == 0).all() and (padded[..., 1:] == NEVER).all()


@pytest.mark.parametrize(
    "width", [3, 40, 47, 48, 49, 64, 65, 97, 128, 129, 191, 200, 256, 300, 900]
)
def test_a_reading_is_that_of_the_network_on_the_cropped_picture(reader, width, monkeypatch):
    """For pictures of every width: trimming gives what a network of that width alone gives."""
    picture = noise(width, seed=width)
    prepared = reader.prepare(picture)
    narrower = smallest(prepared.placed.width)
    start = (WIDTH - narrower) // 2
    crop = prepared.pixels[None, :, start : start + narrower]
    (expected,) = reader.log_probs(normalise(crop, reader.normalisation))
    seen = []
    decode = reader.decoder.decode
    monkeypatch.setattr(
        reader.decoder,
        "decode",
        lambda frames, *rest: (seen.append(frames), decode(frames, *rest))[1],
    )
    reader.read_prepared([prepared])
    steps = narrower // barcodes.STRIDE
    first = (STEPS - steps) // 2
    assert seen[0].shape == (STEPS, len(barcodes.ALPHABET)) and expected.shape[0] == steps
    assert np.array_equal(seen[0][first : first + steps], expected)
    rest = np.delete(seen[0], np.s_[first : first + steps], axis=0)
    assert (rest[:, BLANK] == 0).all() and (rest[:, 1:] == NEVER).all()


def test_a_batch_of_mixed_widths_keeps_its_order_and_runs_once_a_width(tmp_path, monkeypatch):
    reader = Reader.load(barcodes.save(tmp_path / "bars"))
    texts = ["1", "2345", "12.50", "٨٢٫٥", "7", "12345678901234567890123456", "٤٥"]
    steps = [12, 16, 24, 32, 12, 64, 48]
    images = [barcode(text, n) for text, n in zip(texts, steps)]
    sizes, log_probs = [], reader.log_probs
    monkeypatch.setattr(
        reader, "log_probs", lambda batch: (sizes.append(batch.shape[:3]), log_probs(batch))[1]
    )
    found = list(
        read_many(
            reader, [Found("x", lambda image=image: Image.fromarray(image)) for image in images]
        )
    )
    assert [result.reading.text for result in found] == [
        "1",
        "2345",
        "12.50",
        "82.5",
        "7",
        texts[5],
        "45",
    ]
    assert sorted(sizes) == sorted([(2, 32, 48)] + [(1, 32, 4 * n) for n in (16, 24, 32, 48, 64)])
    alone = [reader.read(image) for image in images]
    assert [result.reading for result in found] == alone
    assert all(one.confidence > 0.9 and one.trusted for one in alone)


def test_spans_do_not_depend_on_the_width(tmp_path):
    narrow_reader = Reader.load(barcodes.save(tmp_path / "many"))
    wide = Reader.load(barcodes.save(tmp_path / "one", widths=None))
    image = barcode("12.5", 24)
    first, second = (one.read(image, spans=True) for one in (narrow_reader, wide))
    assert first.spans == second.spans and first.text == second.text == "12.5"
    assert first.spans == tuple((4.0 * (8 + 2 * i), 4.0 * (9 + 2 * i)) for i in range(4))


def test_widths_that_the_network_does_not_take_are_an_error(tmp_path):
    with pytest.raises(ReaderError, match='not saved: invalid "widths"'):
        barcodes.save(tmp_path / "a", widths=(62, 256))
    folder = barcodes.save(tmp_path / "b", decoding={"time_steps": 32, "lengths": None})
    with pytest.raises(ReaderError, match=r"input \[32, 48, 1\] or output \[6, 32\] does not fit"):
        Reader.load(folder)
