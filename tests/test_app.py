"""Test the API: answers, refusals, limits and headers. A running server is in test_serve.py."""

import contextlib
import io
import json
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import numpy as np
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from ocr.cli import main
from ocr.drawing import captchas, symbols
from ocr.reading.reader import Reader
from ocr.serving import limits, server, settings
from ocr.serving.openapi import document
from ocr.serving.processes.readers import find_readers
from ocr.serving.processes.turns import Turns
from ocr.serving.service import Service
from ocr.serving.settings import Settings
from ocr.serving.uploads import OneAtATime
from tests import barcodes

READ = "/api/read?reader=captcha"
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
    """Check that a response is problem JSON of this status; return its detail."""
    found = response.get_json()
    assert response.status_code == status == found["status"]
    assert response.content_type == "application/problem+json"
    assert found["type"] and found["title"] and "\n" not in found["detail"]
    return found["detail"]


# --- reading ------------------------------------------------------------------------------------


def test_files_are_read_in_order(client, pictures):
    files = [(f"{i}.png", data) for i, data in enumerate(pictures)]
    answer = post(client, files, reader="captcha", top="2", seen="true")
    assert answer.status_code == 200 and answer.content_type == "application/json"
    reader = Reader.load("captcha")
    for (name, data), found in zip(files, answer.get_json(), strict=True):
        reading = reader.read(data, top=2, spans=True)
        assert (found["name"], found["text"]) == (name, reading.text)
        assert found["confidence"] == pytest.approx(reading.confidence, abs=1e-4)
        assert found["trusted"] == reading.trusted and "script" not in found
        assert [tuple(span) for span in found["spans"]] == list(reading.spans)
        assert (found["width"], found["height"]) == (200, 50)
        texts = [other["text"] for other in found["alternatives"]]
        assert texts == [text for text, _ in reading.alternatives]
        assert found["seen"].startswith("data:image/png;base64,")
        jsonschema.validate(found, SCHEMAS["Read"] | {"additionalProperties": False})


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
def test_a_body_of_any_content_type_is_read_as_an_image(client, pictures, content_type):
    answer = client.post(
        "/api/read?reader=captcha&top=3", data=pictures[0], content_type=content_type
    )
    (found,) = answer.get_json()
    assert answer.status_code == 200 and len(found["alternatives"]) == 3
    assert found["text"] == Reader.load("captcha").read(pictures[0]).text


def test_parameters_select_pattern_and_reader(client, pictures):
    (found,) = client.post(f"{READ}&pattern=ddddd", data=pictures[0]).get_json()
    assert re.fullmatch(r"\d{5}", found["text"])
    sign = png(Image.fromarray(next(iter(symbols.signs("R", 4)))[1]))
    (found,) = client.post("/api/read?reader=dual_input&seen=true", data=sign).get_json()
    assert found["text"] == "R"


def test_crops_readers_and_patterns_are_each_for_one_answer(client):
    page = Image.new("L", (300, 200), 255)
    signs = [Image.fromarray(pixels) for _, pixels in symbols.signs("R7", 4)]
    for number, sign in enumerate(signs):
        page.paste(sign, (40 + 120 * number, 90))
    query = "?reader=dual_input&crop=40,90,28,28&crop=160,90,28,28&crop=290,190,28,28"
    found = client.post(f"/api/read{query}", data=png(page)).get_json()
    assert [one.get("text") for one in found] == ["R", "7", None]
    assert found[2]["problem"] == (
        "crop 290,190,28,28 lies outside the picture: it has 300 x 200 pixels"
    )
    assert found[0]["box"] == [40, 90, 28, 28] and found[1]["spans"] == [[160, 188]]
    assert (found[0]["width"], found[0]["height"]) == (300, 200)
    files = [(f"{k}.png", png(sign)) for k, sign in enumerate(signs)]
    found = post(client, files, reader=["dual_input", "numbers"], pattern=["a", "d"]).get_json()
    read = [(one["reader"], one["text"]) for one in found]
    assert read == [("dual_input", "R"), ("numbers", "7")]


