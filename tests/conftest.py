"""Shared by the tests: the shipped reader, held-out pictures, and a small reader to damage."""

import os
import shutil
import signal

import numpy as np
import pytest

import utils
from ocr import Reader
from ocr.datasets import dataset, splits
from ocr.drawing import captchas as captcha_drawing
from ocr.drawing import symbols
from tests.samples import save_means_ensemble

SHIPPED = utils.ROOT / "models" / "captcha"
if os.environ.get("OCR_DATA"):
    # absolute, also for copies of the project
    os.environ["OCR_DATA"] = str(utils.ROOT / os.environ["OCR_DATA"])
os.environ["OCR_STRICT"] = "1"  # notebooks: a result that is not as expected is an error
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell's background jobs ignore Ctrl-C, and so would the programs that tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Mark the cells of all notebooks slow: `pytest -m "not slow"` starts no kernel."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)


def copy_project(folder):
    """Copy the programs without data, readers and checkpoints, to train in."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(utils.ROOT / "ocr", folder / "ocr", ignore=ignored)
    for file in utils.ROOT.glob("*.py"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def shipped():
    return Reader.load(SHIPPED)


@pytest.fixture(scope="session")
def captchas():
    """The test part of the CAPTCHAs, real where there are any, else drawn: (data, is it real)."""
    path, origin = utils.find_captchas()
    return splits.split(dataset.load_labelled(path))[2], "real" in origin


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A folder with an untrained reader of 8 x 40 pixel images: alphabet "ab1", 2 to 4 symbols."""
    from ocr.backend import keras
    from ocr.reading import contract
    from ocr.reading.ctc import Alphabet
    from ocr.training import export

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 40, 1), name="image")
    x = keras.layers.Conv2D(4, 3, strides=(8, 4), padding="same")(image)
    logits = keras.layers.Dense(4)(keras.layers.Reshape((10, 4))(x))
    facts = contract.describe(
        kind="ctc",
        alphabet=Alphabet("1ab"),
        size=(8, 40),
        channels=1,
        normalisation="standard",
        decoding={"time_steps": 10, "lengths": (2, 4)},
        data={"name": "noise", "count": 0, "digest": "", "terms": ""},
        scores=[],
        seed=0,
    )
    folder = tmp_path_factory.mktemp("models") / "small"
    examples = np.random.default_rng(0).integers(0, 255, (4, 8, 40, 1), np.uint8)
    return export.save(folder, keras.Model(image, logits), facts, examples)


@pytest.fixture
def drawn(tmp_path):
    """A folder of eight drawn CAPTCHAs, named by their labels."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    for label, picture in captcha_drawing.captchas(8, seed=11):
        picture.save(folder / f"{label}.png")
    return folder


@pytest.fixture(scope="session")
def small_class(tmp_path_factory):
    """A folder with a reader of single characters that knows the mean picture of 0, 1, 7, A."""
    from ocr.backend import keras
    from ocr.reading import contract
    from ocr.reading.ctc import Alphabet
    from ocr.training import export

    glyphs = list(symbols.glyphs("017A" * 40, seed=9))
    means = np.stack(
        [np.mean([g for s, g in glyphs if s == symbol], axis=0).ravel() / 255 for symbol in "017A"]
    )
    image = keras.Input((28, 28, 1), name="image")
    model = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
    model.layers[-1].set_weights([means.T, -(means**2).sum(axis=1) / 2])
    facts = contract.describe(
        kind="class",
        alphabet=Alphabet("017A"),
        size=(28, 28),
        channels=1,
        normalisation="unit",
        fit="glyph",
        decoding={},
        data={"name": "means", "count": 160, "digest": "", "terms": ""},
        scores=[],
        seed=0,
    )
    return export.save(
        tmp_path_factory.mktemp("models") / "means",
        model,
        facts,
        np.stack([g for _, g in glyphs[:8]]),
    )


@pytest.fixture(scope="session")
def ensemble(tmp_path_factory):
    """A folder with an ensemble of three networks that take views: 0, 1, 7, A."""
    return save_means_ensemble(tmp_path_factory.mktemp("models") / "ensemble")


@pytest.fixture(scope="module")
def browser():
    """A real Chromium; where there is none, the test is skipped."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
