"""The training process of the labelling loop: what it reports, how it ends, and a real run."""

import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest
from conftest import copy_project

from ocr.drawing.captchas import captchas
from ocr.labelling import queue
from ocr.labelling.loop.trainer import Trainer
from ocr.labelling.loop.worker import Event, Job
from ocr.locks import Lock
from ocr.reading.reader import Reader
from tests.labelling import Command, entries, quick


@pytest.fixture
def trainer(tmp_path):
    trainer = Trainer(tmp_path / "logs" / "mine.txt", quick)
    yield trainer
    trainer.cancel()


def start(trainer, kind):
    trainer.start(Job(kind, trainer.work / "data", trainer.work / "reader" / kind))


def wait(trainer, state, seconds=60):
    """Collect what is reported until an event of this state."""
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        found += trainer.events()
        if any(event.state == state for event in found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def gone(process, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_process_reports_epochs_and_faults_and_is_kept(trainer, tmp_path):
    start(trainer, "good")
    assert wait(trainer, "done") == [Event("epoch", 48, 485), Event("done")]
    number, session = json.loads((trainer.work / "reader/good/facts.json").read_text())
    assert number == trainer.pid == session != os.getsid(0)
    start(trainer, "fails")
    assert wait(trainer, "failed") == [Event("failed", problem="9 of 12 images are usable")]
    start(trainer, "breaks")
    (event,) = wait(trainer, "failed")
    assert event.problem.startswith("KeyError: 'x'; see ") and "\n" not in event.problem
    log = (tmp_path / "logs" / "mine.txt").read_text()
    assert "epoch  48 of 485" in log and "Traceback" in log
    assert trainer.pid == number


def test_a_process_that_dies_is_a_line_and_the_next_job_has_another(trainer):
    start(trainer, "dies")
    (event,) = wait(trainer, "failed")
    assert event.problem.startswith("its process ended (signal 9; too little memory?)")
    start(trainer, "good")
    assert wait(trainer, "done")[-1] == Event("done")


def test_cancelling_ends_the_process_and_removes_its_folder(trainer):
    start(trainer, "sleeps")
    wait(trainer, "epoch")
    process, work = psutil.Process(trainer.pid), trainer.work
    os.kill(trainer.pid, signal.SIGINT)  # Ctrl-C is for the page
    assert trainer.events() == [] and process.is_running()
    trainer.cancel()
    assert gone(process) and not work.exists()
    assert trainer.events() == []
    start(trainer, "good")
    assert wait(trainer, "done")


def test_the_processes_that_a_training_has_started_end_with_it(trainer):
    start(trainer, "draws")
    wait(trainer, "epoch")
    process = psutil.Process(trainer.pid)
    family = [process, *process.children(recursive=True)]
    assert len(family) >= 3
    trainer.cancel()
    assert all(map(gone, family))


def test_the_process_does_not_hold_the_lock_of_the_folder(trainer, tmp_path):
    lock = Lock(tmp_path / ".lock", "busy")
    start(trainer, "sleeps")
    wait(trainer, "epoch")
    lock.release()
    Lock(tmp_path / ".lock", "busy").release()


# --- a real run


class Session:
    """`ocr label` on drawn CAPTCHAs of two symbols, one of whose gold images is there twice."""

    def __init__(self, path):
        self.path, self.texts = path / "images", {}
        self.path.mkdir()
        for k, (text, picture) in enumerate(captchas(200, symbols="25", length=2, size=(24, 48))):
            picture.save(self.path / f"{k:03}.png")
            self.texts[f"{k:03}.png"] = text
        gold = queue.streams(self.texts, 0).gold[0]  # which is asked for first
        self.twin = next(f"twin{k}.png" for k in range(99) if not queue.is_gold(f"twin{k}.png", 0))
        shutil.copy(self.path / gold, self.path / self.twin)
        self.texts[self.twin] = self.texts[gold]
        self.project = copy_project(path / "project")
        self.start()

    def start(self):
        self.command = Command(self.path, "--epochs", "40", project=self.project)
        self.process = psutil.Process(self.command.process.pid)

    def get(self, what):
        status, answer = self.command.ask("GET", f"/api/{what}")
        assert status == 200
        return answer

    def label(self, count):
        for _ in range(count):
            self.give(self.get("next")["coming"][0])

    def give(self, item):
        body = {"id": item["id"], "state": "labelled", "label": self.texts[item["file"]]}
        status, answer = self.command.ask("POST", "/api/label", body | {"seen": item["seen"]})
        assert status == 200, answer

    def wait(self, what, seconds=600):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            guesser = self.get("state")["state"]["guesser"]
            assert not guesser["problem"], guesser
            if what(guesser):
                return
            time.sleep(0.2)
        raise AssertionError(guesser)

    def digest(self, file):
        return hashlib.sha256((self.path / file).read_bytes()).hexdigest()

    def trained_on(self):
        """The working folder of the training that runs, and the digests of its images."""
        (work,) = {
            Path(word)
            for child in self.process.children(recursive=True)
            for word in child.cmdline()
            if "ocr-label-" in word
        }
        files = (work / "data" / "images").glob("*.png")
        return work, {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_label_train_read_again_and_a_kill(tmp_path):
    session = Session(tmp_path)
    twin = sorted(session.texts).index(session.twin)
    session.give(session.get(f"item/{twin}")["item"])
    session.label(79)
    session.wait(lambda guesser: guesser["text"].startswith("training mine (captcha) on 6"))
    _, trained = session.trained_on()
    gold = {entry["file"] for entry in entries(session.path) if entry.get("gold")}
    assert len(gold) >= 12 and len(trained) >= 60
    assert trained.isdisjoint({session.digest(file) for file in [*gold, session.twin]})
    session.wait(lambda guesser: "mine has read" in guesser["text"])
    reader = Reader.load(session.project / "models" / "mine")
    first = reader.contract["scores"][0]
    (point,) = session.get("curve")["points"]
    assert first["on"].startswith("gold") and first["n"] == point["n"] == len(gold)
    assert first["exact"] == point["share"] > 0.5
    rows = session.get("list")["rows"]
    sure = {file: confidence for _, file, _, kind, _, confidence in rows if kind == "guess"}
    assert len(sure) > 110
    coming = [item["file"] for item in session.get("next")["coming"]]
    least = sorted(sure, key=sure.get)[: len(coming)]
    assert len({*coming} & {*least}) > len(coming) / 2
    session.label(20)
    session.wait(lambda guesser: guesser["training"] and "second" not in guesser["text"])
    children = session.process.children(recursive=True)
    work = session.trained_on()[0]  # another one, where a second look was cancelled for this
    assert children and work.exists()
    session.command.process.kill()
    session.command.process.wait()
    assert all(map(gone, children)) and not work.exists()
    session.start()
    session.wait(lambda guesser: "mine has read" in guesser["text"])
    assert len(session.get("curve")["points"]) == 1 and session.get("next")["coming"][0]["guess"]
    session.command.process.send_signal(signal.SIGINT)
    out = session.command.process.communicate(timeout=30)[0]
    assert "gold images right; read with: ocr read --model mine" in out