def test_any_is_the_default_and_names_the_reader(client):
    sign = png(Image.fromarray(next(iter(symbols.signs("R", 4)))[1]))
    (found,) = client.post("/api/read", data=sign).get_json()
    assert (found["reader"], found["text"], found["trusted"]) == ("dual_input", "R", True)
    jsonschema.validate(found, SCHEMAS["Read"] | {"additionalProperties": False})
    noise = np.random.default_rng(0).integers(0, 256, (60, 200), np.uint8)
    refused = client.post("/api/read", data=png(Image.fromarray(noise)))
    assert "none of the readers knows this kind of picture" in problem(refused, 422)
    (image,) = refused.get_json()["images"]
    assert image["reader"] is None and image["text"] == "" and not image["trusted"]
    jsonschema.validate(image, SCHEMAS["Refused"] | {"additionalProperties": False})


def test_the_documentation_has_lines_to_copy(client, service):
    page = client.get("/docs").get_data(as_text=True)
    for line in (
        "curl -F file=@a.png -F file=@b.png &#34;http://localhost/api/read&#34;",
        "answer = requests.post(&#34;http://localhost/api/read&#34;",
        "await fetch(&#34;http://localhost/api/read&#34;",
        "any or captcha or",
        "<code>crop</code>",
        "<code>trusted</code>",
    ):
        assert line in page, line
    assert "object at 0x" not in page
    secured = server.create_app(service, token="secret").test_client()
    assert "Bearer $OCR_TOKEN" in secured.get("/docs").get_data(as_text=True)


def test_a_bad_image_does_not_stop_the_others(client, pictures):
    good, also = pictures[:2]
    files = [("good.png", good), ("bad.png", b"no image"), ("empty.png", b""), ("b.png", also)]
    answer = post(client, files, reader="captcha")
    found = answer.get_json()
    assert answer.status_code == 200
    assert ["problem" in one for one in found] == [False, True, True, False]
    assert set(found[1]) == {"name", "problem"}
    assert "not an image" in found[1]["problem"] and "empty" in found[2]["problem"]
    jsonschema.validate(found[1], SCHEMAS["Refused"] | {"additionalProperties": False})


def test_threads_share_a_reader(app, pictures):
    def read(data):
        return app.test_client().post(f"{READ}&top=3", data=data).get_json()

    alone = [read(data) for data in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, pictures * 4)) == alone * 4


def test_readers_are_described(client, service):
    found = client.get("/api/readers").get_json()
    assert [one["name"] for one in found] == list(service.readers)
    assert {"captcha", "char_cnn"} <= set(service.readers)
    page = client.get("/").get_data(as_text=True)
    assert json.loads(re.search(r'id="readers-known">(.*?)</script>', page)[1]) == found


def test_the_first_place_wins_and_no_reader_is_an_error(tmp_path):
    for name in ("one/a", "two/a", "two/b", "two/.hidden"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "reader.json").touch()
    one, two = tmp_path / "one", tmp_path / "two"
    assert find_readers([one, two]) == {"a": one / "a", "b": two / "b"}
    with pytest.raises(RuntimeError, match="no readers in"):
        find_readers([tmp_path])


# --- scripts, marks, trust ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A client of a server with the reader of barcodes."""
    folder = tmp_path_factory.mktemp("readers")
    barcodes.save(folder / "bars")
    return server.create_app(Service([folder]), token="").test_client()


def bar(text):
    return png(Image.fromarray(barcodes.barcode(text)))


def test_numbers_come_with_their_script_and_options(bars):
    files = [("a.png", bar("٨٢٫٥")), ("b.png", bar("?12"))]
    first, second = post(bars, files).get_json()
    assert (first["text"], first["script"], first["trusted"]) == ("82.5", "arabic", True)
    assert (second["text"], second["script"]) == ("12", "western")
    fields = {"digits": "as-written", "keep_other": "true", "script": ""}
    found = post(bars, files, **fields).get_json()
    assert [one["text"] for one in found] == ["٨٢٫٥", "?12"]
    for one in found:
        jsonschema.validate(one, SCHEMAS["Read"] | {"additionalProperties": False})
    (named,) = bars.post("/api/read?script=persian", data=bar("٨٢")).get_json()
    assert (named["text"], named["script"]) == ("82", "persian")


def test_a_refused_image_is_a_problem_with_a_reading(bars):
    files = [(c, bar(c)) for c in ("1", "□", "2□")]
    (one, two, three) = post(bars, files, reader="bars").get_json()
    assert one["trusted"] and "problem" not in one
    assert two == {
        "name": "□",
        "reader": "bars",
        "text": "",
        "confidence": 0,
        "trusted": False,
        "problem": "nothing that I can read",
    }
    assert three["text"] == "2" and not three["trusted"] and "problem" not in three
    jsonschema.validate(two, SCHEMAS["Refused"] | {"additionalProperties": False})
    alone = bars.post("/api/read?reader=bars", data=bar("□"))
    assert "nothing that I can read" in problem(alone, 422)
    assert alone.get_json()["images"] == [two | {"name": "image"}]


