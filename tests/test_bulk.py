"""Batch reading: order, batches, errors per image, limits, deadlines."""

import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from ocr.reading.bulk import NO_MEMORY, NOTHING, TIMED_OUT, Result, read_many
from ocr.reading.decoders import REFUSED
from ocr.reading.files import Found, unreadable
from ocr.reading.reader import Reader
from tests import barcodes


@pytest.fixture
def reader(small):
    return Reader.load(small)


def noise(count, seed=1):
    return np.random.default_rng(seed).integers(0, 255, (count, 8, 40), np.uint8)


def found(images):
    return [Found(f"{i}.png", partial(Image.fromarray, image)) for i, image in enumerate(images)]


def test_results_come_in_order_with_what_was_read(reader):
    images = noise(10)
    options = reader.options(top=2, spans=True)
    results = list(read_many(reader, found(images), options, batch=4))
    assert [result.name for result in results] == [f"{i}.png" for i in range(10)]
    for result, image in zip(results, images):
        assert result.error is None and not result.timed_out
        assert np.array_equal(result.prepared.pixels[:, :, 0], image)
        expected = reader.read(image, top=2, spans=True)
        assert (result.reading.text, result.reading.spans) == (expected.text, expected.spans)
        assert result.reading.confidence == pytest.approx(expected.confidence, abs=1e-6)
        assert len(result.reading.alternatives) == 2


def test_images_are_read_in_batches(reader, monkeypatch):
    sizes, read_prepared = [], reader.read_prepared
    monkeypatch.setattr(
        reader,
        "read_prepared",
        lambda batch, *rest: sizes.append(len(batch)) or read_prepared(batch, *rest),
    )
    list(read_many(reader, found(noise(10)), batch=3))
    assert sizes == [3, 3, 3, 1]
    sizes.clear()
    reader.read(noise(130)[..., None])
    assert sizes == [64, 64, 2]


def test_only_one_batch_is_taken_from_the_images_at_a_time(reader):
    taken = []
    images = (taken.append(f) or f for f in found(noise(10)))
    next(read_many(reader, images, batch=4))
    assert len(taken) == 4


def test_an_image_that_cannot_be_read_does_not_stop_the_others(reader):
    def no_memory():
        raise MemoryError

    images = [
        *found(noise(2)),
        unreadable("gone.png", "no such file"),
        Found("text.png", lambda: b"text"),
        Found("huge.png", no_memory),
        Found("large.png", lambda: Image.new("L", (500, 100))),
        *found(noise(1)),
    ]
    results = list(read_many(reader, images, max_pixels=1000))
    assert [result.reading is None for result in results] == [False] * 2 + [True] * 4 + [False]
    errors = [result.error for result in results[2:6]]
    assert errors[0] == "no such file" and errors[1].startswith("not an image")
    assert errors[2] == NO_MEMORY and "500 x 100 pixels, more than 1,000" in errors[3]
    assert all(result.prepared is None for result in results[2:6])


def test_images_after_the_deadline_are_reported_as_timed_out(reader, monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))  # a second an image
    results = list(read_many(reader, found(noise(6)), batch=4, deadline=2.5))
    assert [result.timed_out for result in results] == [False] * 3 + [True] * 3
    assert results[3] == Result("3.png", error=TIMED_OUT)


def test_readings_are_constrained(reader):
    options = reader.options(pattern="daa")
    for result in read_many(reader, found(noise(5)), options):
        assert len(result.reading.text) == 3 and result.reading.text[0] == "1"


def test_names_are_made_printable(reader):
    images = [Found("a\nb.png", partial(Image.fromarray, noise(1)[0]))]
    assert [result.name for result in read_many(reader, images)] == ["a\\nb.png"]


def test_an_image_without_text_is_refused_with_a_reading_and_an_error(tmp_path):
    reader = Reader.load(barcodes.save(tmp_path / "bars"))
    images = found(map(barcodes.barcode, ("12", "□", "?", "", "3")))
    results = list(read_many(reader, images))
    assert [result.reading.text for result in results] == ["12", "", "", "", "3"]
    assert [result.error for result in results] == [None, NOTHING, NOTHING, NOTHING, None]
    assert all(result.reading == REFUSED and result.prepared for result in results[1:4])
    assert reader.read(barcodes.barcode("□")) == REFUSED  # one image: no exception
    both = reader.read([barcodes.barcode("□"), barcodes.barcode("5")], top=3)
    assert both[0] == REFUSED and both[1].text == "5"
