"""Serve the page that draws a form's template: `ocr form new`."""

from typing import Any

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest

from ocr.forms.desk.drawing import Changed, Drawing
from ocr.forms.rules import FormError
from ocr.localhost import LocalApp, answer

COMMAND = "ocr form new"
MOST = 2**20  # bytes of a form


def create_app(drawing: Drawing, token: str | None = None) -> LocalApp:
    """Build the application; `token` is drawn unless given.

    A form that cannot be saved is answered with 422 and why, with 409 where another program has
    changed form.json, and with 507 where the disk does not take it.
    """
    app = LocalApp(__name__, COMMAND, token, MOST)

    @app.get("/")
    def page() -> Response:
        return app.page("drawing.html", title=drawing.out)

    @app.get("/page.jpg")
    def picture() -> Response:
        return Response(drawing.jpeg(), mimetype="image/jpeg")

    @app.get("/api/form")
    def state() -> Response:
        return jsonify(drawing.state())

    @app.post("/api/form")
    def save() -> Response:
        facts, digest = _body()
        return jsonify(drawing.save(facts, digest))

    app.register_error_handler(Changed, lambda error: answer(409, problem=str(error)))
    app.register_error_handler(FormError, lambda error: answer(422, problem=str(error)))
    app.register_error_handler(
        OSError, lambda error: answer(507, problem=f"not saved: {error.strerror or error}")
    )
    return app


def _body() -> tuple[dict[str, Any], str]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("facts"), dict):
        raise BadRequest("send a JSON object with facts and digest")
    return body["facts"], str(body.get("digest", ""))
