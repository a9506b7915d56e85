"""Memory of a process that serves: bounded, and given back."""

import contextlib
import ctypes
import sys

from ocr.serving import limits

# of mallopt(3), in glibc
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
LARGE = 2**20  # bytes


def give_back_memory() -> None:
    """Give memory back to the system once it is free, where the system can (glibc).

    Else a process keeps what its largest picture so far has needed: glibc puts large blocks where
    they can be given back, but less and less of them as it sees them freed.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, LARGE)
        mallopt(ARENA_MAX, 2)  # of many threads, else, each keeps some


def bound_memory() -> None:
    """Bound this process's address space, where the system can: a MemoryError, not a full one."""
    if sys.platform == "linux":
        import resource

        with open("/proc/self/statm", encoding="ascii") as sizes:
            now = int(sizes.read().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = now + limits.MEMORY
        if most == resource.RLIM_INFINITY or wanted < most:
            resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
