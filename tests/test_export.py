"""Saving readers: all or nothing, what a killed save left, folders that cannot be written."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import utils
from ocr.backend import keras
from ocr.reading.contract import ReaderError
from ocr.reading.reader import Reader
from ocr.training import export


def test_a_reader_is_saved_whole_or_not_at_all(small, tmp_path):
    facts = json.loads((small / "reader.json").read_text())
    model = keras.models.load_model(small / "model.keras")
    folder = shutil.copytree(small, tmp_path / "kept")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    examples = np.zeros((1, 8, 40, 1), np.uint8)
    with pytest.raises(ReaderError, match="not saved"):
        export.save(folder, model, facts, examples, tolerance=-1.0)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    export.save(folder, model, facts | {"seed": 7}, examples)
    assert Reader.load(folder).contract["seed"] == 7
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_what_a_killed_save_left_is_recovered_or_removed(small, tmp_path):
    shutil.copytree(small, tmp_path / ".mine.1.old")  # killed between its two renames
    (tmp_path / ".mine.1.part").mkdir()
    export.reserve(tmp_path / "mine")
    left = {".mine.lock", "mine"}  # this process trains it from now on
    assert {p.name for p in tmp_path.iterdir()} == left and Reader.load(tmp_path / "mine")
    shutil.copytree(small, tmp_path / ".mine.2.old")  # killed after them
    (tmp_path / ".mine.v2.3.part").mkdir()  # another reader's
    export.reserve(tmp_path / "mine")
    assert {p.name for p in tmp_path.iterdir()} == left | {".mine.v2.3.part"}


def test_a_folder_that_cannot_be_written_is_reported_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReaderError, match="is a file: choose another name"):
        export.reserve(tmp_path / "file")
    with pytest.raises(ReaderError, match="a reader cannot be saved there"):
        export.reserve(tmp_path / "file" / "mine")


def test_an_ensemble_is_saved_whole_or_not_at_all(ensemble, tmp_path, monkeypatch):
    folder = shutil.copytree(ensemble, tmp_path / "mine")
    before = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*"))
    models = [keras.models.load_model(folder / str(k) / "model.keras") for k in (1, 2)]

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write_contract", full_disk)
    with pytest.raises(ReaderError, match="cannot be saved .No space left on device.: free some"):
        export.save_ensemble(
            folder,
            models,
            [Reader.load(folder / "1").contract] * 2,
            Reader.load(folder).contract,
            np.zeros((2, 28, 28, 4), np.uint8),
        )
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == before


# --- equal weights, equal bytes -----------------------------------------------------------------

KINDS = ("LSTM", "GRU")
AGAIN = """
import sys
from ocr.backend import keras
from ocr.training.export import to_onnx
keras.layers.LSTM(1)(keras.Input((1, 1)))  # the names of layers count within a process
for kind in sys.argv[1:]:
    model = keras.models.load_model(f"{kind}.keras")
    to_onnx(keras.Model(model.inputs, model.outputs, name="reader"), f"{kind}.onnx")
"""


def recurrent_model(kind):
    """Build a network with two recurrent layers, each in both directions."""
    image = keras.Input((8, 12, 1), name="image")
    x = keras.layers.Reshape((8, 12))(image)
    for _ in range(2):
        layer = getattr(keras.layers, kind)(5, return_sequences=True)
        x = keras.layers.Bidirectional(layer)(x)
    return keras.Model(image, keras.layers.Dense(4)(x), name="reader")


@pytest.mark.slow
def test_equal_recurrent_networks_give_equal_files_in_another_process(tmp_path):
    here = {}
    for kind in KINDS:
        model = recurrent_model(kind)
        model.save(tmp_path / f"{kind}.keras")
        export.to_onnx(model, tmp_path / "here.onnx")
        here[kind] = (tmp_path / "here.onnx").read_bytes()
    environ = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(utils.ROOT)}
    command = [sys.executable, "-c", AGAIN, *KINDS]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, timeout=900)
    assert done.returncode == 0, done.stderr.decode()
    for kind in KINDS:
        assert (tmp_path / f"{kind}.onnx").read_bytes() == here[kind], kind
