"""Reading an archive on Dask: every image once, whatever is killed; the same reads as the plain loop's."""

import importlib.util
import io
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile

import pytest

import utils
from ocr.archive import cluster
from ocr.cli import read as read_command
from ocr.drawing import captchas
from ocr.reading import bulk, files
from ocr.reading.files import find_images, read_named
from ocr.reading.images import ImageError
from ocr.reading.reader import Reader

needs_dask = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("distributed", "pyarrow")),
    reason="no Dask here: pip install -r requirements-scale.txt",
)
HOW = cluster.job("captcha")
MAIN = "import sys; from ocr.archive import cluster; from ocr.cli import read; cluster.LEAST, cluster.EVERY = 40, 20; sys.exit(read.main())"  # small partitions


@pytest.fixture(autouse=True)
def small_partitions(monkeypatch, request):
    if "partitions" not in request.node.name:
        monkeypatch.setattr(cluster, "LEAST", 40)
        monkeypatch.setattr(cluster, "EVERY", 20)


def command(*arguments):
    return [sys.executable, "-c", MAIN, *map(str, arguments)]


def run(*arguments):
    return subprocess.run(
        command(*arguments), cwd=utils.ROOT, capture_output=True, text=True, timeout=120
    )


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


def paths(archive):
    return [archive / "0", archive / "1", archive / "2", archive / "more.zip"]


def rows(out):
    import pandas

    table = pandas.read_parquet(out)
    return sorted(
        (r.path, *((None, r.error) if isinstance(r.error, str) else (r.text, None)))
        for r in table.itertuples()
    )


@pytest.fixture(scope="module")
def plain(archive):
    reader = Reader.load("captcha")
    return sorted(
        (path, reading and reading.text, error)
        for path, reading, error in bulk.read_all(reader, files.find_all(paths(archive)))
    )


def test_partitions_are_complete_and_a_file_more_changes_one(monkeypatch):
    names = [f"archive/{k:06}.png" for k in range(20_000)]
    parts = list(cluster.partitions(names))
    assert sum(parts, []) == names and all(
        cluster.LEAST <= len(part) <= cluster.MOST for part in parts[:-1]
    )
    fewer = list(cluster.partitions(names[:7_000] + names[7_001:]))
    assert (
        len({cluster.file_of(part) for part in fewer} - {cluster.file_of(part) for part in parts})
        <= 2
    )


def test_images_are_found_again_by_their_names(archive, tmp_path):
    for found in find_images(archive):
        assert read_named(found.name) == found.read()
    for found in find_images(archive / "more.zip"):
        assert read_named(found.name) == found.read()
    for gone in (archive / "0" / "gone.png", archive / "more.zip" / "gone.png"):
        with pytest.raises(ImageError):
            read_named(str(gone))


@needs_dask
def test_the_result_is_the_plain_loops_and_nothing_is_read_twice(
    archive, plain, tmp_path, monkeypatch
):
    out = tmp_path / "reads.parquet"
    given = ["--cluster", "local", "--out", out, *paths(archive), archive / "missing"]
    done = run(*given)
    assert (
        done.returncode == 1
        and "331 images, 3 of them not read" in done.stdout
        and "dashboard: http" in done.stdout
    ), done.stderr
    assert rows(out) == sorted([*plain, (str(archive / "missing"), None, "no such file or folder")])
    before = {file: file.stat().st_mtime_ns for file in out.glob("part-*")}
    again = run(*given)
    assert (
        again.stdout.splitlines()[1:] == done.stdout.splitlines()[1:]
        and {file: file.stat().st_mtime_ns for file in out.glob("part-*")} == before
    )
    other = run(*given, "--pattern", "ddddd")
    assert (
        other.returncode == 2
        and "choose another --out" in other.stderr
        and other.stderr.count("\n") == 1
    )


@needs_dask
def test_every_image_is_read_once_though_workers_are_killed(archive, plain, tmp_path):
    import psutil

    chance = random.Random(0)
    with cluster.connect("local") as client:
        client.run(cluster.warm_up, HOW)
        victims = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
        timer = threading.Timer(chance.uniform(0.2, 1), chance.choice(victims).kill)
        timer.start()
        count, failed = cluster.read(
            client.scheduler.address, tmp_path / "out", paths(archive), HOW
        )
        timer.join()
    assert (count, failed) == (330, 2) and rows(tmp_path / "out") == plain


