"""Training on drawn numbers: labels, weights to begin with, reading, trust."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr import scores
from ocr.drawing.numbers.mixture import Block, block_of
from ocr.reading import scripts
from ocr.reading.contract import ReaderError, describe, find_reader, read_contract, write_contract
from ocr.reading.ctc import Alphabet
from ocr.training import numbers
from ocr.training.own import starting
from ocr.training.own_numbers import as_symbols, widths_of
from ocr.training.own_numbers import block_of as block_of_data
from ocr.training.trust import WANTED, trust

SIZE = (32, 256)
SYMBOLS = scripts.SYMBOLS + "".join(scripts.MARKS.values())


# --- labels and pictures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "script", "symbols"),
    [
        ("12/05", None, "12/05"),
        ("١٢٫٥", None, "١٢٫٥"),
        ("۱۲۴۵۶", None, "١٢۴۵۶"),  # the shared shapes have one symbol
        ("1246", "arabic", "١٢٤٦"),
        ("1246", "persian", "١٢۴۶"),
        ("12.46", "arabic", "١٢.٤٦"),  # separators stay as they are
        ("1246", "western", "1246"),
    ],
)
def test_labels_become_symbols_of_the_alphabet(label, script, symbols):
    assert as_symbols(label, script) == symbols
    assert set(symbols) <= set(SYMBOLS)


@given(st.lists(st.integers(8, 256), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_width_of_a_picture_is_found_from_its_padding(widths, seed):
    rng = np.random.default_rng(seed)
    images = np.full((len(widths), *SIZE, 1), 200, np.uint8)
    for image, width in zip(images, widths):
        start = (256 - width) // 2
        image[:, start : start + width] = rng.integers(0, 180, (32, width, 1))
    found = widths_of(images)
    assert (found >= widths).all() and (found <= np.array(widths) + 1).all()


def test_a_blank_picture_has_the_full_width():
    assert widths_of(np.full((1, *SIZE, 1), 255, np.uint8)).tolist() == [256]


def test_a_block_of_pictures_leaves_out_those_without_ink():
    page = np.full((40, 90), 255, np.uint8)
    page[10:30, 20:70:10] = 0
    found = block_of([("1", page), ("2", np.full((40, 90), 255, np.uint8))], SIZE)
    assert found.labels == ["1"] and found.pixels.shape == (1, *SIZE, 1)


# --- trust ---------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(10, 3000), st.floats(0.3, 1.0))
@settings(max_examples=40, deadline=None)
def test_trust_is_a_section_that_a_contract_accepts(seed, count, skill):
    rng = np.random.default_rng(seed)
    sure = rng.random(count)
    right = rng.random(count) < sure**0.5 * skill
    section = trust(sure, right, "drawn")
    points = np.array(section["points"])
    assert (np.diff(points, axis=0) >= 0).all()
    calibrated = np.interp(sure, *points.T)
    accepted = calibrated >= section["threshold"]
    assert accepted.mean() == pytest.approx(section["share"])
    if accepted.any():
        assert (
            right[accepted].mean() == pytest.approx(section["right"]) and section["right"] >= 0.99
        )
    describe(
        kind="ctc", alphabet=Alphabet("01"), size=SIZE, channels=1, normalisation="standard",
        decoding={"time_steps": 64, "lengths": None}, data={"name": "x"}, scores=[], seed=0,
        trust=section,
    )  # fmt: skip


def test_few_images_earn_no_trust():
    section = trust(np.linspace(0.5, 1, 20), np.ones(20, bool), "twenty images")
    assert section["threshold"] == scores.NONE_TRUSTED and section["share"] == 0
    assert WANTED == 0.99


# --- weights -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """An untrained reader of numbers, and a function that builds its network."""
    from ocr.backend import keras
    from ocr.networks.numbers import improved_network

    folder = tmp_path_factory.mktemp("known")
    keras.utils.set_random_seed(3)
    network = improved_network(32, None, 1 + len(SYMBOLS))
    network.save(folder / "model.keras")
    facts = read_contract(find_reader("numbers")) | {"alphabet": SYMBOLS}
    write_contract(folder, facts)
    return folder, network, improved_network


@pytest.mark.slow
@pytest.mark.parametrize("symbols", [SYMBOLS + "€", "3210", "€"])
def test_a_training_begins_with_the_weights_of_a_reader(known, symbols):
    folder, network, build = known
    other = build(32, None, 1 + len(symbols))
    build_other = lambda: build(32, None, 1 + len(symbols))
    other.set_weights(starting.weights(str(folder), build_other, Alphabet(symbols)))
    image = np.random.default_rng(0).normal(size=(2, 32, 64, 1)).astype(np.float32)
    before, after = (np.asarray(net.predict_on_batch(image)) for net in (network, other))
    np.testing.assert_allclose(after[..., 0], before[..., 0], atol=1e-5)  # the blank
    for k, symbol in enumerate(symbols, start=1):
        was = 1 + SYMBOLS.find(symbol)
        expected = before[..., was] if was else np.zeros_like(before[..., 0])
        np.testing.assert_allclose(after[..., k], expected, atol=1e-5)


@pytest.mark.slow
def test_readers_that_cannot_be_started_from_are_refused(known, tmp_path):
    folder, _, build = known
    symbols = Alphabet(SYMBOLS)
    with pytest.raises(ReaderError, match="another one than this recipe's"):
        starting.weights(str(folder), lambda: build(16, None, len(symbols)), symbols)
    with pytest.raises(ReaderError, match="no reader in"):
        starting.weights(str(tmp_path / "missing"), build, symbols)


def test_a_block_of_labelled_data_knows_its_widths():
    from ocr.datasets.dataset import Labelled

    images = np.full((2, *SIZE, 1), 255, np.uint8)
    images[0, :, 100:156] = 0
    found = block_of_data(Labelled(images, ["1", "2"], ["a", "b"]))
    assert isinstance(found, Block) and found.widths.tolist() == [56, 256]


def test_logs_of_cycles_count_on():
    log = pd.DataFrame({"loss": [3.0, 2.0], "cpu_s": [10.0, 20.0]}, index=[1, 2])
    found = numbers.joined([log, log])
    assert found.index.tolist() == [1, 2, 3, 4] and found.index.name == "epoch"
    assert found["cpu_s"].tolist() == [10.0, 20.0, 30.0, 40.0]
    assert found["loss"].tolist() == [3.0, 2.0, 3.0, 2.0]
