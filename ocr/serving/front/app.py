"""The ASGI application: receive a request, run the Flask application in a thread, answer.

What a request may send is decided by its head, before its body is received: for the body of one
that is refused there is little time. A body is received without a thread, however slowly.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from ocr.serving import limits
from ocr.serving.front.bodies import Bodies, Body, Receive
from ocr.serving.front.wsgi import Answer, environ_of, run, set_body
from ocr.serving.guard import OPEN, SAFE
from ocr.serving.processes.memory import give_back_memory
from ocr.serving.server import ARRIVED, BUSY, REFUSED, create_app

SWITCH = 0.001  # seconds for which a thread may keep the others, and the event loop, waiting

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Front:
    """Serve a Flask application of ocr.serving.server by ASGI.

    proxies   how many proxies before it add to X-Forwarded-For
    """

    def __init__(self, app: Flask, proxies: int = 0):
        self._app, self._proxies = app, proxies
        self._bodies = Bodies()
        # Requests with a body wait in a thread for their turn; others never wait for those.
        self._reading = ThreadPoolExecutor(limits.MAX_REQUESTS + 8, "reading")
        self._others = ThreadPoolExecutor(4, "others")
        self._probes = ThreadPoolExecutor(1, "probes")  # which wait for no others, either

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        environ = environ_of(scope, self._proxies)
        with self._bodies.of(environ["REMOTE_ADDR"], _length(environ)) as body:
            answer = await self._run(environ, body, receive)
            await _send(answer, body, receive, send)

    async def _run(self, environ: dict[str, Any], body: Body, receive: Receive) -> Answer:
        data, pool = b"", self._probes if environ["PATH_INFO"] in OPEN else self._others
        if self._takes_body(environ):
            try:
                self._check_room(environ)
                data, pool = await body.receive(receive), self._reading
            except HTTPException as error:
                environ[REFUSED] = error
        set_body(environ, data)
        environ[ARRIVED] = time.monotonic()
        del data
        return await asyncio.get_running_loop().run_in_executor(pool, run, self._app, environ)

    def _takes_body(self, environ: dict[str, Any]) -> bool:
        """Will the application read the body, by the request's head?"""
        if environ["REQUEST_METHOD"] in SAFE:
            return False
        request = self._app.request_class(environ)
        try:
            self._app.config["GUARD"].check(request)
            self._app.url_map.bind_to_environ(environ).match()
        except HTTPException:
            return False
        return True

    def _check_room(self, environ: dict[str, Any]) -> None:
        """Refuse a request before its body has come, and is parsed. Raises ServiceUnavailable."""
        length = _length(environ)
        large = limits.MAX_REQUEST if length is None else length
        if self._app.config["SERVICE"].turns.crowded(environ["REMOTE_ADDR"], large):
            raise ServiceUnavailable(BUSY, retry_after=1)


async def _send(answer: Answer, body: Body, receive: Receive, send: Send) -> None:
    """Send an answer, and then receive the rest of a body that was refused, for a while."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    message = {"type": "http.response.body", "body": answer.body}
    if body.whole:
        await send(message)
        return
    await send(message | {"more_body": True})
    await body.discard(receive, limits.STRANGER if answer.status == 401 else limits.REST)
    await send({"type": "http.response.body"})


def _length(environ: dict[str, Any]) -> int | None:
    """Read how long the body is; None where its chunks will tell."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    return int(environ.get("CONTENT_LENGTH", 0))


def create_asgi() -> Front:
    """Build the application that gunicorn serves, as the environment says."""
    give_back_memory()
    sys.setswitchinterval(SWITCH)
    app = create_app()
    return Front(app, app.config["SETTINGS"].proxies)
