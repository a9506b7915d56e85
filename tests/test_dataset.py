"""Labelled images, decoded."""

import pytest
from PIL import Image
from samples import lay, picture, toy

from ocr.datasets import dataset
from ocr.datasets.dataset import from_pairs, load_labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import usable
from ocr.drawing.fonts import faces
from ocr.drawing.numbers import press
from ocr.drawing.paper import pictures


def test_data_that_cannot_be_trained_on(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_labelled(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 images, none with a label"):
        load_labelled(tmp_path / "empty")
    with pytest.raises(DataError, match="1 images, none with a label"):
        load_labelled(lay(tmp_path / "unlabelled", ["_1.png"]))
    (tmp_path / "ab.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of its 1 labelled images can be read"):
        load_labelled(tmp_path)
    with pytest.raises(DataError, match="all images have the label 'IMG'"):
        usable(toy(["IMG"] * 20), 20)
    with pytest.raises(DataError, match="all labels consist of '7' alone"):
        usable(toy(["7", "77"] * 20), 20)
    with pytest.raises(DataError, match="at least 10 different"):
        usable(toy(["12"] * 9), 10)
    with pytest.raises(DataError, match="at least 10 different"):
        usable(toy(["12"] * 12, twins=[(0, i) for i in range(1, 12)]), 10)


def test_a_folder_that_cannot_be_opened_is_in_the_audit(tmp_path, monkeypatch):
    import os

    lay(tmp_path, ["ab.png", "shut/cd.png"])
    scandir = os.scandir

    def guarded(folder):  # as root, permissions shut nobody out
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("ocr.reading.files.os.scandir", guarded)
    data = load_labelled(tmp_path)
    assert data.labels == ["ab"]
    assert list(data.unreadable.items()) == [
        (f"{tmp_path.as_posix()}/shut/", "cannot be opened: Permission denied")
    ]


def test_input_size_follows_the_images_and_leaves_room_for_the_labels():
    size = dataset.input_size
    assert size([(200, 50)] * 9, ["226md"]) == (50, 200)
    assert size([(400, 100)], ["226md"]) == (64, 256)
    assert size([(30, 32)], ["0123456789"]) == (85, 80)  # 10 symbols: at least 20 steps of 4 pixels
    assert size([(100, 30), (101, 30)], ["ab"])[1] % 4 == 0
    assert size([(160, 40)] * 40, ["abcd"] * 39 + ["x" * 200]) == (
        40,
        160,
    )  # the outlier is the audit's


def test_a_camera_held_upright_counts(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        picture(i, (40, 160)).save(tmp_path / f"ab_{i}.jpg", exif=exif)
    assert load_labelled(tmp_path).images.shape == (3, 40, 160, 1)


def test_drawn_numbers_as_a_data_set():
    data = from_pairs(
        pictures(press("western", faces(("open_sans", "pt_serif"), "western")), ["12.5", "7"]),
        (32, 256),
        name="mine",
    )
    assert (
        data.images.shape == (2, 32, 256, 1)
        and data.labels == ["12.5", "7"]
        and data.names == ["mine[0]", "mine[1]"]
    )
    assert len(data.take([1])) == 1
