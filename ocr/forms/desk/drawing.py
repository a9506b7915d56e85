"""A template being drawn: the page behind it, what is found on it, form.json saved whole."""

import hashlib
import io
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from ocr.forms.desk.boxes import find_boxes
from ocr.forms.pages import open_page
from ocr.forms.reading import FormReader
from ocr.forms.rules import CHECKS, FormError
from ocr.forms.template import CHECK_BOX, Field, build_form, load_form, save_form
from ocr.locks import Lock
from ocr.reading.contract import known_readers
from ocr.reading.images import ImageError
from ocr.reading.scripts import SCRIPTS

SHOWN = 2000  # pixels of the page's longest side in the browser
FORM = "form.json"
FORM_KEYS = ("name", "image", "fields", "rules", "accept", "calibration")
FIELD_KEYS = tuple(field.name for field in fields(Field))


class Changed(FormError):
    """form.json was changed by another program meanwhile."""


class Drawing:
    """The template of a blank page, or form.json itself, drawn in a browser.

    path: of a page (an image or a PDF), or of a form.json. out: where form.json is written, by
    default beside the page. Raises FormError, locks.Busy, OSError.
    """

    def __init__(self, path: Path, out: Path | None = None):
        given = path / FORM if path.is_dir() else path
        self.out = out or (given if given.suffix.lower() == ".json" else given.with_name(FORM))
        if self.out.suffix.lower() != ".json":
            raise FormError(f"--out {self.out}: give a name that ends in .json")
        self._digest = self._state()
        self.facts = self._facts(given)
        try:
            self.picture = open_page(self.out.parent / self.facts["image"])
        except ImageError as error:
            raise FormError(f"{given}: {error}") from None
        self.found = [] if self._digest else self._proposed()
        self.lock = Lock(
            self.out.with_name(f".{self.out.name}.lock"), f"{self.out}: is being drawn already"
        )

    def _state(self) -> str:
        """A digest of form.json as it is now, "" where there is none."""
        try:
            return hashlib.sha256(self.out.read_bytes()).hexdigest()[:12]
        except OSError:
            return ""

    def _facts(self, given: Path) -> dict[str, Any]:
        """What form.json holds, or begins with."""
        if self._digest:
            facts = dict(load_form(self.out).facts)
            image = self.out.parent / facts["image"]
            if given != self.out and not (given.exists() and image.samefile(given)):
                raise FormError(
                    f"{self.out}: is the template of {image}: give --out for another, or delete it"
                )
            return facts
        if not given.is_file():
            raise FormError(f"{given}: no such file: give a picture or PDF of the blank form")
        self.out.parent.mkdir(parents=True, exist_ok=True)
        image = os.path.relpath(given, self.out.parent)
        name = re.sub(r"\W+", "_", given.stem).strip("_") or "form"
        return {"name": name, "image": Path(image).as_posix(), "fields": []}

    def _proposed(self) -> list[dict[str, Any]]:
        boxes = find_boxes(self.picture)
        return [box.field(f"field_{number}") for number, box in enumerate(boxes, 1)]

    def jpeg(self) -> bytes:
        """Encode the page for the browser."""
        shown = self.picture.convert("RGB")
        shown.thumbnail((SHOWN, SHOWN))
        data = io.BytesIO()
        shown.save(data, "JPEG", quality=88)
        return data.getvalue()

    def state(self) -> dict[str, Any]:
        """What the page begins with: the form, what is saved, what fields may have."""
        return {
            "facts": self.facts,
            "found": self.found,
            "digest": self._digest,
            "size": list(self.picture.size),
            "out": str(self.out),
            "readers": [*known_readers(), CHECK_BOX],
            "scripts": list(SCRIPTS),
            "checks": list(CHECKS),
        }

    def save(self, facts: dict[str, Any], digest: str) -> dict[str, Any]:
        """Check a form and write form.json whole: its digest, and what its readers cannot do.

        digest: of the form.json that the page knows. Raises FormError, Changed, OSError.
        """
        if digest != self._state():
            raise Changed(f"{self.out} was changed elsewhere: load this page again")
        form = save_form(_ordered(facts), self.out)
        self.facts, self._digest = dict(form.facts), self._state()
        return {"digest": self._digest, "warning": warning(self.facts, self.out.parent)}

    def close(self) -> None:
        """Release the lock."""
        self.lock.remove()


def _ordered(facts: dict[str, Any]) -> dict[str, Any]:
    """Put the keys of a form and of its fields in the order in which people read them."""
    given = facts.get("fields")
    if isinstance(given, list) and all(isinstance(each, dict) for each in given):
        facts = facts | {"fields": [_sorted(each, FIELD_KEYS) for each in given]}
    return _sorted(facts, FORM_KEYS)


def _sorted(given: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: given[key] for key in keys if key in given} | given


def warning(facts: dict[str, Any], folder: Path) -> str | None:
    """Say why scans cannot be read with a form that keeps the schema, or None."""
    try:
        FormReader([build_form(facts, folder)])
    except FormError as error:
        return str(error)
    return None
