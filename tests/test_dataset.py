"""Labelled images: decoding, input size, drawn pairs."""

import os

import numpy as np
import pytest
from PIL import Image

from ocr.datasets.dataset import from_pairs, input_size, load_labelled
from ocr.datasets.labels import DataError
from tests.samples import noise, save_noise


def test_images_are_decoded_and_preprocessed(tmp_path):
    save_noise(tmp_path, ["a.png", "b.jpg"])
    assert load_labelled(tmp_path).images.shape == (2, 24, 60, 1)
    data = load_labelled(str(tmp_path), (16, 40), channels=3)
    assert data.images.shape == (2, 16, 40, 3) and data.images.dtype == np.uint8
    assert data.sizes == [(60, 24)] * 2 and len(data.take([True, False])) == 1


def test_data_without_labelled_images_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_labelled(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 images, none with a label"):
        load_labelled(tmp_path / "empty")
    with pytest.raises(DataError, match="1 images, none with a label"):
        load_labelled(save_noise(tmp_path / "unlabelled", ["_1.png"]))
    (tmp_path / "ab.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of its 1 labelled images can be read"):
        load_labelled(tmp_path)


def test_a_folder_that_cannot_be_opened_is_unreadable(tmp_path, monkeypatch):
    save_noise(tmp_path, ["ab.png", "shut/cd.png"])
    scandir = os.scandir

    def guarded(folder):  # permissions do not exclude root
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("ocr.reading.files.os.scandir", guarded)
    data = load_labelled(tmp_path)
    assert data.labels == ["ab"]
    assert data.unreadable == {
        f"{tmp_path.as_posix()}/shut/": "cannot be opened: Permission denied"
    }


def test_input_size_fits_the_images_and_the_labels():
    assert input_size([(200, 50)] * 9, ["226md"]) == (50, 200)
    assert input_size([(400, 100)], ["226md"]) == (64, 256)
    assert input_size([(30, 32)], ["0123456789"]) == (85, 80)  # 10 symbols: at least 20 steps
    assert input_size([(100, 30), (101, 30)], ["ab"])[1] % 4 == 0
    outlier = ["abcd"] * 39 + ["x" * 200]
    assert input_size([(160, 40)] * 40, outlier) == (40, 160)  # the audit reports it
    assert input_size([(100, 25)] * 10, ["1"] * 9 + ["1" * 100_000])[1] <= 4096


def test_camera_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        noise(i, (40, 160)).save(tmp_path / f"ab_{i}.jpg", exif=exif)
    assert load_labelled(tmp_path).images.shape == (3, 40, 160, 1)


def test_drawn_pairs_become_a_data_set():
    ink = np.full((40, 90), 250, np.uint8)
    ink[10:30, 20:60] = 20
    pairs = [("12.5", ink), ("blank", np.full((40, 90), 250, np.uint8)), ("7", ink)]
    data = from_pairs(pairs, (32, 256), name="mine")
    assert data.images.shape == (2, 32, 256, 1) and data.labels == ["12.5", "7"]
    assert data.names == ["mine[0]", "mine[1]"] and list(data.unreadable) == ["mine[1]: blank"]
    assert len(from_pairs(pairs, (32, 256), fit="picture")) == 3
