"""Hostile readers are refused in one line when they are loaded, and zips without unpacking them."""

import os
import shutil
import sys
import zipfile

import pytest

from ocr.reading import network
from ocr.reading.contract import find_reader, known_readers
from ocr.reading.files import find_images, read_named
from ocr.reading.images import ImageError
from ocr.reading.onnx_file import check_model
from ocr.reading.reader import Reader
from ocr.reading.scripts import SymbolError, check_symbols

if sys.platform == "win32":
    pytest.skip("attacks run in forked processes", allow_module_level=True)

from tests.attacks import readers, zips
from tests.attacks.measure import alone

MESSAGES = {
    "reader with a loop of 10^15 turns": "Loop with a graph inside, which may run without end",
    "reader with weights in another file": "its weights are in another file",
    "reader that defines functions": "it defines functions",
    "reader of lengths above its time steps": "lengths must be within the 50 time steps",
    "reader of no length at all": "most at least 1",
    "reader.json of 500,000 lists in lists": "lists in lists without end",
    "reader.json of 100,000 objects in objects": "lists in lists without end",
    "reader.json of 900 lists in lists": "kind [[",
    "reader.json of 100 MB": "File too large",
    "reader whose alphabet has ESC": "no control characters, got '\\x1b'",
    "reader whose alphabet turns the text": "no control characters, got '\\u202e'",
    "reader of 10^9 x 10^9 pixels": "more than 16,777,216 numbers",
    "reader.json that is a pipe": "no reader in",
    "reader.json that is /dev/zero": "no reader in",
    "model.onnx that is a pipe": "a pipe or a device",
    "model.onnx that is /dev/zero": "a pipe or a device",
}


@pytest.mark.parametrize("what", readers.READERS)
def test_hostile_readers_are_refused_in_one_line(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(find_reader("captcha"), tmp_path / "mine")
    readers.READERS[what](folder)
    done = alone(readers.load, folder)
    assert done.fault == "" and MESSAGES[what] in done.result and done.result.isprintable()
    assert done.cpu < 0.5 and done.peak < 300


def _load_unchecked(folder):
    network.check_model, network.PATIENCE = lambda model: None, 0.5
    return readers.load(folder)


def test_a_network_that_does_not_end_is_stopped(tmp_path):
    folder = shutil.copytree(find_reader("captcha"), tmp_path / "mine")
    readers.loop(folder)
    done = alone(_load_unchecked, folder)
    assert done.fault == "" and "takes it more than 0 seconds" in done.result


def test_shipped_networks_pass_and_damaged_ones_are_reported():
    for name in known_readers():
        Reader.load(name)
    model = (find_reader("captcha") / "model.onnx").read_bytes()
    check_model(model)
    for end in range(1, 3000, 97):
        with pytest.raises(ValueError, match="no ONNX file, or damaged"):
            check_model(model[: len(model) - end])
    with pytest.raises(ValueError, match="no ONNX file, or damaged"):
        check_model(b"\xff" * 20)


def test_alphabets_of_any_language_and_no_control_characters():
    check_symbols("aé٠۴\u200cक्ष 中�")
    for symbols in ("a\x1b", "a\n", "\x9b", "\u2028", "\u2066", "\ud800", "aa", ""):
        with pytest.raises(SymbolError) as caught:
            check_symbols(symbols)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_whose_unpacking_has_no_bound_are_not_unpacked(tmp_path, method):
    zips.bomb(tmp_path / "a.zip", method, 70)
    found = next(find_images(tmp_path / "a.zip"))
    with pytest.raises(ImageError, match=f"packed by method {method}: create the zip again"):
        found.read()
    with pytest.raises(ImageError, match="packed by method"):
        read_named(found.name)
    assert found.size() is None


def test_members_that_overlap_are_not_read(tmp_path):
    zips.overlapping(tmp_path / "a.zip", 3)
    with pytest.raises(ImageError, match=r"members that overlap\): create it again"):
        list(find_images(tmp_path / "a.zip"))
    with pytest.raises(ImageError, match="members that overlap"):
        read_named(f"{tmp_path}/a.zip/0.png")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_each_member_of_a_doubled_name_is_read_once(tmp_path):
    greys = {"a.png": 10, "a (2).png": 20, "a (2) (2).png": 30, "b.png": 40}
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name, grey in (("a.png", 10), ("a.png", 20), ("b.png", 40), ("a (2).png", 30)):
            archive.writestr(name, zips.picture(grey))
    found = {f.name.rpartition("/")[2]: f for f in find_images(tmp_path / "z.zip")}
    assert sorted(found) == sorted(greys)
    pictures = [f.read() for f in found.values()]
    assert sorted(pictures) == sorted(zips.picture(grey) for grey in greys.values())
    assert pictures == [read_named(f.name) for f in found.values()]


def test_a_zip_that_is_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(ImageError, match="not a zip file that can be opened"):
        list(find_images(tmp_path / "a.zip"))
