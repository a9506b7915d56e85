"""A web page and a JSON API over reader.Reader. `make serve` starts it with gunicorn; see app/gunicorn.conf.py.

Configuration is by environment: OCR_TOKEN, a bearer token that reading then asks for.
"""

import contextlib
import hmac
import io
import logging
import os
import threading

from flask import Flask, Request, Response, jsonify, render_template, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)

from ocr.reading.contract import ReaderError
from ocr.serving.openapi import document
from ocr.serving.service import Asked, Service

MAX_REQUEST = 2**24  # bytes of one request
MAX_FILES = 64  # images of one request
TOPS = [str(n) for n in range(1, 11)]
MAX_PATTERN = 64  # characters
WAITING = 64  # requests that may be at work or wait for it; more are told to come again. Fewer than gunicorn's threads
MAX_WAITING = 2**27  # bytes of their bodies together
FIELDS = (
    {"label": "Date", "reader": "numbers", "pattern": "dd/dd/dddd"},
    {"label": "Amount", "reader": "numbers", "pattern": ""},
    {"label": "Security code", "reader": "captcha", "pattern": ""},
)  # of the form that fills itself
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class InMemory(Request):
    """A request whose uploads never touch a disk."""

    max_content_length = MAX_REQUEST
    max_form_memory_size = 2**18  # of fields; not below 2**17, which Werkzeug reads ahead
    max_form_parts = 2 * MAX_FILES

    def _get_file_stream(self, *_, **__):
        return io.BytesIO()


