"""Serve the queue of fields that a person must see: `ocr form review`."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import NotFound

from ocr.forms.desk import cutouts
from ocr.forms.desk.review import Doubtful, Key, Refused, Review
from ocr.localhost import LocalApp, answer, body_of
from ocr.reading.images import ImageError

COMMAND = "ocr form review"


def create_app(review: Review, token: str | None = None) -> LocalApp:
    """Build the application; `token` is drawn unless given.

    Refused answers are 422, with `again` where the person may insist, and 507 where the disk does
    not take them.
    """
    app = LocalApp(__name__, COMMAND, token)
    session = secrets.token_hex(4)  # in the pictures' addresses: rows change from run to run

    @app.get("/")
    def page() -> Response:
        return app.page("review.html", title=review.table, session=session)

    @app.get("/api/next")
    def coming() -> Response:
        return _progress(review)

    @app.post("/api/answer")
    def take() -> Response:
        body = body_of({"row": int, "field": str, "state": str, "text": str, "again": int})
        key = Key(body["row"], body["field"])
        saved = review.answer(key, body["state"], body["text"], bool(body["again"]))
        return _progress(review, saved=saved)

    @app.post("/api/later")
    def later() -> Response:
        body = body_of({"row": int, "field": str})
        review.later(Key(body["row"], body["field"]))
        return _progress(review)

    @app.post("/api/undo")
    def undo() -> Response:
        return _progress(review, undone=review.undo())

    _add_pictures(app, review, session)
    app.register_error_handler(Doubtful, lambda error: answer(422, problem=str(error), again=True))
    app.register_error_handler(Refused, lambda error: answer(422, problem=str(error)))
    app.register_error_handler(
        OSError, lambda error: answer(507, problem=f"not saved: {error.strerror or error}")
    )
    return app


def _progress(review: Review, **fields: Any) -> Response:
    return jsonify(state=review.state(), coming=review.coming(), **fields)


def _add_pictures(app: LocalApp, review: Review, session: str) -> None:
    def show(row: int, field: str, make: Callable, kind: str) -> Response:
        try:
            found = review.rows[row][0]
            data = make(found["file"], found["fields"][field]["box"])
        except (IndexError, KeyError):
            raise NotFound("no such field") from None
        except ImageError as error:
            raise NotFound(str(error)) from None
        response = Response(data, mimetype=kind)
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return response

    @app.get(f"/cutout/{session}/<int:row>/<field>")
    def cutout(row: int, field: str) -> Response:
        return show(row, field, cutouts.cutout, "image/png")

    @app.get(f"/whole/{session}/<int:row>/<field>")
    def whole(row: int, field: str) -> Response:
        return show(row, field, cutouts.page, "image/jpeg")
