"""Draw blank forms: print, boxes, combs and lines to write in."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from ocr.drawing import fonts

DPI = 200
MM = DPI / 25.4  # pixels
INK, GREY, LINE = (25, 25, 30), (90, 90, 95), (60, 60, 70)
CELL = (6.5, 9.0)  # width and height of a comb's cell in mm


@dataclass(frozen=True)
class Entry:
    """A field of a sheet: its box in pixels (left, top, width, height), and its form.json."""

    box: tuple[int, int, int, int]
    facts: dict

    @property
    def name(self) -> str:
        """The field's name."""
        return self.facts["name"]

    @property
    def cells(self) -> int | None:
        """The cells of its comb, None where it has none."""
        return self.facts.get("boxes")


Values = Callable[[np.random.Generator], dict[str, str]]


@dataclass
class Sheet:
    """A blank form: its picture "RGB" at DPI, its fields, what people write into them."""

    name: str
    size: tuple[float, float]  # mm
    values: Values
    right_to_left: bool = False
    rules: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        width, height = (round(side * MM) for side in self.size)
        self.picture = Image.new("RGB", (width, height), (255, 255, 255))
        self.draw = ImageDraw.Draw(self.picture)

    def facts(self, image: str = "blank.png") -> dict:
        """Make what form.json holds."""
        width, height = self.picture.size
        made = []
        for entry in self.entries:
            shares = [n / side for n, side in zip(entry.box, (width, height) * 2)]
            box = {"box": [round(share, 5) for share in shares]}
            made.append({"name": entry.name} | box | entry.facts)
        return {"name": self.name, "image": image, "fields": made, "rules": self.rules}

    def text(
        self, x: float, y: float, text: str, tall: float = 3.4, bold: bool = False, ink=INK
    ) -> None:
        """Write text, its left (or right, right to left) and middle at (x, y) mm."""
        family = "noto_sans_arabic" if self.right_to_left else "open_sans"
        file = fonts.fonts((family,))[0]
        font = fonts.sized(file, round(tall * MM * (1.25 if bold else 1.0)))
        anchor, spot = "rm" if self.right_to_left else "lm", (x * MM, y * MM)
        self.draw.text(spot, text, ink, font, anchor=anchor, stroke_width=int(bold))

    def line(self, x0: float, y0: float, x1: float, y1: float, thick: float = 0.25) -> None:
        """Draw a line between two points in mm."""
        ends = (x0 * MM, y0 * MM, x1 * MM, y1 * MM)
        self.draw.line(ends, LINE, max(1, round(thick * MM)))

    def frame(self, x: float, y: float, width: float, height: float, thick: float = 0.25) -> None:
        """Draw a rectangle, in mm."""
        corners = (x * MM, y * MM, (x + width) * MM, (y + height) * MM)
        self.draw.rectangle(corners, None, LINE, max(1, round(thick * MM)))

    def comb(self, x: float, y: float, cells: int, **facts) -> None:
        """Draw a comb of cells, and add its field."""
        wide, high = CELL
        self.frame(x, y, cells * wide, high)
        for k in range(1, cells):
            self.line(x + k * wide, y, x + k * wide, y + high)
        self._add(x, y, cells * wide, high, facts | {"boxes": cells})

    def box(self, x: float, y: float, width: float, height: float, **facts) -> None:
        """Draw a box to write in, and add its field."""
        self.frame(x, y, width, height)
        self._add(x, y, width, height, facts)

    def ruled(self, x: float, y: float, width: float, height: float, **facts) -> None:
        """Draw a line to write on, and add its field."""
        self.line(x, y + 0.8 * height, x + width, y + 0.8 * height)
        self._add(x, y, width, height, facts)

    def _add(self, x: float, y: float, width: float, height: float, facts: dict) -> None:
        left, top, right, bottom = (round(side * MM) for side in (x, y, x + width, y + height))
        self.entries.append(Entry((left, top, right - left + 1, bottom - top + 1), facts))
