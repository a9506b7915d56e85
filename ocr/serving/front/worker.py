"""gunicorn's ASGI worker, with a deadline for every head and answer, and problem JSON.

gunicorn is the server: it parses HTTP, replaces a process that hangs, and writes the access log.
Of the others, waitress calls the application when the body has arrived, so nothing can be refused
before; granian never closes a connection that sends nothing, and 3,000 of these stop it; uvicorn
has no deadline for a head, either, and its parent does not replace a process that hangs.
"""

import asyncio
import json

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from ocr.serving import limits
from ocr.serving.problems import MEDIA_TYPE, problem

ERROR = """\
HTTP/1.1 {status} {reason}\r
Connection: close\r
Content-Type: {media_type}\r
Content-Length: {length}\r
X-Content-Type-Options: nosniff\r
Content-Security-Policy: default-src 'none'\r
\r
"""


class Connection(ASGIProtocol):
    """One client's connection, with deadlines.

    gunicorn itself closes one that stays silent after an answer, but not before the first request.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport):
        """Expect a head in time; where too many wait for one, close the oldest of them."""
        super().connection_made(transport)
        self._after(limits.HEAD, self._give_up)
        waiting = self.worker.waiting
        waiting[self] = None
        if len(waiting) > limits.MAX_WAITING:
            next(iter(waiting)).transport.abort()

    def _on_headers_complete(self):
        self._cancel()
        self.worker.waiting.pop(self, None)
        return super()._on_headers_complete()

    def connection_lost(self, exc):
        """Forget the connection."""
        self._cancel()
        self.worker.waiting.pop(self, None)
        super().connection_lost(exc)

    def pause_writing(self):
        """Expect that the client goes on receiving its answer in time."""
        super().pause_writing()
        self._after(limits.ANSWER, self.transport.abort)

    def resume_writing(self):
        """Go on sending."""
        self._cancel()
        super().resume_writing()

    def _close_transport(self):
        """Close, in the end also where the client does not receive what is left of its answer."""
        closing = not self._closed
        super()._close_transport()
        if closing and self.transport is not None:
            self._after(limits.ANSWER, self.transport.abort)

    def _after(self, seconds, call):
        self._cancel()
        self._timer = self.worker.loop.call_later(seconds, call)

    def _cancel(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self):
        """Close a connection whose head did not arrive in time."""
        self.transport.abort()

    def _send_error_response(self, status, message, extra_headers=()):
        """Answer a request that is too malformed to reach the application."""
        reason = self._get_reason_phrase(status)
        body = json.dumps(problem(status, reason, message[:200])).encode()
        head = ERROR.format(status=status, reason=reason, media_type=MEDIA_TYPE, length=len(body))
        self._safe_write(head.encode("latin-1") + body)


class Worker(gasgi.ASGIWorker):
    """Serve with such connections; end the processes that read when it ends."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.waiting = {}  # connections without a whole head, the oldest first

    async def _shutdown(self):
        for connection in [*self.waiting]:
            connection.transport.abort()
        await super()._shutdown()


gasgi.ASGIProtocol = Connection  # the worker has no setting for it
