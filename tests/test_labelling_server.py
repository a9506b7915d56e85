"""The labelling server: who may ask, what it answers, images, and kills while labelling."""

import http.client
import io
import json
import os
import random
import re
import signal
import socket
import threading
import time

import pytest
from PIL import Image

from ocr.cli import main
from ocr.labelling.guesses import ReaderGuesses
from ocr.labelling.images import Images, difference_hash
from ocr.labelling.opening import open_desk
from ocr.labelling.server import Server, create_app
from ocr.localhost import HOST
from ocr.reading.images import ImageError
from tests.labelling import Command, draw, entries, rows
from tests.samples import noise, save_noise

HERE = "http://127.0.0.1:8000"
TOKEN = "a-token"


@pytest.fixture
def desk(tmp_path):
    desk = open_desk(save_noise(tmp_path, [f"{k}.png" for k in range(6)]))
    yield desk
    desk.store.lock.release()


@pytest.fixture
def client(desk):
    client = create_app(desk, "folder", TOKEN).test_client()
    assert client.get(f"/?token={TOKEN}", base_url=HERE).status_code == 200
    return client


def post(client, path, **body):
    return client.post(path, json=body, base_url=HERE)


# --- who may ask


def test_the_token_is_needed_everywhere(desk):
    client = create_app(desk, "folder", TOKEN).test_client()
    session = re.search(r'data-session="(\w+)"', page(client)).group(1)
    stranger = create_app(desk, "folder", TOKEN).test_client()
    for path in ("/", "/api/next", "/api/list", f"/image/{session}/0", "/static/label.js"):
        refused = stranger.get(path, base_url=HERE)
        assert refused.status_code == 403 and b"has a token" in refused.data, path
        assert client.get(path, base_url=HERE).status_code == 200, path
    assert stranger.get("/?token=wrong", base_url=HERE).status_code == 403
    assert stranger.get(f"/api/next?token={TOKEN}", base_url=HERE).status_code == 403


def page(client):
    return client.get(f"/?token={TOKEN}", base_url=HERE).get_data(as_text=True)


def test_the_cookie_and_the_headers_are_strict(desk):
    answer = create_app(desk, "folder", TOKEN).test_client().get(f"/?token={TOKEN}", base_url=HERE)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("ocr-label-8000=") and "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "evil.example:8000"}, 403),  # DNS rebinding
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Origin": HERE}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_other_sites_are_refused(desk, headers, status):
    client = create_app(desk, "folder", TOKEN).test_client(use_cookies=False)
    cookie = {"Cookie": f"ocr-label-8000={TOKEN}"}
    asked = client.get("/api/state", base_url=HERE, headers={**cookie, **headers})
    assert asked.status_code == status


def test_only_json_is_taken_and_only_what_fits(client):
    form = client.post("/api/label", data={"id": "0"}, base_url=HERE)
    assert form.status_code == 400  # which another site's form could send
    assert post(client, "/api/label", id="0").status_code == 400
    assert post(client, "/api/label", id=True).status_code == 400
    assert post(client, "/api/label", id=99, state="skipped").status_code == 404
    assert post(client, "/api/label", id=-1, state="skipped").status_code == 404
    assert post(client, "/api/label", id=0, state="gold").status_code == 422
    assert post(client, "/api/label", id=0, label="x" * 70_000).status_code == 413
    assert client.get("/image/x/0", base_url=HERE).status_code == 404


# --- what it answers


def test_label_conflict_undo_and_previous(client, tmp_path):
    first = client.get("/api/next", base_url=HERE).json["coming"][0]
    send = {"id": first["id"], "state": "labelled", "seen": 0}
    answer = post(client, "/api/label", label=" e\u0301x ", **send).json
    assert answer["saved"]["label"] == "\u00e9x" and answer["state"]["labelled"] == 1
    assert answer["coming"][0]["file"] != first["file"]
    assert rows(tmp_path) == {first["file"]: "\u00e9x"}
    slower = post(client, "/api/label", label="y", **send)
    assert slower.status_code == 409 and slower.json["current"]["label"] == "\u00e9x"
    earlier = client.get("/api/previous", base_url=HERE).json["item"]
    assert earlier["file"] == first["file"] and earlier["at"] == 1
    assert client.get("/api/previous?before=1", base_url=HERE).json["item"] is None
    assert post(client, "/api/undo").json["undone"]["file"] == first["file"]
    assert post(client, "/api/undo").json["undone"] is None and rows(tmp_path) == {}