class Metrics:
    """What /metrics shows, apart from the process's own figures."""

    def __init__(self):
        self.registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR):
            self.registry.register(collector)
        self.images = Counter(
            "ocr_images",
            "Images read, by reader and outcome",
            ["reader", "outcome"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ocr_request_seconds",
            "Time of a request to /api/read",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.answers = Counter(
            "ocr_responses", "Responses by status", ["status"], registry=self.registry
        )


class Places:
    """How many requests are at work or wait, and how large they are together."""

    def __init__(self):
        self._lock, self._requests, self._bytes = threading.Lock(), 0, 0

    @contextlib.contextmanager
    def taken(self, size: int):
        """A place for a request of so many bytes. Raises ServiceUnavailable."""
        with self._lock:
            if self._requests >= WAITING or self._bytes + size > MAX_WAITING:
                raise ServiceUnavailable(
                    "more is asked of this server than it can read: try again", retry_after=1
                )
            self._requests, self._bytes = self._requests + 1, self._bytes + size
        try:
            yield
        finally:
            with self._lock:
                self._requests, self._bytes = self._requests - 1, self._bytes - size


def create_app(service: Service | None = None, token: str | None = None) -> Flask:
    """The application. `service`: the readers, by default those in models/; `token`: by default $OCR_TOKEN, if any."""
    app = Flask(__name__)
    app.request_class = InMemory
    app.json.sort_keys = False
    app.url_map.merge_slashes = False
    service, metrics, places = service or Service(), Metrics(), Places()
    token = token if token is not None else os.environ.get("OCR_TOKEN", "")
    described = service.described()

    @app.get("/")
    def page():
        fields = [field for field in FIELDS if field["reader"] in service.readers]
        return render_template("index.html", readers=described, fields=fields, token=bool(token))

    @app.get("/api/readers")
    def readers():
        return jsonify(described)

    @app.get("/openapi.json")
    def openapi():
        return jsonify(document(list(service.readers), bool(token)))

    @app.get("/healthz")
    def healthz():
        return jsonify(status="ok")

    @app.get("/metrics")
    def show_metrics():
        _authorise(token)
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    @app.post("/api/read")
    def read():
        _authorise(token)
        size = request.content_length
        with (
            places.taken(MAX_REQUEST if size is None else min(size, MAX_REQUEST)),
            metrics.seconds.time(),
        ):
            return _read(service, metrics)

    app.register_error_handler(Exception, _problem)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(("/api/", "/healthz", "/metrics")):
            response.headers["Cache-Control"] = "no-store"
        metrics.answers.labels(response.status_code).inc()
        return response

    return app


def _authorise(token: str):
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.encode("latin-1", "replace")  # as WSGI decoded it
    if token and not (scheme.lower() == "bearer" and hmac.compare_digest(given, token.encode())):
        raise Unauthorized(
            "this server wants a token: send the header Authorization: Bearer TOKEN",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _read(service: Service, metrics: Metrics):
    uploads, fields = _uploads()
    asked = _asked(service, fields)
    try:
        answers = service.read(uploads, asked)
    except ReaderError as error:  # of a pattern that this reader cannot read
        raise BadRequest(str(error)) from None
    except TimeoutError as error:
        raise ServiceUnavailable(str(error), retry_after=1) from None
    bad = [answer for answer in answers if "problem" in answer]
    for outcome, count in (("read", len(answers) - len(bad)), ("refused", len(bad))):
        metrics.images.labels(asked.reader, outcome).inc(count)
    if len(bad) == len(answers):
        raise Unreadable(bad)
    return jsonify(answers)


class Unreadable(UnprocessableEntity):
    """None of the images can be read."""

    def __init__(self, images: list[dict]):
        first = f"{images[0]['name'][:80]!r}: {images[0]['problem']}"
        super().__init__(
            first if len(images) == 1 else f"none of {len(images)} images can be read; {first}"
        )
        self.images = images


def _uploads() -> tuple[list[tuple[str, bytes]], dict]:
    """The images of a request as (name, bytes), and its parameters: of the query, and of a multipart form."""
    try:
        return _parsed()
    except (HTTPException, MemoryError):
        raise
    except Exception:  # gunicorn's, of a body that is not chunked as it says, or that never comes
        raise BadRequest("the request's body cannot be read: send it again") from None


def _parsed() -> tuple[list[tuple[str, bytes]], dict]:
    if request.mimetype != "multipart/form-data":  # whatever else it says it is: bytes of one image
        data = request.get_data(cache=False, parse_form_data=False)
        if not data:
            raise BadRequest("no image: send its bytes as the body, or files in a multipart form")
        return [("image", data)], request.args
    parts = [
        part for name in request.files for part in request.files.getlist(name) if part.filename
    ]
    if not parts:
        raise BadRequest("no image in the form: send each as a part with a file name")
    if len(parts) > MAX_FILES:
        raise BadRequest(f"{len(parts)} images: send at most {MAX_FILES} at a time")
    return [(part.filename, part.stream.getvalue()) for part in parts], {
        **request.form.to_dict(),
        **request.args.to_dict(),
    }


def _asked(service: Service, fields) -> Asked:
    """The parameters of a request, checked."""
    known = ("reader", "top", "pattern", "seen")
    if unknown := sorted(set(fields) - set(known)):
        raise BadRequest(f"no parameter {unknown[0][:40]!r}: there are {', '.join(known)}")
    name, pattern = fields.get("reader", next(iter(service.readers))), fields.get("pattern") or None
    top, seen = fields.get("top", "1"), fields.get("seen", "false")
    if name not in service.readers:
        raise BadRequest(f"no reader {name[:40]!r}: there are {', '.join(service.readers)}")
    if top not in TOPS:
        raise BadRequest(f"top = {top[:40]!r}: send a number from 1 to {TOPS[-1]}")
    if seen not in ("true", "false"):
        raise BadRequest(f"seen = {seen[:40]!r}: send true or false")
    if pattern and len(pattern) > MAX_PATTERN:
        raise BadRequest(f"a pattern of {len(pattern)} characters: send at most {MAX_PATTERN}")
    return Asked(name, int(top), pattern, seen == "true")


def _drain():
    """Take what is left of a request's body, within bounds: a client that is still sending does not listen."""
    left, some = 2 * MAX_REQUEST, True
    getattr(request.environ.get("gunicorn.socket"), "hurry", int)()
    with contextlib.suppress(Exception):  # gunicorn's, where the rest never comes
        while left > 0 and some:
            some = request.environ["wsgi.input"].read(min(left, 2**16))
            left -= len(some)


def _problem(error: Exception):
    """Any error as RFC 9457 problem JSON; of the server's own faults no more than that there was one."""
    if not isinstance(error, HTTPException):
        logging.getLogger(__name__).exception("a fault of the server")
        error = InternalServerError("a fault of the server, not of the request")
    if error.code in (413, 503):
        _drain()
    response = jsonify(
        {
            "type": "about:blank",
            "title": error.name,
            "status": error.code,
            "detail": error.description,
            **({"images": error.images} if isinstance(error, Unreadable) else {}),
        }
    )
    response.status_code, response.content_type = error.code, "application/problem+json"
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
