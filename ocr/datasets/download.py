"""Find data on disk, or fetch a file: resumed where it was cut, verified, in place when whole."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from ocr.datasets.labels import DataError
from ocr.paths import DATA, ROOT

BLOCK = 1 << 16


def data_folders() -> list[Path]:
    """List where data is looked for: $OCR_DATA (absolute, or relative to the root) if set, then data/.

    Raises DataError where $OCR_DATA is not a folder.
    """
    folders = [DATA]
    if os.environ.get("OCR_DATA"):
        folders.insert(0, ROOT / os.environ["OCR_DATA"])  # an absolute path stays itself
        if not folders[0].is_dir():
            raise DataError(
                f"OCR_DATA={os.environ['OCR_DATA']} is no folder: correct it or unset it"
            )
    return folders


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, target: Path, right: Callable[[Path], bool]) -> Path:
    """Fetch `url` to `target`, which then satisfies `right`; a file that does not is removed. Raises DataError.

    What a cut connection left lies beside `target`, as NAME.part.SUFFIX, and the next call goes on from there.
    """
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fetch(url, part)
        if not right(part):
            part.unlink()
            raise DataError(
                f"{url} does not hold what it should: get {target.name} by hand and put it in data/"
            )
        part.replace(target)
    except (OSError, http.client.HTTPException) as error:
        kept = part.stat().st_size if part.exists() else 0
        later = f"; {kept:,} bytes are kept, the next try goes on from there" if kept else ""
        raise DataError(f"{url} could not be downloaded ({error}){later}") from None
    return target


def _fetch(url: str, part: Path):
    """Append to `part` what it lacks, or begin anew where the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            return
        raise
    with answer:
        have = have if answer.status == 206 else 0
        length = answer.headers.get("Content-Length")
        with (
            open(part, "ab" if have else "wb") as out,
            tqdm(
                total=have + int(length) if length else None,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=part.name,
                disable=None,
            ) as bar,
        ):
            while block := answer.read(BLOCK):
                out.write(block)
                bar.update(len(block))
            if length and out.tell() != have + int(length):
                raise OSError(f"cut short after {out.tell():,} bytes")
