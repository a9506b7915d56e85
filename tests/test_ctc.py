"""CTCLayer: against brute force, Keras and finite differences; errors; reloading elsewhere."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from CTCLayer import CTCLayer
from ocr.backend import keras
from ocr.reading.ctc import BLANK, collapse, log_likelihood, log_softmax, steps_needed


def brute_force(log_probs, label):
    """Sum the probabilities of all paths that collapse to `label`; return the logarithm."""
    steps, classes = log_probs.shape
    total = [
        log_probs[range(steps), path].sum()
        for path in itertools.product(range(classes), repeat=steps)
        if collapse(path) == tuple(label)
    ]
    return np.logaddexp.reduce(total) if total else -np.inf


def cases(count, seed=0):
    """Draw (logits, label): up to 5 time steps, 4 classes; some labels are empty or too long."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        steps, classes = rng.integers(1, 6), rng.integers(2, 5)
        label = rng.integers(1, classes, rng.integers(0, steps + 1)).tolist()
        yield rng.normal(0, 2, (steps, classes)).astype("float32"), label


def loss_of(labels, logits, *lengths):
    layer = CTCLayer()
    layer(np.asarray(labels, "int32"), logits, *lengths)
    return float(ops.convert_to_numpy(layer.losses[0]))


@pytest.mark.slow
def test_loss_equals_brute_force():
    possible = impossible = 0
    for logits, label in cases(260):
        truth = brute_force(log_softmax(logits), label)
        assert log_likelihood(log_softmax(logits), label) == pytest.approx(
            truth, rel=1e-6, abs=1e-6
        )
        padded = [label + [BLANK] * (len(logits) - len(label))]
        if truth == -np.inf:
            assert steps_needed(label) > len(logits)
            with pytest.raises(ValueError, match="too long"):
                loss_of(padded, logits[None])
            impossible += 1
        else:
            assert loss_of(padded, logits[None]) == pytest.approx(-truth, rel=1e-4, abs=1e-4)
            possible += 1
    assert possible >= 200 and impossible >= 10


def test_loss_equals_that_of_keras_and_is_averaged_over_the_batch():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (6, 12, 7)).astype("float32")
    labels = np.array(
        [[1, 2, 3, 0], [4, 4, 0, 0], [6, 5, 6, 5], [1, 1, 1, 1], [2, 0, 0, 0], [3, 1, 2, 0]],
        "int32",
    )
    each = ops.convert_to_numpy(keras.losses.CTC(reduction=None)(labels, logits))
    assert loss_of(labels, logits) == pytest.approx(each.mean(), rel=1e-5)
    assert loss_of(labels[:1], logits[:1]) == pytest.approx(each[0], rel=1e-5)


def test_logits_are_unchanged_and_padding_does_not_count():
    logits = np.random.default_rng(2).normal(size=(2, 6, 4)).astype("float32")
    layer = CTCLayer(name="ctc_loss")
    assert np.array_equal(ops.convert_to_numpy(layer(np.array([[1, 2], [3, 0]]), logits)), logits)
    assert loss_of([[1, 2, 0, 0, 0], [3, 0, 0, 0, 0]], logits) == pytest.approx(
        loss_of([[1, 2], [3, 0]], logits), rel=1e-6
    )


def test_input_lengths_limit_the_time_steps():
    logits = np.random.default_rng(3).normal(size=(2, 8, 4)).astype("float32")
    labels = [[1, 2], [3, 0]]
    cut = loss_of(labels[:1], logits[:1, :5]) + loss_of(labels[1:], logits[1:, :3])
    assert loss_of(labels, logits, np.array([5, 3])) == pytest.approx(cut / 2, rel=1e-5)


def test_gradient_equals_finite_differences():
    """Compare with central differences of the likelihood by dynamic programming."""
    tf = pytest.importorskip("tensorflow")
    logits = np.random.default_rng(4).normal(size=(2, 5, 4)).astype("float64")
    labels = np.array([[1, 1], [2, 3]], "int32")
    variable = tf.Variable(logits, dtype="float32")
    with tf.GradientTape() as tape:
        layer = CTCLayer()
        layer(labels, variable)
        loss = layer.losses[0]
    gradient = tape.gradient(loss, variable).numpy()

    def loss_at(x):
        return -np.mean([log_likelihood(log_softmax(m), label) for m, label in zip(x, labels)])

    for where in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[where] = 1e-4
        slope = (loss_at(logits + step) - loss_at(logits - step)) / 2e-4
        assert gradient[where] == pytest.approx(slope, abs=1e-4)


BAD_LABELS = {
    "negative": [1, -1],
    "beyond the alphabet": [1, 9],
    "before its end": [0, 2],
    "too long": [2, 2],
}


@pytest.mark.parametrize("fault", BAD_LABELS)
def test_invalid_label_raises_when_eager_and_gives_nan_when_compiled(fault):
    logits = np.zeros((2, 2, 4), "float32")
    labels = np.array([[1, 2], BAD_LABELS[fault]], "int32")
    with pytest.raises(ValueError, match=f"label 1 of the batch .*{fault}"):
        loss_of(labels, logits)
    inputs = {
        "x": keras.Input((2, 4), name="x"),
        "label": keras.Input((None,), dtype="int32", name="label"),
    }
    model = keras.Model(inputs, CTCLayer()(inputs["label"], inputs["x"]))
    model.compile("sgd")
    assert np.isnan(model.train_on_batch({"x": logits, "label": labels}))
    assert np.isfinite(
        model.train_on_batch({"x": logits, "label": np.repeat(labels[:1], 2, axis=0)})
    )


RELOAD = """
import sys, numpy as np
from CTCLayer import CTCLayer
from ocr.backend import keras
model = keras.models.load_model(sys.argv[1])
images, labels = np.load(sys.argv[2]).values()
print(repr(float(model.evaluate({"image": images, "label": labels}, verbose=0))))
print(repr(float(np.sum(model.predict({"image": images, "label": labels}, verbose=0)))))
"""


@pytest.mark.slow
def test_a_model_reloads_in_another_process_with_another_hash_seed(tmp_path):
    image, label = (
        keras.Input((6, 3), name="image"),
        keras.Input((None,), dtype="int32", name="label"),
    )
    model = keras.Model(
        {"image": image, "label": label},
        CTCLayer(name="ctc_loss")(label, keras.layers.Dense(4)(image)),
    )
    model.compile("adam")
    images = np.random.default_rng(5).normal(size=(3, 6, 3)).astype("float32")
    labels = np.array([[1, 2], [3, 0], [1, 1]], "int32")
    model.train_on_batch({"image": images, "label": labels})
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "batch.npz", images, labels)
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, tmp_path / "model.keras", tmp_path / "batch.npz"],
        env=os.environ | {"PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loss, total = map(float, done.stdout.split())
    assert loss == pytest.approx(
        model.evaluate({"image": images, "label": labels}, verbose=0), rel=1e-5
    )
    assert total == pytest.approx(
        float(np.sum(model.predict({"image": images, "label": labels}, verbose=0))), rel=1e-4
    )
