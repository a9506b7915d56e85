"""Damaged results are noticed and read again, and so are images that have been replaced."""

import pytest

pytest.importorskip("ocr.archive.cluster", reason="needs the extra scale: Dask, pyarrow")

from ocr.archive import results
from tests.attacks import results as attack


@pytest.fixture
def run(tmp_path, monkeypatch):
    from distributed import Client

    monkeypatch.setattr(results, "LEAST", 20)
    monkeypatch.setattr(results, "EVERY", 10)
    threads = {"processes": False, "n_workers": 1, "threads_per_worker": 1}
    with Client(**threads, dashboard_address=None) as client:
        yield attack.Run(tmp_path, client)


@pytest.mark.slow
def test_damages_of_all_kinds_are_noticed_and_read_again(run):
    assert attack.damage(run, len(attack.DAMAGES)).faults == []


@pytest.mark.slow
def test_a_scheduler_that_remembers_a_partition_reads_it_again(run):
    """Futures of an earlier run, kept by another caller, do not stand for files that are gone."""
    submit, kept = run.client.submit, []

    def remember(*arguments, **options):
        kept.append(submit(*arguments, **options))
        return kept[-1]

    run.client.submit = remember
    good = run.read()
    for file in run.out.glob("part-*"):
        file.unlink()
    assert run.read() == good and kept


@pytest.mark.slow
def test_images_that_are_replaced_are_read_again(run):
    assert attack.change_inputs(run, 4).faults == []


def test_a_file_counts_only_with_its_content_and_its_key(tmp_path):
    rows = [("a.png", "x", 0.5, True, None), ("b.png", None, None, None, "damaged")]
    kept = results.write(rows, tmp_path, "k1")
    assert (kept.images, kept.errors) == (2, 1)
    files = results.list_files(tmp_path)
    assert results.find(tmp_path, "k1", files["k1"]) == kept
    copy = tmp_path / kept.name.replace("k1", "k2")
    copy.write_bytes((tmp_path / kept.name).read_bytes())
    assert results.find(tmp_path, "k2", [copy]) is None
    whole = bytearray((tmp_path / kept.name).read_bytes())
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / kept.name).write_bytes(damaged)
        assert results.find(tmp_path, "k1", files["k1"]) is None


def test_a_part_that_was_moved_aside_comes_back_only_if_it_is_whole(tmp_path):
    kept = results.write([("a.png", "x", 0.5, True, None)], tmp_path, "k1")
    (tmp_path / "_aside").mkdir()
    aside = tmp_path / "_aside" / kept.name
    (tmp_path / kept.name).rename(aside)
    assert results.find(tmp_path, "k1", results.list_files(tmp_path)["k1"]) == kept
    assert (tmp_path / kept.name).exists() and not aside.exists()
