"""Read a partition of an archive on a Dask worker."""

import hashlib
import json
import os
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from ocr.archive.results import NOT_READ, ClusterError, Kept, write
from ocr.reading.bulk import read_many
from ocr.reading.decoders import WESTERN, DecodingOptions
from ocr.reading.files import Found, read_named
from ocr.reading.reader import Reader


class Job(NamedTuple):
    """Say which reader reads, and with which of Reader.options; all workers must agree on it."""

    model: str
    digest: str  # of the reader's contract
    pattern: str | None = None
    words: tuple[str, ...] | None = None
    script: str | None = None
    digits: str = WESTERN
    keep_other: bool = False

    @classmethod
    def create(cls, model: str, words: Iterable[str] | None = None, **options: Any) -> "Job":
        """Describe a read job, with the reader of this name or folder as it is now.

        options: the fields pattern, script, digits, keep_other. Raises ReaderError.
        """
        reader = Reader.load(model)
        if os.path.exists(os.path.join(model, "reader.json")):
            model = os.path.abspath(model)  # workers may run in another folder
        kept = None if words is None else tuple(words)
        job = cls(model, _digest(reader), words=kept, **options)
        job.options(reader)
        return job

    def options(self, reader: Reader) -> DecodingOptions:
        """Check the options with the job's reader. Raises ReaderError."""
        return reader.options(
            pattern=self.pattern,
            lexicon=self.words,
            script=self.script,
            digits=self.digits,
            keep_other=self.keep_other,
        )

    def settings(self) -> dict:
        """Give what identifies the job, as JSON can hold it; of a lexicon a digest."""
        words = self.words and hashlib.sha256("\n".join(self.words).encode()).hexdigest()
        return {
            "model": self.digest,
            "pattern": self.pattern,
            "lexicon": words,
            "script": self.script,
            "digits": self.digits,
            "keep_other": self.keep_other,
        }


def _digest(reader: Reader) -> str:
    return hashlib.sha256(json.dumps(reader.contract, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=2)
def load(job: Job):
    """Load (reader, its options), once a worker.

    Raises ClusterError where this worker finds another reader than the one that the job names.
    """
    reader = Reader.load(job.model)
    if _digest(reader) != job.digest:
        raise ClusterError(
            f"a worker has another reader in {job.model}: give all workers the same models/"
        )
    return reader, job.options(reader)


def warm_up(job: Job) -> None:
    """Load the reader of a job on this worker, ahead of its first partition."""
    load(job)


def read_partition(names: list[str], out: str, key: str, job: Job) -> Kept:
    """Read the images of these names, and write their rows to the partition's file in `out`."""
    reader, options = load(job)
    found = (Found(name, partial(read_named, name)) for name in names)
    rows = [
        (
            name,
            *((reading.text, reading.confidence, reading.trusted) if reading else NOT_READ),
            error,
        )
        for name, reading, error, _ in read_many(reader, found, options)
    ]
    return write(rows, Path(out), key)
