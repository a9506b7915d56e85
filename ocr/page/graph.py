"""The graph of a model.onnx as JSON, its weights in a text: what page/static/network.js runs.

Weights are stored as whole numbers of 16 bits with a scale for each block of BLOCK of them, which
is half the size and changes a confidence by less than 0.001 (tests/test_page_file.py).

Source: the field numbers of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
"""

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

from ocr.reading.onnx_file import fields

BLOCK = 128  # weights with one scale
FEW = 1024  # weights of a tensor up to which they are stored as they are
OLDEST = 13  # version of the operators from which Squeeze takes its axes as an input
FLOATS, WHOLES = {1: "<f4", 11: "<f8"}, {6: "<i4", 7: "<i8"}  # ONNX's data types
OPERATORS = [  # of page/static/operators.js
    *("Add", "Cast", "Concat", "Conv", "Div", "Expand", "Gather", "GlobalAveragePool", "Identity"),
    *("LSTM", "MatMul", "MaxPool", "Mul", "Relu", "Reshape", "Shape", "Sigmoid", "Slice"),
    *("Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"),
]
# Attributes and their values that are the only ones that page/static has.
ONLY = {
    "activations": (["Sigmoid", "Tanh", "Tanh"], ["Sigmoid", "Tanh", "Tanh"] * 2),
    "layout": (0,),
    "input_forget": (0,),
    "ceil_mode": (0,),
    "storage_order": (0,),
    "allowzero": (0,),
    "start": (0,),
}


class GraphError(ValueError):
    """A network that a page cannot run; the message is one line."""


def convert(model: bytes) -> dict[str, Any]:
    """Convert a model.onnx to {input, output, nodes, tensors, weights}, ready for JSON.

    tensors: {name: {dims, ints}}, {name: {dims, at}} or {name: {dims, at, block}} with the offset
    in the bytes that `weights` has in base64. Raises GraphError where an operator is not one of
    OPERATORS, ValueError for a damaged file.
    """
    parts = _message(model)
    version = max((_one(_message(each), 2, 0) for each in parts.get(8, [])), default=0)
    if version < OLDEST:
        raise GraphError(f"its operators are of version {version}, a page needs {OLDEST} or later")
    graph = _message(_one(parts, 7, b""))
    names = _Names()
    nodes = [_node(_message(each), names) for each in graph.get(1, [])]
    arrays = {names[_text(_one(t, 8))]: _array(t) for t in map(_message, graph.get(5, []))}
    tensors, weights = _pack(arrays)
    ends = {key: names[_text(_one(_message(graph[at][0]), 1))] for key, at in _ENDS.items()}
    encoded = base64.b64encode(weights).decode("ascii")
    return {**ends, "nodes": nodes, "tensors": tensors, "weights": encoded}


_ENDS = {"input": 11, "output": 12}


class _Names(dict):
    """Short names of values: numbers, as text; "" stays, it is an input that is left out."""

    def __missing__(self, name: str) -> str:
        self[name] = str(len(self) + 1) if name else ""
        return self[name]


# --- protocol buffers


def _message(data: Any) -> dict[int, list]:
    found: dict[int, list] = {}
    for number, value in fields(memoryview(data)):
        found.setdefault(number, []).append(value)
    return found


def _one(message: dict[int, list], number: int, default: Any = b"") -> Any:
    return message.get(number, [default])[-1]


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _integers(values: Iterable) -> list[int]:
    """Decode repeated integers, one a field or packed into one."""
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(_signed(value))
            continue
        # A packed list is read as fields, each under the key "number 1, an integer".
        keyed = b"".join(b"\x08" + each for each in _varints(bytes(value)))
        found += [_signed(each) for _, each in fields(memoryview(keyed)) if isinstance(each, int)]
    return found


def _varints(packed: bytes) -> list[bytes]:
    ends = [i + 1 for i, byte in enumerate(packed) if byte < 128]
    return [packed[start:end] for start, end in zip([0, *ends], ends)]


# --- nodes and tensors


def _node(node: dict[int, list], names: _Names) -> dict[str, Any]:
    operator = _text(_one(node, 4))
    if operator not in OPERATORS or _one(node, 7):
        raise GraphError(
            f"its network has the operator {operator}; a page has {', '.join(OPERATORS)}"
        )
    attributes = dict(_attribute(_message(each)) for each in node.get(5, []))
    for key, allowed in ONLY.items():
        if attributes.pop(key, allowed[0]) not in allowed:
            raise GraphError(f"the {key} of its operator {operator} are not those of a page")
    return {
        "op": operator,
        "inputs": [names[_text(name)] for name in node.get(1, [])],
        "outputs": [names[_text(name)] for name in node.get(2, [])],
        "attributes": attributes,
    }


def _attribute(attribute: dict[int, list]) -> tuple[str, Any]:
    name, kind = _text(_one(attribute, 1)), _one(attribute, 20, 0)
    if kind == 2:
        return name, _signed(_one(attribute, 3, 0))
    if kind == 3:
        return name, _text(_one(attribute, 4))
    if kind == 7:
        return name, _integers(attribute.get(8, []))
    if kind == 8:
        return name, [_text(value) for value in attribute.get(9, [])]
    raise GraphError(f"its network has the attribute {name} of kind {kind}, which a page has not")


def _array(tensor: dict[int, list]) -> np.ndarray:
    kind, dims = _one(tensor, 2, 0), _integers(tensor.get(1, []))
    stored = FLOATS.get(kind) or WHOLES.get(kind)
    if stored is None:
        raise GraphError(f"its network has numbers of ONNX's data type {kind}")
    if 9 in tensor:
        return np.frombuffer(tensor[9][0], stored).reshape(dims)
    if kind in WHOLES:
        return np.array(_integers(tensor.get(7 if kind == 7 else 5, [])), stored).reshape(dims)
    packed = b"".join(bytes(part) for part in tensor.get(4 if kind == 1 else 10, []))
    return np.frombuffer(packed, stored).reshape(dims)


def _pack(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], bytes]:
    """Store arrays: whole numbers in the JSON, few floats as they are, many as 16-bit blocks."""
    tensors: dict[str, Any] = {}
    weights = bytearray()
    for name, array in arrays.items():
        tensors[name] = {"dims": list(array.shape)}
        if array.dtype.kind == "i":
            tensors[name]["ints"] = array.ravel().tolist()
            continue
        tensors[name]["at"] = len(weights)
        values = array.astype("<f4").ravel()
        if values.size <= FEW:
            weights += values.tobytes()
        else:
            tensors[name]["block"] = BLOCK
            weights += _blocks(values)
        weights += bytes(-len(weights) % 4)
    return tensors, bytes(weights)


def _blocks(values: np.ndarray) -> bytes:
    """Quantise floats (n,): the scales float32 of all blocks, then n whole numbers of 16 bits."""
    blocks = np.pad(values, (0, -values.size % BLOCK)).reshape(-1, BLOCK)
    scales = (np.abs(blocks).max(axis=1) / 32767).astype("<f4")
    whole = np.rint(blocks / np.maximum(scales, 1e-30)[:, None]).clip(-32767, 32767).astype("<i2")
    return scales.tobytes() + whole.ravel()[: values.size].tobytes()
