"""What labelling keeps on disk: the journal, labels.csv, edits by others, faults of the disk."""

import errno
import os
import subprocess
import sys
import time

import pytest

import utils
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import DataError
from ocr.labelling import table as tables
from ocr.labelling.journal import LABELLED, SKIPPED, UNREADABLE
from ocr.labelling.store import DISK_FULL, Conflict, Store, StoreError
from ocr.locks import Busy
from tests.labelling import edit, entries, rows
from tests.samples import save_noise


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    yield store
    store.lock.release()


def put(store, file, label, **options):
    return store.answer(file, LABELLED, label, seen=store.seen(file), **options)


def abandon(store):
    """End as kill -9 does: nothing is written any more."""
    store.lock.release()


def test_each_answer_is_in_both_files_at_once(store, tmp_path):
    put(store, "a.png", "0042")
    assert rows(tmp_path) == {"a.png": "0042"}
    store.answer("b.png", SKIPPED)
    store.answer("c.png", UNREADABLE)
    put(store, "sub/d, e.png", 'x,"y', gold=True)
    assert rows(tmp_path) == {"a.png": "0042", "sub/d, e.png": 'x,"y'}
    kept = entries(tmp_path)
    assert [(e["number"], e["file"], e["state"], e.get("label"), e.get("gold")) for e in kept] == [
        (1, "a.png", "labelled", "0042", None),
        (2, "b.png", "skipped", None, None),
        (3, "c.png", "unreadable", None, None),
        (4, "sub/d, e.png", "labelled", 'x,"y', True),
    ]
    assert all(e["time"].endswith("Z") for e in kept)


def test_training_reads_the_table(store, tmp_path):
    save_noise(tmp_path, ["a.png", "b.png", "sub/c.png"])
    put(store, "a.png", "٤٢")
    put(store, "sub/c.png", "07")
    data = load_labelled(tmp_path)
    assert sorted(data.labels) == ["07", "٤٢"] and len(data.unlabelled) == 1


def test_another_day(tmp_path):
    first = Store(tmp_path)
    put(first, "a.png", "1")
    put(first, "b.png", "2", gold=True)
    first.answer("c.png", SKIPPED)
    first.close()
    again = Store(tmp_path)
    assert again.labels == {"a.png": "1", "b.png": "2"}
    assert again.last("b.png").gold and again.last("c.png").state == SKIPPED
    assert again.notices == []
    assert put(again, "d.png", "3").number > 3
    abandon(again)


