"""Serve a page to this computer alone: 127.0.0.1, and a token in the address."""

import hmac
import secrets
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ocr.headers import page_headers

HOST = "127.0.0.1"
NAMES = {"127.0.0.1", "localhost"}  # others are a foreign page's that names this computer
HEADERS = page_headers()
SWITCH = 0.0005  # seconds that what runs in the background may keep an answer waiting
MAX_BODY = 2**16  # bytes of a request


def answer(status: int, **fields: Any) -> Response:
    """Answer with JSON and a status."""
    response = jsonify(**fields)
    response.status_code = status
    return response


def body_of(fields: dict[str, type]) -> dict[str, Any]:
    """Check the JSON of a request. Raises BadRequest."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("send a JSON object")
    for name, kind in fields.items():
        if not isinstance(body.setdefault(name, kind()), kind) or isinstance(body[name], bool):
            raise BadRequest(f"{name}: give {'a number' if kind is int else 'text'}")
    return body


class LocalApp(Flask):
    """A Flask application that answers one person's browser, which has the token.

    package    whose static/ and templates/ folders are served
    command    that starts it, as "ocr label", for messages
    token      drawn unless given, and kept in config["TOKEN"]
    """

    def __init__(self, package: str, command: str, token: str | None = None, most: int = MAX_BODY):
        super().__init__(package)
        self.command = command
        self.json.sort_keys = False  # type: ignore[attr-defined]
        self.config.update(TOKEN=token or secrets.token_urlsafe(24), MAX_CONTENT_LENGTH=most)
        self.before_request(self._admit)
        self.register_error_handler(HTTPException, _problem)
        self.after_request(_finish)

    def page(self, template: str, **values: Any) -> Response:
        """Render the page at /, and hand out the cookie that all other requests need."""
        response = make_response(render_template(template, **values))
        # no redirect: a SameSite=Strict cookie would not follow it from another page's link
        token = self.config["TOKEN"]
        response.set_cookie(self._cookie(), token, httponly=True, samesite="Strict")
        return response

    def _admit(self) -> None:
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
        given = given or request.cookies.get(self._cookie(), "")
        if not hmac.compare_digest(given.encode(), self.config["TOKEN"].encode()):
            raise Forbidden(f"open the address that `{self.command}` printed: it has a token")

    def _cookie(self) -> str:
        """Name the cookie by the port: cookies of one host are shared by its ports."""
        return f"{self.command.replace(' ', '-')}-{request.environ.get('SERVER_PORT', '')}"


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _problem(error: HTTPException) -> Response:
    """Answer an error with one line, as text where a person sees it."""
    if request.path == "/":
        return Response(f"{error.description}\n", error.code, mimetype="text/plain")
    return answer(error.code or 500, problem=error.description or error.name)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


class _Handler(WSGIRequestHandler):
    """Keep connections open, and write no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """A person works in the terminal's place."""


class LocalServer:
    """Serve an application at a port, 0 for a free one. Raises OSError where it is in use."""

    def __init__(self, app: LocalApp, port: int = 0):
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
