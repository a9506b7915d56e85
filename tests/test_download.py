"""Downloads: verified, resumed, nothing wrong left behind; with a web server on loopback."""

import hashlib
import http.server
import re
import threading
from typing import ClassVar

import numpy as np
import pytest

from ocr.datasets.download import BLOCK, download, locate, sha256
from ocr.datasets.labels import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)
assert len(CONTENT) > BLOCK  # interruptions are between blocks


class Site(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; /cut stops after 100,000 bytes, /plain ignores ranges, /odd is not HTTP."""

    asked: ClassVar[list] = []

    def do_GET(self):
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match.group(1)) if match and self.path != "/plain" else 0
        self.asked.append((self.path, start))
        if self.path == "/odd":
            self.wfile.write(b"hello\r\n")
        elif self.path not in ("/set", "/cut", "/plain"):
            self.send_error(404)
        elif start >= len(CONTENT):
            self.send_error(416)
        else:
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            self.wfile.write(CONTENT[start : 100_000 if self.path == "/cut" else None])

    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Site.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def verify(path):
    return sha256(path) == hashlib.sha256(CONTENT).hexdigest()


def test_a_complete_download_is_in_place_and_alone(site, tmp_path):
    target = tmp_path / "data" / "set.zip"
    assert download(f"{site}/set", str(target), verify) == target
    assert target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["set.zip"]


def test_an_interrupted_download_is_resumed(site, tmp_path):
    target = tmp_path / "set.zip"
    message = r"interrupted after 100,000 bytes\); 100,000 bytes are kept"
    with pytest.raises(DataError, match=message):
        download(f"{site}/cut", target, verify)
    assert not target.exists() and (tmp_path / "set.part.zip").stat().st_size == 100_000
    download(f"{site}/set", target, verify)
    assert Site.asked == [("/cut", 0), ("/set", 100_000)] and target.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["set.zip"]


def test_a_server_without_ranges_starts_again(site, tmp_path):
    (tmp_path / "set.part.zip").write_bytes(b"something else")
    assert download(f"{site}/plain", tmp_path / "set.zip", verify).read_bytes() == CONTENT


def test_a_part_that_is_already_complete_is_used(site, tmp_path):
    (tmp_path / "set.part.zip").write_bytes(CONTENT)
    assert download(f"{site}/set", tmp_path / "set.zip", verify).read_bytes() == CONTENT


def test_unexpected_content_is_removed(site, tmp_path):
    with pytest.raises(DataError, match=r"unexpected content: download set\.zip by hand"):
        download(f"{site}/set", tmp_path / "set.zip", lambda path: False)
    (tmp_path / "set.part.zip").write_bytes(b"x" * 200_000)  # a damaged part fails at the end
    with pytest.raises(DataError, match="unexpected content"):
        download(f"{site}/set", tmp_path / "set.zip", verify)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["{site}/missing", "{site}/odd", "http://127.0.0.1:9/set"])
def test_missing_file_or_server_is_an_error(site, tmp_path, url):
    with pytest.raises(DataError, match="could not be downloaded"):
        download(url.format(site=site), tmp_path / "set.zip", verify)
    assert list(tmp_path.iterdir()) == []


def test_locate_finds_else_fetches_else_draws(capsys):
    def failing():
        raise DataError("no network")

    assert locate(iter(["here", "there"]), failing, lambda: "drawn") == "here"
    assert locate([], lambda: "fetched", failing) == "fetched"
    assert locate([], failing, lambda: "drawn") == "drawn"
    assert capsys.readouterr().out == "no network\n"
    assert locate([], None, lambda: "drawn") == "drawn"
