"""The readers as a page and an API."""