@needs_dask
def test_a_run_that_was_stopped_goes_on(archive, tmp_path):
    out, folder = tmp_path / "out", tmp_path / "many"
    folder.mkdir()
    for k in range(4_000):  # seconds of reading
        (folder / f"{k:04}.png").symlink_to(archive / "0" / "0000.png")
    given = ["--cluster", "local", "--out", out, folder]
    with subprocess.Popen(
        command(*given), cwd=utils.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        until = time.monotonic() + 60
        while not list(out.glob("part-*")) and time.monotonic() < until:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        told = running.communicate(timeout=60)[1]
    kept = {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert (
        running.returncode == 130
        and "goes on from what is read" in told
        and kept
        and "Traceback" not in told
    )
    done = run(*given)
    assert done.returncode == 0 and [path for path, *_ in rows(out)] == sorted(
        map(str, folder.iterdir())
    )
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    assert not [file for file in out.iterdir() if file.suffix == ".tmp"]


@needs_dask
def test_files_that_are_gone_leave_the_result(archive, tmp_path):
    folder, out = tmp_path / "some", tmp_path / "out"
    shutil.copytree(archive / "0", folder)
    with cluster.connect("local") as client:
        assert cluster.read(client.scheduler.address, out, [folder], HOW)[0] == 100
        (folder / "0150.png").unlink()
        assert cluster.read(client.scheduler.address, out, [folder], HOW)[0] == 99
    assert len(rows(out)) == 99


@needs_dask
def test_an_archive_that_is_out_of_sight_costs_no_reads(archive, plain, tmp_path):
    folder, out = tmp_path / "some", tmp_path / "out"
    shutil.copytree(archive / "0", folder)
    with cluster.connect("local") as client:
        assert cluster.read(client.scheduler.address, out, [folder, archive / "1"], HOW)[0] == 200
        kept, before = (
            rows(out),
            {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")},
        )
        folder.rename(tmp_path / "away")
        assert cluster.read(client.scheduler.address, out, [folder, archive / "1"], HOW)[0] == 101
        assert len(rows(out)) == 101 and (str(folder), None, "no such file or folder") in rows(out)
        (tmp_path / "away").rename(folder)
        assert cluster.read(client.scheduler.address, out, [folder, archive / "1"], HOW)[0] == 200
        assert (
            rows(out) == kept
            and {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")} == before
            and not (out / "_aside").exists()
        )


@needs_dask
def test_more_paths_and_paths_in_one_another_and_damaged_parts(archive, tmp_path):
    out = tmp_path / "out"
    with cluster.connect("local") as client:
        address = client.scheduler.address
        assert (
            cluster.read(
                address, out, [archive / "0", archive / "0" / "0000.png", archive / "0"], HOW
            )[0]
            == 100
        )
        part = max(out.glob("part-*"))
        part.write_bytes(part.read_bytes()[:100])
        assert cluster.read(address, out, [archive / "0", archive / "more.zip"], HOW)[0] == 130
        assert len(rows(out)) == len(set(rows(out))) == 130
        with pytest.raises(cluster.ClusterError, match="reads of other paths"):
            cluster.read(address, out, [archive / "1"], HOW)
        (out / "_read.json").write_text("")
        with pytest.raises(cluster.ClusterError, match="damaged: choose another"):
            cluster.read(address, out, [archive / "0"], HOW)


@needs_dask
def test_a_worker_that_has_another_reader_is_told(archive, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(utils.ROOT / "models" / "captcha", folder)
    with cluster.connect("local") as client:
        assert cluster.read(
            client.scheduler.address, tmp_path / "one", [archive / "0"], cluster.job(str(folder))
        ) == (100, 0)
        shutil.rmtree(folder)
        shutil.copytree(utils.ROOT / "models" / "cnn_lstm", folder)
        how = cluster.job(str(folder))
        cluster.read(client.scheduler.address, tmp_path / "two", [archive / "0"], how)
        with pytest.raises(cluster.ClusterError, match="a worker has another reader in .*mine"):
            cluster.read(
                client.scheduler.address,
                tmp_path / "three",
                [archive / "0"],
                how._replace(digest="of another"),
            )
    assert all(text is None or len(text) == 1 for _, text, _ in rows(tmp_path / "two"))


@needs_dask
def test_schedulers_that_are_none_have_no_workers_or_die(archive, tmp_path, monkeypatch):
    from distributed import LocalCluster

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
    program = "from distributed import LocalCluster\nif __name__ == '__main__':\n    c = LocalCluster(processes=False, threads_per_worker=1, dashboard_address=None, protocol='tcp')\n    print(c.scheduler_address, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=utils.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        address = served.stdout.readline().strip()
        running = subprocess.Popen(
            command("--cluster", address, "--out", tmp_path / "out", *paths(archive)),
            cwd=utils.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not list((tmp_path / "out").glob("part-*")) and time.monotonic() < until:
            time.sleep(0.01)
        served.kill()
        told = running.communicate(timeout=60)[1]
    assert running.returncode == 2 and "goes on from there" in told and "Traceback" not in told


def limited():
    """No file over 2 kB from here on: what a full disk does to a writer, at a size that a test can reach."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


@needs_dask
def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    program = (
        "import sys, pathlib; from ocr.archive import cluster\n"
        "try:\n    cluster.write([(f'{k}.png', 'x' * 40 + str(k), 0.5, None) for k in range(2000)], pathlib.Path(sys.argv[1]))\n"
        "except OSError as error:\n    print('refused:', error.strerror or error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "part-1.parquet")],
        cwd=utils.ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limited,
    )
    assert "refused:" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


@needs_dask
def test_what_cannot_be_used_is_told_at_once(archive, tmp_path):
    out = tmp_path / "out"

    def told(*arguments):
        done = run(*arguments, archive / "0")
        assert done.returncode == 2 and "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]

    assert "no Dask scheduler at tcp://127.0.0.1:1 " in told(
        "--cluster", "tcp://127.0.0.1:1", "--out", out
    )
    assert "no Dask scheduler at nonsense" in told("--cluster", "nonsense", "--out", out)
    assert "go together" in told("--cluster", "local") and "go together" in told("--out", out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    assert (
        "other files" in told("--cluster", "local", "--out", tmp_path / "full")
        and (tmp_path / "full" / "mine.txt").exists()
    )
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in told("--cluster", "local", "--out", tmp_path / "file")