def test_the_minutes_leave_pauses_out(desk):
    desk.answer("0.png", "labelled", "1")
    for gap in (10, 20, 600):
        entry = desk.store.last("0.png")
        moment = desk._moment.timestamp() + gap
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.localtime(moment))
        desk._count(type(entry)(9, "x", "labelled", time=stamp))
    assert desk.state()["minutes"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 201])
def test_labels_that_are_no_line_of_text_are_refused(client, label):
    answer = post(client, "/api/label", id=0, state="labelled", label=label)
    assert answer.status_code == 422


# --- images


def test_images_are_shown_small_and_large(tmp_path):
    save_noise(tmp_path, ["sub/a.png"])
    noise(1, (3000, 1000)).save(tmp_path / "large.tif")
    (tmp_path / "broken.png").write_text("no image")
    images = Images(tmp_path)
    assert images.names == ["broken.png", "large.tif", "sub/a.png"]
    for side, kind in ((1600, "image/jpeg"), (160, "image/png")):
        data, shown = images.show("large.tif", side)
        assert shown == kind and max(Image.open(io.BytesIO(data)).size) == side
    with pytest.raises(ImageError, match="not an image"):
        images.show("broken.png")
    assert "broken.png" in images.faults
    (tmp_path / "sub" / "a.png").unlink()
    assert not images.check("sub/a.png") and images.faults["sub/a.png"] == "no longer there"


def test_names_that_a_table_cannot_hold_are_passed_over(tmp_path):
    save_noise(tmp_path, ["a.png"])
    for name in (b"b\xff.png", b"c\n.png", b" d.png"):
        os.link(tmp_path / "a.png", os.path.join(os.fsencode(tmp_path), name))
    images = Images(tmp_path)
    assert len(images.names) == 4 and len(images.faults) == 3
    assert all("rename it" in problem for problem in images.faults.values())


def test_near_duplicates_are_found_and_other_digits_are_not(tmp_path):
    draw(tmp_path, 60)
    picture = Image.open(tmp_path / "00003.png")
    picture.save(tmp_path / "again.jpg", quality=75)
    picture.point(lambda grey: grey + 5).save(tmp_path / "brighter.png")
    images = Images(tmp_path)
    assert not images.nearly_same("00003.png")  # compared with nothing so far
    images.hash_all(lambda: False)
    assert images.nearly_same("00003.png") == {"again.jpg", "brighter.png"}
    assert images.nearly_same("00004.png") == set()
    assert difference_hash(picture).shape == (128,)


