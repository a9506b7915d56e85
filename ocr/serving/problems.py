"""Errors of the API as RFC 9457 problem JSON."""

MEDIA_TYPE = "application/problem+json"


def problem(status: int, title: str, detail: str, **more) -> dict:
    """Build the problem object for an HTTP status; `more` adds members of our own."""
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
