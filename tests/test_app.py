"""The API: what it answers, what it refuses, its limits and its headers; the page is in test_page.py."""

import contextlib
import io
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import numpy as np
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from benchmarks import serving as serving_bench
from ocr.drawing import captchas, symbols
from ocr.reading.reader import Reader
from ocr.serving import deadlines, limits, server
from ocr.serving.openapi import document
from ocr.serving.service import Service

SCHEMAS = document(["captcha"], False)["components"]["schemas"]


@pytest.fixture(scope="module")
def service():
    return Service()


@pytest.fixture(scope="module")
def app(service):
    return server.create_app(service, token="")


@pytest.fixture
def client(app):
    return app.test_client()


def png(picture) -> bytes:
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()


@pytest.fixture(scope="module")
def pictures():
    return [png(picture) for _, picture in captchas.captchas(6, seed=3)]


def post(client, files, query="", **fields):
    parts = [(io.BytesIO(data), name) for name, data in files]
    return client.post(
        f"/api/read{query}", data={"file": parts, **fields}, content_type="multipart/form-data"
    )


def problem(response, status):
    """The detail of a problem; checks that it is one."""
    told = response.get_json()
    assert (
        response.status_code == status == told["status"]
        and response.content_type == "application/problem+json"
    )
    assert told["type"] and told["title"] and "\n" not in told["detail"]
    return told["detail"]


def test_files_are_read_in_their_order(client, pictures):
    answer = post(
        client,
        [(f"{i}.png", data) for i, data in enumerate(pictures)],
        reader="captcha",
        top="2",
        seen="true",
    )
    reader = Reader.load("captcha")
    assert answer.status_code == 200 and answer.content_type == "application/json"
    for i, (told, data) in enumerate(zip(answer.get_json(), pictures, strict=True)):
        reading = reader.read(data, top=2, spans=True)
        assert (told["name"], told["text"]) == (f"{i}.png", reading.text)
        assert told["confidence"] == pytest.approx(reading.confidence, abs=1e-4) and told[
            "unsure"
        ] == (reading.confidence < 0.9)
        assert [tuple(span) for span in told["spans"]] == list(reading.spans) and (
            told["width"],
            told["height"],
        ) == (200, 50)
        assert [other["text"] for other in told["alternatives"]] == [
            text for text, _ in reading.alternatives
        ]
        assert told["seen"].startswith("data:image/png;base64,")
        jsonschema.validate(told, SCHEMAS["Read"] | {"additionalProperties": False})


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "image/png",
        "application/x-www-form-urlencoded",
        "text/html",
        None,
    ],
)
def test_raw_bytes_are_read_whatever_they_say_they_are(client, pictures, content_type):
    answer = client.post(
        "/api/read?reader=captcha&top=3", data=pictures[0], content_type=content_type
    )
    (told,) = answer.get_json()
    assert (
        answer.status_code == 200
        and told["text"] == Reader.load("captcha").read(pictures[0]).text
        and len(told["alternatives"]) == 3
    )


def test_pattern_and_reader_are_heeded(client, pictures):
    (told,) = post(client, [("a.png", pictures[0])], "?pattern=ddddd").get_json()
    assert re.fullmatch(r"\d{5}", told["text"])
    sign = png(Image.fromarray(next(iter(symbols.signs("R", 4)))[1]))
    (told,) = client.post("/api/read?reader=dual_input&seen=true", data=sign).get_json()
    assert told["text"] == "R"


def test_good_images_around_a_bad_one_are_read(client, pictures):
    answer = post(
        client,
        [
            ("good.png", pictures[0]),
            ("bad.png", b"no image"),
            ("empty.png", b""),
            ("also.png", pictures[1]),
        ],
    )
    told = answer.get_json()
    assert answer.status_code == 200 and [set(one) == {"name", "problem"} for one in told] == [
        False,
        True,
        True,
        False,
    ]
    assert "not an image" in told[1]["problem"] and "empty" in told[2]["problem"]
    jsonschema.validate(told[1], SCHEMAS["Refused"] | {"additionalProperties": False})


@pytest.mark.parametrize(
    "query, word",
    [
        ("?reader=nobody", "no reader 'nobody': there are captcha"),
        ("?top=0", "top = '0'"),
        ("?top=11", "from 1 to 10"),
        ("?top=" + "9" * 5000, "top"),
        ("?top=00011", "top"),
        ("?top=0001" + "9" * 50, "top"),
        ("?pattern=" + "d" * 65, "at most 64"),
        ("?top=²", "top"),
        ("?pattern=A", "A"),
        ("?pattern=%00", "alphabet"),
        ("?seen=maybe", "true or false"),
        ("?Reader=captcha", "no parameter 'Reader'"),
        ("?reader=../captcha", "no reader"),
        ("?reader=%2Fetc%2Fpasswd", "no reader"),
    ],
)
def test_bad_parameters_get_a_problem(client, pictures, query, word):
    assert word in problem(client.post("/api/read" + query, data=pictures[0]), 400)


