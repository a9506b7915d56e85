"""How gunicorn runs the server: one process, whose threads share the readers."""

import os

bind = os.environ.get("OCR_BIND", "127.0.0.1:8000")
wsgi_app = "ocr.serving.server:create_app()"
worker_class = "ocr.serving.worker.Worker"
workers = 1
threads = (
    72  # more than server.WAITING, so that /healthz always finds one; reading is bound to the cores
)
backlog = 256
timeout = 60  # seconds after which a process that hangs is replaced
graceful_timeout = 20
keepalive = 30
limit_request_line = 4094
limit_request_fields = 50
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None


def pre_request(worker, request):
    """The head of a request is there: its body has a deadline of its own."""
    request.unreader.sock.body()
