"""Form templates: form.json read, checked and written.

    {"image": "blank.png", "fields": [{"name": "day", "box": [0.1, 0.2, 0.4, 0.05],
     "reader": "numbers", "type": "integer", "boxes": 6}, ...], "rules": ["day + night = total"]}

form.schema.json beside this module says what is allowed; what a schema cannot say is checked here.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import fastjsonschema

from ocr.forms.rules import AMOUNT, Check, FormError, Rule, date_pattern, find_check
from ocr.paths import whole
from ocr.reading.constraints import WILDCARDS
from ocr.reading.contract import find_reader, known_readers

SCHEMA = Path(__file__).with_name("form.schema.json")
CHECK_BOX = "check"  # the "reader" of a box that is ticked or not
ACCEPT = 0.99  # confidence from which a field needs no person, where form.json does not say
LEAST = 0.004  # a box's least width and height, share of the page
OVERLAP = 0.02  # of the smaller box, which drawing by hand may cause
RESERVED = ("file", "form", "status")  # columns of the table that are no field

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Field:
    """A field of a form: where it is, who reads it, what it may hold.

    name      of its column
    box       left, top, width, height as shares of the page
    reader    a reader's name or folder, or CHECK_BOX
    pattern, lexicon, script    constrain the reading, see Reader.read
    type      "text", "integer", "amount" or "date"; format: of a date, as dd/mm/yyyy, or of an
              amount whose decimals are always written, as 0.00
    check     a check digit: a name in rules.CHECKS, or module:function
    boxes     cells of a comb, one character each
    required  is an empty field a fault?
    """

    name: str
    box: Box
    reader: str
    pattern: str | None = None
    lexicon: tuple[str, ...] | None = None
    script: str | None = None
    type: str | None = None
    format: str | None = None
    check: str | None = None
    boxes: int | None = None
    required: bool = False

    @property
    def is_check_box(self) -> bool:
        """Is it a box that is ticked or not?"""
        return self.reader == CHECK_BOX

    @property
    def places(self) -> str | None:
        """The pattern of its text: its own, that of its date, or None."""
        if self.type == "date":
            return date_pattern(self.format or "dd/mm/yyyy")
        return self.pattern


@dataclass(frozen=True)
class Form:
    """A form's template; `facts` is what its form.json holds, `path`, which lies in `folder`."""

    name: str
    image: Path
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    checks: Mapping[str, Check]
    accept: float
    calibration: tuple[tuple[float, float], ...]
    facts: Mapping[str, Any]
    folder: Path
    path: Path

    @cached_property
    def version(self) -> str:
        """A digest of what rows depend on: the template and its image."""
        digest = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode())
        digest.update(self.image.read_bytes())
        return digest.hexdigest()[:12]

    def field(self, name: str) -> Field:
        """Find a field by its name. Raises KeyError."""
        return {field.name: field for field in self.fields}[name]


def load_form(path: str | Path) -> Form:
    """Load and check form.json, or that of a folder. Raises FormError."""
    path = Path(path)
    if path.is_dir():
        path = path / "form.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FormError(f"{path}: cannot be read ({error.strerror}): give a form.json") from None
    except UnicodeDecodeError:
        raise FormError(f"{path}: not UTF-8: save it again as UTF-8") from None
    except json.JSONDecodeError as error:
        raise FormError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
    try:
        return build_form(facts, path.parent, path.name)
    except FormError as error:
        raise FormError(f"{path}: {error}") from None


def build_form(facts: Any, folder: Path, file: str = "form.json") -> Form:
    """Check what a `file` in `folder` holds, and build the form of it. Raises FormError."""
    _check_schema(facts)
    image = folder / facts["image"]
    if not image.is_file():
        raise FormError(f"image {facts['image']!r}: no such file; give the blank form's picture")
    made = tuple(_field(each) for each in facts["fields"])
    _check_names(made)
    for field in made:
        _check_field(field)
    for one, other in combinations(made, 2):
        if _overlap(one.box, other.box) > OVERLAP:
            raise FormError(f"fields {one.name!r} and {other.name!r} overlap: draw them apart")
    return Form(
        facts.get("name") or folder.resolve().name,
        image,
        made,
        tuple(_rule(text, made) for text in facts.get("rules", ())),
        {f.name: find_check(f.check, folder) for f in made if f.check},
        facts.get("accept", ACCEPT),
        _calibration(facts.get("calibration", ())),
        facts,
        folder,
        folder / file,
    )


def save_form(facts: Mapping[str, Any], path: str | Path) -> Form:
    """Check a form and write it as form.json at `path`, one field a line. Raises FormError."""
    path = Path(path)
    form = build_form(dict(facts), path.parent, path.name)
    lines = []
    for key, value in facts.items():
        text = json.dumps(value, ensure_ascii=False)
        if key in ("fields", "rules"):
            rows = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in value)
            text = f"[\n{rows}\n ]" if value else "[]"
        lines.append(f" {json.dumps(key)}: {text}")
    with whole(path) as part:
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return form