def test_faint_pictures_are_told_apart(tmp_path):
    draw(tmp_path, 20)
    for file in list(tmp_path.iterdir()):
        Image.open(file).point(lambda grey: 240 - (240 - grey) // 20).save(file)
    images = Images(tmp_path)
    images.hash_all(lambda: False)
    assert all(images.nearly_same(name) == set() for name in images.names)


def test_the_same_image_500_times_is_asked_for_once_at_first(tmp_path):
    save_noise(tmp_path, ["a.png", "z.png"])
    for k in range(500):
        os.link(tmp_path / "a.png", tmp_path / f"a{k}.png")
    desk = open_desk(tmp_path)
    desk.images.hash_all(lambda: False)
    first = desk.coming(1)[0]["file"]
    desk.answer(first, "labelled", "1")
    desk.compare()
    assert len(desk.coming(600)) == 501
    if first != "z.png":
        assert desk.coming(1)[0]["file"] == "z.png"
    desk.store.lock.release()


def test_a_reader_guesses_every_image(drawn, shipped):
    (drawn / "broken.png").write_text("no image")
    images = Images(drawn)
    guesser = ReaderGuesses(shipped, "captcha", images, images.names)
    guesser.start()
    guesser._thread.join()
    assert guesser.status() == {"text": "captcha has read 9 images", "share": 1.0}
    names = [name for name in images.names if name != "broken.png"]
    read = [shipped.read(drawn / name) for name in names]
    assert [guesser.guesses()[name] for name in names] == [
        (reading.text, reading.confidence, reading.trusted) for reading in read
    ]
    assert [*images.faults] == ["broken.png"]


# --- the command


def test_faults_of_the_command_are_one_line(tmp_path, capsys):
    save_noise(tmp_path / "images", ["a.png"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.zip").write_bytes(b"")
    busy = socket.create_server((HOST, 0))
    port = str(busy.getsockname()[1])
    images = str(tmp_path / "images")
    for arguments, message in (
        ([str(tmp_path / "gone")], "no such folder"),
        ([str(tmp_path / "empty")], "no images in it"),
        ([str(tmp_path / "a.zip")], "unpack the zip"),
        ([images, "--port", port], "cannot listen there"),
        ([images, "--from", "no-such-reader"], "no-such-reader"),
        ([images, "--columns", "Name,Text"], "give file=NAME,label=NAME"),
    ):
        try:
            status = main(["label", *arguments, "--name", "mine", "--no-browser"])
        except SystemExit as ended:
            status = ended.code
        shown = capsys.readouterr().err
        assert status == 2 and message in shown and shown.count("\n") == 1, shown
    busy.close()


@pytest.mark.slow
def test_20_kills_while_labelling_at_full_speed_lose_and_double_nothing(tmp_path):
    save_noise(tmp_path, ["0.png"])
    for k in range(1, 6000):  # more than can be labelled in that time
        os.link(tmp_path / "0.png", tmp_path / f"{k}.png")
    delays, acknowledged, sent = random.Random(0), {}, {}
    for _ in range(20):
        command = Command(tmp_path)
        timer = threading.Timer(delays.uniform(0.05, 0.6), command.process.kill)
        timer.start()
        try:
            answer = command.ask("GET", "/api/next")[1]
            while True:
                item = answer["coming"][0]
                sent[item["file"]] = label = f"{len(sent)}-{item['file']}"
                body = {"id": item["id"], "state": "labelled", "label": label, "seen": 0}
                status, answer = command.ask("POST", "/api/label", body)
                assert status == 200
                acknowledged[item["file"]] = label
        except (OSError, http.client.HTTPException, ValueError):
            pass  # killed
        command.process.wait()
        timer.join()
        assert acknowledged.items() <= rows(tmp_path).items() | _journal(tmp_path).items()
    command = Command(tmp_path)
    command.process.send_signal(signal.SIGINT)
    out = command.process.communicate(timeout=20)[0]
    kept = rows(tmp_path)
    print(f"{len(acknowledged)} labels acknowledged, {len(kept)} kept")
    assert acknowledged.items() <= kept.items() and kept.items() <= sent.items()
    assert f"{len(kept):,} labels in {tmp_path}/labels.csv" in out
    answers = [entry["file"] for entry in entries(tmp_path) if entry["file"]]
    assert len(answers) == len(set(answers)) == len(kept)


def _journal(folder):
    lines = (folder / ".labels.journal").read_bytes().split(b"\n")[:-1]
    return {entry["file"]: entry["label"] for entry in map(json.loads, lines)}


@pytest.mark.slow
def test_ctrl_c_writes_the_labels_and_says_where(tmp_path):
    save_noise(tmp_path, ["a.png"])
    command = Command(tmp_path)
    second = main(["label", str(tmp_path), "--name", "mine", "--no-browser"])
    body = {"id": 0, "state": "labelled", "label": "7", "seen": 0}
    assert command.ask("POST", "/api/label", body)[0] == 200
    command.process.send_signal(signal.SIGINT)
    out = command.process.communicate(timeout=20)[0]
    assert f"1 label in {tmp_path}/labels.csv" in out and command.process.returncode == 0
    assert second == 2 and rows(tmp_path) == {"a.png": "7"}


def test_a_server_is_bound_to_this_computer_alone(desk):
    server = Server(desk, "folder")
    assert server._server.server_address[0] == "127.0.0.1"
    server._server.server_close()
