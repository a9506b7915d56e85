# The server with its readers:
# docker build -t ocr-readers . && docker run --rm -p 127.0.0.1:8000:8000 ocr-readers
# For several kinds of processor: docker buildx build --platform linux/amd64,linux/arm64 .
# Read-only, without privileges and with limits: compose.yaml. To build from an image that cannot
# change, give its digest (docker buildx imagetools inspect python:3.11-slim-bookworm):
# docker build --build-arg BASE=python:3.11-slim-bookworm@sha256:... -t ocr-readers .
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /build
COPY locks locks
RUN python -m venv /venv && python -m venv /tools \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r locks/serve.txt \
    && /tools/bin/pip install --no-cache-dir --require-hashes -r locks/build.txt
COPY . .
RUN /tools/bin/python -m hatchling build -t wheel -d /wheels \
    && /venv/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl \
    && /venv/bin/python -m pip check

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home reader
COPY --from=build /venv /venv
WORKDIR /srv
ENV OCR_BIND=0.0.0.0:8000 OCR_ACCESS_LOG=- ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/venv/bin/python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["/venv/bin/gunicorn", "-c", "python:ocr.serving.gunicorn_conf"]