def test_scripts_and_trust_are_described(bars, client):
    (found,) = bars.get("/api/readers").get_json()
    assert found["scripts"] == ["western", "arabic", "persian"]
    assert found["alphabet"] == "0123456789./-,"
    assert found["trust"] == {k: v for k, v in barcodes.TRUST.items() if k != "points"}
    jsonschema.validate(found, SCHEMAS["Reader"] | {"additionalProperties": False})
    for one in client.get("/api/readers").get_json():
        jsonschema.validate(one, SCHEMAS["Reader"] | {"additionalProperties": False})


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, word",
    [
        ("?reader=nobody", "no reader 'nobody': there are any, captcha"),
        ("?top=0", "top = '0'"),
        ("?top=11", "from 1 to 10"),
        ("?top=" + "9" * 5000, "top"),
        ("?top=00011", "top"),
        ("?top=0001" + "9" * 50, "top"),
        ("?pattern=" + "d" * 65, "at most 64"),
        ("?top=²", "top"),
        ("?reader=captcha&pattern=A", "A"),
        ("?pattern=%00", "alphabet"),
        ("?reader=any&reader=numbers&crop=1,2,9,9&crop=1,2,9,9&crop=0,0,9,9", "2 x reader for 3"),
        ("?" + "&".join(65 * ["crop=0,0,9,9"]), "65 readings: ask for at most 64"),
        ("?crop=1,2,3", "crop = '1,2,3': send x,y,width,height"),
        ("?crop=-1,2,30,40", "send x,y,width,height"),
        ("?crop=1,2,30,2", "width and height are at least 3 pixels"),
        ("?seen=maybe", "seen = 'maybe': send false or true"),
        ("?keep_other=1", "keep_other = '1': send false or true"),
        ("?digits=roman", "digits = 'roman': send western or as-written"),
        ("?script=roman", "script = 'roman': send western or arabic or persian"),
        (
            "?reader=captcha&script=arabic",
            "the scripts of this reader are none: leave the script out",
        ),
        ("?Reader=captcha", "no parameter 'Reader'"),
        ("?reader=../captcha", "no reader"),
        ("?reader=%2Fetc%2Fpasswd", "no reader"),
    ],
)
def test_invalid_parameters_are_refused(client, pictures, query, word):
    assert word in problem(client.post("/api/read" + query, data=pictures[0]), 400)


def test_requests_without_an_image_are_refused(client):
    assert "no image" in problem(client.post("/api/read"), 400)
    form = {"data": {"reader": "captcha"}, "content_type": "multipart/form-data"}
    assert "no image in the form" in problem(client.post("/api/read", **form), 400)
    broken = {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"}
    problem(client.post("/api/read", **broken), 400)


def test_a_form_field_without_a_name_is_refused(client, pictures):
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(pictures[0]), "a.png")})
    part = b"--%s\r\nContent-Disposition: form-data\r\n\r\n1\r\n" % boundary.encode()
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = client.post("/api/read", data=part + body, content_type=content_type)
    assert "no parameter ''" in problem(answer, 400)


def test_requests_of_which_no_image_can_be_read_are_refused(client):
    assert "not an image" in problem(client.post("/api/read", data=b"no"), 422)
    found = post(client, [("a.png", b"no"), ("b.png", b"no")]).get_json()
    assert found["status"] == 422 and "none of 2 images" in found["detail"]
    assert [one["name"] for one in found["images"]] == ["a.png", "b.png"]


