"""Pages of scans: images, multi-page TIFF, PDF, in folders and zips, one in memory at a time."""

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pypdfium2
from PIL import Image

from ocr.reading.files import (
    EXTENSIONS,
    Found,
    find_images,
    printable,
    read_named,
    unreadable,
)
from ocr.reading.images import (
    FORMATS,
    MAX_PIXELS,
    ImageError,
    one_line,
    open_image,
)

DPI = 200  # at which a PDF's pages are rendered
MAX_PAGES = 1_000  # of one file
REOPENED = 50  # pages
TIFF = {".tif", ".tiff"}
PDF = ".pdf"
NOTHING = (
    "no scans in it: give pdf, tiff, png, jpg, bmp, webp or gif files, or a folder or zip with some"
)
NUMBERED = re.compile(r"(.+\.(?:pdf|tiff?))#(\d+)", re.IGNORECASE)
NAMELESS = ""  # the name of what is no file on this machine
PASSWORD = 4  # FPDF_ERR_PASSWORD


class Page(NamedTuple):
    """A page: its name, `scans.pdf#3` in a file of several; a function that opens it.

    open() returns mode "L" or "RGB", or raises ImageError. Call it before the next page is asked
    for: the file is closed then.
    """

    name: str
    open: Callable[[], Image.Image]


def find_pages(paths: Iterable[str | Path]) -> Iterator[Page]:
    """List the pages of files, folders (with sub-folders) and zips, in the order of their names.

    Nothing is decoded until a page is opened. What cannot be opened is one page whose `open` says
    why; the others go on.
    """
    for path in paths:
        empty, alone = True, Path(path).is_file() and Path(path).suffix.lower() != ".zip"
        try:
            for found in find_images(path, every_file=True):
                if alone or _is_scan(found):
                    empty = False
                    yield from _pages(found)
                elif found.fault:
                    yield _faulty(found.name, found.fault)
            if empty:
                yield _faulty(str(path), NOTHING)
        except ImageError as error:
            yield _faulty(str(path), str(error))


def open_page(path: str | Path) -> Image.Image:
    """Open the first page of a file, mode "L" or "RGB". Raises ImageError."""
    for page in find_pages([path]):
        return page.open()
    raise ImageError(f"{path}: {NOTHING}")


def open_named(name: str) -> Image.Image:
    """Open a page by its name from `find_pages`, in any process. Raises ImageError."""
    numbered = NUMBERED.fullmatch(name)
    file = name if numbered is None or Path(name).is_file() else numbered[1]
    for page in _pages(Found(file, partial(read_named, file))):
        if page.name == printable(name):
            return page.open()
    raise ImageError("no longer a page of its file")


def open_upload(data: bytes) -> Image.Image:
    """Open the one page of a file in memory; its first bytes say what it is. Raises ImageError."""
    found = Found(NAMELESS, lambda: data)
    if data[:1024].lstrip().startswith(b"%PDF"):
        pages = _pdf_pages(found)
    elif data[:4] in (b"II*\0", b"MM\0*"):
        pages = _tiff_pages(found)
    else:
        return open_image(data)
    try:
        picture = next(pages).open()
        if next(pages, None) is not None:
            raise ImageError("several pages: send one at a time")
        return picture
    finally:
        pages.close()  # type: ignore[attr-defined]


def file_name(page: str) -> str:
    """Name a file after a page; a digest keeps those of different folders apart."""
    digest = hashlib.sha256(page.encode()).hexdigest()[:6]
    return f"{PurePosixPath(page).name.replace('#', '-page-')}-{digest}"


def _is_scan(found: Found) -> bool:
    return PurePosixPath(found.name).suffix.lower() in EXTENSIONS | {PDF}


def _faulty(name: str, message: str) -> Page:
    return Page(printable(name), unreadable(name, message).read)  # type: ignore[arg-type]


