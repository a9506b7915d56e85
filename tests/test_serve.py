"""Test a running server, and `ocr serve`. The page is in test_page.py."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest

from benchmarks.samples import captchas
from benchmarks.serving import Server
from ocr.cli import main
from ocr.reading.reader import Reader
from ocr.serving import limits
from tests.attacks.server import connect


@pytest.fixture(scope="module")
def picture():
    return captchas(1)[0]


# --- a running server ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running():
    with Server(environ={"WEB_CONCURRENCY": "1"}) as server:
        server.wait()
        yield server


@pytest.mark.slow
def test_clients_that_still_send_too_much_get_their_answer(running):
    status, body = running.post(bytes(limits.MAX_REQUEST + 10**6))
    assert status == 413 and json.loads(body)["status"] == 413
    with connect(running.address) as connection:
        connection.sendall(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n")
        answer = connection.recv(10_000).decode()
    assert answer.startswith("HTTP/1.1 414")
    assert json.loads(answer.split("\r\n\r\n")[1])["status"] == 414


@pytest.mark.slow
def test_clients_that_wait_for_a_continue_get_it_or_are_refused(running, picture):
    head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
    expecting = head + "Expect: 100-continue\r\n\r\n"
    with connect(running.address) as connection:
        connection.sendall((expecting % ("/api/read?reader=captcha", len(picture))).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(picture)
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
    with connect(running.address) as connection:
        connection.sendall((expecting % ("/none", len(picture))).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 404")


@pytest.mark.slow
def test_slow_clients_do_not_block_the_others(running, picture):
    text = Reader.load("captcha").read(picture).text
    begun = b"POST /api/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
    with contextlib.ExitStack() as stack:
        for sent in (begun, begun[:20], b""):
            for _ in range(2 * limits.MAX_REQUESTS):
                stack.enter_context(connect(running.address)).sendall(sent)
        status, body = running.post(picture)
        assert status == 200 and json.loads(body)[0]["text"] == text


@pytest.mark.slow
def test_a_server_says_who_asked_for_what_and_ends_at_once(picture, tmp_path):
    log = tmp_path / "access.log"
    with Server(environ={"OCR_ACCESS_LOG": str(log), "WEB_CONCURRENCY": "1"}) as server:
        server.wait()
        assert server.post(picture)[0] == 200
        with connect(server.address):  # and says nothing
            server.process.terminate()
            assert server.process.wait(limits.HEAD + 60) == 0
    line = log.read_text().splitlines()[-1]
    assert re.fullmatch(
        r'127\.0\.0\.1 \[.*\] "POST /api/read\?reader=captcha HTTP/1\.1" 200 \d+ \d+', line
    )


@pytest.mark.slow
def test_a_wrong_setting_stops_the_server_before_it_starts():
    command = [sys.executable, "-m", "gunicorn", "-c", "python:ocr.serving.gunicorn_conf"]
    environ = os.environ | {"OCR_TOKEN": ""}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "OCR_TOKEN is empty: give it a secret" in done.stderr


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
