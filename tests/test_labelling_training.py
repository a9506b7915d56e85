"""The training process of the labelling loop: what it reports, how it ends, and a real run."""

import json
import os
import signal
import time

import psutil
import pytest

from ocr.datasets.labels import DataError
from ocr.labelling.lock import FolderLock
from ocr.labelling.loop.trainer import Trainer
from ocr.labelling.loop.worker import Event, Job


def quick(job):
    """Stand for a training: what the job's name says."""
    what = job.kind
    if what == "fails":
        raise DataError("9 of 12 images are usable")
    if what == "breaks":
        raise KeyError("x")
    if what == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleeps":
        print("mine: epoch   1 of 90  loss 1.000", flush=True)
        time.sleep(600)
    print("mine: epoch  48 of 485  loss 1.000  val_exact 0.000", flush=True)
    job.reader.mkdir(parents=True)
    (job.reader / "facts.json").write_text(json.dumps([os.getpid(), os.getsid(0)]))


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


def test_the_process_does_not_hold_the_lock_of_the_folder(trainer, tmp_path):
    lock = FolderLock(tmp_path)
    start(trainer, "sleeps")
    wait(trainer, "epoch")
    lock.release()
    FolderLock(tmp_path).release()
