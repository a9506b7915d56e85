"""Save a trained network as a reader: its files and its contract, all of it or nothing.

`python -m ocr.training.export FOLDER` writes FOLDER/model.onnx from FOLDER/model.keras; networks of
another backend than TensorFlow are exported so, in a process of its own.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx

from ocr import paths
from ocr.backend import keras
from ocr.locks import Busy, Lock
from ocr.reading.contract import ReaderError, write_contract
from ocr.reading.ctc import log_softmax
from ocr.reading.images import normalise
from ocr.reading.reader import Reader
from ocr.training import distributed
from ocr.training.portable import make_portable

ANY_SIDE = 64  # pixels of a side that the network leaves open
SPACE = 64e6  # bytes that must be free before a training; the shipped readers take 2 to 14 MB
_locks: dict[Path, Lock] = {}  # held by this process: the folders of readers that it trains


def reserve(folder) -> Path:
    """Check, before hours of training, that a reader can be saved as `folder`, and lock its name.

    Raises ReaderError, also where another process trains a reader of this name; the lock is held
    until the reader is saved, or the process ends. A reader that a killed save had moved aside is
    brought back, what else it left is removed.
    """
    folder = Path(folder).absolute()
    try:
        if folder.exists() and not folder.is_dir():
            raise ReaderError(f"{folder} is a file: choose another name for the reader")
        folder.parent.mkdir(parents=True, exist_ok=True)
        if distributed.rank == 0 and folder not in _locks:
            _locks[folder] = Lock(
                folder.with_name(f".{folder.name}.lock"),
                f"{folder}: is being trained already",
            )
        pattern = rf"\.{re.escape(folder.name)}\.[0-9a-f]+\.(old|part|trial)"
        for left in sorted(folder.parent.glob(".*")):
            if not re.fullmatch(pattern, left.name):
                continue
            if left.suffix == ".old" and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left)
        free = shutil.disk_usage(folder.parent).free
        if free < SPACE:
            raise ReaderError(
                f"{folder.parent}: {free / 1e6:.0f} MB are free, a reader takes up to "
                f"{SPACE / 1e6:.0f} MB: free some space"
            )
    except Busy as error:
        raise ReaderError(f"{error}; or choose another name") from None
    except OSError as error:
        raise ReaderError(
            f"{folder.parent}: a reader cannot be saved there ({error.strerror or error}); "
            "make the folder writable or choose another"
        ) from None
    return folder


def save(folder, model, facts: dict, examples: np.ndarray, tolerance: float = 1e-4) -> Path:
    """Save a Keras model from images to logits as a reader: all of it or nothing.

    `facts` come from `contract.describe`. `examples`, uint8 images (n, H, W, C), are read by Keras
    and by ONNX Runtime; log-probabilities that differ by more than `tolerance` raise ReaderError.
    An older reader in `folder` is replaced.
    """
    with _saving(folder) as part:
        part.mkdir()
        _write(part, model, facts, examples, tolerance)
    return Path(folder)


def save_ensemble(
    folder, models, members: list[dict], facts: dict, examples: np.ndarray, tolerance: float = 1e-4
) -> Path:
    """Save several models, each with a contract in `members`, as one reader (an ensemble)."""
    with _saving(folder) as part:
        digests = []
        for k, (model, member) in enumerate(zip(models, members, strict=True), start=1):
            (part / str(k)).mkdir(parents=True)
            digests.append(_write(part / str(k), model, member, examples, tolerance))
        write_contract(part, facts | {"decoding": facts["decoding"] | {"members": digests}})
        Reader.load(part)
    return Path(folder)


@contextlib.contextmanager
def _saving(folder) -> Iterator[Path]:
    """Give the place to write a reader to, whole or not at all; release its name at the end."""
    folder = reserve(folder)
    try:
        with paths.whole(folder) as part:
            yield part
    except OSError as error:
        raise ReaderError(
            f"{folder}: the reader cannot be saved ({error.strerror or error}): free some space, "
            "the same command goes on from the last epoch"
        ) from None
    finally:
        if folder in _locks:
            _locks.pop(folder).remove()


def _write(folder: Path, model, facts: dict, examples: np.ndarray, tolerance: float) -> str:
    """Write the three files of a reader; return the digest of its model.onnx."""
    model = keras.Model(model.inputs, model.outputs, name="reader")  # without optimizer and loss
    batch = normalise(examples, facts["input"]["normalisation"])
    logits = np.asarray(model.predict_on_batch(batch))
    model.save(folder / "model.keras")
    make_portable(folder / "model.keras")
    _export(model, folder)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    write_contract(folder, facts | {"onnx_sha256": digest})
    difference = float(np.abs(Reader.load(folder).log_probs(batch) - log_softmax(logits)).max())
    if difference > tolerance:
        raise ReaderError(
            f"Keras and ONNX differ by {difference:.1e}, more than {tolerance}: "
            "the reader is not saved"
        )
    return digest


def _export(model, folder: Path):
    """Write model.onnx; by a process with TensorFlow where the network lives on another backend."""
    if keras.backend.backend() == "tensorflow":
        to_onnx(model, folder / "model.onnx")
        return
    command = [sys.executable, "-m", "ocr.training.export", str(Path(folder).resolve())]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        command, cwd=paths.PACKAGE.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise ReaderError(f"TensorFlow, which exports to ONNX, failed: {last}")


def to_onnx(model, file):
    """Export a Keras model, on TensorFlow, to an ONNX file."""
    shape = [1, *(side or ANY_SIDE for side in model.input_shape[1:])]
    model.predict_on_batch(np.zeros(shape, np.float32))  # it must have been called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx asks for np.object
        model.export(file, format="onnx", verbose=False)
    made = onnx.load(file)
    rename(made)
    Path(file).write_bytes(made.SerializeToString(deterministic=True))


def rename(model: onnx.ModelProto) -> None:
    """Order and name the parts of an ONNX model by how they are connected, in place.

    The exporter's names count layers within the session, and its order differs between sessions:
    so equal weights give equal bytes. The inputs keep their names.
    """
    names = {each.name: each.name for each in model.graph.input} | {"": ""}
    _rename(model.graph, names, "", {})
    _replace(model.opset_import, sorted(model.opset_import, key=lambda each: each.domain))


def _rename(graph: onnx.GraphProto, names: dict[str, str], prefix: str, sides: dict) -> None:
    """Rename a graph, or the body of a loop, in which `names` are known from outside, old: new.

    sides: new names of the sides that are left open, by their old ones.
    """
    _settle(graph)
    made_by = {name: node for node in graph.node for name in node.output}
    weights = {each.name: each for each in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    used: list[onnx.TensorProto] = []
    for node in _ordered([each.name for each in graph.output], made_by, weights):
        if isinstance(node, onnx.TensorProto):
            names[node.name] = node.name = f"{prefix}weights_{len(used)}"
            used.append(node)
            continue
        node.name = f"{prefix}{node.op_type.lower()}_{len(nodes)}"
        for number, name in enumerate(node.output):
            names[name] = name and f"{node.name}_{number}"
        nodes.append(node)
    for node in nodes:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
        _replace(node.attribute, sorted(node.attribute, key=lambda each: each.name))
        for body in _bodies(node):
            within = f"{node.name}_"
            inputs = {each.name: f"{within}in_{k}" for k, each in enumerate(body.input)}
            _rename(body, names | inputs, within, sides)
    for each in [*graph.input, *graph.output]:
        each.name = names[each.name]
        for side in each.type.tensor_type.shape.dim:
            if side.dim_param:
                side.dim_param = sides.setdefault(side.dim_param, f"any_{len(sides)}")
    graph.doc_string = ""  # a counter, too
    if prefix:
        graph.name = prefix.rstrip("_")
    _replace(graph.node, nodes)
    _replace(graph.initializer, used)
    del graph.value_info[:]


def _settle(graph: onnx.GraphProto) -> None:
    """Settle what the exporter leaves to chance, and which of two equal outputs is the copy."""
    places = {each.name: k for k, each in enumerate(graph.output)}
    for node in graph.node:
        if not node.domain:
            node.ClearField("domain")  # written or not, it means the same
        if node.op_type == "Identity":
            copy, origin = places.get(node.output[0]), places.get(node.input[0])
            if copy is not None and origin is not None and copy < origin:
                graph.output[copy].name, graph.output[origin].name = node.input[0], node.output[0]


def _ordered(outputs: list[str], made_by: dict, weights: dict) -> Iterable:
    """List the nodes and weights that these outputs need, each after what it needs itself."""
    found: dict[int, onnx.NodeProto | onnx.TensorProto] = {}
    waiting = [(name, False) for name in reversed(outputs)]
    while waiting:
        name, ready = waiting.pop()
        part = made_by.get(name, weights.get(name))
        if part is None or id(part) in found:  # an input, or listed already
            continue
        if ready or name in weights:
            found[id(part)] = part
        else:
            waiting.append((name, True))
            waiting += [(each, False) for each in reversed(_needs(part))]
    return found.values()


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """List the graphs that a node encloses: the body of a loop."""
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _needs(node: onnx.NodeProto) -> list[str]:
    """List the names that a node uses, those inside the bodies of loops included."""
    bodies = _bodies(node)
    inside = [name for body in bodies for part in body.node for name in _needs(part)]
    return [*node.input, *inside, *(each.name for body in bodies for each in body.output)]


def _replace(field, parts: Iterable) -> None:
    """Replace the content of a repeated field."""
    copies = [type(part).FromString(part.SerializeToString()) for part in parts]
    del field[:]
    field.extend(copies)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    to_onnx(keras.models.load_model(target / "model.keras"), target / "model.onnx")
