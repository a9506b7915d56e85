"""SquareRootScheduler: its formula, by epoch and by step."""

import numpy as np
import pytest

from ocr.backend import keras
from SquareRootScheduler import SquareRootScheduler


@pytest.mark.parametrize("epoch", [0, 1, 2, 8, 99, 199])
def test_published_formula(epoch):
    assert SquareRootScheduler(3e-4)(epoch) == pytest.approx(3e-4 / np.sqrt(epoch + 1), rel=1e-12)


def test_warmup_rises_to_the_peak_then_falls_with_the_square_root():
    rates = [SquareRootScheduler(1.0, warmup=10)(n) for n in range(100)]
    assert (
        rates[0] == pytest.approx(0.1)
        and rates[4] == pytest.approx(0.5)
        and rates[9] == pytest.approx(1.0)
    )
    assert max(rates) == rates[9]
    assert rates[39] == pytest.approx(np.sqrt(10 / 40))


def test_by_epoch_in_fit():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1.0), loss="mse")
    history = model.fit(
        np.zeros((4, 1)),
        np.zeros(4),
        epochs=4,
        verbose=0,
        callbacks=[keras.callbacks.LearningRateScheduler(SquareRootScheduler(0.2))],
    )
    assert history.history["learning_rate"] == pytest.approx(
        [0.2 / np.sqrt(n) for n in (1, 2, 3, 4)], rel=1e-6
    )


def test_by_step_in_a_reloaded_optimizer():
    schedule = SquareRootScheduler(0.2, warmup=3)
    optimizer = keras.optimizers.get(keras.optimizers.serialize(keras.optimizers.SGD(schedule)))
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    for step in range(6):
        assert float(optimizer.learning_rate) == pytest.approx(schedule(step), rel=1e-6)
        optimizer.apply([keras.ops.ones(())])
    assert float(weight) == pytest.approx(-sum(schedule(step) for step in range(6)), rel=1e-5)


@pytest.mark.parametrize("arguments", [(0,), (-1.0,), (1.0, 0)])
def test_invalid_arguments_are_errors(arguments):
    with pytest.raises(ValueError, match="need lr > 0"):
        SquareRootScheduler(*arguments)
