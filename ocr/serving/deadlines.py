"""Deadlines for what a client sends.

gunicorn restarts its timeout with every byte, so that a client which sends a byte now and then
could hold a thread without end. A DeadlineSocket has absolute deadlines instead. worker.py wraps
each connection in one, which starts the deadline of a request's head. Two places call `limit_body`:
worker.py when the head is complete, and server.py for a request that it refuses, to shorten the
deadline.
"""

import time
from typing import Any

HEAD = 5  # seconds for the head of a request, from its first byte on
BODY = 30  # seconds for its whole body
REST = 5  # seconds for what is left of the body of a request that is refused
ANSWER = 20  # seconds to receive the answer


class DeadlineSocket:
    """Wrap a socket so that a request's head and body must arrive by a deadline.

    A late head reads as a closed connection, a late body raises TimeoutError. Everything but `recv`
    goes to the socket itself.
    """

    def __init__(self, sock):
        self._sock = sock
        self.expect_request()

    def expect_request(self) -> None:
        """Expect a new request: its head has HEAD seconds, counted from the first byte."""
        self._until: float | None = None
        self._in_body = False

    def expect_body(self, seconds: float) -> None:
        """Expect the rest of a request's body within `seconds` from now."""
        self._until, self._in_body = time.monotonic() + seconds, True

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes before the deadline."""
        if self._until is None:
            self._until = time.monotonic() + HEAD
        try:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            return self._sock.recv(size)
        except TimeoutError:
            if self._in_body:
                raise
            return b""
        finally:
            self._sock.settimeout(ANSWER)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def limit_body(sock, seconds: float) -> None:
    """Give a client `seconds` to send the rest of a request's body.

    sock: the connection, environ["gunicorn.socket"] in WSGI. Nothing happens where it is not a
    DeadlineSocket: under another server, which has timeouts of its own.
    """
    if isinstance(sock, DeadlineSocket):
        sock.expect_body(seconds)
