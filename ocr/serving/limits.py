"""Limits of the server: for requests, for images, and for what runs at a time."""

MAX_REQUEST = 2**24  # bytes of one request
MAX_FILES = 64  # images in one request
MAX_FIELDS = 2**18  # bytes of form fields; not below 2**17, which Werkzeug reads ahead
MAX_PATTERN = 64  # characters
MAX_TOP = 10  # alternatives an image
MAX_PIXELS = 2**22  # 2048 x 2048 in one image; the page scales larger photographs down

# Seconds that a client has
HEAD = 5.0  # to send the head of a request, from the connection on
IDLE = 30  # to send the next request on the same connection
BODY = 30.0  # to send a request's body
REST = 5.0  # to send what is left of the body of a request that is refused
STRANGER = 1.0  # the same, without a token where one is needed
ANSWER = 20.0  # to receive the answer

SECONDS = 10.0  # from the last byte of a request to its answer, all waiting included
GRACE = 0.3  # more seconds for the images that are being read then
PATIENCE = 5.0  # more seconds of a processor, or six times as many of waiting, after which a
# process that still reads them is ended and replaced
FAIR = 1.0  # seconds of reading after which a request may be cut short for others that wait
TURN = 0.1  # seconds of reading in one turn, about
BATCH = 8  # images in one turn, at most
STALLED = 30.0  # seconds under load without a turn that ends: the server is not healthy

MAX_REQUESTS = 128  # running or waiting; further ones are refused
MAX_OF_CLIENT = 64  # of these from one address
KEPT = 16  # of the places of an address, those that only small requests take
SMALL = 2**18  # bytes of the body of a small request, at most
MAX_BYTES = 2**27  # of bodies in memory, together
MAX_BYTES_OF_CLIENT = 2**26  # of these from one address
MAX_WAITING = 1000  # connections without a whole head; the oldest is closed for a new one
MEMORY = 2**31  # bytes of address space that reading may add to a process