def test_wrong_methods_and_internal_errors_are_problems(service, pictures):
    class Broken(Like):
        def read(self, *_):
            raise ZeroDivisionError("secret detail")

    client = server.create_app(Broken(service), token="").test_client()
    answer = client.get("/api/read")
    problem(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert "secret" not in problem(client.post(READ, data=pictures[0]), 500)
    assert client.get("/healthz").status_code == 200


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_files_bytes_and_pixels_are_limited(client, pictures):
    assert "64" in problem(post(client, [(f"{i}.png", pictures[0]) for i in range(65)]), 400)
    problem(client.post("/api/read", data=bytes(limits.MAX_REQUEST + 1)), 413)
    huge = png(Image.new("L", (3000, 3000), 255))
    detail = problem(client.post("/api/read", data=huge), 422)
    assert "3000 x 3000 pixels, more than 4,194,304" in detail


def test_one_request_of_a_client_is_parsed_at_a_time():
    parsing, inside, order = OneAtATime(), threading.Event(), []

    def another(client):
        inside.wait(10)
        with parsing.by(client):
            order.append(client)

    with ThreadPoolExecutor(2) as pool:
        with parsing.by("a"):
            same, other = pool.submit(another, "a"), pool.submit(another, "b")
            inside.set()
            other.result(10)
            assert order == ["b"]
        same.result(10)
    assert order == ["b", "a"] and not parsing._of and not parsing._waiting


def test_a_request_times_out(client, pictures, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", -1.0)
    late = post(client, [("a.png", pictures[0])])
    assert "send fewer images" in problem(late, 503) and late.headers["Retry-After"] == "1"


def test_images_read_before_the_timeout_are_returned(pictures):
    service = Service()
    late = iter([False] * 3)  # turns of 1, 2 and 4 images, and then none in time

    class Worker:
        ready = True

        def call(self, job, until):
            if next(late, True):
                raise TimeoutError
            return job.run(service.readers)

        def recover(self):
            pass

    service.turns = Turns([Worker()])
    client = server.create_app(service, token="").test_client()
    files = [(f"{i}.png", pictures[0]) for i in range(20)]
    found = post(client, files, reader="captcha").get_json()
    assert ["text" in one for one in found] == [True] * 7 + [False] * 13
    assert "send fewer images" in found[-1]["problem"] and found[-1]["name"] == "19.png"


class Like:
    """A service to change for a test."""

    replaced = 0

    def __init__(self, service):
        self.readers, self.describe, self.turns = service.readers, service.describe, service.turns


def test_a_busy_server_asks_to_try_again(pictures, monkeypatch):
    monkeypatch.setattr(limits, "MAX_REQUESTS", 1)
    service, busy, go_on = Service(), threading.Event(), threading.Event()

    class Slow:
        ready = True

        def call(self, job, until):
            busy.set()
            go_on.wait(10)
            return job.run(service.readers)

    service.turns = Turns([Slow()])
    app = server.create_app(service, token="")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: app.test_client().post(READ, data=pictures[0]))
        assert busy.wait(10)
        second = app.test_client().post(READ, data=pictures[0])
        assert "try again" in problem(second, 503) and second.headers["Retry-After"] == "1"
        assert "try again" in problem(app.test_client().get("/readyz"), 503)
        assert app.test_client().get("/healthz").status_code == 200
        monkeypatch.setattr(limits, "STALLED", 0.0)
        assert "no read has ended" in problem(app.test_client().get("/healthz"), 503)
        go_on.set()
        assert first.result().status_code == 200
    for path in ("/readyz", "/healthz"):
        assert app.test_client().get(path).get_json() == {"status": "ok"}
    third = app.test_client().post(READ, data=pictures[0])
    assert third.status_code == 200  # the place is free again


# --- security -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "secret", "Bearer sécret", "Basic secret"]
)
def test_a_wrong_token_is_refused(service, pictures, header):
    client = server.create_app(service, token="secret").test_client()
    headers = {"Authorization": header} if header else {}
    answer = client.post(READ, data=pictures[0], headers=headers)
    assert "token is missing or wrong" in problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert client.get("/metrics", headers=headers).status_code == 401


def test_the_right_token_is_accepted(service, pictures):
    client = server.create_app(service, token="secret").test_client()
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} secret"}
        answer = client.post(READ, data=pictures[0], headers=headers)
        assert answer.status_code == 200
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert b'id="token"' in client.get("/").data


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_pages_of_other_sites_are_refused(client, pictures, headers):
    answer = client.post(READ, data=pictures[0], headers=headers)
    assert "a page of another site" in problem(answer, 403)
    assert client.get("/api/readers", headers=headers).status_code == 200  # but none can read it
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://ocr.example.org"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"SCRIPT_NAME": "/x"},
    ],
    ids=str,
)
def test_its_own_page_and_programs_are_answered(client, pictures, headers):
    assert client.post(READ, data=pictures[0], headers=headers).status_code == 200


