"""Lock files: one process at a time labels a folder, or trains a reader."""

import contextlib
import errno
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FAR = 1 << 20  # Windows locks bytes against reading, too: one behind the text


class Busy(RuntimeError):
    """Another process holds a lock; the message is one line."""


class Lock:
    """Hold a lock file, which says who holds it. Raises Busy, OSError.

    path: of the file. busy: what is said elsewhere meanwhile, as "FOLDER: is being labelled
    already". The operating system drops the lock when the process ends, however it ends: the file
    of a killed process is stale and is taken over. Do not fork while holding it: the child would
    hold it, too.
    """

    def __init__(self, path: Path, busy: str):
        self.path = path
        self._file = self._open(busy)
        self.announce("")

    def _open(self, busy: str) -> int:
        """Open and lock the file; again where it was removed in between."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # it has the token
            try:
                _lock(file)
            except OSError:
                os.close(file)
                raise Busy(f"{busy}, {self._holder()}") from None
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(file), os.stat(self.path)):
                    return file
            os.close(file)

    def _holder(self) -> str:
        with contextlib.suppress(OSError):
            pid, _, address = self.path.read_text(encoding="utf-8").strip().partition(" ")
            where = f"open {address}, or " if address else ""
            return f"by process {pid}: {where}stop it with Ctrl-C"
        return "by another process: stop it with Ctrl-C"

    def announce(self, address: str) -> None:
        """Write the process's number and its address, for `Busy` elsewhere."""
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        with contextlib.suppress(OSError):  # a full disk: the lock itself holds
            os.write(self._file, f"{os.getpid()} {address}\n".encode())

    def release(self) -> None:
        """Release the lock; the empty file stays."""
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def remove(self) -> None:
        """Release the lock and remove its file."""
        if sys.platform == "win32":  # an open file cannot be removed there
            self.release()
        with contextlib.suppress(OSError):
            self.path.unlink()
        if sys.platform != "win32":
            self.release()


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
