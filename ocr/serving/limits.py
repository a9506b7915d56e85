"""Limits of the server: for requests, for images, and for what runs at a time."""

MAX_REQUEST = 2**24  # bytes of one request
MAX_FILES = 64  # images in one request
MAX_FIELDS = 2**18  # bytes of form fields; not below 2**17, which Werkzeug reads ahead
MAX_PATTERN = 64  # characters
MAX_TOP = 10  # alternatives an image
MAX_PIXELS = 2**22  # 2048 x 2048 in one image; the page scales larger photographs down

SECONDS = 10.0  # of reading in one request; images not started by then are reported as timed out
BATCH = 8  # images in the network at a time, between two looks at the clock

MAX_REQUESTS = 64  # running or waiting; further ones are refused. Fewer than gunicorn's threads
MAX_BYTES = 2**27  # of their bodies together
