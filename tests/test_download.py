"""Downloads: verified, resumed where they were cut, nothing wrong left behind. A web server on loopback."""

import hashlib
import http.server
import re
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.datasets.download import BLOCK, download, sha256
from ocr.datasets.labels import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)


class Site(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; /cut stops after 100,000 bytes, /plain knows no ranges."""

    asked = []

    def do_GET(self):
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match.group(1)) if match and self.path != "/plain" else 0
        self.asked.append((self.path, start))
        if self.path not in ("/set", "/cut", "/plain"):
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : 100_000 if self.path == "/cut" else None])

    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Site.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def right(path):
    return sha256(path) == hashlib.sha256(CONTENT).hexdigest()


def test_a_whole_download_is_in_place_and_alone(site, tmp_path):
    target = tmp_path / "data" / "set.zip"
    assert download(f"{site}/set", target, right) == target and target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["set.zip"]


def test_a_cut_download_goes_on_where_it_was(site, tmp_path):
    target = tmp_path / "set.zip"
    with pytest.raises(DataError, match="cut short after 100,000 bytes.*100,000 bytes are kept"):
        download(f"{site}/cut", target, right)
    assert not target.exists() and (tmp_path / "set.part.zip").stat().st_size == 100_000
    download(f"{site}/set", target, right)
    assert Site.asked == [("/cut", 0), ("/set", 100_000)] and target.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["set.zip"]


def test_a_server_without_ranges_begins_anew(site, tmp_path):
    (tmp_path / "set.part.zip").write_bytes(b"something else")
    assert download(f"{site}/plain", tmp_path / "set.zip", right).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_taken(site, tmp_path):
    (tmp_path / "set.part.zip").write_bytes(CONTENT)
    assert download(f"{site}/set", tmp_path / "set.zip", right).read_bytes() == CONTENT


def test_a_wrong_file_is_removed_and_told(site, tmp_path):
    with pytest.raises(DataError, match="does not hold what it should: get set.zip by hand"):
        download(f"{site}/set", tmp_path / "set.zip", lambda path: False)
    (tmp_path / "set.part.zip").write_bytes(
        b"x" * 200_000
    )  # a part that is damaged is found out at the end
    with pytest.raises(DataError, match="does not hold what it should"):
        download(f"{site}/set", tmp_path / "set.zip", right)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["{site}/missing", "http://127.0.0.1:9/set"])
def test_no_such_file_or_no_server(site, tmp_path, url):
    with pytest.raises(DataError, match="could not be downloaded"):
        download(url.format(site=site), tmp_path / "set.zip", right)
    assert list(tmp_path.iterdir()) == []


def test_only_the_right_captchas_and_the_right_emnist_are_taken(site, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        Image.new("L", (9, 9)).save(tmp_path / "ab.png")
        archive.write(tmp_path / "ab.png", "ab.png")
    assert not utils._is_captchas(tmp_path / "other.zip")
    (tmp_path / "page.zip").write_bytes(b"<html>")
    assert not utils._is_captchas(tmp_path / "page.zip")
    monkeypatch.setattr(utils, "ROOT", tmp_path)
    monkeypatch.setattr(utils, "data_folders", lambda: [])
    monkeypatch.setattr(utils, "EMNIST_URL", f"{site}/set")
    monkeypatch.setattr(utils, "DRAWN_CHARACTERS", 1)
    path, origin = utils.find_emnist(
        "bymerge", download_allowed=True
    )  # wrong digest: drawn instead
    assert "drawn" in origin and not list((tmp_path / "data").glob("*.zip"))
    monkeypatch.setattr(utils, "EMNIST_DIGEST", hashlib.sha256(CONTENT).hexdigest())
    assert utils.find_emnist("bymerge", download_allowed=True)[0] == tmp_path / "data" / "gzip.zip"
    Site.asked.clear()
    assert "drawn" in utils.find_emnist("bymerge", download_allowed=False)[1] and not Site.asked
    assert len(CONTENT) > BLOCK  # so that a cut falls between blocks
