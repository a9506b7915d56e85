"""Batch reading with several processes: the results of one, in order; processes that end."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial

import psutil
import pytest
from PIL import Image

import utils
from ocr.reading import pool
from ocr.reading.bulk import NOTHING, read_many
from ocr.reading.files import Found, find_all, unreadable
from ocr.reading.reader import Reader
from tests import barcodes


def load(folder):
    reader = Reader.load(folder)
    return reader, reader.options(top=2)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return barcodes.save(tmp_path_factory.mktemp("models") / "bars")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 30 barcodes and a zip of five, with one damaged and one empty picture."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        Image.fromarray(barcodes.barcode(str(number))).save(folder / f"{number:02}.png")
    (folder / "07.png").write_bytes(b"no picture")
    Image.fromarray(barcodes.barcode("□")).save(folder / "11.png")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for number in range(5):
            archive.write(folder / f"{number:02}.png", f"x/{number}.png")
    return folder


def plain(results):
    return [(r.name, r.reading and (r.reading.text, r.reading.trusted), r.error) for r in results]


def test_several_processes_give_what_one_gives_in_order(reader, pictures):
    reader_, options = load(reader)
    one = list(read_many(reader_, find_all([pictures, "missing"]), options))
    make = partial(load, reader)
    many = list(pool.read_in_processes(make, find_all([pictures, "missing"]), 2, share=3))
    assert len(one) == 36 and plain(many) == plain(one)
    assert one[11].error == NOTHING and "not an image" in one[7].error
    assert one[35].error == "no such file or folder"
    for a, b in zip(one, many):
        assert b.prepared is None
        if a.reading is not None:
            assert b.reading.confidence == pytest.approx(a.reading.confidence, abs=1e-6)
            assert len(b.reading.alternatives) == len(a.reading.alternatives)


def kill(marker):
    """End this process, at the first image with this marker."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return Image.fromarray(barcodes.barcode("5"))


def always():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_an_image_that_ends_its_process_is_an_error_and_the_others_are_read(reader, tmp_path):
    images = [Found(f"{k}.png", partial(Image.fromarray, barcodes.barcode(str(k)))) for k in (1, 2)]
    images.insert(1, Found("killer.png", always))
    images.append(Found("once.png", partial(kill, str(tmp_path / "mark"))))
    images.append(unreadable("bad.png", "no such file"))
    results = list(pool.read_in_processes(partial(load, reader), images, 2, share=2))
    assert [r.error for r in results] == [None, pool.LOST, None, None, "no such file"]
    assert [r.reading.text for r in results if r.reading] == ["1", "2", "5"]


def test_a_reader_may_be_loaded_in_each_process(reader, pictures, monkeypatch):
    """As on Windows and macOS, where processes are not forked."""
    monkeypatch.setattr(pool, "FORK", False)
    found = list(find_all([pictures / "more.zip", pictures / "20.png"]))
    results = list(pool.read_in_processes(partial(load, reader), found, 1))
    assert [r.reading.text for r in results] == ["0", "1", "2", "3", "4", "20"]


def test_stopping_early_ends_the_processes(reader, pictures):
    before = {child.pid for child in psutil.Process().children()}
    results = pool.read_in_processes(partial(load, reader), find_all([pictures]), 2, share=2)
    assert next(results).reading.text == "0"
    assert len({child.pid for child in psutil.Process().children()} - before) == 2
    results.close()
    assert {child.pid for child in psutil.Process().children()} <= before


PARENT = """
import sys, time
from functools import partial
from ocr.reading import pool
from ocr.reading.files import find_all
from tests.test_pool import load
results = pool.read_in_processes(partial(load, sys.argv[1]), find_all([sys.argv[2]]), 2, share=2)
next(results)
print("started", flush=True)
time.sleep(600)
"""


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_processes_end_with_a_parent_that_is_killed(reader, pictures):
    command = [sys.executable, "-c", PARENT, str(reader), str(pictures)]
    with subprocess.Popen(command, cwd=utils.ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"started\n"
        children = psutil.Process(parent.pid).children()
        parent.kill()
        assert len(children) == 2
        deadline = time.monotonic() + 60
        while any(map(lives, children)):
            assert time.monotonic() < deadline, "still running"
            time.sleep(0.05)


def test_usable_cores_are_counted():
    assert 1 <= pool.usable_cores() <= os.cpu_count()
