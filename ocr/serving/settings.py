"""Settings of the server, from the environment: whom it answers, and with how many processes."""

import ipaddress
import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpu.max")  # of a container with a limit: microseconds, of a period


@dataclass(frozen=True)
class Settings:
    """How to serve.

    token       the bearer token that reading needs, "" for none
    hosts       names that the server answers to, beside addresses, localhost and the machine's own;
                "*" for all names
    origins     of other web sites' pages that may send pictures, as https://example.org
    proxies     how many proxies in front of it add to X-Forwarded-For
    processes   that read, at least 1
    """

    token: str = ""
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    proxies: int = 0
    processes: int = 1

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from environment variables. Raises ValueError."""
        token = environ.get("OCR_TOKEN")
        if token is not None and not token.strip():
            raise ValueError("OCR_TOKEN is empty: give it a secret, or unset it to ask for none")
        origins = _listed(environ.get("OCR_ORIGINS", ""))
        for origin in origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise ValueError(f"OCR_ORIGINS: {origin}: give origins, as https://example.org")
        return cls(
            token=token or "",
            hosts=_listed(environ.get("OCR_HOSTS", "")),
            origins=origins,
            proxies=_number(environ, "OCR_PROXIES", 0),
            processes=_number(environ, "WEB_CONCURRENCY", 1, otherwise=usable_cores()),
        )

    def knows_host(self, host: str) -> bool:
        """Is a request's Host a name of this server? An address always is.

        A page of evil.example can point its own name, never an address, at this machine (DNS
        rebinding); then its Host is the name.
        """
        name = _without_port(host).lower().rstrip(".")
        if "*" in self.hosts or name in self.hosts:
            return True
        if name == "localhost" or name.endswith(".localhost"):
            return True
        if name == socket.gethostname().lower():
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _listed(text: str) -> frozenset[str]:
    return frozenset(each.strip().lower().rstrip("/") for each in text.split(",") if each.strip())


def _number(environ: Mapping[str, str], name: str, least: int, otherwise: int = 0) -> int:
    text = environ.get(name, "")
    if not text:
        return max(least, otherwise)
    if not (text.isdecimal() and text.isascii() and least <= int(text[:5]) < 1000):
        raise ValueError(f"{name}={text[:40]}: give a number from {least} to 999")
    return int(text)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def usable_cores() -> int:
    """Count the cores that this process may use, also in a container with a limit."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:
        quota, period = CGROUP.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or "max": no limit
        return cores
