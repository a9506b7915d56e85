"""Serve the labelling page to this computer alone."""

import secrets

from flask import Response
from werkzeug.exceptions import NotFound

from ocr.labelling.api import Api
from ocr.labelling.desk import Desk
from ocr.labelling.images import LARGE, THUMBNAIL
from ocr.localhost import LocalApp, LocalServer
from ocr.reading.images import ImageError


def create_app(desk: Desk, title: str, token: str | None = None) -> LocalApp:
    """Build the application; `token` is drawn unless given.

    title: shown on the page, the folder or the reader's name.
    """
    app = LocalApp(__name__, "ocr label", token)
    session = secrets.token_hex(4)  # in the images' addresses: their numbers change with the folder
    app.add_url_rule("/", view_func=lambda: _page(app, title, session), endpoint="page")
    _add_images(app, desk, session)
    Api(desk).register(app)
    return app


def _page(app: LocalApp, title: str, session: str) -> Response:
    return app.page("label.html", title=title, session=session)


def _add_images(app: LocalApp, desk: Desk, session: str) -> None:
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


class Server(LocalServer):
    """The labelling server, bound to a port, 0 for a free one. Raises OSError."""

    def __init__(self, desk: Desk, title: str, port: int = 0):
        super().__init__(create_app(desk, title), port)
