"""The readers as a web page and a JSON API: the Flask application.

`ocr serve` starts it with gunicorn, by front/app.py. settings.py has what can be set.
"""

import logging
import time
from dataclasses import replace
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    UnprocessableEntity,
)

from ocr import __version__
from ocr.headers import page_headers
from ocr.reading.contract import ReaderError
from ocr.serving import docs, forms, limits, problems
from ocr.serving.guard import Guard
from ocr.serving.openapi import document
from ocr.serving.processes.turns import Busy
from ocr.serving.service import Service
from ocr.serving.settings import Settings
from ocr.serving.uploads import InMemoryRequest, parse_request, parse_uploads
from ocr.words import page_words

HEADERS = page_headers("'self' data: blob:")
REFUSED = "ocr.refused"  # in the WSGI environ: the error of a request whose body is not received
ARRIVED = "ocr.arrived"  # when the body had arrived, of time.monotonic()
BUSY = "the server is busy: try again in a second"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 10.5)  # s


class Json(DefaultJSONProvider):
    """Keep the order of keys."""

    sort_keys = False


class Metrics:
    """Count what /metrics reports, beside the process's own figures."""

    def __init__(self, service: Service):
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
            "Time from the last byte of a request to /api/read to its answer",
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.answers = Counter(
            "ocr_responses", "Responses by status", ["status"], registry=self.registry
        )
        replaced = Gauge(
            "ocr_processes_replaced",
            "Processes that read, ended for time or memory and replaced",
            registry=self.registry,
        )
        replaced.set_function(lambda: service.replaced)


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
    reading needs, "" for none. What is not given is as the environment says; raises ValueError
    where that is wrong.
    """
    settings = Settings.read()
    if token is not None:
        settings = replace(settings, token=token)
    app = Flask(__name__)
    app.request_class = InMemoryRequest
    app.json = Json(app)
    app.url_map.merge_slashes = False
    app.config.update(SETTINGS=settings, GUARD=Guard(settings))
    service = service or Service(processes=settings.processes)
    app.config["SERVICE"] = service
    metrics = Metrics(service)
    _guard(app, app.config["GUARD"], metrics)
    known = forms.find_forms()
    app.register_blueprint(forms.blueprint(service, known, _arrived))
    _add_page(app, service, bool(settings.token), known)
    _add_probes(app, service, metrics)

    @app.post("/api/read")
    def read():
        try:
            return _read(service, metrics)
        finally:
            metrics.seconds.observe(time.monotonic() - _arrived())

    return app


def _guard(app: Flask, guard: Guard, metrics: Metrics) -> None:
    """Refuse what the guard refuses, answer errors with problem JSON, add headers, count."""

    @app.before_request
    def refuse():
        guard.check(request)
        if (error := request.environ.get(REFUSED)) is not None:
            raise error

    app.register_error_handler(Exception, _problem)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics")):
            response.headers["Cache-Control"] = "no-store"
        if guard.allows_origin(origin := request.headers.get("Origin")):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.vary.add("Origin")
        metrics.answers.labels(response.status_code).inc()
        return response


def _add_page(app: Flask, service: Service, token: bool, known: dict[str, Path]) -> None:
    described = forms.describe(known)

    @app.get("/")
    def page():
        return render_template(
            "index.html",
            readers=service.describe(),
            forms=described,
            setup={"token": token},
            words=page_words(),
            version=__version__,
        )

    @app.get("/api/readers")
    def list_readers():
        return jsonify(service.describe())

    def describe_api() -> dict:
        return document(list(service.readers), token, list(known))

    @app.get("/openapi.json")
    def openapi():
        return jsonify(describe_api())

    @app.get("/docs")
    def show_docs():
        about = docs.page(describe_api(), request.url_root.rstrip("/"))
        return render_template("docs.html", place="docs", words=page_words(), **about)


def _add_probes(app: Flask, service: Service, metrics: Metrics) -> None:
    @app.get("/healthz")
    def healthz():
        if service.turns.stalled:
            raise ServiceUnavailable(f"no read has ended for {limits.STALLED:.0f} seconds")
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz():
        if service.turns.full:
            raise ServiceUnavailable(BUSY, retry_after=1)
        return jsonify(status="ok")

    @app.get("/metrics")
    def show_metrics():
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)


def _arrived() -> float:
    """When the body of the current request had arrived, of time.monotonic()."""
    return request.environ.get(ARRIVED, time.monotonic())


def _read(service: Service, metrics: Metrics) -> Response:
    images, parameters = parse_request()
    uploads = parse_uploads(service, images, parameters)
    client = request.remote_addr or ""
    try:
        answers = service.read(uploads, client, _arrived() + limits.SECONDS)
    except ReaderError as error:  # a pattern that this reader cannot read
        raise BadRequest(str(error)) from None
    except Busy:
        raise ServiceUnavailable(BUSY, retry_after=1) from None
    except TimeoutError as error:
        raise ServiceUnavailable(str(error), retry_after=1) from None
    refused = [answer for answer in answers if "problem" in answer]
    for upload, answer in zip(uploads, answers):
        outcome = "refused" if "problem" in answer else "read"
        metrics.images.labels(upload.options.reader, outcome).inc()
    if len(refused) == len(answers):
        raise Unreadable(refused)
    return jsonify(answers)


def _problem(error: Exception) -> Response:
    """Answer any error with problem JSON; for errors of the server itself, without details."""
    if not isinstance(error, HTTPException):
        logging.getLogger(__name__).exception("internal error")
        error = InternalServerError("an internal error of the server, not of the request")
    status = error.code or 500
    more = {"images": error.images} if isinstance(error, Unreadable) else {}
    response = jsonify(problems.problem(status, error.name, error.description or "", **more))
    response.status_code, response.content_type = status, problems.MEDIA_TYPE
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
