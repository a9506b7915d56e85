"""Test the turns of requests, and the processes that read."""

import contextlib
import threading
import time

import pytest

from benchmarks.samples import captchas
from ocr.serving import limits
from ocr.serving.processes.jobs import Job, Options, Upload
from ocr.serving.processes.pool import Process, ProcessEnded
from ocr.serving.processes.turns import Busy, Turns
from ocr.serving.service import LOST, Service

FAR = 1e9  # a deadline that never comes


class Recorder:
    """A worker that notes whose turn it is, each of a second by a clock of its own."""

    ready = True

    def __init__(self):
        self.calls = []

    def call(self, job, until):
        self.calls.append(job)
        return [job]


def contest(jobs, seconds, monkeypatch):
    """Give one worker to clients that wait together; return in which order they had turns.

    jobs: the client of each request, and how many turns it wants; seconds: how long each takes.
    """
    now = [0.0]
    monkeypatch.setattr("ocr.serving.processes.turns.time.monotonic", lambda: now[0])
    worker = Recorder()
    turns, order = Turns([worker]), []
    tickets = []
    for client, count in jobs:
        context = turns.place(client, FAR)
        tickets.append((client, count, context, context.__enter__()))
    left = {id(ticket): count for _, count, _, ticket in tickets}
    while any(left.values()):
        with turns._lock:
            turns._waiting.update(dict.fromkeys(t for *_, t in tickets if left[id(t)]))
            turns._dispatch()
        (chosen,) = [one for one in tickets if one[3].worker is not None]
        ticket = chosen[3]
        order.append(chosen[0])
        left[id(ticket)] -= 1
        now[0] += seconds[chosen[0]]
        taken, ticket.worker = ticket.worker, None
        with turns._lock:
            turns._waiting.clear()
        turns._give_back(taken, ticket, seconds[chosen[0]])
    for *_, context, _ in tickets:
        context.__exit__(None, None, None)
    assert not turns._tickets and not turns._used
    return "".join(order)


def test_clients_have_turns_in_turn(monkeypatch):
    jobs = [("a", 4), ("a", 4), ("a", 4), ("b", 3)]
    order = contest(jobs, {"a": 1, "b": 1}, monkeypatch)
    assert set(order[:2]) == set(order[2:4]) == set(order[4:6]) == {"a", "b"}
    assert order[6:] == "a" * 9


def test_clients_share_time_not_turns(monkeypatch):
    order = contest([("a", 20), ("b", 100)], {"a": 1, "b": 0.1}, monkeypatch)
    assert 8 <= order[:22].count("b") <= 21 and order[:44].count("a") <= 5


def test_short_requests_of_one_client_overtake_long_ones(monkeypatch):
    order = contest([("a", 50), ("a", 1)], {"a": 1}, monkeypatch)
    assert len(order) == 51  # the second request had its turn by the second turn:
    turns = Turns([Recorder()])
    with turns.place("a", FAR) as long, turns.place("a", FAR) as short:
        long.used = 5.0
        with turns._lock:
            turns._waiting.update(dict.fromkeys((long, short)))
            turns._dispatch()
        assert short.worker is not None and long.worker is None


def test_equal_requests_are_served_in_the_order_in_which_they_came():
    turns = Turns([])
    with contextlib.ExitStack() as stack:
        tickets = [stack.enter_context(turns.place("a", FAR)) for _ in range(50)]
        turns._waiting.update(dict.fromkeys(tickets))
        for ticket in tickets:
            turns._free = [Recorder()]
            turns._dispatch()
            assert ticket.worker is not None


def test_who_comes_later_is_not_owed_the_past():
    turns = Turns([Recorder()])
    with turns.place("a", FAR):
        turns._used["a"] = 100.0
        with turns.place("b", FAR):
            assert turns._used["b"] == 100.0


def test_places_of_one_client_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MAX_OF_CLIENT", 2)
    monkeypatch.setattr(limits, "MAX_REQUESTS", 3)
    turns = Turns([Recorder()])
    with turns.place("a", FAR), turns.place("a", FAR) as long:
        assert turns.crowded("a", 0) and not turns.crowded("b", 0)
        with pytest.raises(Busy), turns.place("a", FAR):
            pass
        with turns.place("b", FAR):
            with pytest.raises(Busy), turns.place("c", FAR):
                pass
            assert turns.crowded("c", 0)
            long.used = 2 * limits.FAIR
            assert not turns.crowded("c", 0)
            with turns.place("c", FAR):  # for which the longest is cut short
                assert long.cut and turns.run(turns_ticket := _last(turns), "job") == ["job"]
                assert turns_ticket.client == "c"
                with pytest.raises(TimeoutError):
                    turns.run(long, "job")