@cache
def _validator():
    return fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _check_schema(facts: Any) -> None:
    try:
        _validator()(facts)
    except fastjsonschema.JsonSchemaValueException as error:
        what = error.message.removeprefix("data ").removeprefix("data.")
        index = next((int(p) for p in error.path if str(p).isdecimal()), None)
        name = ""
        if len(error.path) > 2 and error.path[1] == "fields" and index is not None:
            given = facts["fields"][index]
            name = f" ({given['name']!r})" if isinstance(given, dict) and "name" in given else ""
        about = error.definition.get("description", "see form.schema.json")
        raise FormError(f"{what}{name}: {about}") from None


def _field(facts: dict) -> Field:
    given = {f.name: facts[f.name] for f in fields(Field) if f.name in facts}
    left, top, width, height = given["box"]
    lexicon = tuple(given["lexicon"]) if "lexicon" in given else None
    return Field(**{**given, "box": (left, top, width, height), "lexicon": lexicon})


def _check_names(made: tuple[Field, ...]) -> None:
    names = [field.name for field in made]
    for number, name in enumerate(names):
        if not name.isidentifier() or name in RESERVED or name.endswith("_confidence"):
            raise FormError(
                f"field {number + 1} is called {name!r}: give a name of letters, digits and _, "
                f"not {', '.join(RESERVED)} or ..._confidence"
            )
        if name in names[:number]:
            raise FormError(f"two fields are called {name!r}: give each a name of its own")


def _check_field(field: Field) -> None:
    left, top, width, height = field.box
    where = f"field {field.name!r}"
    if not min(width, height) >= LEAST:
        raise FormError(f"{where}: its box is empty; draw it at least {LEAST} wide and high")
    if not (min(left, top) >= 0 and max(left + width, top + height) <= 1 + 1e-6):
        raise FormError(f"{where}: its box reaches outside the page; shares go from 0 to 1")
    _check_reader(field, where)
    if field.pattern and (field.lexicon or field.type == "date"):
        raise FormError(f"{where}: a pattern excludes a lexicon and a date's format: give one")
    if field.format and field.type not in ("date", "amount"):
        raise FormError(f"{where}: a format is that of a date or amount: give its type, or none")
    if field.format and field.type == "amount" and not AMOUNT.fullmatch(field.format):
        raise FormError(f"{where}: format {field.format!r}: give 0.00 or 0,00, with its decimals")
    try:
        places = field.places
    except FormError as error:
        raise FormError(f"{where}: {error}") from None
    if field.boxes and places and field.boxes not in (wildcards(places), len(places_of(places))):
        raise FormError(
            f"{where}: {field.boxes} boxes for the pattern {places!r}, "
            f"which has {wildcards(places)} characters to write: make them equal"
        )


def _check_reader(field: Field, where: str) -> None:
    if field.is_check_box:
        wrong = [f.name for f in fields(Field)[3:-1] if getattr(field, f.name) is not None]
        if wrong:
            raise FormError(f"{where}: a check box has no {wrong[0]}: leave it out")
    elif not (find_reader(field.reader) / "reader.json").is_file():
        known = ", ".join([*known_readers(), CHECK_BOX])
        raise FormError(f"{where}: no reader {field.reader!r}: there are {known}")


def places_of(pattern: str) -> list[str]:
    r"""Divide a pattern into its places, such as d, / and \d."""
    return re.findall(r"\\?.", pattern)


def wildcards(pattern: str) -> int:
    """Count the places of a pattern that have to be written."""
    return sum(place in WILDCARDS for place in places_of(pattern))


def _overlap(one: Box, other: Box) -> float:
    """Compute the area that two boxes share, as a share of the smaller one."""
    sides = [
        min(one[k] + one[k + 2], other[k] + other[k + 2]) - max(one[k], other[k]) for k in (0, 1)
    ]
    smaller = min(one[2] * one[3], other[2] * other[3])
    return max(0.0, sides[0]) * max(0.0, sides[1]) / smaller


def _rule(text: str, made: tuple[Field, ...]) -> Rule:
    rule = Rule.parse(text)
    known = [field.name for field in made if not field.is_check_box]
    for name in rule.names:
        if name not in known:
            raise FormError(f"rule {text!r}: no field {name!r} to compute with: there are {known}")
    if not rule.names:
        raise FormError(f"rule {text!r}: it names no field")
    return rule


def _calibration(points: Any) -> tuple[tuple[float, float], ...]:
    pairs = tuple((raw, share) for raw, share in points)
    if any(b[0] < a[0] or b[1] < a[1] for a, b in pairwise(pairs)):
        raise FormError("calibration: its pairs must ascend; let `ocr form test` write it again")
    return pairs
