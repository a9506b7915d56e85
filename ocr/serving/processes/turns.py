"""Turns: which request reads next, where more wait than there are processes.

The next turn goes to the client that has used the least time of those who wait (start-time fair
queueing), and among its requests to the one that has used the least, then to the smallest. So
someone with one picture waits for a turn of somebody's thousand, not for all of them; nor do large
requests of the same address, as behind a proxy, take all places: some are kept for small ones.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocr.serving import limits
from ocr.serving.processes.jobs import Work
from ocr.serving.processes.pool import Worker


class Busy(Exception):
    """There is no place for another request."""


@dataclass(eq=False)
class Ticket:
    """A request that runs or waits.

    client: whose it is; deadline: of time.monotonic(); length: bytes of its images; used: seconds
    that it has read so far.
    """

    client: str
    deadline: float
    length: int = 0
    used: float = 0.0
    size: int = 1  # images in its next turn
    cut: bool = False
    worker: Worker | None = None
    called: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Share workers between requests, fairly by client."""

    def __init__(self, workers: Sequence[Worker]):
        self.workers = list(workers)
        self._free = list(workers)
        self._tickets: set[Ticket] = set()
        self._waiting: dict[Ticket, None] = {}  # in the order in which they came
        self._used: dict[str, float] = {}  # seconds of clients that have a ticket
        self._lock = threading.Lock()
        self._ended = time.monotonic()  # when a turn has last ended, or the first came to wait

    @contextlib.contextmanager
    def place(self, client: str, deadline: float, length: int = 0) -> Iterator[Ticket]:
        """Take a place among the requests that run or wait, see Ticket. Raises Busy."""
        ticket = Ticket(client, deadline, length)
        with self._lock:
            self._admit(ticket)
        try:
            yield ticket
        finally:
            with self._lock:
                self._tickets.discard(ticket)
                if not any(other.client == client for other in self._tickets):
                    self._used.pop(client, None)

    def crowded(self, client: str, length: int) -> bool:
        """Would another request of this client, of so many bytes, be refused now?"""
        with self._lock:
            crowd = self._crowd(client, length)
            return bool(crowd) and max(each.used for each in crowd) < limits.FAIR

    def _crowd(self, client: str, length: int) -> list[Ticket]:
        """List those of which one must end before the client's next; [] where there is room."""
        there = [each for each in self._tickets if not each.cut]
        same = [each for each in there if each.client == client]
        kept = 0 if length <= limits.SMALL else limits.KEPT
        if len(same) >= limits.MAX_OF_CLIENT - kept:
            return same
        return there if len(there) >= limits.MAX_REQUESTS else []

    def _admit(self, ticket: Ticket) -> None:
        if crowd := self._crowd(ticket.client, ticket.length):
            self._cut_one(crowd)
        if not self._tickets:
            self._ended = time.monotonic()
        least = min(self._used.values(), default=0.0)
        self._used.setdefault(ticket.client, least)
        self._tickets.add(ticket)

    def _cut_one(self, tickets: list[Ticket]) -> None:
        """Cut short the request that has used the most, if it has had its share. Raises Busy."""
        most = max(tickets, key=lambda each: each.used)
        if most.used < limits.FAIR:
            raise Busy
        most.cut, most.deadline = True, time.monotonic()
        if most in self._waiting:
            most.called.set()

    def run(self, ticket: Ticket, job: Work) -> list[dict[str, Any]]:
        """Wait for a turn, and do a job. Raises TimeoutError, ProcessEnded."""
        worker = self._take(ticket)
        started, late = time.monotonic(), False
        try:
            return worker.call(job, ticket.deadline + limits.GRACE)
        except TimeoutError:  # the request is answered, the worker is still busy
            late = True
            threading.Thread(target=self._recover, args=(worker, ticket, started)).start()
            raise
        finally:
            if not late:
                self._give_back(worker, ticket, time.monotonic() - started)

    def _recover(self, worker: Worker, ticket: Ticket, started: float) -> None:
        try:
            worker.recover()
        finally:
            self._give_back(worker, ticket, time.monotonic() - started)

    def _take(self, ticket: Ticket) -> Worker:
        with self._lock:
            if time.monotonic() >= ticket.deadline:
                raise TimeoutError
            ticket.worker = None
            ticket.called.clear()
            self._waiting[ticket] = None
            self._dispatch()
        ticket.called.wait(max(0.0, ticket.deadline - time.monotonic()))
        with self._lock:
            self._waiting.pop(ticket, None)
            if ticket.worker is None:
                raise TimeoutError
            return ticket.worker

    def _give_back(self, worker: Worker, ticket: Ticket, seconds: float) -> None:
        with self._lock:
            self._ended = time.monotonic()
            ticket.used += seconds
            ticket.size = 1 if seconds > limits.TURN else min(2 * ticket.size, limits.BATCH)
            if ticket.client in self._used:
                self._used[ticket.client] += seconds
            self._free.append(worker)
            self._dispatch()

    def _dispatch(self) -> None:
        """Give free workers to those whose turn it is."""
        while self._free and self._waiting:
            ticket = min(self._waiting, key=self._order)
            del self._waiting[ticket]
            ticket.worker = max(self._free, key=lambda each: each.ready)
            self._free.remove(ticket.worker)
            ticket.called.set()

    def _order(self, ticket: Ticket) -> tuple[float, float, int]:
        return self._used[ticket.client], ticket.used, ticket.length

    @property
    def full(self) -> bool:
        """Are all places taken?"""
        return len(self._tickets) >= limits.MAX_REQUESTS

    @property
    def stalled(self) -> bool:
        """Has no turn ended for long, though requests wait?"""
        return bool(self._tickets) and time.monotonic() - self._ended > limits.STALLED