def test_nothing_to_read_gets_a_problem(client):
    assert "no image" in problem(client.post("/api/read"), 400)
    assert "no image in the form" in problem(
        client.post("/api/read", data={"reader": "captcha"}, content_type="multipart/form-data"),
        400,
    )
    assert "not an image" in problem(client.post("/api/read", data=b"no"), 422)
    told = post(client, [("a.png", b"no"), ("b.png", b"no")]).get_json()
    assert told["status"] == 422 and [one["name"] for one in told["images"]] == ["a.png", "b.png"]
    problem(
        client.post(
            "/api/read", data=b"--x\r\nbroken", content_type="multipart/form-data; boundary=x"
        ),
        400,
    )


def test_limits(client, pictures):
    assert "64" in problem(post(client, [(f"{i}.png", pictures[0]) for i in range(65)]), 400)
    problem(client.post("/api/read", data=bytes(limits.MAX_REQUEST + 1)), 413)
    huge = png(Image.new("L", (3000, 3000), 255))
    assert "3000 x 3000 pixels, more than 4,194,304" in problem(
        client.post("/api/read", data=huge), 422
    )


def test_a_request_that_takes_too_long_ends(client, pictures, monkeypatch):
    monkeypatch.setattr("ocr.serving.limits.SECONDS", -1.0)
    late = post(client, [("a.png", pictures[0])])
    assert "send fewer images" in problem(late, 503) and late.headers["Retry-After"] == "1"


def test_what_was_read_in_time_is_given(service, pictures, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(
        "ocr.serving.service.time.monotonic", lambda: now.__setitem__(0, now[0] + 1.0) or now[0]
    )  # every look takes a second
    told = post(
        server.create_app(service, token="").test_client(),
        [(f"{i}.png", pictures[0]) for i in range(20)],
    ).get_json()
    assert len(told) == 20 and "text" in told[0] and "send fewer images" in told[-1]["problem"]


def test_more_than_can_wait_are_told_to_come_again(service, pictures, monkeypatch):
    monkeypatch.setattr(limits, "MAX_REQUESTS", 1)
    busy, go_on = threading.Event(), threading.Event()

    class Slow:
        readers, describe = service.readers, service.describe

        def read(self, *asked):
            busy.set()
            go_on.wait(10)
            return service.read(*asked)

    app = server.create_app(Slow(), token="")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: app.test_client().post("/api/read", data=pictures[0]))
        assert busy.wait(10)
        second = app.test_client().post("/api/read", data=pictures[0])
        go_on.set()
        assert "try again" in problem(second, 503) and second.headers["Retry-After"] == "1"
        assert first.result().status_code == 200
    assert (
        app.test_client().post("/api/read", data=pictures[0]).status_code == 200
    )  # the place is free again


def test_a_token_is_asked_for_where_one_is_set(service, pictures):
    client = server.create_app(service, token="secret").test_client()
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "secret"},
        {"Authorization": "Bearer sécret"},
        {"Authorization": "Basic secret"},
    ):
        answer = client.post("/api/read", data=pictures[0], headers=headers)
        assert "token is missing or wrong" in problem(answer, 401) and answer.headers[
            "WWW-Authenticate"
        ].lower().startswith("bearer")
        assert client.get("/metrics", headers=headers).status_code == 401
    for scheme in ("Bearer", "bearer"):
        assert (
            client.post(
                "/api/read", data=pictures[0], headers={"Authorization": f"{scheme} secret"}
            ).status_code
            == 200
        )
    assert (
        client.get("/healthz").get_json() == {"status": "ok"}
        and b'id="token"' in client.get("/").data
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/readers",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/static/page.js",
        "/nothing",
        "/api/read",
    ],
)
def test_headers_are_set_everywhere(client, path):
    headers = client.get(path).headers
    assert (
        "default-src 'none'" in headers["Content-Security-Policy"]
        and headers["X-Content-Type-Options"] == "nosniff"
    )
    assert headers["X-Frame-Options"] == "DENY" and "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../reader.py",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static//etc/passwd",
        "/%00",
        "/static/page.js%00.png",
        "/models/captcha/reader.json",
    ],
)
def test_no_path_leads_out(client, path):
    problem(client.get(path), 404)


