"""What one turn of a form does: read a scan with a template. Needs the extra "desk", inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr.reading.images import ImageError
from ocr.reading.reader import Reader
from ocr.serving.processes.jobs import data_url

# Of this process: when form.json was changed, the readers it was loaded with, what reads the form.
_loaded: dict[Path, tuple[int, Mapping[str, Reader], Any]] = {}


@dataclass(frozen=True)
class FormJob:
    """A scan's bytes, and the form.json that it is read with."""

    form: Path
    data: bytes

    @property
    def readers(self) -> set[str]:
        """Its template names them, and is read where the readers are."""
        return set()

    def run(self, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
        """Read the scan: the API's object, alone in a list; a problem where it is not read."""
        from ocr.forms import pages  # an install extra, as the next
        from ocr.forms.alignment import Refused
        from ocr.forms.rules import FormError

        try:
            picture = pages.open_upload(self.data)
            page = _reader(self.form, readers).read(picture)
        except (ImageError, Refused, FormError) as error:
            return [{"problem": str(error)}]
        fields = [_field(picture, each, page.accepted(each)) for each in page.fields]
        width, height = picture.size
        return [
            {
                "form": page.form.name,
                "status": page.status,
                "fit": round(page.aligned.fit, 3),
                "width": width,
                "height": height,
                "fields": fields,
            }
        ]


def _reader(form: Path, readers: Mapping[str, Reader]):
    """Load a form once, and again when it or the readers have changed. Raises FormError."""
    from ocr.forms.reading import FormReader
    from ocr.forms.template import load_form

    modified = form.stat().st_mtime_ns
    known = _loaded.get(form)
    if known is None or known[0] != modified or known[1] is not readers:
        known = modified, readers, FormReader([load_form(form)], readers)
        _loaded[form] = known
    return known[2]


def _field(picture, each, accepted: bool) -> dict[str, Any]:
    """Convert a field's reading to the API's object, with its cut-out where it is not accepted."""
    from ocr.forms.desk.cutouts import upright

    found = {
        "name": each.field.name,
        "text": each.text,
        "confidence": round(each.confidence, 4),
        "accepted": accepted,
        "problem": each.problem,
        "alternatives": [
            {"text": text, "confidence": round(p, 4)} for text, p in each.alternatives
        ],
        "corners": [list(corner) for corner in each.corners],
    }
    return found if accepted else found | {"cutout": data_url(upright(picture, each.corners))}
