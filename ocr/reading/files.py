"""Image files: list those of files, folders and zips, and read them by name."""

import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import count
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from ocr.reading.images import FORMATS, MAX_BYTES, ImageError, one_line, read_bytes

EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
LOCAL_HEADER = 30  # bytes before the name of a zip's member, where its data begin
HEAD = 2**16  # bytes of a file that are searched for the size of its image
NO_IMAGES = (
    "no images in it: give a folder or a zip with png, jpg, bmp, webp, gif or tiff files "
    "(a zip inside a zip is not opened)"
)


class Found(NamedTuple):
    """An image file: its name, and functions that read it.

    name   with "/" on every system
    read   returns its bytes, or raises ImageError; of those that are listed here, it can be pickled
    fault  why it cannot be read, where that is known in advance
    head   returns the first HEAD bytes
    state  returns what changes when the file is replaced: size and times, or a zip's checksum
    """

    name: str
    read: Callable[[], bytes]
    fault: str | None = None
    head: Callable[[], bytes] = bytes
    state: Callable[[], str] = str

    @property
    def is_image(self) -> bool:
        """Does the name have an image's extension?"""
        return PurePosixPath(self.name).suffix.lower() in EXTENSIONS

    def size(self) -> tuple[int, int] | None:
        """Read (width, height) as displayed from the file's head, without decoding; else None."""
        try:
            picture = Image.open(io.BytesIO(self.head()), formats=FORMATS)
            turned = picture.getexif().get(0x0112, 1) >= 5  # EXIF orientation: by 90 degrees
            return picture.size[::-1] if turned else picture.size
        except Exception:  # faults are reported when the image is decoded
            return None


def find_images(path: str | os.PathLike, every_file: bool = False) -> Iterator[Found]:
    """List the image files of a file, folder (with sub-folders) or zip, sorted, without reading.

    Hidden files and `__MACOSX` are skipped; `every_file` also yields files without an image's
    extension. Names use "/" on every system and start with `path` as given. Raises ImageError where
    `path` does not exist or is a damaged zip.
    """
    path = Path(path)
    if not path.exists():
        raise ImageError("no such file or folder")
    if path.is_dir():
        yield from _in_folder(path, every_file)
    elif path.suffix.lower() == ".zip":
        yield from _in_zip(path, every_file)
    else:
        yield _file(path)


Expand = Callable[[str], Iterable[Found]]


def find_all(
    paths: Iterable[str | os.PathLike],
    passed: Counter[str] | None = None,
    expand: Mapping[str, Expand] | None = None,
) -> Iterator[Found]:
    """List every image in `paths`, also in zips that lie in folders.

    A missing or empty path yields one whose `read` raises. passed: counts the files that are passed
    over, by extension. expand: {extension: function from a file's path to the images in it}, for
    files that hold several.
    """
    passed, expand = Counter() if passed is None else passed, {**(expand or {})}
    expand.setdefault(".zip", lambda name: _all_in(name, passed, {}))
    for path in paths:
        empty = True
        try:
            for found in _all_in(path, passed, expand):
                empty = False
                yield found
            if empty:
                raise ImageError(NO_IMAGES)
        except ImageError as error:
            yield unreadable(str(path), str(error))


def _all_in(
    path: str | os.PathLike, passed: Counter[str], expand: Mapping[str, Expand]
) -> Iterator[Found]:
    """List the images of a path; `expand` opens files, not those inside a zip."""
    alone = os.path.isfile(path) and Path(path).suffix.lower() != ".zip"
    for found in find_images(path, every_file=True):
        extension = PurePosixPath(found.name).suffix.lower()
        if extension in expand and os.path.isfile(found.name):
            try:
                yield from expand[extension](found.name)
            except ImageError as error:
                yield unreadable(found.name, str(error))
        elif alone or found.fault or found.is_image:
            yield found
        else:
            passed[extension.removeprefix(".") or "without extension"] += 1


def _file(path: Path) -> Found:
    def head() -> bytes:
        with open(path, "rb") as file:
            return file.read(HEAD)

    return Found(path.as_posix(), partial(read_bytes, path), None, head, lambda: _state(path))


