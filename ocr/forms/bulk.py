"""Read the pages of many scans: rows in a journal, tables, pictures to look at."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from ocr.forms.alignment import Refused
from ocr.forms.journal import Journal, Row, left_over, refused_row, row_of
from ocr.forms.pages import Page, file_name
from ocr.forms.reading import FormReader, PageReading
from ocr.paths import whole
from ocr.reading.bulk import NO_MEMORY
from ocr.reading.images import ImageError

GOOD, DOUBTFUL = (0, 130, 60), (210, 60, 0)
SHOWN = 1600  # pixels of the longest side of an overlay


def read_pages(
    reader: FormReader, pages: Iterable[Page], journal: Journal, overlays: Path | None = None
) -> Iterator[Row]:
    """Read the pages that the journal does not have, one in memory at a time; yield their rows.

    overlays: a folder for a picture of each page, with what was read on it.
    """
    for page in left_over(pages, journal.done):
        picture, found = None, None
        try:
            picture = page.open()
            found = reader.read(picture)
            row = row_of(page.name, found)
        except (ImageError, Refused) as error:
            row = refused_row(page.name, str(error))
        except MemoryError:
            row = refused_row(page.name, NO_MEMORY)
        if overlays is not None and picture is not None:
            _save_overlay(overlays, page.name, overlay(picture, found, row["status"]))
        journal.append(row)
        yield row


def overlay(picture: Image.Image, page: PageReading | None, status: str) -> Image.Image:
    """Draw what was read over a scan: accepted fields green, the others orange, why beside."""
    shown = picture.convert("RGB")
    scale = min(1.0, SHOWN / max(shown.size))
    shown = shown.resize([max(1, round(side * scale)) for side in shown.size])
    draw = ImageDraw.Draw(shown)
    for each in page.fields if page else ():
        corners = [(x * scale, y * scale) for x, y in each.corners]
        colour = GOOD if page and page.accepted(each) else DOUBTFUL
        draw.polygon(corners, outline=colour, width=2)
        text = f"{each.text}  {each.confidence:.0%}" + (f"  {each.problem}" if each.problem else "")
        left, top = min(x for x, _ in corners), min(y for _, y in corners)
        _write(draw, (left, top - 17), text, colour)
    _write(draw, (8, 8), status, GOOD if status == "read" else DOUBTFUL)
    return shown


def _write(draw: ImageDraw.ImageDraw, spot: tuple[float, float], text: str, colour) -> None:
    """Write text on white ground."""
    draw.rectangle(draw.textbbox(spot, text, font_size=14), (255, 255, 255))
    draw.text(spot, text, colour, font_size=14)


def _save_overlay(folder: Path, name: str, picture: Image.Image) -> None:
    with whole(folder / f"{file_name(name)}.jpg") as part:
        picture.save(part, "JPEG", quality=85)
