"""gunicorn's settings: one process, whose threads share the readers.

gunicorn -c python:ocr.serving.gunicorn_conf
"""

import os

from ocr.serving import limits

bind = os.environ.get("OCR_BIND", "127.0.0.1:8000")
wsgi_app = "ocr.serving.server:create_app()"
worker_class = "ocr.serving.worker.Worker"
workers = 1
threads = limits.MAX_REQUESTS + 8  # so that /healthz always finds one; cores bound the reading
backlog = 256
timeout = 60  # seconds after which a process that hangs is replaced
graceful_timeout = 20
keepalive = 30
limit_request_line = 4094
limit_request_fields = 50
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
