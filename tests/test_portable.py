"""Networks that older releases of Keras load: what is left out of their files, and what is not."""

import json
import zipfile

import pytest

from ocr.paths import MODELS
from ocr.training.portable import NEWER, make_portable, without_newer

SHIPPED = sorted(
    file
    for name in ("captcha", "char_cnn", "cnn_lstm", "dual_input", "numbers")
    for file in (MODELS / name).rglob("model.keras")
)


def test_newer_settings_are_left_out_where_they_have_no_effect():
    layer = {"name": "conv", "kernel": {"seed": None, "input_axes": None}, "renorm": False}
    assert without_newer([layer]) == [{"name": "conv", "kernel": {"seed": None}}]
    assert without_newer({"renorm": True}) == {"renorm": True}


def test_a_file_keeps_all_else(tmp_path):
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps({"units": 3, "renorm": False}))
        archive.writestr("model.weights.h5", b"weights")
    make_portable(file)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["config.json", "model.weights.h5"]
        assert json.loads(archive.read("config.json")) == {"units": 3}
        assert archive.read("model.weights.h5") == b"weights"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_shipped_networks_load_with_older_releases(file):
    config = zipfile.ZipFile(file).read("config.json").decode()
    found = [name for name in NEWER if f'"{name}"' in config]
    folder = file.parent.relative_to(MODELS.parent)
    assert not found, f"run `python -m ocr.training.portable {folder.as_posix()}`"
