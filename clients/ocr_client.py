"""Call the server from Python: one file to copy, nothing to install, Python 3.10 or newer.

from ocr_client import Client
for reading in Client().read(["meter.jpg"], reader="numbers", pattern="dddddd"):
    print(reading["name"], reading.get("problem") or reading["text"], reading.get("trusted"))
"""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict, cast
from urllib.parse import quote, urlencode

Image = str | Path | bytes  # a path, or the content of a file


class Reading(TypedDict, total=False):
    """What was read in one image; `problem` says why nothing was, then the rest may be missing."""

    name: str
    text: str
    confidence: float
    trusted: bool
    alternatives: list[dict[str, Any]]  # {"text": ..., "confidence": ...}, best first
    spans: list[list[float]]  # where each character is, from and to, in pixels
    width: int
    height: int
    problem: str


class OcrError(Exception):
    """The server has refused a request; `status` is its HTTP status, the text its reason."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status


class Client:
    """A server and its token. timeout: seconds."""

    def __init__(
        self, address: str = "http://127.0.0.1:8000", token: str | None = None, timeout: float = 30
    ) -> None:
        self.address, self.token, self.timeout = address.rstrip("/"), token, timeout

    def read(self, images: Iterable[Image], **options: str | int) -> list[Reading]:
        """Read images: one answer each, in their order. options: reader, pattern, top, script ...

        Raises OcrError where the server refuses all, OSError where there is none.
        """
        return cast(list[Reading], self._post("/api/read", images, options))

    def read_form(self, form: str, scan: Image) -> dict[str, Any]:
        """Read a scan of a form that the server knows: its `status` and `fields`."""
        return cast(dict[str, Any], self._post(f"/api/forms/{quote(form)}", [scan], {}))

    def _post(self, path: str, images: Iterable[Image], options: dict[str, str | int]) -> Any:
        boundary = uuid.uuid4().hex
        url = f"{self.address}{path}?{urlencode(options)}"
        request = urllib.request.Request(url, b"".join(_parts(images, boundary)))
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise OcrError(error.code, _detail(error)) from None


def _parts(images: Iterable[Image], boundary: str) -> Iterable[bytes]:
    for image in images:
        content = image if isinstance(image, bytes) else Path(image).read_bytes()
        name = "image" if isinstance(image, bytes) else Path(image).name
        about = f'form-data; name="file"; filename="{quote(name, safe=" ")}"'
        yield f"--{boundary}\r\nContent-Disposition: {about}\r\n\r\n".encode()
        yield content + b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):  # not from the server, but a proxy before it
        return error.reason