def test_torn_last_line_is_dropped(tmp_path):
    store = Store(tmp_path)
    put(store, "a.png", "1")
    abandon(store)
    with open(tmp_path / ".labels.journal", "ab") as file:
        file.write(b'{"number": 2, "file": "b.png", "sta')
    again = Store(tmp_path)
    put(again, "c.png", "3")
    abandon(again)
    assert Store(tmp_path).labels == {"a.png": "1", "c.png": "3"}
    assert [e["file"] for e in entries(tmp_path)] == ["a.png", "c.png"]


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A folder of a Store that was killed between the journal and the table: b.png is in one."""
    store = Store(tmp_path)
    put(store, "a.png", "1")
    with monkeypatch.context() as patch:
        patch.setattr(tables.Table, "write", lambda self, data: None)
        put(store, "b.png", "2")
    abandon(store)
    assert rows(tmp_path) == {"a.png": "1"}
    return tmp_path


def test_killed_between_the_journal_and_the_table(killed):
    again = Store(killed)
    assert rows(killed) == again.labels == {"a.png": "1", "b.png": "2"}
    abandon(again)


def test_edited_after_a_kill_between_the_two(killed):
    """A spreadsheet that has never seen the last label does not take it away."""
    edit(killed, "file,label\na.png,7\n")
    again = Store(killed)
    assert again.labels == rows(killed) == {"a.png": "7", "b.png": "2"}
    abandon(again)


def test_left_over_parts_are_removed(tmp_path):
    (tmp_path / ".labels.csv.0a1b.part").write_text("half")
    abandon(Store(tmp_path))
    assert not list(tmp_path.glob("*.part"))


# --- two tabs, undo


def test_the_slower_of_two_tabs_is_told(store):
    seen = store.seen("a.png")
    store.answer("a.png", LABELLED, "fast", seen=seen)
    with pytest.raises(Conflict) as conflict:
        store.answer("a.png", LABELLED, "slow", seen=seen)
    assert conflict.value.entry.label == "fast" and store.labels == {"a.png": "fast"}
    store.answer("a.png", LABELLED, "slow", seen=conflict.value.entry.number)
    assert store.labels == {"a.png": "slow"}


def test_undo_goes_back_step_by_step_also_another_day(tmp_path):
    store = Store(tmp_path)
    put(store, "a.png", "1")
    put(store, "b.png", "2")
    put(store, "a.png", "one")
    store.answer("c.png", SKIPPED)
    assert store.undo().state == "undone" and store.labels == {"a.png": "one", "b.png": "2"}
    assert store.undo().label == "1" and store.labels == {"a.png": "1", "b.png": "2"}
    store.close()
    again = Store(tmp_path)
    assert again.undo().file == "b.png" and rows(tmp_path) == {"a.png": "1"}
    assert again.undo().file == "a.png" and again.labels == {}
    assert again.undo() is None
    put(again, "a.png", "3")
    assert again.undo().state == "undone" and again.undo() is None
    abandon(again)


def test_undo_of_an_answer_that_was_changed_since_is_a_conflict(store):
    first = put(store, "a.png", "1")
    put(store, "a.png", "2")
    with pytest.raises(Conflict):
        store.undo(first.number)
    assert store.undo().label == "1" and store.undo(first.number).state == "undone"


# --- labels.csv in other hands


def test_edits_between_and_during_runs_are_taken_over(tmp_path):
    store = Store(tmp_path)
    for file, label in (("a.png", "1"), ("b.png", "2"), ("c.png", "3")):
        put(store, file, label)
    edit(tmp_path, "\ufefffile;label\r\na.png;one\r\nc.png;3\r\nd.png;4\r\n")
    put(store, "e.png", "5")
    assert rows(tmp_path) == store.labels
    assert store.labels == {"a.png": "one", "c.png": "3", "d.png": "4", "e.png": "5"}
    assert store.notices == ["3 changes taken over from labels.csv"]
    store.close()
    edit(tmp_path, "label,file\none,a.png\n,c.png\n44,d.png\n5,e.png\n")
    again = Store(tmp_path)
    assert again.labels == rows(tmp_path) == {"a.png": "one", "d.png": "44", "e.png": "5"}
    assert [e.get("source") for e in entries(tmp_path)][-2:] == ["table", "table"]
    abandon(again)


def test_an_edit_is_seen_by_a_tab_with_an_older_view(store, tmp_path):
    seen = put(store, "a.png", "1").number
    edit(tmp_path, "file,label\na.png,edited\n")
    with pytest.raises(Conflict) as conflict:
        store.answer("a.png", LABELLED, "2", seen=seen)
    assert conflict.value.entry.label == "edited"


def test_zeros_lost_by_a_spreadsheet_are_kept(store, tmp_path):
    for file, label in (("a.png", "0042"), ("b.png", "1.50"), ("c.png", "7"), ("d.png", "42")):
        put(store, file, label)
    edit(tmp_path, "file,label\na.png,42\nb.png,1.5\nc.png,8\nd.png,042\n")
    store.answer("e.png", SKIPPED)
    expected = {"a.png": "0042", "b.png": "1.50", "c.png": "8", "d.png": "042"}
    assert store.labels == rows(tmp_path) == expected
    assert "2 numbers lost zeros in labels.csv" in store.notices[0]


@pytest.mark.parametrize("text", ["", "rubbish", "file,label\n", "Name,Text\na.png,1\n"])
def test_a_spoilt_table_is_set_aside(store, tmp_path, text):
    for k in range(9):
        put(store, f"{k}.png", str(k))
    edit(tmp_path, text)
    put(store, "x.png", "x")
    assert len(rows(tmp_path)) == 10 and rows(tmp_path) == store.labels
    assert (tmp_path / "labels.edited.csv").read_text() == text
    assert "labels.edited.csv" in store.notices[0]


def test_a_deleted_table_is_written_again(tmp_path):
    store = Store(tmp_path)
    put(store, "a.png", "1")
    store.close()
    (tmp_path / "labels.csv").unlink()
    again = Store(tmp_path)
    assert rows(tmp_path) == {"a.png": "1"} and "was missing" in again.notices[0]
    abandon(again)


def test_other_columns_are_named_or_given(tmp_path):
    original = "Nr;Name;Text\r\n1;a.png;0042\r\n2; b.png ;x\r\n"
    edit(tmp_path, original)
    with pytest.raises(DataError, match=r"'Nr,Name,Text': .* --columns file=Name,label=Text"):
        Store(tmp_path)
    store = Store(tmp_path, columns=("Name", "Text"))
    assert store.labels == rows(tmp_path) == {"a.png": "0042", "b.png": "x"}
    assert (tmp_path / "labels.original.csv").read_bytes() == original.encode()
    store.close()
    again = Store(tmp_path, columns=("Name", "Text"))  # the same command, another day
    assert len(again.labels) == 2 and again.notices == []
    abandon(again)


def test_a_table_in_another_case_is_the_one_that_is_kept(tmp_path):
    (tmp_path / "Labels.CSV").write_text("file,label\na.png,1\n")
    store = Store(tmp_path)
    put(store, "b.png", "2")
    assert "b.png,2" in (tmp_path / "Labels.CSV").read_text()
    assert not (tmp_path / "labels.csv").exists()
    abandon(store)


# --- faults of the disk


def failing(error):
    def fail(*arguments):
        raise OSError(error, os.strerror(error))

    return fail


def test_a_locked_table_keeps_the_journal_going(tmp_path, monkeypatch):
    store = Store(tmp_path)
    put(store, "a.png", "1")
    monkeypatch.setattr(tables.paths.os, "replace", failing(errno.EACCES))
    put(store, "b.png", "2")
    put(store, "c.png", "3")
    assert "open in another program" in store.problem
    assert rows(tmp_path) == {"a.png": "1"}
    abandon(store)
    monkeypatch.undo()
    edit(tmp_path, "file,label\na.png,one\n")  # what the other program then saves
    again = Store(tmp_path)
    expected = {"a.png": "one", "b.png": "2", "c.png": "3"}
    assert again.labels == rows(tmp_path) == expected and again.problem == ""
    abandon(again)


def test_the_table_is_written_when_it_is_closed(store, tmp_path, monkeypatch):
    monkeypatch.setattr(tables.paths.os, "replace", failing(errno.EACCES))
    put(store, "a.png", "1")
    monkeypatch.undo()
    put(store, "b.png", "2")
    assert rows(tmp_path) == {"a.png": "1", "b.png": "2"} and store.problem == ""


def test_a_full_disk_takes_no_answers_and_loses_none(store, tmp_path, monkeypatch):
    put(store, "a.png", "1")
    monkeypatch.setattr(tables.paths.os, "replace", failing(errno.ENOSPC))
    put(store, "b.png", "2")  # the journal has taken it
    assert store.problem == DISK_FULL
    with pytest.raises(StoreError, match="disk is full"):
        put(store, "c.png", "3")
    monkeypatch.undo()
    put(store, "c.png", "3")
    assert rows(tmp_path) == {"a.png": "1", "b.png": "2", "c.png": "3"} and not store.problem


def test_a_full_disk_leaves_no_half_line_in_the_journal(store, tmp_path, monkeypatch):
    put(store, "a.png", "1")
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(StoreError, match="disk is full"):
        put(store, "b.png", "2")
    monkeypatch.undo()
    put(store, "b.png", "2")
    assert [e["file"] for e in entries(tmp_path)] == ["a.png", "b.png"]


# --- one process a folder

HOLD = """
import sys
from ocr.labelling.store import Store
store = Store(sys.argv[1])
store.lock.announce("http://127.0.0.1:1234/?token=t")
print("held", flush=True)
sys.stdin.read()
"""


def test_one_process_a_folder_and_a_stale_lock_is_taken_over(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=utils.ROOT, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match=rf"by process {holder.pid}: open http://127.0.0.1:1234/"):
            Store(tmp_path)
        holder.kill()
        holder.wait()
    assert (tmp_path / ".labels.lock").read_text().startswith(str(holder.pid))
    abandon(Store(tmp_path))


@pytest.mark.slow
def test_twenty_thousand_labels_stay_quick(tmp_path):
    text = "".join(f"{k:05}.png,{k:05}\r\n" for k in range(20_000))
    (tmp_path / "labels.csv").write_text("file,label\r\n" + text)
    store = Store(tmp_path)
    times = []
    for k in range(20):
        start = time.perf_counter()
        put(store, f"x{k}.png", str(k))
        times.append(time.perf_counter() - start)
    assert sorted(times)[10] < 0.2, times  # 0.02 beside other work, half of it the disk's fsync
    abandon(store)
