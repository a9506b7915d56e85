"""A reader whose network can be computed by hand: the rows of a picture are its classes.

Pixel (class, column) gives the logit of that class: 255 is GAIN, 0 is 0. Four columns make a time
step. So a test draws the log-probabilities that it wants to be read.
"""

import hashlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ocr.reading import contract
from ocr.reading.ctc import Alphabet
from ocr.reading.scripts import MARKS, SYMBOLS

GAIN = 30
STRIDE = 4  # columns to a time step
ALPHABET = Alphabet(SYMBOLS + MARKS["other"] + MARKS["unreadable"])
HEIGHT, WIDTH = len(ALPHABET), 256
WIDTHS = (48, 64, 96, 128, 192, 256)
SCRIPTS = ("western", "arabic", "persian")
TRUST = {
    "points": [[0.0, 0.0], [0.5, 0.4], [1.0, 0.98]],
    "threshold": 0.9,
    "on": "barcodes",
    "n": 200,
    "share": 0.75,
    "right": 0.99,
}
KINDS = {"scripts": SCRIPTS, "marks": MARKS, "trust": TRUST, "widths": WIDTHS}


def facts(**changes):
    """Describe the reader; changes: arguments of contract.describe."""
    known = {
        "kind": "ctc",
        "alphabet": ALPHABET,
        "size": (HEIGHT, WIDTH),
        "channels": 1,
        "normalisation": "unit",
        "decoding": {"time_steps": WIDTH // STRIDE, "lengths": None},
        "data": {"name": "barcodes", "count": 0, "digest": "", "terms": ""},
        "scores": [],
        "seed": 0,
    }
    return contract.describe(**(known | KINDS | changes))


def network():
    """Build the ONNX network, of any width."""
    nodes = [
        helper.make_node("Transpose", ["image"], ["rows"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["rows"], ["steps"], kernel_shape=[1, STRIDE], strides=[1, STRIDE]
        ),
        helper.make_node("Squeeze", ["steps", "axis"], ["classes"]),
        helper.make_node("Transpose", ["classes"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["frames", "gain"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "barcodes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", HEIGHT, "w", 1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", "t", HEIGHT])],
        [
            numpy_helper.from_array(np.array([1]), "axis"),
            numpy_helper.from_array(np.float32(GAIN), "gain"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save(folder, **changes):
    """Save the reader in a folder; changes: as of `facts`."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(network().SerializeToString())
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    contract.write_contract(folder, facts(**changes) | {"onnx_sha256": digest})
    return folder


def barcode(text, steps=WIDTH // STRIDE):
    """Draw symbols of ALPHABET, each at every other time step: uint8 (HEIGHT, 4 * steps)."""
    pixels = np.zeros((HEIGHT, steps), np.uint8)
    classes = np.zeros(steps, int)
    first = (steps - 2 * len(text)) // 2
    classes[first : first + 2 * len(text) : 2] = ALPHABET.encode(text)
    pixels[classes, np.arange(steps)] = 255
    return pixels.repeat(STRIDE, axis=1)
