"""The course's data: found, downloaded or drawn; importing utils is quick."""

import hashlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import utils
from ocr.datasets import download, splits
from ocr.datasets.dataset import load_labelled
from ocr.datasets.emnist import load_emnist, merge
from ocr.datasets.labels import CLASSES, DataError
from tests.samples import noise, save_emnist, save_noise


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder, in the quick profile."""
    folder = tmp_path / "data"
    for module in (utils, download):
        monkeypatch.setattr(module, "DATA", folder)
    monkeypatch.setattr(download, "ROOT", tmp_path)
    monkeypatch.delenv("OCR_DATA", raising=False)
    monkeypatch.setenv("OCR_PROFILE", "quick")
    return folder


def test_importing_utils_loads_nothing_heavy():
    heavy = ["pandas", "cv2", "matplotlib", "captcha", "tqdm", "keras", "onnxruntime"]
    code = f"import sys, utils; sys.exit(','.join(set({heavy}) & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_captchas_are_found_in_order_else_drawn(tmp_path, data, monkeypatch):
    monkeypatch.setattr(utils, "DRAWN_CAPTCHAS", 12)
    path, origin = utils.find_captchas()
    assert "drawn" in origin and len(load_labelled(path)) == 12
    before = path.stat().st_mtime_ns
    assert utils.find_captchas()[0].stat().st_mtime_ns == before  # cached
    save_noise(data / "captcha_images_v2", ["aaaa2.png"])
    path, origin = utils.find_captchas()
    assert path == data / "captcha_images_v2" and "real" in origin
    save_noise(tmp_path / "mine" / "captcha_images_v2", ["aaaa3.png"])
    for given in ("mine", str(tmp_path / "mine")):
        monkeypatch.setenv("OCR_DATA", given)
        assert utils.find_captchas()[0] == tmp_path / "mine" / "captcha_images_v2"


def test_wrong_environment_variables_are_errors(data, monkeypatch):
    monkeypatch.setenv("OCR_DATA", "nowhere")
    with pytest.raises(DataError, match="OCR_DATA=nowhere is not a folder"):
        utils.find_captchas()
    monkeypatch.setenv("OCR_PROFILE", "slow")
    with pytest.raises(DataError, match="OCR_PROFILE=slow: use 'quick' or 'full'"):
        utils.full_profile()


def test_captchas_are_verified_by_names_and_contents(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        noise(0).save(tmp_path / "ab.png")
        archive.write(tmp_path / "ab.png", "ab.png")
    (tmp_path / "page.zip").write_bytes(b"<html>")
    assert not utils._is_captchas(tmp_path / "other.zip")
    assert not utils._is_captchas(tmp_path / "page.zip")
    save_noise(tmp_path / "deep" / "folder", ["ab.png"])
    digest = utils.content_digest(str(tmp_path / "deep"))
    monkeypatch.setattr(utils, "CAPTCHA_DIGEST", digest)
    assert utils._is_captchas(tmp_path / "deep" / "folder")


def test_emnist_is_downloaded_only_where_allowed_and_verified(tmp_path, data, monkeypatch):
    content, calls = b"an archive", []

    def fetch(url, part):
        calls.append(url)
        part.write_bytes(content)

    monkeypatch.setattr(download, "_fetch", fetch)
    monkeypatch.setattr(utils, "_draw_emnist", lambda split: tmp_path)
    assert "drawn" in utils.find_emnist(download_allowed=False)[1] and not calls
    assert "drawn" in utils.find_emnist()[1] and not calls  # the quick profile
    assert "drawn" in utils.find_emnist(download_allowed=True)[1] and calls  # wrong content
    assert not list(data.glob("*.zip"))
    monkeypatch.setattr(utils, "EMNIST_DIGEST", hashlib.sha256(content).hexdigest())
    assert utils.find_emnist(download_allowed=True)[0] == data / "gzip.zip"


def test_a_split_that_cannot_be_drawn_is_an_error(data):
    save_emnist(data / "emnist", "letters", mapping="AB")
    assert utils.find_emnist("letters")[0] == data / "emnist"
    with pytest.raises(DataError, match=r"EMNIST balanced was not found .*data/README\.md"):
        utils.find_emnist("balanced")


@pytest.mark.slow
def test_drawn_emnist_has_the_form_of_emnist(data, monkeypatch):
    monkeypatch.setattr(utils, "DRAWN_CHARACTERS", 2)
    folder, _ = utils.find_emnist("byclass")
    train, test = (load_emnist(folder, "byclass", part) for part in ("train", "test"))
    assert sorted(train.labels) == sorted(CLASSES * 2)
    assert sorted(test.labels) == sorted(CLASSES * 40)
    assert not set(splits.digests(train.images)) & set(splits.digests(test.images))
    assert [p.name for p in (data / "drawn").iterdir()] == ["emnist-2"]


@pytest.mark.slow
def test_bymerge_has_47_classes_and_upright_images():
    path, _ = utils.find_emnist("bymerge")
    test = load_emnist(path, "bymerge", "test")
    assert sorted(set(test.labels)) == sorted(set(map(merge, CLASSES)))
    assert test.images.dtype == np.uint8 and test.images.shape[1:] == (28, 28, 1)
    sevens = test.images[[label == "7" for label in test.labels]]
    above = sevens[:, :14].mean(axis=(1, 2, 3)) > sevens[:, 14:].mean(axis=(1, 2, 3))
    assert above.mean() > 0.8  # the bar of a 7
