"""Where files lie, how they are read, and how they are written: whole or not at all.

In a checkout everything lies beside the package; an installed package keeps what it makes (readers,
checkpoints, logs, pictures) in the current folder.
"""

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = (PACKAGE.parent / "CTCLayer.py").is_file()
ROOT = PACKAGE.parent if CHECKOUT else Path.cwd()
DATA = ROOT / "data"
MODELS = ROOT / "models"  # where readers are saved
CACHE = ROOT / ".cache"  # checkpoints; ignored by git
DAMAGED = ".damaged"  # ending of a checkpoint that was set aside
LOGS = ROOT / "logs"  # what TensorBoard shows
FIGURES = ROOT / "figures"  # pictures of a training in a terminal


def reader_places() -> list[Path]:
    """List the folders in which a reader is looked up by its name, first come first served."""
    return [MODELS, PACKAGE / "models"]


def read_file(path: str | os.PathLike, most: int) -> bytes:
    """Read a file of at most `most` bytes. Raises OSError, with EFBIG where it has more.

    A pipe or a device is refused, as a folder is: reading one may never end.
    """
    # O_NONBLOCK: a pipe that nobody writes to would wait to be opened.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "a pipe or a device, not a file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return data


def checkpoints(folder: Path) -> list[Path]:
    """List what trainings have left in a folder of checkpoints, the newest first."""
    kinds = ("*.npz", "*-drawn-*.zip", f"*{DAMAGED}", ".*.npz.*.part", ".*.zip.*.part")
    left = [file for kind in kinds for file in folder.glob(kind)]
    return sorted(left, key=lambda file: file.stat().st_mtime, reverse=True)


@contextmanager
def whole(target) -> Iterator[Path]:
    """Write a file or folder whole or not at all.

    Gives a new path beside `target` to write to, hidden (its name begins with a dot) and unlike
    that of any other process. When the block ends it takes the place of `target`; when the block
    raises it is removed, and `target` is as it was. A folder in the way is moved aside until the
    new one is there.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        if target.is_dir():
            old = part.with_suffix(".old")
            target.rename(old)
            part.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(part, target)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
