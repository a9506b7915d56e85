"""Find data on disk, else download it: verified, resumed where it was interrupted; else draw it."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from ocr.datasets.labels import DataError
from ocr.paths import DATA, ROOT

BLOCK = 1 << 16
TIMEOUT = 10  # seconds without a byte

T = TypeVar("T")


def data_folders() -> list[Path]:
    """List where data is looked for: $OCR_DATA (absolute or relative to the root), then data/.

    Raises DataError where $OCR_DATA is not a folder.
    """
    given = os.environ.get("OCR_DATA")
    if not given:
        return [DATA]
    folder = ROOT / given  # an absolute path stays itself
    if not folder.is_dir():
        raise DataError(f"OCR_DATA={given} is not a folder: correct or unset it")
    return [folder, DATA]


def locate(found: Iterable[T], fetch: Callable[[], T] | None, draw: Callable[[], T]) -> T:
    """Return the first data set `found`, else `fetch` it, else `draw` a substitute.

    fetch: downloads it, or None where that is not allowed; a failure is printed.
    """
    for data in found:
        return data
    if fetch:
        try:
            return fetch()
        except (ValueError, zipfile.BadZipFile) as error:  # DataError is a ValueError
            print(error)
    return draw()


def sha256(path: str | os.PathLike) -> str:
    """Hash a file: hex digest."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, target: str | os.PathLike, verify: Callable[[Path], bool]) -> Path:
    """Download `url` to `target` and return it; a file that does not pass `verify` is removed.

    An interrupted download is kept beside `target` as NAME.part.SUFFIX and resumed by the next
    call. Raises DataError.
    """
    target = Path(target)
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fetch(url, part)
        if not verify(part):
            part.unlink()
            raise DataError(
                f"{url} has unexpected content: download {target.name} by hand and put it in data/"
            )
        part.replace(target)
    except OSError as error:
        kept = part.stat().st_size if part.exists() else 0
        later = f"; {kept:,} bytes are kept, the next attempt resumes" if kept else ""
        raise DataError(f"{url} could not be downloaded ({error}){later}") from None
    return target


def _fetch(url: str, part: Path):
    """Append to `part` what is missing; start again where the server cannot resume.

    Raises OSError.
    """
    import http.client  # for speed, as the next two: 40 ms that few runs need
    import urllib.request

    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
        with answer:
            have = have if answer.status == 206 else 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            bar = tqdm(
                total=total, initial=have, unit="B", unit_scale=True, desc=part.name, disable=None
            )
            with bar, open(part, "ab" if have else "wb") as out:
                while block := answer.read(BLOCK):
                    out.write(block)
                    bar.update(len(block))
                if total is not None and out.tell() != total:
                    raise OSError(f"interrupted after {out.tell():,} bytes")
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is missing
            raise
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from None
