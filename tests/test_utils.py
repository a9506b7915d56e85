"""The course's data: found, downloaded or drawn."""

import numpy as np
import pytest
from samples import lay, lay_emnist

import utils
from ocr.datasets import splits
from ocr.datasets.dataset import load_labelled
from ocr.datasets.emnist import load_emnist, merge
from ocr.datasets.labels import CLASSES, DataError


def test_data_is_found_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "ROOT", tmp_path)
    monkeypatch.setattr(utils, "DRAWN_CAPTCHAS", 12)
    monkeypatch.delenv("OCR_DATA", raising=False)
    monkeypatch.setenv("OCR_PROFILE", "quick")
    path, origin = utils.find_captchas()
    assert "drawn" in origin and len(load_labelled(path)) == 12
    before = path.stat().st_mtime_ns
    assert utils.find_captchas()[0].stat().st_mtime_ns == before  # cached
    lay(tmp_path / "data" / "captcha_images_v2", ["aaaa2.png"])
    assert utils.find_captchas()[0] == tmp_path / "data" / "captcha_images_v2"
    lay(tmp_path / "mine" / "captcha_images_v2", ["aaaa3.png"])
    for given in ("mine", str(tmp_path / "mine")):
        monkeypatch.setenv("OCR_DATA", given)
        assert utils.find_captchas()[0] == tmp_path / "mine" / "captcha_images_v2"
    monkeypatch.setenv("OCR_DATA", "nowhere")
    with pytest.raises(DataError, match="OCR_DATA=nowhere is no folder"):
        utils.find_captchas()
    monkeypatch.setenv("OCR_PROFILE", "slow")
    with pytest.raises(DataError, match="OCR_PROFILE=slow"):
        utils.full_profile()


def test_a_split_that_is_not_there_is_told(tmp_path, monkeypatch):
    lay_emnist(tmp_path / "emnist", "letters", mapping="AB")
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    assert utils.find_emnist("letters")[0] == tmp_path / "emnist"
    with pytest.raises(DataError, match="EMNIST balanced was not found .*data/README.md"):
        utils.find_emnist("balanced", download_allowed=False)


def test_the_emnist_that_is_here_maps_as_it_should():
    path, _ = utils.find_emnist("bymerge")
    test = load_emnist(path, "bymerge", "test")
    assert sorted(set(test.labels)) == sorted(set(map(merge, CLASSES)))
    assert test.images.dtype == np.uint8 and test.images.shape[1:] == (28, 28, 1)
    tops = [
        test.images[i, :14].mean() > test.images[i, 14:].mean()
        for i, l in enumerate(test.labels)
        if l == "7"
    ]
    assert np.mean(tops) > 0.8  # upright: the bar of a 7 is above


def test_drawn_emnist_is_emnist(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "DRAWN_CHARACTERS", 2)
    folder = utils._draw_emnist(tmp_path / "emnist-2")
    train, test = (load_emnist(folder, "byclass", part) for part in ("train", "test"))
    assert sorted(train.labels) == sorted(CLASSES * 2) and sorted(test.labels) == sorted(
        CLASSES * 40
    )
    assert not set(splits.digests(train.images)) & set(splits.digests(test.images))
    assert [p.name for p in tmp_path.iterdir()] == ["emnist-2"]
