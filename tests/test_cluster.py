"""Read an archive with Dask: every image once, whatever is killed, as the plain loop reads it."""

import io
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile

import pandas
import psutil
import pytest
from PIL import Image

import utils
from ocr.drawing import captchas
from ocr.reading import bulk, files
from ocr.reading.contract import ReaderError
from ocr.reading.files import find_images, read_named
from ocr.reading.images import ImageError
from ocr.reading.reader import Reader
from tests import barcodes

cluster = pytest.importorskip("ocr.archive.cluster", reason="needs the extra scale: Dask, pyarrow")
results = pytest.importorskip("ocr.archive.results")
worker = pytest.importorskip("ocr.archive.worker")
parquet = pytest.importorskip("pyarrow.parquet")
slow = pytest.mark.slow
JOB = cluster.Job.create("captcha")
MAIN = """
import sys
from ocr.archive import results
from ocr.cli import read
results.LEAST, results.EVERY = 40, 20  # small partitions
sys.exit(read.main())
"""


@pytest.fixture(autouse=True)
def small_partitions(monkeypatch):
    monkeypatch.setattr(results, "LEAST", 40)
    monkeypatch.setattr(results, "EVERY", 20)


def command(*arguments):
    return [sys.executable, "-c", MAIN, *map(str, arguments)]


def run(*arguments):
    return subprocess.run(
        command(*arguments), cwd=utils.ROOT, capture_output=True, text=True, timeout=120
    )


def start(*arguments):
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(*arguments), cwd=utils.ROOT, stdout=pipe, stderr=pipe, text=True
    )


