"""gunicorn's threads, with a deadline for what a client sends, and problem JSON for what never gets as far as the application."""

import json
import time

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

HEAD = 5  # seconds for the head of a request, from its first byte on
BODY = 30  # seconds for all of its body
REST = 5  # seconds for what is left of the body of a request that is refused
ANSWER = 20  # seconds to take the answer


class Timed:
    """A socket whose client must have sent what it has to send in time; gunicorn alone waits for as long as a byte comes at times."""

    def __init__(self, sock):
        self._sock = sock
        self.begin()

    def begin(self):
        """The next byte is the first of a request."""
        self._until, self._in_body = None, False

    def body(self):
        """The head is there."""
        self._until, self._in_body = time.monotonic() + BODY, True

    def hurry(self):
        """What is still coming is of no use."""
        self.body()
        self._until += REST - BODY

    def recv(self, size: int) -> bytes:
        self._until = self._until or time.monotonic() + HEAD
        try:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            return self._sock.recv(size)
        except TimeoutError:
            if self._in_body:
                raise
            return b""  # as if it had hung up
        finally:
            self._sock.settimeout(ANSWER)

    def __getattr__(self, name):
        return getattr(self._sock, name)


class Worker(ThreadWorker):
    """gthread with `Timed` sockets."""

    def enqueue_req(self, conn):
        if not isinstance(conn.sock, Timed):
            conn.sock = Timed(conn.sock)
        conn.sock.begin()
        super().enqueue_req(conn)


def _problem(sock, status: int, reason: str, message: str):
    body = json.dumps(
        {"type": "about:blank", "title": reason, "status": status, "detail": message[:200]}
    ).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Security-Policy: default-src 'none'\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)


util.write_error = _problem  # gunicorn's is a page of HTML