@contextlib.contextmanager
def opened():
    """Names of the files that are opened for writing meanwhile."""
    names, on = [], [True]

    def note(event, arguments):
        if (
            on[0]
            and event == "open"
            and isinstance(arguments[2], int)
            and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            names.append(arguments[0])

    sys.addaudithook(note)  # cannot be taken off again, only switched off
    try:
        yield names
    finally:
        on[0] = False


def test_names_are_told_as_they_came_and_nothing_is_written(client, pictures):
    names = ["../../x.png", "/etc/passwd", "<script>.png", "a b.png", "٣.png"]
    assert [
        one["name"] for one in post(client, [(name, pictures[0]) for name in names]).get_json()
    ] == names
    noise = png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)))
    boundary, body = encode_multipart(
        {"file": FileStorage(io.BytesIO(noise), "../large.png"), "reader": "dual_input"}
    )
    assert len(body) > 2**20
    with opened() as written:
        answer = client.post(
            "/api/read", data=body, content_type=f"multipart/form-data; boundary={boundary}"
        )
        assert answer.status_code in (200, 422) and written == []
        with open(os.devnull, "w"):
            assert written == [os.devnull]  # what is opened is seen


def test_wrong_methods_and_faults_are_problems(service, pictures):
    class Broken:
        readers, describe = service.readers, service.describe

        def read(self, *_):
            raise ZeroDivisionError("secret detail")

    client = server.create_app(Broken(), token="").test_client()
    answer = client.get("/api/read")
    problem(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert "secret" not in problem(client.post("/api/read", data=pictures[0]), 500)
    assert client.get("/healthz").status_code == 200


def test_metrics_count(service, pictures):
    client = server.create_app(service, token="").test_client()
    post(client, [("a.png", pictures[0]), ("b.png", b"no")])
    client.post("/api/read", data=b"no")
    told = client.get("/metrics").data.decode()
    assert (
        'ocr_images_total{outcome="read",reader="captcha"} 1.0' in told
        and 'ocr_images_total{outcome="refused",reader="captcha"} 2.0' in told
    )
    assert (
        "ocr_request_seconds_count 2.0" in told
        and 'ocr_responses_total{status="422"} 1.0' in told
        and "process_resident_memory_bytes" in told
    )


def test_threads_share_a_reader(app, pictures):
    def read(data):
        return app.test_client().post("/api/read?top=3", data=data).get_json()

    alone = [read(data) for data in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, pictures * 8)) == alone * 8


def test_readers_are_described(client, service):
    told = client.get("/api/readers").get_json()
    assert [one["name"] for one in told] == list(service.readers) and {
        "captcha",
        "char_cnn",
    } <= set(service.readers)
    assert (
        json.loads(
            re.search(r'id="readers">(.*?)</script>', client.get("/").get_data(as_text=True))[1]
        )
        == told
    )


@contextlib.contextmanager
def slow_clients(
    address, count, sent=b"POST /api/read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"
):
    """Connections that send this much of a request and then nothing more."""
    host, port = address.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(count)
        ]
        for connection in connections:
            connection.sendall(sent)
        yield connections


def test_half_a_head_is_not_waited_for(pictures):
    with serving_bench.Server() as running:
        running.first_read(pictures[0])
        with slow_clients(
            running.address, 100, b"GET / HTTP/1.1\r\nHost: x\r\n"
        ):  # more than there are threads
            started = time.monotonic()
            assert (
                running.post(pictures[0])[0] == 200 and time.monotonic() - started < 3 * deadlines.HEAD
            )


def test_a_body_that_comes_in_drops_is_not_waited_for(monkeypatch):
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


def test_what_is_too_large_is_told_to_clients_that_are_still_sending(pictures):
    with serving_bench.Server() as running:
        running.first_read(pictures[0])
        status, body = running.post(bytes(limits.MAX_REQUEST + 10**6))
        assert status == 413 and json.loads(body)["status"] == 413
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n")
            answer = connection.recv(10_000).decode()
        assert (
            answer.startswith("HTTP/1.1 414")
            and json.loads(answer.split("\r\n\r\n")[1])["status"] == 414
        )


def test_bytes_under_way_are_bounded(monkeypatch):
    capacity = server.Capacity()
    with contextlib.ExitStack() as stack:
        for _ in range(limits.MAX_BYTES // limits.MAX_REQUEST):
            stack.enter_context(capacity.reserve(limits.MAX_REQUEST))
        with pytest.raises(Exception, match="try again"):
            stack.enter_context(capacity.reserve(1))
    with capacity.reserve(1):
        pass


def test_slow_clients_do_not_stop_the_others(pictures):
    with serving_bench.Server() as running:
        running.first_read(pictures[0])
        with slow_clients(running.address, limits.MAX_REQUESTS - 4):
            status, body = running.post(pictures[0])
            assert (
                status == 200
                and json.loads(body)[0]["text"] == Reader.load("captcha").read(pictures[0]).text
            )
            with slow_clients(running.address, 7):
                until = time.monotonic() + 10
                while (answer := running.post(pictures[0]))[0] == 200 and time.monotonic() < until:
                    time.sleep(0.05)
                assert answer[0] == 503 and json.loads(answer[1])["detail"].startswith("the server is busy")
                with urllib.request.urlopen(f"{running.address}/healthz", timeout=10) as healthy:
                    assert healthy.status == 200
