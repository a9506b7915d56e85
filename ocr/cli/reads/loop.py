"""The loop of `ocr read` and `ocr score`: pictures become rows, with as many processes as pay."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tqdm import tqdm

from ocr.cli.reads.rows import Row
from ocr.reading import pool
from ocr.reading.bulk import read_many
from ocr.reading.decoders import DecodingOptions
from ocr.reading.files import Found
from ocr.reading.reader import Reader

tqdm.monitor_interval = 0  # no thread beside this one: processes are forked, see pool.py


class Loaded(NamedTuple):
    """A reader, how it decodes, and what loads both in another process."""

    reader: Reader
    decoding: DecodingOptions
    make: pool.Make

    @classmethod
    def load(cls, make: pool.Make) -> "Loaded":
        """Load a reader. Raises ReaderError."""
        reader, decoding = make()
        return cls(reader, decoding or DecodingOptions(), make)

    def rows(
        self, pictures: Iterable[Found], count: int, processes: int | None = None
    ) -> Iterator[Row]:
        """Read pictures, about `count`, in order; processes: at most, by default the cores."""
        waiting: deque[Found] = deque()

        def noted() -> Iterator[Found]:
            for found in pictures:
                waiting.append(found)
                yield found

        worth = min(processes or pool.usable_cores(), count // pool.WORTH)
        if worth > 1:
            make = (lambda: (self.reader, self.decoding)) if pool.FORK else self.make
            results = pool.read_in_processes(make, noted(), worth)
        else:
            results = read_many(self.reader, noted(), self.decoding)
        for result in results:
            yield Row(waiting.popleft(), result._replace(prepared=None))
