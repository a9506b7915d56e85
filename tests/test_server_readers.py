"""Test how a server finds readers: also those that are trained while it runs."""

import io
import json
import os
import shutil

import pytest
from PIL import Image

from ocr.reading.contract import ReaderError
from ocr.serving import server
from ocr.serving.processes import readers
from ocr.serving.processes.jobs import Job, Options, Upload
from ocr.serving.processes.readers import Readers, without_network
from ocr.serving.service import Service
from tests import barcodes


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return barcodes.save(tmp_path_factory.mktemp("readers") / "bars")


@pytest.fixture
def place(saved, tmp_path, monkeypatch):
    """A folder with one reader, which the server looks at anew each time."""
    monkeypatch.setattr(readers, "EVERY", 0.0)
    shutil.copytree(saved, tmp_path / "bars")
    return tmp_path


def touch(folder):
    """Make a reader as new as one that was trained again."""
    contract = folder / "reader.json"
    later = contract.stat().st_mtime_ns + 10**9
    os.utime(contract, ns=(later, later))


def bar(text):
    out = io.BytesIO()
    Image.fromarray(barcodes.barcode(text)).save(out, "png")
    return out.getvalue()


def test_readers_that_come_change_and_go_are_noticed(place):
    there = Readers([place])
    first = there.now()
    assert there.now() is first and list(first) == ["bars"]
    shutil.copytree(place / "bars", place / "again")
    second = there.now()
    assert list(second) == ["again", "bars"] and second["bars"] is first["bars"]
    touch(place / "again")
    third = there.now()
    assert third["again"] is not second["again"] and third["bars"] is first["bars"]
    shutil.rmtree(place / "again")
    assert list(there.now()) == ["bars"]
    shutil.rmtree(place / "bars")
    assert list(there.now()) == ["bars"]  # with none at all it keeps what it has


def test_a_needed_reader_is_looked_for_at_once(place, monkeypatch):
    monkeypatch.setattr(readers, "EVERY", 3600.0)
    there = Readers([place])
    shutil.copytree(place / "bars", place / "again")
    assert list(there.now()) == ["bars"]
    assert list(there.now({"again"})) == ["again", "bars"]


def test_a_reader_that_cannot_be_loaded_leaves_the_others(place, caplog):
    there = Readers([place])
    first = there.now()
    shutil.copytree(place / "bars", place / "bad")
    for name in ("bad", "bars"):
        (place / name / "model.onnx").write_bytes(b"no network")
        touch(place / name)
    for _ in range(2):
        assert there.now() == first  # the new one left out, the other kept as it was
    assert len(caplog.records) == 2 and "does not match the digest" in caplog.text
    with pytest.raises(ReaderError, match="does not match"):
        Readers([place])
    assert Readers([place], strict=False).now() == {}


def test_what_only_answers_has_no_network(place):
    (place / "bars" / "model.onnx").unlink()
    (reader,) = Readers([place], without_network).now().values()
    assert reader.session is None and reader.describe()["alphabet"]
    assert reader.options(top=2, pattern="dd").top == 2


def test_a_reader_trained_meanwhile_is_listed_documented_and_reads(place):
    client = server.create_app(Service([place]), token="").test_client()
    assert client.post("/api/read?reader=again", data=bar("12")).status_code == 400
    shutil.copytree(place / "bars", place / "again")
    assert [one["name"] for one in client.get("/api/readers").get_json()] == ["again", "bars"]
    assert "again" in json.dumps(client.get("/openapi.json").get_json())
    assert '"again"' in client.get("/").get_data(as_text=True)
    (read,) = client.post("/api/read?reader=again", data=bar("12")).get_json()
    assert (read["reader"], read["text"]) == ("again", "12")


def test_a_reader_that_has_gone_or_changed_is_a_problem_of_its_images(place):
    job = Job([Upload("a", bar("1"), Options("gone")), Upload("b", bar("1"), Options("bars"))])
    lost, read = job.run(Readers([place]).now())
    assert job.readers == {"gone", "bars"}
    assert "cannot be loaded" in lost["problem"] and read["text"] == "1"
    other = Job([Upload("a", bar("1"), Options("bars", script="persian", pattern="☃"))])
    assert other.run(Readers([place]).now())[0]["problem"]
