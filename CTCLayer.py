"""The CTC loss as the last layer of a model (Graves et al. 2006), for Keras 3 on any backend.

    labels = keras.Input(shape=(None,), dtype="int32", name="label")
    outputs = CTCLayer(name="ctc_loss")(labels, logits)
    model = keras.Model({"image": images, "label": labels}, outputs)
    model.compile(optimizer)                     # no loss: the layer adds it

The layer is needed for training only: the model from images to logits has no custom object in it.
"""

from ocr.backend import keras
from ocr.reading.ctc import BLANK

ops = keras.ops


@keras.saving.register_keras_serializable(package="ocr")
class CTCLayer(keras.layers.Layer):
    """Add the mean CTC loss of a batch; return the logits unchanged.

    Call it as `CTCLayer(name="ctc_loss")(labels, logits)`, or with a third argument
    `input_lengths`:

    labels         integers (batch, max_length): symbols >= 1, padded at the end with blank 0; a
                   label's true length is found from the padding
    logits         floats (batch, time, classes), before any softmax; class 0 is the blank
    input_lengths  integers (batch,): time steps in use of each image; default all

    A label that is negative, beyond the alphabet, has a blank inside, or needs more time steps than
    there are (symbols plus a blank between equal neighbours) raises ValueError when run eagerly; in
    a compiled step the loss becomes NaN instead, as a graph cannot raise. The audit
    (ocr/datasets/audit.py) names such a file before training.

    Under a mixed precision policy it still computes in float32.
    """

    def __init__(self, **settings):
        super().__init__(**{"dtype": "float32"} | settings)

    def call(self, labels, logits, input_lengths=None):
        labels = ops.cast(labels, "int32")
        steps, classes = ops.shape(logits)[1], logits.shape[-1]
        lengths = ops.sum(ops.cast(labels != BLANK, "int32"), axis=1)
        if input_lengths is None:
            input_lengths = ops.zeros_like(lengths) + steps
        input_lengths = ops.cast(input_lengths, "int32")
        faults = self._faults(labels, lengths, input_lengths, steps, classes)
        self._raise_if_eager(faults, labels)
        bad = ops.any(ops.stack(list(faults.values())), axis=0)
        safe = ops.where(bad[:, None], ops.zeros_like(labels), labels)
        loss = ops.ctc_loss(
            safe,
            logits,
            ops.where(bad, 0, lengths),
            ops.clip(input_lengths, 1, steps),
            mask_index=BLANK,
        )
        self.add_loss(ops.mean(ops.where(bad, float("nan"), loss)))
        return logits

    @staticmethod
    def _faults(labels, lengths, input_lengths, steps, classes):
        """Find faulty labels: {message: booleans (batch,)}."""
        positions = ops.arange(ops.shape(labels)[1])[None]
        inside = positions < lengths[:, None]
        repeats = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] != BLANK)
        needed = lengths + ops.sum(ops.cast(repeats, "int32"), axis=1)
        return {
            "has a negative index (pad with blank 0, not -1)": ops.any(labels < 0, axis=1),
            f"has an index beyond the alphabet (largest is {classes - 1})": ops.any(
                labels >= classes, axis=1
            ),
            "has a blank (0) before its end": ops.any((labels == BLANK) & inside, axis=1),
            "has input_lengths outside 1..time steps": (input_lengths < 1)
            | (input_lengths > steps),
            "is too long for the time steps": needed > input_lengths,
        }

    @staticmethod
    def _raise_if_eager(faults, labels):
        try:
            values = {fault: ops.convert_to_numpy(rows) for fault, rows in faults.items()}
        except Exception:  # symbolic or traced: each backend has its own error for "no value yet"
            return
        for fault, rows in values.items():
            if rows.any():
                row = int(rows.argmax())
                label = ops.convert_to_numpy(labels)[row].tolist()
                raise ValueError(f"label {row} of the batch {fault}: {label}")

    def compute_output_shape(self, labels_shape, logits_shape, input_lengths_shape=None):
        return logits_shape
