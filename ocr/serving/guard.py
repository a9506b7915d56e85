"""Refuse requests by their head: of a foreign page, for a foreign name, without the token."""

import hmac
from urllib.parse import urlsplit

from flask import Request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from ocr.serving.settings import Settings

SAFE = {"GET", "HEAD", "OPTIONS"}
OPEN = {"/healthz", "/readyz"}  # for whoever watches the server, by any name
SECRET = {"/metrics"}  # needs the token although it only shows something


class Guard:
    """Decide whom the server answers."""

    def __init__(self, settings: Settings):
        self._settings = settings

    def check(self, request: Request) -> None:
        """Check the head of a request. Raises BadRequest, Forbidden, Unauthorized."""
        if request.path in OPEN:
            return
        host = request.headers.get("Host", "localhost")
        if not self._settings.knows_host(host):
            raise BadRequest(f"the server has no name {host[:80]!r}: add it to OCR_HOSTS there")
        if request.method not in SAFE and not self._same_site(request, host):
            raise Forbidden(
                "a page of another site sent this request: add its origin to OCR_ORIGINS there"
            )
        if request.method not in SAFE or request.path in SECRET:
            self._authorise(request)

    def allows_origin(self, origin: str | None) -> bool:
        """May pages of this other origin send requests?"""
        return origin is not None and origin.lower() in self._settings.origins

    def _same_site(self, request: Request, host: str) -> bool:
        """Was a request sent by this server's own page, or by no page at all?

        Browsers add these headers, and no page can change them; other programs send neither.
        """
        origin = request.headers.get("Origin")
        if self.allows_origin(origin):
            return True
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or _place(origin) == host.lower()

    def _authorise(self, request: Request) -> None:
        token = self._settings.token
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        raw = given.encode("latin-1", "replace")  # as WSGI decoded it
        if token and not (scheme.lower() == "bearer" and hmac.compare_digest(raw, token.encode())):
            raise Unauthorized(
                "the token is missing or wrong: send the header Authorization: Bearer TOKEN",
                www_authenticate=WWWAuthenticate("bearer"),
            )


def _place(origin: str) -> str | None:
    """Take host and port of an origin, None of what is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