def _last(turns):
    return next(ticket for ticket in turns._tickets if ticket.client == "c")


def test_some_places_of_a_client_are_kept_for_small_requests(monkeypatch):
    monkeypatch.setattr(limits, "MAX_OF_CLIENT", 3)
    monkeypatch.setattr(limits, "KEPT", 1)
    large, turns = limits.SMALL + 1, Turns([Recorder()])
    with turns.place("a", FAR, large), turns.place("a", FAR, large):
        assert turns.crowded("a", large) and not turns.crowded("a", limits.SMALL)
        with pytest.raises(Busy), turns.place("a", FAR, large):
            pass
        with turns.place("a", FAR, limits.SMALL), pytest.raises(Busy), turns.place("a", FAR):
            pass


def test_of_new_requests_of_a_client_the_smallest_is_first():
    turns = Turns([])
    with turns.place("a", FAR, 2000) as large, turns.place("a", FAR, 1000) as small:
        turns._waiting.update(dict.fromkeys((large, small)))
        turns._free = [Recorder()]
        turns._dispatch()
        assert small.worker is not None and large.worker is None


def test_a_request_waits_until_its_deadline():
    turns, started = Turns([]), time.monotonic()
    with turns.place("a", started + 0.2) as ticket, pytest.raises(TimeoutError):
        turns.run(ticket, "job")
    assert 0.2 <= time.monotonic() - started < 5


def test_a_worker_that_is_late_comes_back(monkeypatch):
    recovered = threading.Event()

    class Late(Recorder):
        def call(self, job, until):
            raise TimeoutError

        def recover(self):
            recovered.wait(10)

    turns = Turns([Late()])
    with turns.place("a", time.monotonic() + 60) as ticket:
        with pytest.raises(TimeoutError):
            turns.run(ticket, "job")
        assert turns._free == []
        recovered.set()
        until = time.monotonic() + 10
        while not turns._free and time.monotonic() < until:
            time.sleep(0.01)
        assert turns._free == turns.workers


# --- processes that read ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process():
    process = Process()
    process.wait()
    yield process
    process.stop()


class Anything:
    """A job that needs no reader."""

    readers = frozenset()


class Sleep(Anything):
    """A job that takes a while."""

    def __init__(self, seconds):
        self.seconds = seconds

    def run(self, readers):
        time.sleep(self.seconds)
        return [{"text": "late"}]


class Exit(Anything):
    """A job that ends its process, as a fault in a decoder does."""

    def run(self, readers):
        import os

        os._exit(3)


class Devour(Anything):
    """A job that needs more memory than there is."""

    def run(self, readers):
        return [len(bytearray(limits.MEMORY + 2**28))]


@pytest.mark.slow
def test_a_process_reads_and_is_replaced_where_it_ends_or_is_late(process, monkeypatch):
    options, data = Options("captcha"), captchas(1)[0]
    job = Job([Upload("a", data, options)])
    (expected,) = job.run(Service().readers)

    def reads():
        return process.call(job, time.monotonic() + 60) == [expected]

    assert reads()
    with pytest.raises(RuntimeError, match="MemoryError"):
        process.call(Devour(), time.monotonic() + 60)
    assert reads() and process.replaced == 0
    with pytest.raises(TimeoutError):
        process.call(Sleep(1), time.monotonic() + 0.1)
    process.recover()  # its late answer is not taken for the next
    assert reads() and process.replaced == 0
    monkeypatch.setattr(limits, "PATIENCE", 0.1)
    with pytest.raises(TimeoutError):
        process.call(Sleep(60), time.monotonic() + 0.1)
    process.recover()
    assert reads() and process.replaced == 1
    with pytest.raises(ProcessEnded):
        process.call(Exit(), time.monotonic() + 60)
    assert reads() and process.replaced == 2


def test_an_image_that_ends_processes_is_reported_and_the_others_read():
    class Fragile(Recorder):
        def call(self, job, until):
            self.calls.append([each.name for each in job.uploads])
            if "bad" in self.calls[-1]:
                raise ProcessEnded
            return [{"name": name, "text": "1"} for name in self.calls[-1]]

    service, worker = Service(), Fragile()
    service.turns = Turns([worker])
    images = [Upload(name, b"", Options("captcha")) for name in ("a", "b", "bad", "c", "d")]
    found = service.read(images)
    assert [one["name"] for one in found] == [each.name for each in images]
    assert [one.get("problem") for one in found] == [None, None, LOST, None, None]
    assert worker.calls.count(["bad"]) == 3
