"""Receive the bodies of requests: within a time, and within bytes, in all and for each client."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, ServiceUnavailable

from ocr.serving import limits

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Body:
    """The body of one request: what has arrived of it."""

    def __init__(self, bodies: "Bodies", client: str, length: int | None):
        self._bodies, self._client, self._length = bodies, client, length
        self._chunks: list[bytes] = []
        self.size = 0
        self.whole = length == 0  # has all of it arrived, or is there none?

    async def receive(self, receive: Receive) -> bytes:
        """Receive it. Raises BadRequest, RequestEntityTooLarge, ServiceUnavailable."""
        if self._length is not None and self._length > limits.MAX_REQUEST:
            raise RequestEntityTooLarge
        try:
            async with asyncio.timeout(limits.BODY):
                while not self.whole:
                    chunk = await self._next(receive)
                    self._keep(len(chunk))
                    self._chunks.append(chunk)
        except TimeoutError:
            raise BadRequest(
                f"the body did not arrive within {limits.BODY:.0f} seconds: send it again"
            ) from None
        return b"".join(self._chunks)

    async def _next(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the request's body cannot be read: send it again")
        self.whole = not message.get("more_body", False)
        return message.get("body", b"")

    def _keep(self, size: int) -> None:
        if self.size + size > limits.MAX_REQUEST:
            raise RequestEntityTooLarge
        if not self._bodies.take(self._client, size):
            raise ServiceUnavailable("the server is busy: try again in a second", retry_after=1)
        self.size += size

    async def discard(self, receive: Receive, seconds: float) -> None:
        """Discard the rest, within bounds: a client that still sends misses the answer."""
        left = 2 * limits.MAX_REQUEST
        self._chunks.clear()
        with contextlib.suppress(TimeoutError, BadRequest):
            async with asyncio.timeout(seconds):
                while not self.whole and left > 0:
                    left -= len(await self._next(receive))


class Bodies:
    """Count the bytes of all bodies in memory. Used in one thread."""

    def __init__(self) -> None:
        self._all, self._of = 0, Counter[str]()

    def take(self, client: str, size: int) -> bool:
        """Count bytes more, if there is room for them."""
        if self._all + size > limits.MAX_BYTES:
            return False
        if self._of[client] + size > limits.MAX_BYTES_OF_CLIENT:
            return False
        self._all += size
        self._of[client] += size
        return True

    @contextlib.contextmanager
    def of(self, client: str, length: int | None) -> Iterator[Body]:
        """Begin a request's body of `length` bytes, None where that is not said."""
        body = Body(self, client, length)
        try:
            yield body
        finally:
            self._all -= body.size
            self._of[client] -= body.size
            if not self._of[client]:
                del self._of[client]
