"""Keras, set up for this project: import it from here, `from ocr.backend import keras`.

One thread a training, which on networks of this size is as fast as two, costs less, and makes two
runs of the same seed identical; and no lines of TensorFlow's about oneDNN and CUDA, nor, in a
notebook, about graphs that its optimizer leaves as they are: `loc("..."): error: 'tfg.While' ...`.
"""

import logging
import os
import sys

for _name, _value in {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # TensorFlow leaves it off on processors without AVX-512
}.items():
    os.environ.setdefault(_name, _value)

_stderr, _devnull = (
    os.dup(2),
    os.open(os.devnull, os.O_WRONLY),
)  # TensorFlow prints before it can be asked not to
os.dup2(_devnull, 2)
try:
    import keras
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_devnull)
logging.getLogger("tensorflow").setLevel(
    logging.ERROR
)  # not a word for each network that is traced anew


def _leave_out_graphs(*_) -> None:
    """Leave what TensorFlow's optimizer says of graphs out of a notebook, which shows it in red."""
    write = sys.stderr.write
    if getattr(write, "__name__", "") == "without_graphs":
        return

    def without_graphs(text: str) -> int:
        lines = text.splitlines(keepends=True)
        write("".join(line for line in lines if line[:4] != "loc(" or "'tfg." not in line))
        return len(text)

    sys.stderr.write = without_graphs  # type: ignore[method-assign]


if "ipykernel" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()):
    _leave_out_graphs()
    _shell.events.register("pre_execute", _leave_out_graphs)  # IPython undoes it after every cell

__all__ = ["keras"]
