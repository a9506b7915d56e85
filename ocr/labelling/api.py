"""The labelling page's JSON endpoints. Images go by their number in the folder's sorted list."""

from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import NotFound

from ocr.labelling.desk import Desk, Refused
from ocr.labelling.store import Conflict, StoreError
from ocr.localhost import answer, body_of


class Api:
    """Answer what the page asks for.

    Refused answers are 422, those given on an old view 409 with what is there now, and 507 where
    the disk does not take them.
    """

    def __init__(self, desk: Desk):
        self.desk = desk
        self._numbers = {name: number for number, name in enumerate(desk.images.names)}

    def register(self, app: Flask) -> None:
        """Add the endpoints to an application."""
        for path, view in (
            ("state", self.state),
            ("next", self.coming),
            ("previous", self.previous),
            ("item/<int:number>", self.item),
            ("list", self.listing),
            ("curve", self.curve),
            ("doubts", self.doubts),
        ):
            app.add_url_rule(f"/api/{path}", view_func=view, methods=["GET"])
        for path, view in (("label", self.label), ("undo", self.undo), ("keep", self.keep)):
            app.add_url_rule(f"/api/{path}", view_func=view, methods=["POST"])
        app.register_error_handler(Refused, lambda error: answer(422, problem=str(error)))
        app.register_error_handler(StoreError, lambda error: answer(507, problem=str(error)))
        app.register_error_handler(Conflict, self._conflict)

    def state(self) -> Response:
        """The progress, see Desk.state, and the alphabet."""
        return jsonify(state=self.desk.state(), alphabet=self.desk.alphabet)

    def coming(self) -> Response:
        """The progress, and the images to ask for next."""
        return self._progress()

    def previous(self) -> Response:
        """The image answered before the entry ?before=, by default the last one."""
        before = request.args.get("before", type=int)
        return jsonify(item=self._numbered(self.desk.previous(before)))

    def item(self, number: int) -> Response:
        """One image: its last answer and the guess."""
        return jsonify(item=self._numbered(self.desk.item(self._name(number))))

    def listing(self) -> Response:
        """All images by their text, each a row: number, then that of Desk.listing."""
        return jsonify(rows=[[self._numbers[row[0]], *row] for row in self.desk.listing()])

    def curve(self) -> Response:
        """The learning curve, see Desk.learning."""
        return jsonify(self.desk.learning())

    def doubts(self) -> Response:
        """The labels for a second look, see Desk.doubts."""
        return jsonify(doubts=[self._numbered(item) for item in self.desk.doubts()])

    def keep(self) -> Response:
        """Keep a label that a reader contradicts: {id, label}."""
        body = body_of({"id": int, "label": str})
        self.desk.keep(self._name(body["id"]), body["label"])
        return jsonify(state=self.desk.state())

    def label(self) -> Response:
        """Keep an answer: {id, state, label, seen}."""
        body = body_of({"id": int, "state": str, "label": str, "seen": int})
        name = self._name(body["id"])
        saved = self.desk.answer(name, body["state"], body["label"], body["seen"])
        return self._progress(saved=self._numbered(saved))

    def undo(self) -> Response:
        """Take an answer back: {action}, the number of its entry; by default the last one."""
        body = body_of({"action": int})
        return self._progress(undone=self._numbered(self.desk.undo(body["action"] or None)))

    def _progress(self, **fields: Any) -> Response:
        coming = [self._numbered(item) for item in self.desk.coming()]
        return jsonify(state=self.desk.state(), coming=coming, **fields)

    def _conflict(self, conflict: Conflict) -> Response:
        entry = conflict.entry
        current = None if entry is None else self._numbered(self.desk.item(entry.file))
        return answer(409, problem=str(conflict), current=current)

    def _numbered(self, item: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if item is None else {"id": self._numbers.get(item["file"], -1), **item}

    def _name(self, number: int) -> str:
        """Look an image up by its number. Raises NotFound."""
        if not 0 <= number < len(self.desk.images.names):
            raise NotFound(f"no image {number}")
        return self.desk.images.names[number]
