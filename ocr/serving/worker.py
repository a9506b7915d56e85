"""gunicorn's threaded worker, with deadlines for clients and problem JSON for its own errors."""

import json

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from ocr.serving.deadlines import BODY, DeadlineSocket, limit_body
from ocr.serving.problems import MEDIA_TYPE, problem

ERROR_HEAD = """\
HTTP/1.1 {status} {reason}\r
Connection: close\r
Content-Type: {media_type}\r
Content-Length: {length}\r
X-Content-Type-Options: nosniff\r
Content-Security-Policy: default-src 'none'\r
\r
"""


class Worker(ThreadWorker):
    """Serve with threads, and with a deadline for every request's head and body."""

    def enqueue_req(self, conn):
        """Hand a connection, with a request about to arrive, to a thread."""
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(conn.sock)
        conn.sock.expect_request()
        super().enqueue_req(conn)

    def handle_request(self, req, conn):
        """Serve a request whose head is complete."""
        limit_body(conn.sock, BODY)
        return super().handle_request(req, conn)


def write_error(sock, status: int, reason: str, message: str) -> None:
    """Answer a request that is too malformed to reach the application."""
    body = json.dumps(problem(status, reason, message[:200])).encode()
    head = ERROR_HEAD.format(status=status, reason=reason, media_type=MEDIA_TYPE, length=len(body))
    util.write_nonblock(sock, head.encode("latin-1") + body)


util.write_error = write_error  # gunicorn's own answers with HTML, and has no setting for it
