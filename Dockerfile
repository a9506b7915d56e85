# The server with its readers:
# docker build -t ocr-readers . && docker run --rm -p 8000:8000 ocr-readers
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir -c requirements.txt ".[serve]"

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home reader
COPY --from=build /venv /venv
WORKDIR /srv
ENV OCR_BIND=0.0.0.0:8000 ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/venv/bin/python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["/venv/bin/gunicorn", "-c", "python:ocr.serving.gunicorn_conf"]
