"""Images in files, folders and zips, by name."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from ocr.reading.images import FORMATS, MAX_BYTES, ImageError, one_line, read_bytes

EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
HEAD = 2**16  # bytes in which an image's size is looked for


class Found(NamedTuple):
    """One image file met on the way: its name, a function giving its bytes, and why there are none, where that is known."""

    name: str
    read: Callable[[], bytes]
    fault: str | None = None
    head: Callable[[], bytes] = bytes  # gives the first HEAD bytes

    @property
    def is_image(self) -> bool:
        """Has it an image's extension?"""
        return PurePosixPath(self.name).suffix.lower() in EXTENSIONS

    def size(self) -> tuple[int, int] | None:
        """(width, height) as shown, from the file's header, or None; nothing is decoded, and no more than its head read."""
        try:
            picture = Image.open(io.BytesIO(self.head()), formats=FORMATS)
            turned = picture.getexif().get(0x0112, 1) >= 5  # the camera was held upright
            return picture.size[::-1] if turned else picture.size
        except Exception:  # whatever is wrong with it is reported when it is decoded
            return None


def find_images(path, every_file: bool = False) -> Iterator[Found]:
    """The image files of a file, folder (with sub-folders) or zip, sorted by name, without reading them.

    Hidden files and `__MACOSX` are passed over; `every_file` also yields files without an image's extension. Names
    use "/" on every system and start with `path` as given. Raises ImageError where `path` is missing or no zip.
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


def find_all(paths):
    """Every image in `paths` as images.Found; a path that is missing or empty yields one whose `read` raises."""
    for path in paths:
        count = 0
        try:
            for count, found in enumerate(find_images(path), start=1):
                yield found
            if not count:
                raise ImageError(
                    "no images in it: name a folder or a zip with png, jpg, bmp or webp files (a zip inside a "
                    "folder is not opened)"
                )
        except ImageError as error:
            yield unreadable(str(path), str(error))


def _file(path: Path) -> Found:
    def head() -> bytes:
        with open(path, "rb") as file:
            return file.read(HEAD)

    return Found(path.as_posix(), lambda: read_bytes(path), None, head)


def _wanted(name: str, every_file: bool) -> bool:
    parts = PurePosixPath(name).parts
    if any(p == "__MACOSX" or (p.startswith(".") and p not in (".", "..")) for p in parts):
        return False
    return every_file or PurePosixPath(name).suffix.lower() in EXTENSIONS


def _in_folder(folder: Path, every_file: bool, above: tuple = ()) -> Iterator[Found]:
    here = os.path.realpath(folder)
    if here in above:  # a link that leads back
        return
    try:
        with os.scandir(folder) as entries:
            entries = sorted((e.name, _is_folder(e)) for e in entries)
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


def _is_folder(entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def unreadable(name: str, message: str) -> Found:
    """What stands in for an image that cannot even be found: its `read` raises ImageError with `message`."""

    def read():
        raise ImageError(message)

    return Found(name, read, message)


def read_named(name: str) -> bytes:
    """The bytes of an image by the name that `find_images` gave it, in whatever process. Raises ImageError."""
    path = Path(name)
    archive = next(
        (above for above in path.parents if above.suffix.lower() == ".zip" and above.is_file()),
        None,
    )
    if archive is None:
        return read_bytes(path)
    try:
        opened, members = _members(str(archive), archive.stat().st_mtime_ns)
    except (zipfile.BadZipFile, OSError) as error:
        raise ImageError(f"its archive cannot be opened any more ({one_line(error)})") from None
    member = path.relative_to(archive).as_posix()
    if member not in members:
        raise ImageError("no longer in the archive")
    return _read_member(opened, members[member])


@lru_cache(maxsize=2)
def _members(path: str, changed: int) -> tuple[zipfile.ZipFile, dict]:
    archive = zipfile.ZipFile(path)
    return archive, {
        PurePosixPath(info.filename.replace("\\", "/").lstrip("/")).as_posix(): info
        for info in archive.infolist()
    }


def _in_zip(path: Path, every_file: bool) -> Iterator[Found]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ImageError(
            f"not a zip file that can be opened ({one_line(error)}): pack it again"
        ) from None
    for info in sorted(archive.infolist(), key=lambda i: i.filename):
        name = info.filename.replace("\\", "/")  # as some packers on Windows have it
        if not name.endswith("/") and _wanted(name, every_file):
            yield Found(
                f"{path.as_posix()}/{name}",
                lambda i=info: _read_member(archive, i),
                None,
                lambda i=info: _read_member(archive, i, HEAD),
            )


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = MAX_BYTES + 1
) -> bytes:
    """A member's bytes; the size is bounded while unpacking, as a bomb's header may lie. Nothing is written to disk."""
    if ".." in PurePosixPath(info.filename.replace("\\", "/")).parts:
        raise ImageError("its name leads out of the archive (..): pack the zip again")
    try:
        with archive.open(info) as member:
            data = member.read(most)
    except Exception as error:  # BadZipFile, zlib.error, RuntimeError (password), NotImplementedError, EOFError, ...
        raise ImageError(f"cannot be unpacked ({one_line(error)}): pack the zip again") from None
    if len(data) > MAX_BYTES:
        raise ImageError(f"unpacks to more than {MAX_BYTES >> 20} MiB: not an image to read")
    return data


def printable(name: str) -> str:
    """A file name may hold bytes that are no text, and control characters that no format can carry."""
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
