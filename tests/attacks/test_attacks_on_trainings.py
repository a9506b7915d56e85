"""Trainings beside one another, on a full disk, with damaged checkpoints; equal ONNX files."""

import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest

import utils
from ocr import paths
from ocr.backend import keras
from ocr.cli import main
from ocr.locks import Busy, Lock
from ocr.reading.contract import ReaderError
from ocr.reading.reader import Reader
from ocr.training import checkpoint, export
from tests.attacks import trainings


@pytest.mark.slow
def test_damaged_checkpoints_are_set_aside(tmp_path):
    assert trainings.damage_checkpoints(tmp_path).faults == []


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(paths, "LOGS", tmp_path / "logs")
    return tmp_path / "cache"


def test_another_trainings_checkpoint_is_set_aside(cache):
    first = trainings.fit("mine", epochs=3)[0]
    trainings.fit("mine", epochs=4)
    three, four = sorted(cache.glob("*.npz"), key=lambda file: file.stat().st_mtime)
    shutil.copy(four, three)
    again, printed = trainings.fit("mine", epochs=3)
    assert again == first and "it does not belong to this training" in printed


def test_checkpoints_are_bounded_and_what_was_killed_is_removed(cache, monkeypatch):
    trainings.fit("mine")
    (file,) = cache.glob("*.npz")
    for k in range(5):
        (cache / f"old-{k}.npz").write_bytes(bytes(1000))
        os.utime(cache / f"old-{k}.npz", (k, k))
    (cache / f".{file.name}.{'0' * 32}.part").write_bytes(bytes(100))
    (cache / f".other.npz.{'0' * 32}.part").write_bytes(bytes(100))  # may still be written
    monkeypatch.setattr(checkpoint, "MOST", file.stat().st_size + 2_500)
    assert "come from .cache/" in trainings.fit("mine")[1]
    kept = {each.name for each in cache.iterdir()}
    assert kept == {file.name, "old-3.npz", "old-4.npz", f".other.npz.{'0' * 32}.part"}


def test_checkpoints_are_removed_by_ocr_clean(cache, capsys):
    cache.mkdir()
    for name in ("a-1.npz", "b-2.damaged", ".c-3.npz.0.part", "kept.txt"):
        (cache / name).write_bytes(bytes(500_000))
    assert main(["clean", "--dry-run"]) == 0 and len(list(cache.iterdir())) == 4
    assert capsys.readouterr().out.splitlines()[-1] == "3 checkpoints, 1.5 MB, would be removed"
    assert main(["clean", "--damaged"]) == 0 and len(list(cache.iterdir())) == 3
    assert main(["clean"]) == 0 and [file.name for file in cache.iterdir()] == ["kept.txt"]
    assert capsys.readouterr().out.splitlines()[-1] == "2 checkpoints, 1.0 MB, removed"


# --- the name and the disk -----------------------------------------------------------------------

HOLD = """
import sys
from ocr.training import export
export.reserve(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_second_training_of_a_name_is_told_at_once(tmp_path, small):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "mine")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=utils.ROOT, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        message = f"mine: is being trained already, by process {holder.pid}: stop it with Ctrl-C"
        with pytest.raises(ReaderError, match=f"{message}; or choose another name"):
            export.reserve(tmp_path / "mine")
        export.reserve(tmp_path / "other")
        holder.kill()
        holder.wait()
    model, facts = keras.models.load_model(small / "model.keras"), Reader.load(small).contract
    export.reserve(tmp_path / "mine")  # a killed process holds nothing
    export.save(tmp_path / "mine", model, facts, np.zeros((1, 8, 40, 1), np.uint8))
    assert {each.name for each in tmp_path.iterdir()} == {"mine", ".other.lock"}


def test_a_lock_whose_file_is_removed_is_taken_by_one(tmp_path):
    first = Lock(tmp_path / ".lock", "busy")
    with pytest.raises(Busy, match=f"busy, by process {os.getpid()}"):
        Lock(tmp_path / ".lock", "busy")
    first.remove()
    assert list(tmp_path.iterdir()) == []
    second = Lock(tmp_path / ".lock", "busy")
    with pytest.raises(Busy):
        Lock(tmp_path / ".lock", "busy")
    second.remove()


def test_too_little_space_is_told_before_the_training(tmp_path, monkeypatch, cache):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ReaderError, match="0 MB are free, a reader takes up to 64 MB: free some"):
        export.reserve(tmp_path / "mine")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(checkpoint.CheckpointError, match="are free, checkpoints take 0 MB"):
        trainings.fit("mine")


FULL = """
import resource, signal, sys
from pathlib import Path
from ocr import paths
from ocr.training import checkpoint
paths.CACHE = paths.LOGS = Path(sys.argv[1])
from ocr.training import loop
loop.Board = lambda *_: loop.keras.callbacks.Callback()  # its thread would only log the full disk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
from tests.attacks import trainings
try:
    trainings.fit("mine")
except checkpoint.CheckpointError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_disk_that_fills_up_ends_a_training_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=utils.ROOT, capture_output=True, text=True
    )
    assert "no checkpoint can be written" in done.stdout, done.stderr[-500:]
    assert done.stdout.count("\n") == 1 and list(tmp_path.iterdir()) == []


# --- equal ONNX files ----------------------------------------------------------------------------

EXPORT = """
import hashlib, sys
from ocr.backend import keras
from ocr.training import export
for _ in range(int(sys.argv[3])):
    keras.layers.Conv2D(1, 1)(keras.Input((8, 8, 1)))  # counts up the names of a session
export.to_onnx(keras.models.load_model(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["captcha", "cnn_lstm"])
def test_equal_weights_give_equal_onnx_files(tmp_path, name):
    digests = set()
    for k in range(3):
        command = [sys.executable, "-c", EXPORT, str(paths.MODELS / name / "model.keras")]
        environment = os.environ | {"PYTHONHASHSEED": str(k)}
        file = tmp_path / f"{k}.onnx"
        subprocess.run(
            [*command, str(file), str(k)],
            cwd=utils.ROOT,
            env=environment,
            check=True,
            stderr=subprocess.DEVNULL,
        )
        digests.add(hashlib.sha256(file.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_renaming_keeps_what_a_network_computes():
    import onnxruntime

    for file in sorted(paths.MODELS.glob("*/model.onnx")):
        model = onnx.load(file)
        shuffled = onnx.ModelProto.FromString(model.SerializeToString())
        for node in shuffled.graph.node:
            node.name += "_9"
            node.output[:] = [name + "_9" for name in node.output]
        made = {name for node in model.graph.node for name in node.output}
        for node in shuffled.graph.node:
            node.input[:] = [name + "_9" if name in made else name for name in node.input]
        shuffled.graph.output[0].name += "_9"
        weights = list(shuffled.graph.initializer)[::-1]
        del shuffled.graph.initializer[:]
        shuffled.graph.initializer.extend(weights)
        before = onnxruntime.InferenceSession(model.SerializeToString())
        shape = [side if isinstance(side, int) else 1 for side in before.get_inputs()[0].shape]
        shape = [
            1 if k == 0 else 64 if side == 1 and k == 2 else side for k, side in enumerate(shape)
        ]
        image = {"image": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
        expected = before.run(None, image)[0]
        for each in (model, shuffled):
            export.rename(each)
            onnx.checker.check_model(each)
            session = onnxruntime.InferenceSession(each.SerializeToString())
            assert np.array_equal(session.run(None, image)[0], expected)
        assert model.SerializeToString(deterministic=True) == shuffled.SerializeToString(
            deterministic=True
        )
