"""A folder's lock: one process labels a folder at a time."""

import contextlib
import errno
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = ".labels.lock"
FAR = 1 << 20  # Windows locks bytes against reading, too: one behind the text


class Busy(RuntimeError):
    """Another process labels the folder; the message is one line."""


class FolderLock:
    """Hold a folder's lock file, which says who holds it. Raises Busy, OSError.

    The operating system drops the lock when the process ends, however it ends: the file of a killed
    process is stale and is taken over. Do not fork while holding it: the child would hold it, too.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # it has the token
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise Busy(f"{folder}: is being labelled already, {self._holder()}") from None
        self.announce("")

    def _holder(self) -> str:
        with contextlib.suppress(OSError):
            pid, _, address = self.path.read_text(encoding="utf-8").strip().partition(" ")
            return f"by process {pid}: open {address or 'its address'}, or stop it with Ctrl-C"
        return "by another process: stop it with Ctrl-C"

    def announce(self, address: str) -> None:
        """Write the process's number and its address, for `Busy` elsewhere."""
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        with contextlib.suppress(OSError):  # a full disk: the lock itself holds
            os.write(self._file, f"{os.getpid()} {address}\n".encode())

    def release(self) -> None:
        """Release the lock; the empty file stays, since another process may wait for it."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def _lock(file: int) -> None:
    """Lock an open file, or raise OSError where another process holds it.

    File systems that have no locks, as some network folders, are used without.
    """
    if sys.platform == "win32":
        os.lseek(file, FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                raise
