"""Training with several processes: parts of batches, the launcher, real workers on loopback, killed ones."""

import importlib.util
import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from conftest import copy_project

import utils
from ocr.datasets import dataset
from ocr.drawing import captchas
from ocr.reading import ctc
from ocr.reading.reader import Reader
from ocr.training import batches, distributed

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="no JAX here: pip install -r requirements-scale.txt",
)


def test_the_rows_of_all_workers_make_up_the_batch(monkeypatch):
    rng = np.random.default_rng(0)
    strings = dataset.Labelled(
        rng.integers(0, 256, (30, 20, 40, 1), np.uint8),
        [f"{k:02}" for k in range(30)],
        [str(k) for k in range(30)],
    )
    signs = dataset.Labelled(
        rng.integers(0, 256, (30, 28, 28, 1), np.uint8),
        [str(k % 3) for k in range(30)],
        strings.names,
    )

    def made(own):
        one = batches.batches(
            strings, ctc.Alphabet("0123456789"), 12, seed=4, epoch=2, strength=0.5, own=own
        )
        other = batches.class_batches(
            signs, ctc.Alphabet("012"), 3, 12, 4, seed=4, epoch=2, strength=0.5, own=own
        )
        return [
            [batch["image"], batch["label"], *pair]
            for (batch,), pair in itertools.islice(zip(one, other), 6)
        ]

    whole = made(slice(None))
    for count in (1, 2, 3, 4, 12):
        monkeypatch.setattr(distributed, "count", count)
        parts = []
        for rank in range(count):
            monkeypatch.setattr(distributed, "rank", rank)
            parts.append(made(distributed.own(12)))
        assert {len(part[0][0]) for part in parts} == {12 // count}
        for step, batch in enumerate(whole):
            assert all(
                np.array_equal(np.concatenate([part[step][k] for part in parts]), array)
                for k, array in enumerate(batch)
            )
    monkeypatch.setattr(distributed, "count", 5)
    with pytest.raises(
        distributed.WorkerError, match="a batch of 12 images cannot be divided among 5 workers"
    ):
        distributed.own(12)


def test_a_coordinator_that_is_not_there(monkeypatch):
    monkeypatch.setattr(distributed, "WAIT", 0.3)
    with pytest.raises(distributed.WorkerError, match="no worker 0 at 127.0.0.1:1 .*HOST:PORT"):
        distributed._wait_for("127.0.0.1:1")
    with pytest.raises(distributed.WorkerError, match="no worker 0 at not-yet.invalid:1234"):
        started = time.monotonic()
        distributed._wait_for("not-yet.invalid:1234")
    assert time.monotonic() - started > 0.3  # the machine of worker 0 may still be starting
    with socket.create_server(("", 0)) as taken:
        for wrong in (
            "nowhere",
            "nowhere:",
            ":1",
            "x:0",
            "x:999999",
            f"127.0.0.1:{taken.getsockname()[1]}",
        ):
            with pytest.raises(distributed.WorkerError, match="give HOST:PORT, a free port"):
                distributed._checked(wrong, bind=True)
    assert distributed._checked("[::1]:1", bind=False) == "[::1]"


def test_the_launcher_stops_all_when_one_fails_and_says_which(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\nrank = int(sys.argv[-1])\n"
        "if rank == 1: sys.exit('something is wrong')\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    with pytest.raises(
        distributed.WorkerError,
        match="worker 1 ended with status 1: something is wrong; the others were stopped",
    ):
        distributed.start([sys.executable, str(program)], 3)
    assert time.monotonic() - started < 15 and not [
        p for p in psutil.Process().children() if "program.py" in " ".join(p.cmdline())
    ]
    program.write_text("import sys; sys.exit(3)")
    with pytest.raises(distributed.WorkerError, match="worker 0 ended with status 3"):
        distributed.start([sys.executable, str(program)], 1)
    program.write_text(
        "import os, sys\nif sys.argv[-1] == '1': os.kill(os.getpid(), 9)\nimport time; time.sleep(60)\n"
    )
    with pytest.raises(distributed.WorkerError, match="worker 1 was killed by SIGKILL"):
        distributed.start([sys.executable, str(program)], 2)


def test_wrong_usage_is_told():
    for wrong in (
        ["--workers", "0"],
        ["--rank", "0"],
        ["--rank", "2", "--workers", "2", "--coordinator", "x:1"],
        ["--batch", "0"],
    ):
        done = subprocess.run(
            [sys.executable, "train.py", "captcha", "--data", ".", "--name", "wrong", *wrong],
            cwd=utils.ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_batch_size_is_for_lessons_whose_learning_rate_goes_with_it():
    done = subprocess.run(
        [sys.executable, "train.py", "char_cnn", "--data", ".", "--name", "wrong", "--batch", "32"],
        cwd=utils.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "--batch is for lessons on strings" in done.stderr


SAVE = """
from pathlib import Path
from ocr.training import checkpoint
import keras
model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(2000)])
model.compile("sgd", "mse")
checkpoint = checkpoint.Checkpoint("one", model, {}, 10**6, folder=Path(sys.argv[1]))
checkpoint.set_model(model)
print("ready", flush=True)
for epoch in range(10**6):
    checkpoint.on_epoch_end(epoch, {"loss": float(len(checkpoint.rows))})
"""


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path):
    rng, seen = np.random.default_rng(0), 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE, str(tmp_path)],
            cwd=utils.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0.2, 0.6))
            process.send_signal(signal.SIGKILL)
        for path in tmp_path.glob("one-*.npz"):
            with np.load(path) as saved:
                rows = json.loads(str(saved["state"]))["rows"]
                assert saved["v0"].shape == (1000, 2000) and rows[-1]["loss"] == len(rows) - 1
            seen += 1
    assert seen