def wait_for_partition(out):
    until = time.monotonic() + 60
    while not list(out.glob("part-*")) and time.monotonic() < until:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three folders, 300 pictures, two of them damaged, and a zip of thirty."""
    folder = tmp_path_factory.mktemp("archive")
    pictures = []
    for _, picture in captchas.captchas(12, seed=1):
        pictures.append(io.BytesIO())
        picture.save(pictures[-1], "png")
    pictures = [picture.getvalue() for picture in pictures]
    for k in range(300):
        target = folder / f"{k % 3}" / f"{k:04}.png"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(b"no picture" if k in (5, 250) else pictures[k % 12])
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        for k in range(30):
            packed.writestr(f"deep/{k}.png", pictures[k % 12])
    return folder


@pytest.fixture(scope="module")
def client():
    with cluster.connect("local") as client:
        yield client


def paths(archive):
    return [archive / "0", archive / "1", archive / "2", archive / "more.zip"]


def times(out):
    """When each partition was written, by file name."""
    return {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")}


def rows(out):
    table = pandas.read_parquet(out)
    return sorted(
        (r.path, *((None, r.error) if isinstance(r.error, str) else (r.text, None)))
        for r in table.itertuples()
    )


@pytest.fixture(scope="module")
def plain(archive):
    reader = Reader.load("captcha")
    return sorted(
        (result.name, result.reading and result.reading.text, result.error)
        for result in bulk.read_many(reader, files.find_all(paths(archive)))
    )


def test_partitions_hold_all_names_and_one_file_less_changes_two_at_most():
    names = [results.Image(f"archive/{k:06}.png") for k in range(20_000)]
    parts = list(results.partitions(names))
    assert list(itertools.chain(*parts)) == names
    assert all(results.LEAST <= len(part) <= results.MOST for part in parts[:-1])
    fewer = list(results.partitions(names[:7_000] + names[7_001:]))
    assert len(set(map(results.key_of, fewer)) - set(map(results.key_of, parts))) <= 2


def test_images_are_found_again_by_their_names(archive, tmp_path):
    for found in find_images(archive):
        assert read_named(found.name) == found.read()
    for found in find_images(archive / "more.zip"):
        assert read_named(found.name) == found.read()
    for gone in (archive / "0" / "gone.png", archive / "more.zip" / "gone.png"):
        with pytest.raises(ImageError):
            read_named(str(gone))


@slow
def test_results_equal_the_plain_loop_and_nothing_is_read_twice(archive, plain, tmp_path):
    out = tmp_path / "readings.parquet"
    given = ["--cluster", "local", "--out", out, *paths(archive), archive / "missing"]
    done = run(*given)
    assert done.returncode == 1, done.stderr
    assert "331 images, 3 of them not read" in done.stdout and "dashboard: http" in done.stdout
    assert rows(out) == sorted([*plain, (str(archive / "missing"), None, "no such file or folder")])
    before = times(out)
    again = run(*given)
    assert again.stdout.splitlines()[1:] == done.stdout.splitlines()[1:]
    assert times(out) == before
    other = run(*given, "--pattern", "ddddd")
    assert other.returncode == 2 and "choose another --out" in other.stderr
    assert other.stderr.count("\n") == 1


@slow
def test_every_image_is_read_once_when_a_worker_is_killed(archive, plain, tmp_path):
    chance = random.Random(0)
    with cluster.connect("local") as client:
        cluster.warm_up(client, JOB)
        victims = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
        timer = threading.Timer(chance.uniform(0.2, 1), chance.choice(victims).kill)
        timer.start()
        done = cluster.read(client.scheduler.address, tmp_path / "out", paths(archive), JOB)
        timer.join()
    assert done == (330, 2) and rows(tmp_path / "out") == plain


@slow
def test_an_interrupted_run_resumes(archive, tmp_path):
    out, folder = tmp_path / "out", tmp_path / "many"
    folder.mkdir()
    for k in range(2_000):  # seconds of reading
        (folder / f"{k:04}.png").symlink_to(archive / "0" / "0000.png")
    given = ["--cluster", "local", "--out", out, folder]
    with start(*given) as running:
        wait_for_partition(out)
        running.send_signal(signal.SIGINT)
        errors = running.communicate(timeout=60)[1]
    kept = times(out)
    assert running.returncode == 130 and kept
    (line,) = errors.splitlines()  # nothing of the workers that are stopped
    assert "same command continues" in line
    assert run(*given).returncode == 0
    assert [path for path, *_ in rows(out)] == sorted(map(str, folder.iterdir()))
    assert times(out).items() >= kept.items()
    assert not [file for file in out.iterdir() if file.suffix == ".part"]


@slow
def test_deleted_files_leave_the_result(client, archive, tmp_path):
    folder, out = tmp_path / "some", tmp_path / "out"
    shutil.copytree(archive / "0", folder)
    assert cluster.read_with(client, out, [folder], JOB)[0] == 100
    (folder / "0150.png").unlink()
    assert cluster.read_with(client, out, [folder], JOB)[0] == 99
    assert len(rows(out)) == 99


@slow
def test_an_unreachable_folder_loses_no_results(client, archive, tmp_path):
    folder, away, out = tmp_path / "some", tmp_path / "away", tmp_path / "out"
    shutil.copytree(archive / "0", folder)
    both = [folder, archive / "1"]
    assert cluster.read_with(client, out, both, JOB)[0] == 200
    kept, before = rows(out), times(out)
    folder.rename(away)
    assert cluster.read_with(client, out, both, JOB)[0] == 101
    assert len(rows(out)) == 101 and (str(folder), None, "no such file or folder") in rows(out)
    away.rename(folder)
    assert cluster.read_with(client, out, both, JOB)[0] == 200
    assert rows(out) == kept and times(out) == before
    assert not (out / "_aside").exists()


@slow
def test_more_paths_nested_paths_and_damaged_partitions(client, archive, tmp_path):
    out, folder = tmp_path / "out", archive / "0"
    nested = [folder, folder / "0000.png", folder]
    assert cluster.read_with(client, out, nested, JOB)[0] == 100
    part = max(out.glob("part-*"))
    part.write_bytes(part.read_bytes()[:100])
    (out / ".part-killed.parquet.0.part").write_bytes(b"half")
    assert cluster.read_with(client, out, [folder, archive / "more.zip"], JOB)[0] == 130
    assert len(rows(out)) == len(set(rows(out))) == 130
    assert not list(out.glob(".part-*"))
    with pytest.raises(cluster.ClusterError, match="readings of other paths"):
        cluster.read_with(client, out, [archive / "1"], JOB)
    for damaged in ("", "[]", "{}", '{"paths": 1}'):
        (out / "_read.json").write_text(damaged)
        with pytest.raises(cluster.ClusterError, match="damaged: choose another"):
            cluster.read_with(client, out, [folder], JOB)


@slow
def test_a_worker_with_another_reader_is_an_error(client, archive, tmp_path):
    folder, paths = tmp_path / "mine", [archive / "0"]
    shutil.copytree(utils.ROOT / "models" / "captcha", folder)
    job = cluster.Job.create(str(folder))
    assert cluster.read_with(client, tmp_path / "one", paths, job) == (100, 0)
    shutil.rmtree(folder)
    shutil.copytree(utils.ROOT / "models" / "cnn_lstm", folder)
    job = cluster.Job.create(str(folder))
    cluster.read_with(client, tmp_path / "two", paths, job)
    assert all(text is None or len(text) == 1 for _, text, _ in rows(tmp_path / "two"))
    with pytest.raises(cluster.ClusterError, match="a worker has another reader in .*mine"):
        cluster.read_with(client, tmp_path / "three", paths, job._replace(digest="of another"))


@slow
def test_silent_and_empty_schedulers_are_errors(monkeypatch):
    from distributed import LocalCluster  # an install extra

    monkeypatch.setattr(cluster, "WAIT", 2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(cluster.ClusterError, match="no Dask scheduler at"),
    ):
        cluster.connect(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(cluster.ClusterError, match="has no workers"),
    ):
        cluster.connect(empty.scheduler_address)


SCHEDULER = """
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(
        processes=False, threads_per_worker=1, dashboard_address=None, protocol="tcp"
    )
    print(cluster.scheduler_address, flush=True)
    input()
