"""Damage the results of an archive, exchange its images: the next run notices, and reads again."""

import os
import random
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas
import pyarrow
from distributed import Client
from PIL import Image
from pyarrow import parquet

from ocr.archive import cluster, results
from ocr.archive.worker import Job
from ocr.drawing import captchas
from tests.attacks.measure import Report, peak

Damage = Callable[[Path, Path, random.Random], object]


def _bytes(change: Callable[[bytearray, random.Random], object]) -> Damage:
    def damage(file: Path, other: Path, chance: random.Random) -> None:
        data = bytearray(file.read_bytes())
        change(data, chance)
        file.write_bytes(data)

    return damage


def _zero(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(4, len(data) - 200)
    data[start : start + 100] = bytes(100)


def _flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _table(change: Callable[[pyarrow.Table], pyarrow.Table]) -> Damage:
    """Write the file anew, a valid Parquet file, with other rows."""

    def damage(file: Path, other: Path, chance: random.Random) -> None:
        parquet.write_table(change(parquet.read_table(file)), file)

    return damage


def _other_texts(table: pyarrow.Table) -> pyarrow.Table:
    texts = pyarrow.array(["?"] * len(table), pyarrow.string())
    return table.set_column(1, "text", texts)


def _exchange(file: Path, other: Path, chance: random.Random) -> None:
    data = file.read_bytes(), other.read_bytes()
    file.write_bytes(data[1])
    other.write_bytes(data[0])


DAMAGES: dict[str, Damage] = {
    "zeroed bytes": _bytes(_zero),
    "a flipped bit": _bytes(_flip),
    "cut off": _bytes(
        lambda data, chance: data.__delitem__(slice(chance.randrange(len(data)), None))
    ),
    "empty": _bytes(lambda data, chance: data.clear()),
    "bytes behind its end": _bytes(lambda data, chance: data.extend(b"PAR1")),
    "the copy of another": lambda file, other, chance: file.write_bytes(other.read_bytes()),
    "exchanged with another": _exchange,
    "missing rows": _table(lambda table: table.slice(3)),
    "doubled rows": _table(lambda table: pyarrow.concat_tables([table, table.slice(0, 2)])),
    "the error column alone": _table(lambda table: table.select(["error"])),
    "other texts": _table(_other_texts),
    "gone": lambda file, other, chance: file.unlink(),
}


def make_archive(folder: Path, count: int = 150) -> None:
    """Write some CAPTCHAs into a folder and into a zip."""
    pictures = [picture for _, picture in captchas.captchas(6, seed=1)]
    (folder / "in").mkdir()
    for k in range(count):
        pictures[k % 6].save(folder / "in" / f"{k:03}.png")
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        for k in range(20):
            packed.write(folder / "in" / f"{k:03}.png", f"{k}.png")


class Run:
    """Read an archive again and again into one result; see what is read again."""

    def __init__(self, folder: Path, client: Client):
        make_archive(folder)
        self.folder, self.out, self.client = folder, folder / "out", client
        self.job = Job.create("captcha")

    def read(self) -> list[tuple]:
        """Read what is not read yet; return all rows, as pandas loads the folder."""
        cluster.read_with(
            self.client, self.out, [self.folder / "in", self.folder / "more.zip"], self.job
        )
        table = pandas.read_parquet(self.out)
        return sorted(zip(table.path, table.text, table.confidence))

    def files(self) -> dict[str, int]:
        """When each file was written."""
        return {file.name: file.stat().st_mtime_ns for file in self.out.glob("part-*")}


def damage(run: Run, count: int, seed: int = 0) -> Report:
    """Damage one partition's file at a time; the next run gives all rows again, and no others."""
    chance, faults, worst, busy = random.Random(seed), [], 0.0, time.process_time()
    good = run.read()
    for number in range(count):
        what, change = list(DAMAGES.items())[number % len(DAMAGES)]
        before = run.files()
        file, other = chance.sample(sorted(run.out.glob("part-*")), 2)
        change(file, other, chance)
        started = time.perf_counter()
        try:
            rows = run.read()
        except Exception as error:  # the folder cannot be loaded, for one
            faults.append(f"{what}: {type(error).__name__}")
            shutil.rmtree(run.out)
            run.read()
            continue
        worst = max(worst, time.perf_counter() - started)
        after = run.files()
        untouched = {name for name in before if name not in (file.name, other.name)}
        if rows != good:
            faults.append(f"{what}: {len(rows)} rows, not as before")
        elif before[file.name] == after.get(file.name):
            faults.append(f"{what}: not read again")
        elif any(before[name] != after.get(name) for name in untouched):
            faults.append(f"{what}: others were read again")
    return Report(
        f"results damaged in {len(DAMAGES)} ways",
        count,
        worst,
        time.process_time() - busy,
        peak(),
        faults,
    )


def _replace(path: Path, chance: random.Random, keep_time: bool = False) -> None:
    """Put another picture of the same size in bytes in the place of one."""
    facts, picture = path.stat(), Image.open(path).convert("L")
    picture.transpose(Image.Transpose.ROTATE_180).save(path)
    with open(path, "ab") as file:
        file.write(bytes(max(0, facts.st_size - path.stat().st_size)))
    if keep_time:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def change_inputs(run: Run, count: int, seed: int = 0) -> Report:
    """Exchange one image at a time, also with its old time; the next run reads it again."""
    chance, faults, worst, busy = random.Random(seed), [], 0.0, time.process_time()
    run.read()
    for number in range(count):
        path = chance.choice(sorted((run.folder / "in").iterdir()))
        before = dict(run.client.submit(_reading, str(path), run.job, pure=False).result())
        _replace(path, chance, keep_time=number % 2 == 1)
        started = time.perf_counter()
        rows = run.read()
        worst = max(worst, time.perf_counter() - started)
        now = dict(run.client.submit(_reading, str(path), run.job, pure=False).result())
        found = [row for row in rows if row[0] == str(path)]
        if len(found) != 1 or found[0][1] != now["text"]:
            faults.append(f"{path.name}: has {found}, not {now}, before {before}")
    return Report(
        "images replaced in an archive", count, worst, time.process_time() - busy, peak(), faults
    )


def _reading(name: str, job: Job) -> dict:
    from ocr.archive.worker import load

    return {"text": load(job)[0].read(name).text}


def attacks(count: int = 60) -> Iterator[Report]:
    """Damage results in all ways, five times each; replace images."""
    results.LEAST, results.EVERY = 20, 10  # small partitions
    with (
        TemporaryDirectory() as folder,
        Client(
            processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as client,
    ):
        run = Run(Path(folder), client)
        yield damage(run, count)
        yield change_inputs(run, count // 3)
