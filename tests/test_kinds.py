"""Test what tells kinds of pictures apart: the pictures it learns from, and the shipped network."""

import numpy as np
import pytest

from ocr.drawing import symbols
from ocr.paths import PACKAGE
from ocr.reading import anything
from ocr.reading.contract import ANY, known_readers
from ocr.reading.images import open_image
from ocr.training.kinds.pictures import NEITHER, SHARES, SIZE, WESTERN_DIGIT, Pictures

EXAMPLES = PACKAGE / "serving" / "static" / "examples"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Pictures without any data: handwriting is drawn, photographs are left out."""
    pictures = Pictures([tmp_path_factory.mktemp("nothing")], "test")
    return pictures.draw(60, seed=3), pictures.draw(60, seed=3)


def test_pictures_are_of_all_kinds_and_repeat(drawn):
    first, again = drawn
    assert first.images.shape[1:] == (*SIZE, 1) and len(first) > 40
    assert np.array_equal(first.images, again.images) and first.labels == again.labels
    assert set(first.labels) == {*anything.SIGNS, NEITHER}
    assert set(first.names) <= {*SHARES, WESTERN_DIGIT}


def test_labels_follow_the_kinds(drawn):
    labels = {name: set() for name in drawn[0].names}
    for name, label in zip(drawn[0].names, drawn[0].labels):
        labels[name].add(label)
    number, character = anything.SIGNS
    assert labels["stranger"] == labels["nonsense"] == labels["CAPTCHA"] == {NEITHER}
    assert labels["eastern digit"] == {number}
    assert labels["printed character"] == {character}
    assert labels["number"] <= {number, NEITHER}  # some are cut off


def kinds_of(*pictures):
    take = anything.kind_reader().input.prepare
    candidates = [
        anything.Candidates({}, take(open_image(picture)), (9, 9)) for picture in pictures
    ]
    return anything.kinds(candidates)


def test_the_shipped_network_tells_kinds_apart():
    letter = next(iter(symbols.signs("R", 4)))[1]
    noise = np.random.default_rng(0).integers(0, 256, (60, 200), np.uint8)
    found = kinds_of(EXAMPLES / "western.png", EXAMPLES / "arabic.png", letter, noise)
    for kind in found:
        assert sum(kind) == pytest.approx(1, abs=1e-5)
    western, arabic, character, neither = found
    assert western.number > 0.9 and arabic.number > 0.9
    assert character.character > 0.8
    assert neither.neither > 0.9


def test_it_is_no_reader_by_name():
    assert ANY not in known_readers()
