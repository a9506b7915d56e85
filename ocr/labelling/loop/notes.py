"""What the loop remembers for another day: a small JSON file beside the labels, written whole."""

import contextlib
import json
from pathlib import Path
from typing import Any

from ocr import paths
from ocr.labelling.loop.curve import Point

NAME = ".labels.loop.json"


class Notes:
    """The points of each reader's curve, and the labels that a second look has confirmed.

    A file that cannot be read is as good as none: it holds no label. `problem` says why it cannot
    be written, "" while all is well.
    """

    def __init__(self, folder: Path):
        self.path, self.problem = folder / NAME, ""
        self._points: dict[str, list[Point]] = {}
        self._kept: dict[str, str] = {}
        for part in folder.glob(f".{NAME}.*.part"):  # of a process that was killed
            part.unlink(missing_ok=True)
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads(self.path.read_text(encoding="utf-8"))
            points, kept = dict(found["points"]), dict(found["kept"])
            self._points = {name: [Point(**each) for each in some] for name, some in points.items()}
            self._kept = kept

    def points(self, name: str) -> tuple[Point, ...]:
        """The points of a reader's curve, oldest first."""
        return tuple(self._points.get(name, ()))

    def add(self, name: str, point: Point) -> None:
        """Add a point to a reader's curve."""
        self._points.setdefault(name, []).append(point)
        self._write()

    def is_kept(self, file: str, label: str) -> bool:
        """Has a person confirmed this very label?"""
        return self._kept.get(file) == label

    def keep(self, file: str, label: str) -> None:
        """Note that a label is right, whatever a reader says."""
        self._kept[file] = label
        self._write()

    def _write(self) -> None:
        points = {name: [each._asdict() for each in some] for name, some in self._points.items()}
        text: dict[str, Any] = {"points": points, "kept": self._kept}
        try:
            with paths.whole(self.path) as part:
                part.write_text(json.dumps(text, ensure_ascii=False, indent=1), encoding="utf-8")
        except OSError as error:
            self.problem = f"{NAME} cannot be written ({error.strerror or error})"
        else:
            self.problem = ""