def _pages(found: Found) -> Iterator[Page]:
    suffix = PurePosixPath(found.name).suffix.lower()
    if suffix == PDF:
        yield from _pdf_pages(found)
    elif suffix in TIFF:
        yield from _tiff_pages(found)
    else:
        yield Page(printable(found.name), lambda: open_image(found.read()))


def _numbered(name: str, count: int, open_number: Callable[[int], Image.Image]) -> Iterator[Page]:
    """Name the pages of a file, `name` alone where it has one; one fault for those too many."""
    for number in range(min(count, MAX_PAGES)):
        own = name if count == 1 else f"{name}#{number + 1}"
        yield Page(own, partial(open_number, number))
    if count > MAX_PAGES:
        message = f"{count:,} pages, the first {MAX_PAGES:,} are read: divide the file"
        yield _faulty(f"{name}#{MAX_PAGES + 1}", message)


# --- TIFF


def _tiff_pages(found: Found) -> Iterator[Page]:
    name = printable(found.name)
    try:
        data = found.read()
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            count = getattr(picture, "n_frames", 1)
            if count > 1:
                yield from _numbered(name, count, partial(_frame, picture))
                return
    except ImageError as error:
        yield _faulty(name, str(error))
        return
    except Exception:  # as a damaged file raises; open_image reports it
        pass
    yield Page(name, lambda: open_image(data))


def _frame(picture: Image.Image, number: int) -> Image.Image:
    try:
        picture.seek(number)
    except Exception as error:  # Pillow raises EOFError, OSError, SyntaxError, struct.error, ...
        raise ImageError(f"damaged page ({one_line(error)}): scan it again") from None
    return open_image(picture)


# --- PDF


def _pdf_pages(found: Found) -> Iterator[Page]:
    name = printable(found.name)
    try:
        pdf = _Pdf(found)
    except ImageError as error:
        yield _faulty(name, str(error))
        return
    try:
        if not pdf.count:
            yield _faulty(name, "a PDF without pages: export it again")
        yield from _numbered(name, pdf.count, pdf.render)
    finally:
        pdf.document.close()


class _Pdf:
    """A PDF that is opened again after every REOPENED pages: PDFium keeps what it has loaded."""

    def __init__(self, found: Found):
        self.found, self.document, self.rendered = found, _open_pdf(found), 0
        self.count = len(self.document)

    def render(self, number: int) -> Image.Image:
        """Render a page. Raises ImageError."""
        if self.rendered == REOPENED:
            self.document.close()
            self.document, self.rendered = _open_pdf(self.found), 0
        self.rendered += 1
        return _render(self.document, number)


def _open_pdf(found: Found) -> pypdfium2.PdfDocument:
    """Open a PDF: a file by its path, without loading it; a zip's member in memory."""
    path = Path(found.name)
    try:
        if path.is_file():
            with open(path, "rb") as file:
                if not file.read(1):
                    raise ImageError("empty file (0 bytes)")
            return pypdfium2.PdfDocument(path)
        return pypdfium2.PdfDocument(found.read())
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == PASSWORD:
            raise ImageError("a PDF with a password: save it without one") from None
        raise ImageError("damaged PDF: export it again, or save its pages as PNG") from None
    except OSError as error:
        raise ImageError(f"cannot be opened: {error.strerror or error}") from None


def _render(document: pypdfium2.PdfDocument, number: int) -> Image.Image:
    """Render a page at DPI, a very large one at fewer, in grey or colour."""
    try:
        page = document[number]
        try:
            width, height = page.get_size()
            scale = min(DPI / 72, (0.98 * MAX_PIXELS / max(width * height, 1)) ** 0.5)
            if min(width, height) * scale < 16:
                raise ImageError(f"a page of {width:.0f} x {height:.0f} points: too small")
            return page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
        finally:
            page.close()
    except (pypdfium2.PdfiumError, ValueError, OSError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"damaged page ({one_line(error)}): export the PDF again") from None
