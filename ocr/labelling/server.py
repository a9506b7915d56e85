"""Serve the labelling page to this computer alone: 127.0.0.1, and a token in the address."""

import functools
import hmac
import secrets
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ocr.headers import page_headers
from ocr.labelling.api import Api, answer
from ocr.labelling.desk import Desk
from ocr.labelling.images import LARGE, THUMBNAIL
from ocr.reading.images import ImageError

HOST = "127.0.0.1"
NAMES = {"127.0.0.1", "localhost"}  # others are a foreign page's that names this computer
HEADERS = page_headers()
SWITCH = 0.0005  # seconds that what runs in the background may keep an answer waiting
STRANGER = "open the address that `ocr label` printed: it has a token"


def create_app(desk: Desk, title: str, token: str | None = None) -> Flask:
    """Build the application; `token` is drawn unless given, and kept in config["TOKEN"].

    title: shown on the page, the folder or the reader's name.
    """
    app = Flask(__name__)
    app.config.update(TOKEN=token or secrets.token_urlsafe(24), MAX_CONTENT_LENGTH=2**16)
    session = secrets.token_hex(4)  # in the images' addresses: their numbers change with the folder
    app.before_request(functools.partial(_admit, app))
    _add_pages(app, title, session)
    _add_images(app, desk, session)
    Api(desk).register(app)
    app.register_error_handler(HTTPException, _problem)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


# --- who may ask


def _admit(app: Flask) -> None:
    """Refuse what this person's browser did not ask for. Raises Forbidden."""
    if _host(f"//{request.headers.get('Host', '')}") not in NAMES:
        raise Forbidden("this server answers at 127.0.0.1 only")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.headers['Host']}":
        raise Forbidden("asked by another site")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") and request.path != "/":
        raise Forbidden("asked by another site")
    given = request.args.get("token") if request.path == "/" else None
    given = given or request.cookies.get(_cookie(), "")
    if not hmac.compare_digest(given.encode(), app.config["TOKEN"].encode()):
        raise Forbidden(STRANGER)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _cookie() -> str:
    """Name the cookie by the port: cookies of one host are shared by its ports."""
    return f"ocr-label-{request.environ.get('SERVER_PORT', '')}"


def _problem(error: HTTPException) -> Response:
    """Answer an error with one line, as text where a person sees it."""
    if request.path == "/":
        return Response(f"{error.description}\n", error.code, mimetype="text/plain")
    return answer(error.code or 500, problem=error.description or error.name)


# --- what there is


def _add_pages(app: Flask, title: str, session: str) -> None:
    @app.get("/")
    def page() -> Response:
        response = make_response(render_template("label.html", title=title, session=session))
        # no redirect: a SameSite=Strict cookie would not follow it from another page's link
        response.set_cookie(_cookie(), app.config["TOKEN"], httponly=True, samesite="Strict")
        return response


def _add_images(app: Flask, desk: Desk, session: str) -> None:
    def show(number: int, side: int) -> Response:
        try:
            data, kind = desk.images.show(desk.images.names[number], side)
        except (IndexError, ImageError) as error:
            raise NotFound(str(error)) from None
        response = Response(data, mimetype=kind)
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return response

    @app.get(f"/image/{session}/<int:number>")
    def image(number: int) -> Response:
        return show(number, LARGE)

    @app.get(f"/thumbnail/{session}/<int:number>")
    def thumbnail(number: int) -> Response:
        return show(number, THUMBNAIL)


# --- running it


class _Handler(WSGIRequestHandler):
    """Keep connections open, and write no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """A person labels in the terminal's place."""


class Server:
    """The server, bound to a port, 0 for a free one. Raises OSError where the port is in use."""

    def __init__(self, desk: Desk, title: str, port: int = 0):
        app = create_app(desk, title)
        self._server: BaseWSGIServer = _bind(app, port)
        self.origin = f"http://{HOST}:{self._server.port}"
        self.address = f"{self.origin}/?token={app.config['TOKEN']}"

    def run(self) -> None:
        """Answer until `stop`, or Ctrl-C."""
        sys.setswitchinterval(SWITCH)
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()


def _bind(app: Flask, port: int) -> BaseWSGIServer:
    """Bind to a port. Raises OSError; werkzeug itself would print several lines and exit."""
    with socket.create_server((HOST, port)) as bound:  # werkzeug copies it
        number = bound.getsockname()[1]
        return make_server(
            HOST, number, app, threaded=True, request_handler=_Handler, fd=bound.fileno()
        )
