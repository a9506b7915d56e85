"""The shipped reader of numbers: unseen fonts, lengths, spans; Keras and ONNX agree."""

import numpy as np
import pytest

from ocr import scores
from ocr.datasets.dataset import from_pairs
from ocr.drawing import fonts
from ocr.drawing.fonts import faces
from ocr.drawing.numbers.printing import press
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces.paper import pictures
from ocr.paths import MODELS
from ocr.reading import ctc
from ocr.reading.images import normalise
from ocr.reading.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader.load("numbers")


def draw(labels, seed, script="western", families=("roboto_slab",)):
    write = press(script, faces(families, script))
    return [picture for _, picture in pictures(write, labels, seed)]


@pytest.mark.parametrize(
    "script, families, least",
    [("western", fonts.WESTERN_UNSEEN, 0.93), ("arabic", fonts.ARABIC_UNSEEN, 0.73)],
)
def test_unseen_fonts_are_read(reader, script, families, least):
    labels = numbers(150, 77, (3, 16))
    read = reader.read(draw(labels, 78, script, families))
    assert scores.score([r.text for r in read], labels).exact >= least


@pytest.mark.parametrize(
    "label", ["7", "1234567890123456", "1,234,567,890.12", "12/03/2024", "-42"]
)
def test_short_and_long_numbers_are_read(reader, label):
    (picture,) = draw([label], 6)
    assert reader.read(picture).text == label


@pytest.mark.slow
def test_keras_and_onnx_agree(reader):
    from ocr.backend import keras  # for speed: the other tests need no Keras

    model = keras.models.load_model(MODELS / "numbers" / "model.keras", compile=False)
    labels = numbers(32, 5)
    drawn = from_pairs(zip(labels, draw(labels, 5, families=("open_sans",))), reader.size)
    batch = normalise(drawn.images)
    difference = ctc.log_softmax(model.predict_on_batch(batch)) - reader.log_probs(batch)
    assert np.abs(difference).max() < 1e-4


def test_spans_are_columns_of_the_original_picture(reader):
    (picture,) = draw(["47110815"], 6)
    page = np.full((200, 900), np.median(picture), np.uint8)
    page[100 : 100 + picture.shape[0], 500 : 500 + picture.shape[1]] = picture
    near, far = (reader.read(one, spans=True) for one in (picture, page))
    assert near.text == far.text == "47110815" and len(far.spans) == 8
    assert np.abs(np.array(far.spans) - 500 - np.array(near.spans)).max() < 12
