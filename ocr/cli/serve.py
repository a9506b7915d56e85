"""Serve the readers as a web page and an API: `ocr serve`."""

import os
import socket
import sys
from argparse import Namespace

from ocr.cli.parser import DONE, Parser, fail

ABOUT = "Serve the readers as a web page and a JSON API, with gunicorn."
EXAMPLES = """examples:
  {prog}                                       at http://127.0.0.1:8000
  OCR_TOKEN=secret {prog} --bind 0.0.0.0:8080  for other machines, which send the token

The API is described at /openapi.json. Environment variables:
  OCR_TOKEN        the bearer token that reading needs; unset, none
  OCR_HOSTS        names, beside localhost, that it answers to; "*" for all
  OCR_ORIGINS      other web sites whose pages may send pictures
  OCR_PROXIES      how many proxies stand before it, for the clients' addresses
  OCR_ACCESS_LOG   a file for a line for each request, or - for standard output
  OCR_FORMS        folder with the templates of whole forms, by default data/forms
  WEB_CONCURRENCY  processes that read; by default as many as cores
"""


def add_parser(verbs) -> Parser:
    """Add `serve` to the verbs of `ocr`."""
    parser = verbs.add_parser("serve", help=ABOUT, description=ABOUT)
    parser.epilog = EXAMPLES.format(prog=parser.prog)
    parser.add_argument(
        "--bind",
        default=os.environ.get("OCR_BIND", "127.0.0.1:8000"),
        metavar="HOST:PORT",
        help="address to listen at; default: $OCR_BIND, else 127.0.0.1:8000",
    )
    return parser


def run(options: Namespace) -> int:
    """Run the server until it is stopped; return the exit status."""
    prog = options.parser.prog
    if os.name == "nt":
        return fail(prog, "gunicorn does not run on Windows: use WSL or the Dockerfile")
    try:  # an install extra
        import flask  # noqa: F401
        import prometheus_client  # noqa: F401
        from gunicorn.app.wsgiapp import WSGIApplication
    except ModuleNotFoundError:
        return fail(prog, 'needs the extra "serve": pip install "ocr-readers[serve]"')
    from ocr.serving.processes.readers import find_readers  # after the check of what it needs
    from ocr.serving.settings import Settings

    try:
        find_readers()
        Settings.read()
        _check_address(options.bind)
    except (RuntimeError, ValueError, OSError) as error:
        return fail(prog, error)
    sys.argv = [prog, "--config", "python:ocr.serving.gunicorn_conf", "--bind", options.bind]
    WSGIApplication(prog=prog).run()
    return DONE


def _check_address(bind: str) -> None:
    """Try to listen at an address: gunicorn would retry for seconds. Raises ValueError, OSError."""
    if bind.startswith("unix:"):
        return
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"--bind {bind}: give HOST:PORT, as 127.0.0.1:8000, or unix:PATH")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), int(port)), family=family).close()
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise OSError(f"--bind {bind}: cannot listen there ({reason}): give another") from None
