"""Network: run a model.onnx by ONNX Runtime, also on inputs narrower than the contract's width."""

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ocr.paths import read_file
from ocr.reading.contract import ReaderError, output_shape
from ocr.reading.ctc import BLANK, log_softmax
from ocr.reading.onnx_file import check_model

MAX_MODEL = 2**30  # bytes of a model.onnx
PATIENCE = 10.0  # seconds in which a network must read one blank image, when it is loaded
NEVER = -30.0  # log-probability of a symbol at a time step that lies in padding


class Network:
    """Run one network by an ONNX Runtime session."""

    def __init__(self, session: Any):
        self.session = session

    def log_probs(self, batch: np.ndarray) -> np.ndarray:
        """Compute log-probabilities of normalised images float32 (N, H, W, C)."""
        (logits,) = self.session.run(None, {"image": batch})
        return log_softmax(logits)


def widen(parts: Sequence[tuple[np.ndarray, np.ndarray]], steps: int) -> np.ndarray:
    """Put log-probabilities of narrower inputs in the middle of `steps` time steps, else blank.

    parts: (row numbers (n,), log-probabilities (n, time, classes)) of each width, see
    `images.narrow`. Returns log-probabilities (N, steps, classes).
    """
    count, classes = sum(len(rows) for rows, _ in parts), parts[0][1].shape[2]
    whole = np.full((count, steps, classes), NEVER, parts[0][1].dtype)
    whole[:, :, BLANK] = 0
    for rows, found in parts:
        start = (steps - found.shape[1]) // 2
        whole[rows, start : start + found.shape[1]] = found
    return whole


def open_session(path: Path, facts: dict) -> Any:
    """Open model.onnx in ONNX Runtime and check it against the contract. Raises ReaderError."""
    # Else ONNX Runtime keeps a number for this user, and reports to its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # here for speed: only loading a reader needs it

    try:
        model = read_file(path, MAX_MODEL)
    except OSError as error:
        raise ReaderError(f"{path}: {error.strerror or error}; train the reader again") from None
    if hashlib.sha256(model).hexdigest() != facts["onnx_sha256"]:
        raise ReaderError(
            f"{path}: does not match the digest in reader.json; restore both together, or train "
            "the reader again"
        )
    try:
        check_model(model)
    except ValueError as error:
        raise ReaderError(f"{path}: {error}; get the reader from where you trust") from None
    options = onnxruntime.SessionOptions()
    # One thread is as fast as two for networks of this size.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base but Exception
        raise ReaderError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it "
            f"({' '.join(str(error).split())[:150]})"
        ) from None
    _check_shapes(session, path, facts)
    return session


def _check_shapes(session: Any, path: Path, facts: dict) -> None:
    """Run the network once at each of its widths and compare the shapes. Raises ReaderError."""
    height, width, channels = (facts["input"][key] for key in ("height", "width", "channels"))
    for each in facts["input"].get("widths", [width]):
        shape, output = [height, each, channels], output_shape(facts, each)
        if _trial(session, shape, path) != output:
            raise ReaderError(
                f"{path.with_name('reader.json')}: its input {shape} or output {output[1:]} does "
                f"not fit {path.name}; restore both together, or train the reader again"
            )


def _trial(session: Any, shape: list[int], path: Path) -> list[int]:
    """Read one blank image; return the shape of the output, [] where the network fails.

    Raises ReaderError where that takes more than PATIENCE seconds.
    """
    import onnxruntime

    options, late = onnxruntime.RunOptions(), threading.Event()

    def stop() -> None:
        late.set()
        options.terminate = True

    timer = threading.Timer(PATIENCE, stop)
    timer.daemon = True
    timer.start()
    try:
        (logits,) = session.run(None, {"image": np.zeros([1, *shape], np.float32)}, options)
        return list(logits.shape)
    except Exception:  # onnxruntime's own exceptions share no base but Exception
        if late.is_set():
            raise ReaderError(
                f"{path}: one image takes it more than {PATIENCE:.0f} seconds; get the reader from "
                "where you trust, or train it again"
            ) from None
        return []
    finally:
        timer.cancel()