@pytest.fixture
def project(tmp_path):
    """A copy of the project, and the command to train in it on forty drawn CAPTCHAs."""
    folder = copy_project(tmp_path / "project")
    (tmp_path / "data").mkdir()
    for label, picture in captchas.captchas(40, seed=5):
        picture.save(tmp_path / "data" / f"{label}.png")
    return folder, [
        sys.executable,
        str(folder / "train.py"),
        "captcha",
        "--data",
        str(tmp_path / "data"),
        "--name",
        "mine",
        "--epochs",
        "8",
        "--batch",
        "4",
    ]


def state(folder):
    """The checkpoint in a project, its log and weights."""
    (path,) = (folder / ".cache").glob("improved-*.npz")
    with np.load(path) as saved:
        return path, json.loads(str(saved["state"]))["rows"], [saved[f"v{i}"] for i in range(30)]


@needs_jax
def test_two_workers_train_what_one_trains_and_resume_when_killed(project):
    folder, command = project
    distributed.start(command, 1)
    path, alone, _ = state(folder)
    path.unlink()
    distributed.start(command, 2)
    _, together, weights = state(folder)
    assert len(together) == 8 and np.allclose(
        [row["loss"] for row in together[:3]], [row["loss"] for row in alone[:3]], rtol=1e-3
    )  # then rounding grows
    path.unlink()

    def kill():
        while not path.exists():
            time.sleep(0.05)
        [
            process.kill()
            for process in psutil.Process().children()
            if process.cmdline()[-2:] == ["--rank", "1"]
        ]

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(
        distributed.WorkerError, match="the same command goes on from the last epoch"
    ):
        distributed.start(command, 2)
    thread.join()
    assert len(state(folder)[1]) < 8
    done = subprocess.run(
        [*command, "--workers", "2"], capture_output=True, text=True
    )  # and TensorFlow saves the reader
    assert done.returncode == 0, done.stderr
    _, resumed, same = state(folder)
    assert resumed[-1]["loss"] == pytest.approx(together[-1]["loss"], rel=1e-3)
    assert max(np.abs(a - b).max() for a, b in zip(weights, same)) < 1e-3
    reader = Reader.load(folder / "models" / "mine")
    assert reader.read(np.full((50, 200), 255, np.uint8)).confidence >= 0


def wait_until(true, seconds=90):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    assert true()


@needs_jax
def test_workers_of_another_launcher_end_with_a_line_and_with_a_signal(project):
    folder, command = project
    command = [*command[:-4], "--epochs", "2000", "--batch", "4"]
    coordinator = f"127.0.0.1:{distributed.free_port()}"
    pair = [
        subprocess.Popen(
            [*command, "--workers", "2", "--rank", str(rank), "--coordinator", coordinator],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    wait_until(lambda: list((folder / ".cache").glob("improved-*.npz")))
    pair[1].kill()
    told = pair[0].communicate(timeout=60)[1]
    pair[1].communicate()
    assert (
        pair[0].returncode == 1
        and told.splitlines()[-1]
        == "train.py: another worker was lost; the same command goes on from the last epoch"
    ), told
    (path,) = (folder / ".cache").glob("improved-*.npz")
    before = path.stat().st_mtime_ns
    launcher = subprocess.Popen(
        [*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: path.stat().st_mtime_ns != before)
    started = psutil.Process(launcher.pid).children()
    launcher.terminate()
    assert (
        launcher.wait(30) == 143
        and len(started) == 2
        and not any(process.is_running() for process in started)
    )


@needs_jax
def test_workers_that_do_not_come_are_told():
    program = f"import workers; distributed.WAIT = 2; distributed.join('127.0.0.1:{distributed.free_port()}', 2, 0)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=utils.ROOT, capture_output=True, text=True, timeout=60
    )
    assert (
        done.returncode == 1
        and done.stderr.splitlines()[-1]
        == "train.py: after 2 s not all of the 2 workers are there: start every rank from 0 to 1"
    )
