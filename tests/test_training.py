"""Checkpoints: what resumes and what does not; predictions in training equal a Reader's."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from CTCLayer import CTCLayer
from ocr import paths
from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.drawing import captchas, symbols
from ocr.reading.ctc import Alphabet
from ocr.reading.reader import Reader
from ocr.training import checkpoint, classifier, loop, progress
from ocr.training import ctc as ctc_training
from SquareRootScheduler import SquareRootScheduler


@pytest.fixture(scope="module")
def data():
    pairs = list(captchas.captchas(32, seed=3))
    labels = [label for label, _ in pairs]
    return Labelled(
        np.stack([np.asarray(p.convert("L"))[:, :, None] for _, p in pairs]),
        labels,
        labels,
        [(200, 50)] * 32,
    )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(paths, "LOGS", tmp_path / "logs")
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


class Stop(keras.callbacks.Callback):
    """Interrupt the training when an epoch begins."""

    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise KeyboardInterrupt


def train(
    data,
    epochs=6,
    stop=None,
    patience=1,
    rate=0.5,
    validation=slice(0, 8),
    dropout=0.3,
    passes=1,
):
    """Run a tiny training whose loss does not fall, so that early stopping acts."""
    keras.utils.set_random_seed(1)
    image = keras.Input((50, 200, 1), name="image")
    x = keras.layers.AveragePooling2D(pool_size=(10, 4))(image)
    x = keras.layers.Reshape((50, 5))(keras.layers.Permute((2, 1, 3))(x))
    x = keras.layers.Dropout(dropout)(x)
    reading = keras.Model(image, keras.layers.Dense(20)(x))
    label = keras.Input((None,), dtype="int32", name="label")
    model = keras.Model({"image": image, "label": label}, CTCLayer()(label, reading.output))
    model.compile(keras.optimizers.Adam(rate))
    callbacks = [
        keras.callbacks.LearningRateScheduler(SquareRootScheduler(rate)),
        keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True),
    ]
    if stop is not None:
        model_fit = model.fit
        model.fit = lambda *a, callbacks, **k: model_fit(
            *a, callbacks=[*callbacks, Stop(stop)], **k
        )
    log = ctc_training.fit(
        "tiny",
        model,
        reading,
        data,
        data.take(validation),
        Alphabet(captchas.CAPTCHA_SYMBOLS),
        epochs=epochs,
        batch_size=8,
        seed=1,
        passes=passes,
        callbacks=callbacks,
    )
    return log.drop(columns="cpu_s"), reading.get_weights()


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "passes"), [(1, 1), (3, 1), (2, 2)])
def test_an_interrupted_training_resumes_to_the_same_result(data, cache, stop, passes):
    log, weights = train(data, patience=3, passes=passes)
    for file in cache.iterdir():
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        train(data, patience=3, stop=stop, passes=passes)
    again, same = train(data, patience=3, passes=passes)
    assert again.equals(log) and all(np.array_equal(a, b) for a, b in zip(weights, same))


@pytest.mark.slow
def test_early_stopping_keeps_its_count_when_resumed(data, cache):
    log, weights = train(data, epochs=20, patience=2)
    assert len(log) < 20, "the tiny training is meant to stop early"
    for file in cache.iterdir():
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        train(data, epochs=20, patience=2, stop=len(log) - 1)
    again, same = train(data, epochs=20, patience=2)
    assert again.equals(log) and all(np.array_equal(a, b) for a, b in zip(weights, same))


@pytest.mark.slow
def test_a_finished_training_is_restored_and_a_changed_one_is_not(data, cache):
    log, weights = train(data, epochs=2)
    again, same = train(data, epochs=2)
    assert again.equals(log) and all(np.array_equal(a, b) for a, b in zip(weights, same))
    assert len(list(cache.iterdir())) == 1
    for change in (
        {"patience": 2},
        {"rate": 0.4},
        {"validation": slice(8, 16)},
        {"dropout": 0.2},
        {"epochs": 1},
    ):
        before = len(list(cache.iterdir()))
        train(data, **{"epochs": 2} | change)
        assert len(list(cache.iterdir())) == before + 1, change


def test_read_all_equals_the_reader_for_strings(small):
    model = keras.models.load_model(small / "model.keras", compile=False)
    noise = np.random.default_rng(1).integers(0, 255, (20, 8, 40, 1), np.uint8)
    data = Labelled(noise, [""] * 20, [""] * 20, [(40, 8)] * 20)
    texts, confidences = ctc_training.read_all(model, data, Alphabet("1ab"), lengths=(2, 4))
    readings = Reader.load(small).read(noise)
    assert texts == [r.text for r in readings]
    assert confidences == pytest.approx([r.confidence for r in readings], abs=1e-5)


@pytest.fixture(scope="module")
def glyphs():
    pairs = list(symbols.glyphs("17Aa" * 24, seed=4))
    return Labelled(
        np.stack([image for _, image in pairs]),
        [s for s, _ in pairs],
        [str(i) for i in range(len(pairs))],
    )


def train_classes(
    glyphs, epochs=4, stop=None, smoothing=0.1, strength=1.0, balanced=True, outputs=4
):
    keras.utils.set_random_seed(1)
    image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(outputs, name="logits")(x))
    classifier.one_cycle(model, epochs * 5, smoothing=smoothing)
    if stop is not None:
        model_fit = model.fit
        model.fit = lambda *a, callbacks, **k: model_fit(
            *a, callbacks=[*callbacks, Stop(stop)], **k
        )
    log = classifier.fit(
        "classes",
        model,
        glyphs.take(slice(0, 80)),
        glyphs.take(slice(80, 96)),
        Alphabet("17Aa"),
        epochs=epochs,
        steps=5,
        batch_size=8,
        seed=1,
        strength=strength,
        balanced=balanced,
    )
    return log.drop(columns="cpu_s"), model


@pytest.mark.slow
def test_a_classifier_learns_and_resumes_to_the_same_result(glyphs, cache):
    log, model = train_classes(glyphs)
    assert log["loss"].iloc[-1] < log["loss"].iloc[0] and list(log.index) == [1, 2, 3, 4]
    assert log["val_exact"].iloc[-1] > 0.4 and log["learning_rate"].iloc[-1] < 1e-3
    for file in cache.iterdir():
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        train_classes(glyphs, stop=2)
    again, same = train_classes(glyphs)
    assert again.equals(log)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), same.get_weights()))
    for change in (
        {"smoothing": 0.2},
        {"strength": 0.5},
        {"balanced": False},
        {"epochs": 2},
        {"outputs": 5},
    ):
        before = len(list(cache.iterdir()))
        train_classes(glyphs, **change)
        assert len(list(cache.iterdir())) == before + 1, change


def test_tensorboard_logs_every_epoch_once_when_resumed(glyphs, cache):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    log, _ = train_classes(glyphs)
    for way in ("trained", "from the checkpoint"):
        events = EventAccumulator(str(paths.LOGS / "classes" / "validation")).Reload()
        (tag,) = [tag for tag in events.Tags()["tensors"] if "exact" in tag]
        values = [float(make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]
        assert [e.step for e in events.Tensors(tag)] == [0, 1, 2, 3], way
        assert values == pytest.approx(list(log["val_exact"])), way
        train_classes(glyphs)


def test_calibration_lowers_the_loss_and_changes_no_answer(glyphs):
    _, model = train_classes(glyphs, epochs=8)
    alphabet, few = Alphabet("17Aa"), glyphs.take(slice(80, 96))
    assert classifier.calibrate(model, few, alphabet) == 1  # too few to tell
    held = glyphs.take(np.tile(np.arange(80, 96), 7))
    before, loss = (
        classifier.read_all(model, held, alphabet),
        classifier.evaluate(model, held, alphabet, "unit"),
    )
    temperature = classifier.calibrate(model, held, alphabet)
    after = classifier.read_all(model, held, alphabet)
    assert before[0] == after[0] and temperature != 1
    assert classifier.evaluate(model, held, alphabet, "unit")["val_loss"] < loss["val_loss"]


def test_read_all_equals_the_reader_for_characters(small_class, glyphs):
    model = keras.models.load_model(small_class / "model.keras", compile=False)
    data = Labelled(glyphs.images, glyphs.labels, glyphs.names)
    texts, confidences = classifier.read_all(model, data, Alphabet("017A"))
    readings = Reader.load(small_class).read(glyphs.images)
    assert texts == [r.text for r in readings]
    assert confidences == pytest.approx([r.confidence for r in readings], abs=1e-5)


def test_plan_gives_few_images_more_epochs():
    assert classifier.plan(90, 64, 80) == (50, 20)
    assert classifier.plan(5_000, 64, 80) == (75, 80)
    assert classifier.plan(200_000, 64, 1600, 8) == (8, 1600)


def test_checkpoint_key_ignores_the_session_counters_of_nested_networks(tmp_path):
    def nested():
        inside = keras.Input((4, 4, 1))
        inner = keras.Model(
            inside, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.ReLU()(inside)))
        )
        image = keras.Input((4, 4, 2), name="image")
        model = keras.Model(image, inner(image[..., 1:]))
        model.compile(optimizer="adam", loss="mse")
        return model

    found = set()
    for _ in range(2):
        found.add(checkpoint.Checkpoint("x", nested(), {}, 1, folder=tmp_path).path)
        keras.layers.ReLU()(keras.Input((2,)))  # counts up the names of a session
    assert len(found) == 1


def test_reduce_on_plateau_keeps_its_state_when_resumed(tmp_path, monkeypatch):
    """Stopped after 3 of 8 epochs and resumed, the rate falls as in a training that was not."""
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.setattr(paths, "LOGS", tmp_path)

    def fit(name):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(1e-9), loss="mse")
        x = np.ones((4, 2), np.float32)
        stream = ((x, x[:, :1]) for _ in itertools.count())
        plateau = keras.callbacks.ReduceLROnPlateau(
            monitor="loss", patience=2, factor=0.5, min_delta=1, min_lr=0
        )
        return loop.run(name, model, lambda epoch: stream, 1, 8, {}, None, [plateau])[
            "learning_rate"
        ]

    whole = fit("whole")
    steps = checkpoint.Checkpoint.on_epoch_end
    with pytest.raises(KeyboardInterrupt):
        calls = []

        def cut(self, epoch, logs=None):
            steps(self, epoch, logs)
            calls.append(epoch)
            if len(calls) == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", cut)
        fit("cut")
    monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", steps)
    assert np.allclose(fit("cut"), whole, atol=0) and whole.iloc[-1] < whole.iloc[0]


def test_a_log_says_how_long_it_will_take(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(loop.sys, "stderr", SimpleNamespace(isatty=lambda: False))
    checkpoint = SimpleNamespace(epochs=20, epoch=0, rows=[])
    with progress.part(0, 3):
        shown = loop.Progress(checkpoint, "mine")
        for epoch in range(20):
            clock[0] += 60 if epoch < 2 else 1
            shown.on_epoch_end(epoch, {"loss": 1.0})
    first, second, *_, last = capsys.readouterr().out.splitlines()
    assert first == "mine: epoch   2 of 20  loss 1.000  58 min left"  # 18 epochs, and twice 20
    assert second.endswith("56 s left") and last.endswith("40 s left")
    with progress.part(2, 3):
        shown.on_epoch_end(19, {"loss": 1.0})
    assert capsys.readouterr().out == "mine: epoch  20 of 20  loss 1.000\n"
