"""Test how requests are received: bodies that are large, slow or refused, and whose they are."""

import asyncio
import json
import time

import pytest

from benchmarks.samples import captchas
from ocr.serving import limits, server
from ocr.serving.front.app import Front
from ocr.serving.front.bodies import Bodies
from ocr.serving.front.wsgi import environ_of
from ocr.serving.service import Service


@pytest.fixture(scope="module")
def service():
    return Service()


@pytest.fixture(scope="module")
def front(service):
    return Front(server.create_app(service, token="secret"))


@pytest.fixture(scope="module")
def picture():
    return captchas(1)[0]


TOKEN = (b"authorization", b"Bearer secret")
CAPTCHA = b"reader=captcha"


def scope_of(method="POST", path="/api/read", length=None, headers=(TOKEN,), query=b""):
    """Make the scope of a request as gunicorn does."""
    sized = [] if length is None else [(b"content-length", str(length).encode())]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", b"127.0.0.1:8000"), *sized, *headers],
        "client": ("192.0.2.1", 1234),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
    }


def request(front, scope, chunks=(b"",), pause=0.0, endless=False):
    """Send a request whose body comes in chunks; return status, body, seconds, chunks taken."""
    sent, taken = [], [0]

    async def receive():
        if taken[0] >= len(chunks) and not endless:
            return {"type": "http.disconnect"}
        await asyncio.sleep(pause)
        chunk = chunks[taken[0] % len(chunks)]
        taken[0] += 1
        more = endless or taken[0] < len(chunks)
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(message):
        sent.append((message, time.monotonic()))

    started = time.monotonic()
    asyncio.run(front(scope, receive, send))
    body = b"".join(message.get("body", b"") for message, _ in sent)
    return {
        "status": sent[0][0]["status"],
        "headers": dict(sent[0][0]["headers"]),
        "body": body,
        "answered": sent[1][1] - started,
        "ended": time.monotonic() - started,
        "chunks": taken[0],
    }


def test_a_body_in_chunks_is_read(front, picture):
    some = [picture[k : k + 1000] for k in range(0, len(picture), 1000)]
    for scope in (
        scope_of(length=len(picture), query=CAPTCHA),
        scope_of(headers=(TOKEN, (b"transfer-encoding", b"chunked")), query=CAPTCHA),
    ):
        found = request(front, scope, some)
        assert found["status"] == 200 and json.loads(found["body"])[0]["text"]
        assert found["headers"][b"content-length"] == str(len(found["body"])).encode()


@pytest.mark.parametrize(
    "scope, status, bound",
    [
        (scope_of(path="/none", length=10**6), 404, "REST"),
        (scope_of("PUT", length=10**6), 405, "REST"),
        (scope_of("GET", path="/api/readers", length=10**6), 200, "REST"),
        (scope_of(length=10**6, headers=()), 401, "STRANGER"),
        (scope_of(length=limits.MAX_REQUEST + 1), 413, "REST"),
    ],
)
def test_what_is_refused_is_answered_at_once_and_not_waited_for(
    front, scope, status, bound, monkeypatch
):
    monkeypatch.setattr(limits, "REST", 0.6)
    monkeypatch.setattr(limits, "STRANGER", 0.2)
    found = request(front, scope, [b"x"], pause=0.05, endless=True)
    assert found["status"] == status
    assert getattr(limits, bound) <= found["ended"] < getattr(limits, bound) + 5
    assert found["ended"] - found["answered"] >= 0.9 * getattr(limits, bound)


def test_a_client_that_still_sends_is_listened_to(front):
    """Else it would not receive the answer. Its body is discarded, within bounds."""
    found = request(front, scope_of(length=limits.MAX_REQUEST + 1), [bytes(2**22)] * 5)
    assert (found["status"], found["chunks"]) == (413, 5)
    chunked = scope_of(headers=(TOKEN, (b"transfer-encoding", b"chunked")))
    found = request(front, chunked, [bytes(2**22)], endless=True)
    assert found["status"] == 413 and found["chunks"] == 5 + 8


def test_a_slow_body_times_out(front, monkeypatch):
    monkeypatch.setattr(limits, "BODY", 0.3)
    monkeypatch.setattr(limits, "REST", 0.1)
    found = request(front, scope_of(length=1000), [b"x"], pause=0.05, endless=True)
    assert found["status"] == 400 and b"did not arrive within" in found["body"]
    assert 0.4 <= found["ended"] < 5


def test_a_body_that_breaks_off_is_refused(front):
    found = request(front, scope_of(length=1000), [])
    assert found["status"] == 400 and b"cannot be read" in found["body"]


def test_a_busy_server_asks_to_try_again(service, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BYTES_OF_CLIENT", 100)
    front = Front(server.create_app(service, token="secret"))
    found = request(front, scope_of(length=1000), [bytes(1000)])
    assert found["status"] == 503 and found["headers"][b"retry-after"] == b"1"
    assert front._bodies._all == 0 and not front._bodies._of


def test_where_there_is_no_room_a_body_is_not_received(service, picture, monkeypatch):
    monkeypatch.setattr(limits, "MAX_OF_CLIENT", 1)
    front = Front(server.create_app(service, token="secret"))
    scope = scope_of(length=len(picture), query=CAPTCHA)
    with service.turns.place("192.0.2.1", time.monotonic() + 60):
        found = request(front, scope, [picture])
        assert found["status"] == 503 and found["headers"][b"retry-after"] == b"1"
        assert front._reading._threads == set()
    assert request(front, scope, [picture])["status"] == 200


def test_bytes_of_bodies_are_bounded_in_all_and_for_each_client(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    monkeypatch.setattr(limits, "MAX_BYTES_OF_CLIENT", 60)
    bodies = Bodies()
    with bodies.of("a", 60) as a, bodies.of("b", 60) as b:
        assert bodies.take("a", 50) and not bodies.take("a", 20)
        assert bodies.take("b", 50) and not bodies.take("c", 1)
        a.size = b.size = 50
    assert bodies.take("c", 60)


def test_a_websocket_is_closed(front):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(front({"type": "websocket"}, None, send))
    assert sent == [{"type": "websocket.close"}]


def test_headers_become_an_environ():
    headers = [(b"script_name", b"/x"), (b"x-forwarded-for", b"203.0.113.9, 198.51.100.7")]
    scope = scope_of(path="/a%2Fb%FF", headers=[*headers, (b"accept", b"a"), (b"accept", b"b")])
    environ = environ_of(scope)
    assert environ["PATH_INFO"] == "/a/b\xff" and environ["SCRIPT_NAME"] == ""
    assert environ["HTTP_ACCEPT"] == "a,b" and "HTTP_SCRIPT_NAME" not in environ
    addresses = [environ_of(scope, proxies)["REMOTE_ADDR"] for proxies in (0, 1, 2, 3)]
    # whoever wrote more addresses than there are proxies made the others up
    assert addresses == ["192.0.2.1", "198.51.100.7", "203.0.113.9", "192.0.2.1"]
