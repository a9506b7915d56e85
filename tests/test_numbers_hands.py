"""Handwriting: digits that slant alike, ligatures between them; displays behind glass."""

import cv2
import numpy as np
import pytest

from ocr.drawing.ink import Part, compose
from ocr.drawing.numbers import hands, joins
from ocr.drawing.surfaces import glass


def leaning(shift):
    """Draw a stroke, uint8 (28, 28), that moves `shift` columns to the left from top to foot."""
    image = np.zeros((28, 28), np.uint8)
    cv2.line(image, (14 + round(shift / 2), 4), (14 - round(shift / 2), 24), 255, 2)
    return image


def test_slants_are_measured_and_sorted():
    images = np.stack([leaning(shift) for shift in (8, -8, 0, 4, -4)])
    assert np.argsort(hands.slants(images)).tolist() == [0, 3, 2, 4, 1]
    source = hands.Source(images, ["1"] * 5)
    rng = np.random.default_rng(0)
    left = [hands.slants(source.take("1", 0.0, rng)[None])[0] for _ in range(40)]
    right = [hands.slants(source.take("1", 1.0, rng)[None])[0] for _ in range(40)]
    assert max(left) < min(right)
    assert len({source.take("1", None, rng).tobytes() for _ in range(80)}) == 5


def test_an_empty_picture_has_no_slant():
    assert hands.slants(np.zeros((1, 28, 28), np.uint8)).tolist() == [0.0]


def nought(left):
    """Place a round nought."""
    ink = np.zeros((40, 30), np.uint8)
    cv2.circle(ink, (15, 20), 12, 255, 3)
    return Part("0", ink, left, 0)


def test_a_ligature_joins_two_noughts_and_is_no_sign():
    rng = np.random.default_rng(1)
    one, two = nought(0), nought(45)
    found = joins.ligature(one, two, 1.0, 3.0, rng)
    assert [part.sign for part in found] == [""]
    apart, joined = compose([one, two]).pixels, compose([one, *found, two]).pixels
    count = [cv2.connectedComponents((ink > 60).astype(np.uint8))[0] - 1 for ink in (apart, joined)]
    assert count == [2, 1]


@pytest.mark.parametrize(
    ("signs", "share"), [(("0", "0"), 0.0), (("1", "0"), 1.0), (("0", "."), 1.0), (("", "0"), 1.0)]
)
def test_other_pairs_stay_apart(signs, share):
    rng = np.random.default_rng(2)
    one, two = (nought(45 * k)._replace(sign=sign) for k, sign in enumerate(signs))
    assert not any(joins.ligature(one, two, share, 3.0, rng) for _ in range(40))


@pytest.mark.parametrize("seed", range(20))
def test_glass_keeps_pictures_finite_and_their_signs_visible(seed):
    picture = np.full((40, 120), 150, np.float32)
    picture[10:30, 50:60] = 40
    shot = glass.behind(picture.copy(), 110, np.random.default_rng(seed))
    assert shot.shape == picture.shape and np.isfinite(shot).all() and shot.max() <= 255.001
    assert shot[10:30, 52:58].mean() < shot[10:30, 62:68].mean()
