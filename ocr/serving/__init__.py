"""Serve the readers as a web page and an API [serve]: flask, gunicorn, prometheus_client."""