def _state(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:  # `read` says why
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _wanted(name: str, every_file: bool) -> bool:
    parts = PurePosixPath(name).parts
    if any(p == "__MACOSX" or (p.startswith(".") and p not in (".", "..")) for p in parts):
        return False
    return every_file or PurePosixPath(name).suffix.lower() in EXTENSIONS


def _in_folder(folder: Path, every_file: bool, above: tuple = ()) -> Iterator[Found]:
    here = os.path.realpath(folder)
    if here in above:  # a link back to a folder above
        return
    try:
        with os.scandir(folder) as scan:
            entries = sorted((e.name, _is_folder(e)) for e in scan)
    except OSError as error:
        yield unreadable(f"{folder.as_posix()}/", f"cannot be opened: {error.strerror}")
        return
    for name, is_folder in entries:
        if name.startswith(".") or name == "__MACOSX":
            continue
        if is_folder:
            yield from _in_folder(folder / name, every_file, (*above, here))
        elif _wanted(name, every_file):
            yield _file(folder / name)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def unreadable(name: str, message: str) -> Found:
    """Stand in for an image that cannot be found: its `read` raises ImageError with `message`."""

    return Found(name, partial(_raise, message), message)


def _raise(message: str) -> bytes:
    raise ImageError(message)


def read_named(name: str) -> bytes:
    """Read an image by its name from `find_images`, in any process. Raises ImageError."""
    path = Path(name)
    archive = next(
        (above for above in path.parents if above.suffix.lower() == ".zip" and above.is_file()),
        None,
    )
    if archive is None:
        return read_bytes(path)
    try:
        opened, members = _members(str(archive), archive.stat().st_mtime_ns, os.getpid())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ImageError(f"its zip can no longer be opened ({one_line(error)})") from None
    member = path.relative_to(archive).as_posix()
    if member not in members:
        raise ImageError("no longer in its zip")
    return _read_member(opened, members[member])


@lru_cache(maxsize=2)
def _members(
    path: str, modified: int, process: int
) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Open a zip and index its members by name; cached until its modification time changes.

    A fork shares the place in an open file with its parent, so each process opens its own.
    """
    archive = zipfile.ZipFile(path)
    return archive, _by_name(archive)


def _by_name(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Index the members of a zip by name; a name that comes again gets a number: "a (2).png".

    Raises BadZipFile where members overlap: some kilobytes could stand for many images.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise zipfile.BadZipFile("members that overlap")
        end = info.header_offset + LOCAL_HEADER + len(info.orig_filename) + info.compress_size
        name = info.filename.replace("\\", "/")  # as some Windows tools write it
        path = PurePosixPath(name.lstrip("/"))
        copies = (path.with_stem(f"{path.stem} ({n})") for n in count(2))
        while not name.endswith("/") and path.as_posix() in members:
            path = next(copies)
        members[path.as_posix() + "/" * name.endswith("/")] = info
    return members


def _in_zip(path: Path, every_file: bool) -> Iterator[Found]:
    try:
        if not path.is_file():  # a pipe, a device
            raise OSError("not a file")
        archive = zipfile.ZipFile(path)
        members = _by_name(archive)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ImageError(
            f"not a zip file that can be opened ({one_line(error)}): create it again"
        ) from None
    for name, info in sorted(members.items()):
        if not name.endswith("/") and _wanted(name, every_file):
            yield Found(
                f"{path.as_posix()}/{name}",
                partial(read_named, f"{path.as_posix()}/{name}"),
                None,
                partial(_read_member, archive, info, HEAD),
                partial("{:08x} {}".format, info.CRC, info.file_size),
            )


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = MAX_BYTES + 1
) -> bytes:
    """Unpack at most `most` bytes of a zip's member in memory; a header may lie about its size."""
    if ".." in PurePosixPath(info.filename.replace("\\", "/")).parts:
        raise ImageError("its name points outside the zip (..): create the zip again")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ImageError(  # the others' unpacking has no bound
            f"packed by method {info.compress_type}: create the zip again, stored or deflated"
        )
    try:
        with archive.open(info) as member:
            data = member.read(most)
    except Exception as error:  # BadZipFile, zlib.error, RuntimeError (password), EOFError, ...
        raise ImageError(f"cannot be unpacked ({one_line(error)}): create the zip again") from None
    if len(data) > MAX_BYTES:
        raise ImageError(f"unpacks to more than {MAX_BYTES >> 20} MiB: too large for an image")
    return data


def printable(name: str) -> str:
    """Escape undecodable bytes and control characters in a file name."""
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*")  # no formula, though it may begin with a sign
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def no_formula(cell: str) -> str:
    """Put an apostrophe before a cell of CSV that a spreadsheet would take for a formula.

    Cells that begin with one get another, so that taking away the first one gives every cell back.
    """
    return f"'{cell}" if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell) else cell


def from_cell(cell: str) -> str:
    """Take the apostrophe away that `no_formula` put before a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
