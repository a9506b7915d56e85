"""Read uploads: within limits, in memory, in processes that requests take turns at. No Flask."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr.reading.anything import describe
from ocr.reading.bulk import TIMED_OUT
from ocr.reading.reader import Reader
from ocr.serving import limits
from ocr.serving.processes.jobs import Job, Upload, find_reader
from ocr.serving.processes.pool import Here, Process, ProcessEnded
from ocr.serving.processes.readers import Readers, without_network
from ocr.serving.processes.turns import Ticket, Turns

LOST = "the process that read it was ended (too little memory?): scale the image down first"


class Service:
    """Read with several readers, by name.

    processes   that read, each with all readers; 0 reads where `read` is called, for tests
    """

    def __init__(self, places: Sequence[Path] | None = None, processes: int = 0):
        self._readers = Readers(places, without_network if processes else Reader.load)
        self.processes = [Process(places) for _ in range(processes)]
        for process in self.processes:
            process.wait()
        self.turns = Turns(self.processes or [Here(self._readers)] * 2)

    @property
    def readers(self) -> dict[str, Reader]:
        """The readers that there are now, by name."""
        return self._readers.now()

    @property
    def replaced(self) -> int:
        """Count the processes that were ended and replaced."""
        return sum(process.replaced for process in self.processes)

    def stop(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.stop()

    def describe(self) -> list[dict]:
        """Describe each reader: what it reads, and how well."""
        return describe(self.readers)

    def read(
        self,
        uploads: list[Upload],
        client: str = "",
        deadline: float | None = None,
    ) -> list[dict[str, Any]]:
        """Read images; give one object each, in order: the reading, or a problem.

        client: whose request it is, an address; turns are fair between clients. deadline: a time of
        time.monotonic(), by default limits.SECONDS from now. Raises ReaderError for a pattern or
        script that the reader does not have, Busy where no place is free, TimeoutError where no
        image was read in time.
        """
        readers = self.readers
        for options in {upload.options for upload in uploads}:
            options.decoding(find_reader(options.reader, readers))
        if deadline is None:
            deadline = time.monotonic() + limits.SECONDS
        length = sum(len(upload.data) for upload in uploads)
        with self.turns.place(client, deadline, length) as ticket:
            answers = self._read(uploads, ticket)
        if uploads and not answers:
            raise TimeoutError(TIMED_OUT)
        late = uploads[len(answers) :]
        return answers + [{"name": upload.name, "problem": TIMED_OUT} for upload in late]

    def _read(self, uploads: list[Upload], ticket: Ticket) -> list[dict[str, Any]]:
        """Read turn by turn; return what is done by the deadline."""
        answers: list[dict[str, Any]] = []
        ended = 0
        while len(answers) < len(uploads):
            some = uploads[len(answers) : len(answers) + ticket.size]
            try:
                answers += self.turns.run(ticket, Job(some))
                ended = 0
            except TimeoutError:
                break
            except ProcessEnded:  # perhaps by one of them: each alone then, three times
                ended += len(some) == 1
                if ended == 3:
                    answers.append({"name": some[0].name, "problem": LOST})
                    ended = 0
                ticket.size = 1
        return answers
