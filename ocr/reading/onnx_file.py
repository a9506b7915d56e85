"""The structure of a model.onnx, checked before ONNX Runtime sees it; no package onnx is needed.

A reader's network is one graph of operators with its weights. A file may also hold loops, whose
number of turns is free, and the names of other files whose bytes become weights: both are refused.

Source: the field numbers of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
"""

from collections.abc import Iterator

# Field numbers of the messages that are followed
GRAPH, FUNCTIONS = 7, 25  # of a model
NODE, WEIGHTS, SPARSE_WEIGHTS = 1, 5, 15  # of a graph
OPERATOR, ATTRIBUTE = 4, 5  # of a node
TENSOR, SUBGRAPH, TENSORS, SUBGRAPHS, SPARSE, SPARSES = 5, 6, 10, 11, 22, 23  # of an attribute
EXTERNAL, LOCATION = 13, 14  # of a tensor

Field = tuple[int, memoryview | int]  # its number; its bytes, or the value of an integer


def check_model(model: bytes) -> None:
    """Check that a model is one graph with all its weights inside. Raises ValueError: one line."""
    for number, value in fields(memoryview(model)):
        if number == FUNCTIONS:
            raise ValueError("it defines functions, which a reader's network has not")
        if number == GRAPH and isinstance(value, memoryview):
            _check_graph(value)


def _check_graph(graph: memoryview) -> None:
    for number, value in fields(graph):
        if number == NODE and isinstance(value, memoryview):
            _check_node(value)
        elif number == WEIGHTS and isinstance(value, memoryview):
            _check_tensor(value)
        elif number == SPARSE_WEIGHTS:
            raise ValueError("it has sparse weights, which a reader's network has not")


def _check_node(node: memoryview) -> None:
    parts = list(fields(node))
    for number, value in parts:
        if number == ATTRIBUTE and isinstance(value, memoryview):
            names = [bytes(name) for kind, name in parts if kind == OPERATOR and name]
            _check_attribute(value, names[-1].decode("ascii", "replace") if names else "")


def _check_attribute(attribute: memoryview, operator: str) -> None:
    for number, value in fields(attribute):
        if number in (SUBGRAPH, SUBGRAPHS):
            shown = operator if operator.isalnum() else "an operator"
            raise ValueError(f"it has {shown} with a graph inside, which may run without end")
        if number in (SPARSE, SPARSES):
            raise ValueError("it has sparse weights, which a reader's network has not")
        if number in (TENSOR, TENSORS) and isinstance(value, memoryview):
            _check_tensor(value)


def _check_tensor(tensor: memoryview) -> None:
    for number, value in fields(tensor):
        if number == EXTERNAL or (number == LOCATION and value != 0):
            raise ValueError("its weights are in another file; they must be inside")


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a protocol buffer. Raises ValueError where it is damaged."""
    place = 0
    while place < len(message):
        key, place = _integer(message, place)
        number, kind = key >> 3, key & 7
        value: memoryview | int = 0
        if kind == 0:
            value, place = _integer(message, place)
        elif kind in (1, 5):  # fixed numbers of 8 or 4 bytes
            place += 8 if kind == 1 else 4
        elif kind == 2:
            length, place = _integer(message, place)
            value, place = message[place : place + length], place + length
        else:
            raise ValueError("it is no ONNX file, or damaged")
        if place > len(message):
            raise ValueError("it is no ONNX file, or damaged")
        yield number, value


def _integer(message: memoryview, place: int) -> tuple[int, int]:
    """Decode a variable-length integer; return (it, the place after it)."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("it is no ONNX file, or damaged")
