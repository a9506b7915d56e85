"""Attacks on a running server, in short: honest reads go on. `make attack` has the long ones."""

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("only Linux has the addresses 127.0.0.2 and on", allow_module_level=True)

from benchmarks.samples import captchas
from benchmarks.serving import Server
from tests.attacks import server as attacks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with Server(environ={"WEB_CONCURRENCY": "2"}) as running:
        running.first_read(captchas(1)[0])
        yield running


def faultless(report):
    assert report.faults == [], str(report)


def test_connections_that_stay_open_keep_nobody_waiting(server):
    report = attacks.closing(server, seconds=4, every=0.5)
    faultless(report)
    assert report.worst < 15  # 30 s each, before; of a busy machine


@pytest.mark.parametrize("what", ["slow bodies", "silent connections", "slow heads"])
def test_slow_clients_keep_nobody_waiting(server, what):
    report = attacks.slow(server, what, probes=3)
    assert all("status" not in fault for fault in report.faults), str(report)
    assert report.worst < 15


def test_foreign_pages_and_names_are_refused(server):
    faultless(attacks.foreign(server))


def test_a_heavy_client_leaves_the_others_their_share(server):
    reads, noise = attacks.heavy(server, attacks.OTHER, clients=8, seconds=6)
    faultless(reads)
    faultless(noise)


def test_no_read_is_lost_where_processes_are_killed(server):
    faultless(attacks.kills(server, count=2, clients=2))
    faultless(attacks.restarts(server, count=1))
