"""Refusal by readers of characters: strangers, the added class, what the shipped readers do."""

import numpy as np
import pytest

from ocr.backend import keras
from ocr.datasets.dataset import Labelled
from ocr.drawing.fonts import WESTERN_UNSEEN
from ocr.drawing.strangers import FAMILIES, HELD_OUT, KINDS, Printer, characters, strangers
from ocr.networks.char_cnn import improved_network
from ocr.paths import MODELS
from ocr.reading.ctc import Alphabet, log_softmax
from ocr.reading.images import ImageError, normalise
from ocr.reading.inputs import INPUTS
from ocr.reading.reader import Reader
from ocr.training import refusal

SHIPPED = ("char_cnn", "cnn_lstm", "dual_input")
GLYPH = INPUTS["glyph"].fixed()
SYMBOLS = Alphabet("AB7")


@pytest.fixture(scope="module")
def printer():
    return Printer(HELD_OUT)


# --- strangers


@pytest.mark.parametrize("fit", ["glyph", "views"])
def test_strangers_are_seeded_and_of_every_kind(fit, printer):
    kind = INPUTS[fit].fixed()
    images, kinds = strangers(len(KINDS), 3, kind, printer)
    again, _ = strangers(len(KINDS), 3, kind, printer)
    others, _ = strangers(len(KINDS), 4, kind, printer)
    assert images.shape == (len(KINDS), *kind.shape) and images.dtype == np.uint8
    assert kinds == list(KINDS)
    assert np.array_equal(images, again) and not np.array_equal(images, others)


def test_strangers_to_validate_with_are_in_fonts_of_their_own():
    assert not set(FAMILIES) & set(HELD_OUT)
    assert not (set(FAMILIES) | set(HELD_OUT)) & set(WESTERN_UNSEEN)


def test_two_handwritten_characters_are_both_there(printer):
    hand = np.zeros((28, 28), np.uint8)
    hand[4:24, 12:16] = 255
    images, _ = strangers(
        8, 0, GLYPH, Printer(HELD_OUT, hand[None]), ("two handwritten characters",)
    )
    for image in images[..., 0] > 127:
        columns = np.flatnonzero(image.any(axis=0))
        assert not image[:, columns[0] : columns[-1]].any(axis=0).all()  # a gap between two bars


def test_characters_on_worn_paper_keep_their_labels():
    hand = np.zeros((1, 28, 28, 1), np.uint8)
    hand[:, 4:24, 12:16] = 255
    found = refusal.drawn(14, 0, "glyph", "AB", Labelled(hand, ["1"], ["bar"]))
    assert found.labels == [refusal.UNREADABLE] * 14 + ["A", "B", "1"]
    assert len(found.images) == 17 and found.names[-3:] == ["printed", "printed", "handwritten"]
    assert found.images.reshape(17, -1).any(axis=1).all()


def test_text_that_no_font_has_is_an_error(printer):
    with pytest.raises(ValueError, match="add a family"):
        characters(["\ue123"], 0, GLYPH, printer)


# --- the added class


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    network = improved_network(3, width=8)
    rng = np.random.default_rng(0)
    network.layers[-1].set_weights([rng.normal(0, 1, w.shape) for w in network.layers[-1].weights])
    return network


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)


def test_the_added_class_keeps_the_other_logits(small, images):
    batch = normalise(images, "unit")
    before = small.predict_on_batch(batch)
    after = refusal.extended(small).predict_on_batch(batch)
    assert after.shape == (20, 4)
    np.testing.assert_allclose(after[:, :3], before, atol=1e-5)
    assert np.array_equal(after.argmax(axis=1), before.argmax(axis=1))


def test_fine_tuning_teaches_the_class_and_leaves_the_given_network(
    small, images, monkeypatch, tmp_path
):
    monkeypatch.setattr("ocr.paths.CACHE", tmp_path)
    monkeypatch.setattr("ocr.paths.LOGS", tmp_path)
    kept = [weights.copy() for weights in small.get_weights()]
    data = Labelled(images, list("AB7B") * 5, [str(i) for i in range(20)])
    strange = Labelled(255 - images[:8], [refusal.UNREADABLE] * 8, ["noise"] * 8)
    taught, log = refusal.teach(
        "test", small, data, data, SYMBOLS, strange, epochs=1, steps=4, seed=0, batch_size=8
    )
    assert len(log) == 1 and taught.output_shape == (None, 4)
    assert all(np.array_equal(a, b) for a, b in zip(kept, small.get_weights()))


def test_drawn_images_have_their_share_of_a_balanced_draw():
    groups = refusal._drawn_groups(500, np.arange(1000) % 47, 0)
    assert groups.min() > 46
    share = len(np.unique(groups)) / (47 + len(np.unique(groups)))
    assert abs(share - refusal.SHARE) < 0.01


def test_readings_are_empty_where_the_class_is_the_most_probable():
    log_probs = log_softmax(np.array([[0.0, 5, 0, 1], [0, 1, 0, 5]], np.float32))
    texts, sure = refusal.readings(log_probs, refusal.with_refusal(SYMBOLS))
    assert texts == ["B", ""] and sure[0] > 0.9 and sure[1] == 0


# --- the shipped readers


@pytest.fixture(scope="module", params=SHIPPED)
def reader(request):
    return Reader.load(request.param)


def taught(reader):
    """Check that a reader has the class; the ensemble has a threshold of trust alone."""
    return reader.kind == "class"


def readings_of(reader, pictures):
    """Read pictures; one without any ink counts as refused."""
    found = []
    for picture in pictures:
        try:
            found.append(reader.read(picture))
        except ImageError:
            continue
    return found


def test_the_contract_of_a_character_reader_has_trust(reader):
    facts = reader.contract
    assert facts["format"] == 2 and facts.get("marks") == (refusal.MARK if taught(reader) else None)
    assert refusal.UNREADABLE not in reader.decoder.alphabet.symbols
    trust = facts["trust"]
    assert trust["share"] >= 0.2 and trust["right"] >= 0.99 and trust["n"] >= 2000


@pytest.mark.parametrize("name", list(KINDS))
def test_a_shipped_reader_trusts_few_strangers(reader, name, printer):
    rng = np.random.default_rng(2026)
    found = readings_of(reader, [KINDS[name](printer, rng) for _ in range(60)])
    assert sum(reading.trusted for reading in found) <= 5
    assert all(r.confidence == 0 and not r.trusted for r in found if not r.text)


def test_a_refusal_is_a_reading_without_text(reader):
    rng = np.random.default_rng(5)
    noise = [rng.integers(0, 256, (40, 60), dtype=np.uint8) for _ in range(20)]
    found = readings_of(reader, noise)
    assert sum(one.trusted for one in found) == 0
    if taught(reader):
        assert np.mean([one.text == "" for one in found]) > 0.8


@pytest.mark.parametrize(
    "folder", ["char_cnn", "cnn_lstm", *(f"dual_input/{k}" for k in (1, 2, 3))]
)
def test_keras_and_onnx_agree(folder):
    reader = Reader.load(MODELS / folder)
    network = keras.models.load_model(MODELS / folder / "model.keras")
    examples, _ = strangers(14, 9, reader.input, Printer(HELD_OUT))
    batch = normalise(examples, reader.normalisation)
    difference = reader.log_probs(batch) - log_softmax(network.predict_on_batch(batch))
    assert np.abs(difference).max() < 1e-4


def test_the_captcha_reader_has_a_threshold_of_trust():
    reader = Reader.load("captcha")
    assert reader.contract["trust"]["n"] >= 100 and "marks" not in reader.contract