def test_a_listed_site_may_send_pictures(service, pictures, monkeypatch):
    monkeypatch.setenv("OCR_ORIGINS", "https://form.example.org, http://b.example/")
    client = server.create_app(service, token="").test_client()
    headers = {"Origin": "https://form.example.org", "Sec-Fetch-Site": "cross-site"}
    answer = client.post(READ, data=pictures[0], headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://form.example.org"
    before = client.options("/api/read", headers=headers)
    assert "Authorization" in before.headers["Access-Control-Allow-Headers"]
    assert client.post(READ, data=pictures[0], headers=FOREIGN[0]).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
def test_other_names_are_refused(client, host):
    for path in ("/", "/api/readers", "/metrics", "/static/page.js"):
        assert "add it to OCR_HOSTS" in problem(client.get(path, headers={"Host": host}), 400)
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "192.0.2.7:80", "[::1]:8000"])
def test_addresses_and_localhost_are_answered(client, host):
    assert client.get("/api/readers", headers={"Host": host}).status_code == 200


def test_listed_names_are_answered(service, monkeypatch):
    for listed in ("ocr.example.org,other", "*"):
        monkeypatch.setenv("OCR_HOSTS", listed)
        client = server.create_app(service, token="").test_client()
        headers = {"Host": "OCR.example.org:443"}
        assert client.get("/api/readers", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("OCR_TOKEN", "", "OCR_TOKEN is empty: give it a secret, or unset it"),
        ("OCR_TOKEN", "  ", "OCR_TOKEN is empty"),
        ("OCR_ORIGINS", "example.org", "give origins, as https://example.org"),
        ("OCR_PROXIES", "-1", "OCR_PROXIES=-1: give a number from 0 to 999"),
        ("WEB_CONCURRENCY", "0", "WEB_CONCURRENCY=0: give a number from 1 to 999"),
    ],
)
def test_wrong_settings_are_one_line(name, value, message, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings.read()
    assert main(["serve"]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1


def test_a_container_s_share_of_the_cores_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "CGROUP", tmp_path / "cpu.max")
    cores = settings.usable_cores()
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert settings.usable_cores() == 1 <= cores
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert settings.usable_cores() == cores


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/readers",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/static/page.js",
        "/nothing",
        "/api/read",
    ],
)
def test_every_answer_has_security_headers(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
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
def test_no_path_leads_outside(client, path):
    problem(client.get(path), 404)


def test_names_come_back_as_they_were_sent(client, pictures):
    names = ["../../x.png", "/etc/passwd", "<script>.png", "a b.png", "٣.png"]
    found = post(client, [(name, pictures[0]) for name in names], reader="captcha").get_json()
    assert [one["name"] for one in found] == names


@contextlib.contextmanager
def record_writes():
    """Record the names of files that are opened for writing meanwhile."""
    names, on = [], [True]

    def note(event, arguments):
        if not on[0] or event != "open" or not isinstance(arguments[2], int):
            return
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            names.append(arguments[0])

    sys.addaudithook(note)  # cannot be removed, only switched off
    try:
        yield names
    finally:
        on[0] = False


def test_uploads_are_never_written_to_disk(client):
    noise = png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)))
    boundary, body = encode_multipart(
        {"file": FileStorage(io.BytesIO(noise), "../large.png"), "reader": "dual_input"}
    )
    assert len(body) > 2**20
    with record_writes() as written:
        answer = client.post(
            "/api/read", data=body, content_type=f"multipart/form-data; boundary={boundary}"
        )
        assert answer.status_code in (200, 422) and written == []
        with open(os.devnull, "w"):
            assert written == [os.devnull]  # the recorder works


def test_metrics_count_images_and_answers(service, pictures):
    client = server.create_app(service, token="").test_client()
    post(client, [("a.png", pictures[0]), ("b.png", b"no")], reader="captcha")
    client.post("/api/read?reader=captcha", data=b"no")
    metrics = client.get("/metrics").data.decode()
    for line in (
        'ocr_images_total{outcome="read",reader="captcha"} 1.0',
        'ocr_images_total{outcome="refused",reader="captcha"} 2.0',
        "ocr_request_seconds_count 2.0",
        'ocr_responses_total{status="422"} 1.0',
        "process_resident_memory_bytes",
    ):
        assert line in metrics
