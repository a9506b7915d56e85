"""Read a partition of an archive on a Dask worker."""

import hashlib
import json
import os
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from ocr.archive.results import ClusterError, write
from ocr.reading.bulk import read_many
from ocr.reading.files import Found, read_named
from ocr.reading.reader import Reader


class Job(NamedTuple):
    """Say which reader reads under which constraint; all workers must agree on it."""

    model: str
    pattern: str | None
    words: tuple[str, ...] | None
    digest: str  # of the reader's contract

    @classmethod
    def create(cls, model: str, pattern: str | None = None, words=None) -> "Job":
        """Describe a read job, with the reader of this name or folder as it is now.

        Raises ReaderError.
        """
        reader = Reader.load(model)
        if os.path.exists(os.path.join(model, "reader.json")):
            model = os.path.abspath(model)  # workers may run in another folder
        return cls(model, pattern, None if words is None else tuple(words), _digest(reader))

    def settings(self) -> dict:
        """Give what identifies the job, as JSON can hold it; of a lexicon a digest."""
        words = self.words and hashlib.sha256("\n".join(self.words).encode()).hexdigest()
        return {"model": self.digest, "pattern": self.pattern, "lexicon": words}


def _digest(reader: Reader) -> str:
    return hashlib.sha256(json.dumps(reader.contract, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=2)
def load(job: Job):
    """Load (reader, constraint), once a worker.

    Raises ClusterError where this worker finds another reader than the one that the job names.
    """
    reader = Reader.load(job.model)
    if _digest(reader) != job.digest:
        raise ClusterError(
            f"a worker has another reader in {job.model}: give all workers the same models/"
        )
    return reader, reader.constrain(job.pattern, job.words)


def warm_up(job: Job) -> None:
    """Load the reader of a job on this worker, ahead of its first partition."""
    load(job)


def read_partition(part: list[str], target: str, job: Job) -> tuple[int, int]:
    """Read the images of these names and write their rows to `target`; count (images, errors)."""
    reader, constraint = load(job)
    found = (Found(name, partial(read_named, name)) for name in part)
    rows = [
        (name, reading and reading.text, reading and reading.confidence, error)
        for name, reading, error, _ in read_many(reader, found, constraint=constraint)
    ]
    write(rows, Path(target))
    return len(rows), sum(row[3] is not None for row in rows)
