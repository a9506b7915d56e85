"""The shipped reader of numbers."""

import numpy as np
import pytest

import utils
from ocr import scores
from ocr.datasets.dataset import from_pairs
from ocr.drawing import fonts
from ocr.drawing.fonts import faces
from ocr.drawing.numbers import numbers, press
from ocr.drawing.paper import pictures
from ocr.reading import ctc
from ocr.reading.images import normalise
from ocr.reading.reader import Reader


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
    drawn = from_pairs(
        pictures(press("western", faces(("open_sans", "pt_serif"), "western")), numbers(32, 5), 5),
        shipped_numbers.size,
    )
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
