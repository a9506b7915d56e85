"""gunicorn's settings: one process answers, others read (ocr/serving/processes/).

gunicorn -c python:ocr.serving.gunicorn_conf
"""

import os

from ocr.serving import limits
from ocr.serving.settings import Settings

Settings.read()  # an error stops the server before it starts

bind = os.environ.get("OCR_BIND", "127.0.0.1:8000")
wsgi_app = "ocr.serving.front.app:create_asgi()"
worker_class = "ocr.serving.front.worker.Worker"
workers = 1  # it only answers; WEB_CONCURRENCY is the number of the processes that read
backlog = 2048
timeout = 60  # seconds after which a process that hangs is replaced
graceful_timeout = 20
keepalive = limits.IDLE
limit_request_line = 4094
limit_request_fields = 50
asgi_loop = "asyncio"
asgi_lifespan = "off"
control_socket_disable = True
accesslog = os.environ.get("OCR_ACCESS_LOG") or None  # a file, or - for standard output
access_log_format = '%(h)s %(t)s "%(r)s" %(s)s %(B)s %(D)s'  # the last: microseconds
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