"""


@slow
def test_a_scheduler_that_is_killed_is_an_error(archive, tmp_path):
    out, pipe = tmp_path / "out", subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], cwd=utils.ROOT, stdin=pipe, stdout=pipe, text=True
    ) as scheduler:
        address = scheduler.stdout.readline().strip()
        running = start("--cluster", address, "--out", out, *paths(archive))
        wait_for_partition(out)
        scheduler.kill()
        errors = running.communicate(timeout=60)[1]
    assert running.returncode == 2
    (line,) = errors.splitlines()  # nothing of the workers that are stopped
    assert "same command continues" in line


def limit_file_size():
    """Allow no file over 2 kB: the effect of a full disk, at a size that a test can reach."""
    import resource  # Windows has no such module

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


WRITE = """
import sys
from pathlib import Path
from ocr.archive import results
try:
    rows = [(f"{k}.png", "x" * 40 + str(k), 0.5, True, None) for k in range(2000)]
    results.write(rows, Path(sys.argv[1]), "1")
except OSError as error:
    print("refused:", error.strerror or error)
"""


def test_a_full_disk_leaves_no_partial_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path)],
        cwd=utils.ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
    )
    assert "refused:" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_refusals_and_trust_are_in_the_table(tmp_path):
    reader = barcodes.save(tmp_path / "bars")
    names = [str(tmp_path / f"{k}.png") for k in range(4)]
    for name, text in zip(names, ("٨٢", "١٢□", "□")):
        Image.fromarray(barcodes.barcode(text)).save(name)
    job = cluster.Job.create(str(reader), digits="as-written", script="arabic")
    kept = worker.read_partition(names, str(tmp_path), "1", job)
    assert (kept.images, kept.errors) == (4, 2)
    table = parquet.read_table(tmp_path / kept.name).to_pylist()
    assert [row["text"] for row in table] == ["٨٢", "١٢", "", None]
    assert [row["trusted"] for row in table] == [True, False, False, None]
    assert [row["error"] for row in table] == [None, None, bulk.NOTHING, "no such file"]
    assert table[2]["confidence"] == 0 and table[3]["confidence"] is None


def test_a_result_is_continued_only_with_the_same_options(tmp_path):
    reader = str(barcodes.save(tmp_path / "bars"))
    results.prepare(tmp_path / "out", [], cluster.Job.create(reader).settings())
    results.prepare(tmp_path / "out", [], cluster.Job.create(reader).settings())
    for options in ({"script": "arabic"}, {"digits": "as-written"}, {"keep_other": True}):
        job = cluster.Job.create(reader, **options)
        with pytest.raises(cluster.ClusterError, match="or with other options: choose another"):
            results.prepare(tmp_path / "out", [], job.settings())
    with pytest.raises(ReaderError, match="no script 'arabic'"):
        cluster.Job.create("captcha", script="arabic")


def test_a_result_folder_with_other_content_is_refused(tmp_path):
    other, file = tmp_path / "mine.txt", tmp_path / "file"
    other.write_text("x")
    file.write_text("x")
    with pytest.raises(cluster.ClusterError, match="other files"):
        results.prepare(tmp_path, [], JOB.settings())
    assert other.exists()
    with pytest.raises(cluster.ClusterError, match="cannot write results there"):
        results.prepare(file, [], JOB.settings())


@slow
def test_invalid_arguments_fail_fast(archive, tmp_path):
    out = tmp_path / "out"
    for arguments, message in (
        (
            ("--cluster", "tcp://127.0.0.1:1", "--out", out),
            "no Dask scheduler at tcp://127.0.0.1:1 ",
        ),
        (("--cluster", "nonsense", "--out", out), "no Dask scheduler at nonsense"),
        (("--cluster", "local"), "--cluster needs --out"),
        (("--out", out), "give a name that ends in"),
        (("--cluster", "local", "--out", out, "--format", "json"), "leave out --format"),
        (("--cluster", "local", "--out", archive), "other files"),
    ):
        done = run(*arguments, archive / "0")
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert message in done.stderr.strip().splitlines()[-1]
