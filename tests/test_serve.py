"""Test a running server: its deadlines, and `ocr serve`. The page is in test_page.py."""

import contextlib
import json
import socket
import time
import urllib.request

import pytest

from benchmarks.samples import captchas
from benchmarks.serving import Server
from ocr.cli import main
from ocr.reading.reader import Reader
from ocr.serving import deadlines, limits


@pytest.fixture(scope="module")
def picture():
    return captchas(1)[0]


# --- a running server ---------------------------------------------------------------------------


def connect(address):
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)))


HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
HALF_A_BODY = b"POST /api/read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"


@contextlib.contextmanager
def slow_clients(address, count, sent):
    """Open connections that send the beginning of a request and then nothing more."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(address)) for _ in range(count)]
        for connection in connections:
            connection.sendall(sent)
        yield connections


@pytest.mark.slow
def test_an_incomplete_head_times_out(picture):
    more_than_threads = 100
    with Server() as running:
        running.first_read(picture)
        with slow_clients(running.address, more_than_threads, HALF_A_HEAD):
            started = time.monotonic()
            assert running.post(picture)[0] == 200
            assert time.monotonic() - started < 3 * deadlines.HEAD


def test_a_slow_body_times_out():
    mine, theirs = socket.socketpair()
    timed = deadlines.DeadlineSocket(mine)
    deadlines.limit_body(timed, 0.5)
    started = time.monotonic()
    with pytest.raises(TimeoutError), mine, theirs:
        while time.monotonic() - started < 5:
            theirs.sendall(b"x")
            assert timed.recv(100) == b"x"
            time.sleep(0.05)
    assert 0.4 < time.monotonic() - started < 2


@pytest.mark.slow
def test_clients_that_still_send_too_much_get_their_answer(picture):
    with Server() as running:
        running.first_read(picture)
        status, body = running.post(bytes(limits.MAX_REQUEST + 10**6))
        assert status == 413 and json.loads(body)["status"] == 413
        with connect(running.address) as connection:
            connection.sendall(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n")
            answer = connection.recv(10_000).decode()
        assert answer.startswith("HTTP/1.1 414")
        assert json.loads(answer.split("\r\n\r\n")[1])["status"] == 414


@pytest.mark.slow
def test_slow_clients_do_not_block_the_others(picture):
    text = Reader.load("captcha").read(picture).text
    with Server() as running:
        running.first_read(picture)
        with slow_clients(running.address, limits.MAX_REQUESTS - 4, HALF_A_BODY):
            status, body = running.post(picture)
            assert status == 200 and json.loads(body)[0]["text"] == text
            with slow_clients(running.address, 7, HALF_A_BODY):
                until = time.monotonic() + 10
                while (answer := running.post(picture))[0] == 200 and time.monotonic() < until:
                    time.sleep(0.05)
                assert answer[0] == 503
                assert json.loads(answer[1])["detail"].startswith("the server is busy")
                with urllib.request.urlopen(f"{running.address}/healthz", timeout=10) as healthy:
                    assert healthy.status == 200


# --- ocr serve ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_ocr_serve_reads_in_any_folder(picture, tmp_path):
    (tmp_path / "ocr.py").write_text("raise ImportError('a file of the same name')")
    with Server(["-P", "-m", "ocr", "serve"], cwd=tmp_path) as running:
        running.first_read(picture)
        running.process.terminate()
        assert running.process.wait(30) == 0


@pytest.mark.parametrize("bind", ["nonsense", "127.0.0.1:99999", ":80", "192.0.2.1:80"])
def test_an_unusable_address_is_one_line(bind, capsys):
    assert main(["serve", "--bind", bind]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"ocr serve: --bind {bind}: ") and errors.count("\n") == 1


def test_an_address_in_use_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as used:
        assert main(["serve", "--bind", f"127.0.0.1:{used.getsockname()[1]}"]) == 2
    assert "cannot listen there (Address already in use)" in capsys.readouterr().err
