"""Distributed training: rows of batches, the launcher, real workers on loopback, killed ones."""

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
from ocr import Reader
from ocr.datasets import dataset
from ocr.drawing import captchas
from ocr.reading import ctc
from ocr.training import batches, distributed, launcher

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="no JAX here: make scale",
)


def test_the_workers_rows_make_up_the_batch(monkeypatch):
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
        one = batches.string_batches(
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
            parts.append(made(distributed.own_rows(12)))
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
        distributed.own_rows(12)


def test_missing_or_wrong_coordinator(monkeypatch):
    monkeypatch.setattr(distributed, "TIMEOUT", 0.3)
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
                distributed._check_address(wrong, bind=True)
    assert distributed._check_address("[::1]:1", bind=False) == "[::1]"


def test_the_launcher_stops_all_workers_when_one_fails(tmp_path):
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
        launcher.start([sys.executable, str(program)], 3)
    assert time.monotonic() - started < 15 and not [
        p for p in psutil.Process().children() if "program.py" in " ".join(p.cmdline())
    ]
    program.write_text("import sys; sys.exit(3)")
    with pytest.raises(distributed.WorkerError, match="worker 0 ended with status 3"):
        launcher.start([sys.executable, str(program)], 1)
    program.write_text(
        "import os, sys, time\nif sys.argv[-1] == '1': os.kill(os.getpid(), 9)\ntime.sleep(60)\n"
    )
    with pytest.raises(distributed.WorkerError, match="worker 1 was killed by SIGKILL"):
        launcher.start([sys.executable, str(program)], 2)


def test_wrong_usage():
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


def test_batch_is_an_option_of_strings_only():
    done = subprocess.run(
        [sys.executable, "train.py", "char_cnn", "--data", ".", "--name", "wrong", "--batch", "32"],
        cwd=utils.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "unrecognized arguments: --batch 32" in done.stderr


SAVE = """
import sys
from pathlib import Path
from ocr.backend import keras
from ocr.training import checkpoint
model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(2000)])
model.compile("sgd", "mse")
checkpoint = checkpoint.Checkpoint("one", model, {}, 10**6, folder=Path(sys.argv[1]))
checkpoint.set_model(model)
print("ready", flush=True)
for epoch in range(10**6):
    checkpoint.on_epoch_end(epoch, {"loss": float(len(checkpoint.rows))})
"""


@pytest.mark.slow
def test_a_checkpoint_survives_kill_9(tmp_path):
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
    command = [
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
    yield folder, command
    for process in psutil.Process().children(recursive=True):
        process.kill()  # what a failed test has left


def state(folder):
    """The checkpoint in a project, its log and weights."""
    (path,) = (folder / ".cache").glob("mine-*.npz")
    with np.load(path) as saved:
        return path, json.loads(str(saved["state"]))["rows"], [saved[f"v{i}"] for i in range(30)]


@needs_jax
@pytest.mark.slow
def test_two_workers_train_like_one_and_resume_when_killed(project):
    folder, command = project
    launcher.start(command, 1)
    path, alone, _ = state(folder)
    path.unlink()
    launcher.start(command, 2)
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
        distributed.WorkerError, match="the same command resumes from the last epoch"
    ):
        launcher.start(command, 2)
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


def wait_until(true, seconds=300):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    assert true()


@needs_jax
@pytest.mark.slow
def test_workers_end_with_one_line_and_on_sigterm(project):
    folder, command = project
    command = [*command[:-4], "--epochs", "2000", "--batch", "4"]
    coordinator = f"127.0.0.1:{launcher.free_port()}"
    pair = [
        subprocess.Popen(
            [*command, "--workers", "2", "--rank", str(rank), "--coordinator", coordinator],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    wait_until(lambda: list((folder / ".cache").glob("mine-*.npz")))
    pair[1].kill()
    told = pair[0].communicate(timeout=60)[1]
    pair[1].communicate()
    assert (
        pair[0].returncode == 1
        and told.splitlines()[-1]
        == "train: another worker was lost; the same command resumes from the last epoch"
    ), told
    (path,) = (folder / ".cache").glob("mine-*.npz")
    before = path.stat().st_mtime_ns
    parent = subprocess.Popen(
        [*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: path.stat().st_mtime_ns != before)
    started = psutil.Process(parent.pid).children()
    parent.terminate()
    assert (
        parent.wait(30) == 143
        and len(started) == 2
        and not any(process.is_running() for process in started)
    )


@needs_jax
@pytest.mark.slow
def test_missing_workers_time_out():
    port = launcher.free_port()
    program = (
        "from ocr.training import distributed; distributed.TIMEOUT = 2; "
        f"distributed.join('127.0.0.1:{port}', 2, 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=utils.ROOT, capture_output=True, text=True, timeout=60
    )
    assert (
        done.returncode == 1
        and done.stderr.splitlines()[-1]
        == "train: not all 2 workers joined within 2 s: start every rank from 0 to 1"
    )
