"""Serve the readers as a web page and a JSON API. `ocr serve` starts it with gunicorn.

Where $OCR_TOKEN is set, reading needs that bearer token.
"""

import contextlib
import hmac
import logging
import os
import threading
from collections.abc import Iterator

from flask import Flask, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
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

from ocr.headers import page_headers
from ocr.reading.contract import ReaderError
from ocr.serving import deadlines, limits, problems
from ocr.serving.openapi import document
from ocr.serving.service import Service
from ocr.serving.uploads import InMemoryRequest, parse_options, parse_request

FIELDS = (  # of the page's example form
    {"label": "Date", "reader": "numbers", "pattern": "dd/dd/dddd"},
    {"label": "Amount", "reader": "numbers", "pattern": ""},
    {"label": "Security code", "reader": "captcha", "pattern": ""},
)
HEADERS = page_headers("'self' data: blob:")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds


class Json(DefaultJSONProvider):
    """Keep the order of keys."""

    sort_keys = False


class Metrics:
    """Count what /metrics reports, beside the process's own figures."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.registry.register(PROCESS_COLLECTOR)
        self.registry.register(PLATFORM_COLLECTOR)
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
            buckets=BUCKETS,
        )
        self.answers = Counter(
            "ocr_responses", "Responses by status", ["status"], registry=self.registry
        )


class Capacity:
    """Bound the requests that run or wait, in number and in bytes."""

    def __init__(self):
        self._lock, self._requests, self._bytes = threading.Lock(), 0, 0

    @contextlib.contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Reserve room for a request of so many bytes. Raises ServiceUnavailable."""
        with self._lock:
            full = self._requests >= limits.MAX_REQUESTS
            if full or self._bytes + size > limits.MAX_BYTES:
                raise ServiceUnavailable("the server is busy: try again in a second", retry_after=1)
            self._requests, self._bytes = self._requests + 1, self._bytes + size
        try:
            yield
        finally:
            with self._lock:
                self._requests, self._bytes = self._requests - 1, self._bytes - size


class Unreadable(UnprocessableEntity):
    """Refuse a request of whose images none can be read."""

    def __init__(self, images: list[dict]):
        first = f"{images[0]['name'][:80]!r}: {images[0]['problem']}"
        many = f"none of {len(images)} images can be read; the first: {first}"
        super().__init__(first if len(images) == 1 else many)
        self.images = images


def create_app(service: Service | None = None, token: str | None = None) -> Flask:
    """Build the application.

    service: the readers, by default all in ocr.paths.reader_places(). token: the bearer token that
    reading needs, by default $OCR_TOKEN; none if empty.
    """
    app = Flask(__name__)
    app.request_class = InMemoryRequest
    app.json = Json(app)
    app.url_map.merge_slashes = False
    service, metrics, capacity = service or Service(), Metrics(), Capacity()
    token = token if token is not None else os.environ.get("OCR_TOKEN", "")
    readers = service.describe()

    @app.get("/")
    def page():
        return render_template(
            "index.html",
            readers=readers,
            fields=[field for field in FIELDS if field["reader"] in service.readers],
            token=bool(token),
            limits=limits,
        )

    @app.get("/api/readers")
    def list_readers():
        return jsonify(readers)

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
        size = limits.MAX_REQUEST if size is None else min(size, limits.MAX_REQUEST)
        with capacity.reserve(size), metrics.seconds.time():
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


def _authorise(token: str) -> None:
    """Check the request's bearer token. Raises Unauthorized."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    raw = given.encode("latin-1", "replace")  # as WSGI decoded it
    if token and not (scheme.lower() == "bearer" and hmac.compare_digest(raw, token.encode())):
        raise Unauthorized(
            "the token is missing or wrong: send the header Authorization: Bearer TOKEN",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _read(service: Service, metrics: Metrics) -> Response:
    images, parameters = parse_request()
    options = parse_options(service, parameters)
    try:
        answers = service.read(images, options)
    except ReaderError as error:  # a pattern that this reader cannot read
        raise BadRequest(str(error)) from None
    except TimeoutError as error:
        raise ServiceUnavailable(str(error), retry_after=1) from None
    refused = [answer for answer in answers if "problem" in answer]
    metrics.images.labels(options.reader, "read").inc(len(answers) - len(refused))
    metrics.images.labels(options.reader, "refused").inc(len(refused))
    if len(refused) == len(answers):
        raise Unreadable(refused)
    return jsonify(answers)


def _problem(error: Exception) -> Response:
    """Answer any error with problem JSON; for errors of the server itself, without details."""
    if not isinstance(error, HTTPException):
        logging.getLogger(__name__).exception("internal error")
        error = InternalServerError("an internal error of the server, not of the request")
    status = error.code or 500
    if status in (413, 503):
        _drain()
    more = {"images": error.images} if isinstance(error, Unreadable) else {}
    response = jsonify(problems.problem(status, error.name, error.description or "", **more))
    response.status_code, response.content_type = status, problems.MEDIA_TYPE
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _drain() -> None:
    """Discard the rest of the body, within bounds: a client that still sends misses the answer."""
    deadlines.limit_body(request.environ.get("gunicorn.socket"), deadlines.REST)
    left = 2 * limits.MAX_REQUEST
    with contextlib.suppress(Exception):  # gunicorn's, where the rest never arrives
        while left > 0 and (chunk := request.environ["wsgi.input"].read(min(left, 2**16))):
            left -= len(chunk)
