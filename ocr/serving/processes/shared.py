"""The readers that are loaded once and shared by fork: imported by the server that forks.

A process that replaces another is then ready at once, and each costs only what it changes. That is
safe because ONNX Runtime runs these networks in the thread that asks, and has none of its own.
"""

import contextlib

from ocr.reading.anything import kind_reader
from ocr.reading.contract import ReaderError
from ocr.serving.processes.readers import Readers

readers: Readers | None = None
with contextlib.suppress(ReaderError, RuntimeError):  # each process says so itself
    readers = Readers()
    kind_reader()  # which ANY asks
