"""Each recipe on the other backends of Keras: it trains a moment and leaves a reader."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import copy_project
from PIL import Image

from ocr import Reader
from ocr.drawing import captchas, fonts, symbols
from ocr.drawing.numbers import printing
from ocr.drawing.surfaces import paper
from ocr.training.recipes import RECIPES

pytestmark = pytest.mark.slow
SMALL = """
import sys
from ocr.cli.train import main
from ocr.training.recipes import RECIPES

RECIPES["numbers"].settings.update(steps=3, drawing={"installed": False})
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Labelled images for each lesson."""
    made = {
        name: tmp_path_factory.mktemp(name)
        for name in ("captcha", "numbers", "characters", "photographs")
    }
    for label, picture in captchas.captchas(40, seed=2):
        picture.save(made["captcha"] / f"{label}.png")
    write = printing.press("western", fonts.faces(("open_sans",), "western"))
    for label, picture in paper.pictures(write, [f"{n}" for n in range(100, 140)], 3):
        Image.fromarray(picture).save(made["numbers"] / f"{label}.png")
    for symbol in "17A":
        for kind, pictures in (
            ("characters", symbols.glyphs(symbol * 20, 4)),
            ("photographs", symbols.signs(symbol * 20, 4)),
        ):
            (made[kind] / symbol).mkdir()
            for k, (_, picture) in enumerate(pictures):
                Image.fromarray(np.squeeze(picture)).save(made[kind] / symbol / f"{k}.png")
    return {
        "captcha": made["captcha"],
        "numbers": made["numbers"],
        "char_cnn": made["characters"],
        "cnn_lstm": made["characters"],
        "dual_input": made["photographs"],
    }


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("lesson", RECIPES)
def test_a_recipe_trains_on_another_backend(folders, lesson, backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(
            f"no {backend} here: " + ("make scale" if backend == "jax" else "pip install torch")
        )
    project = copy_project(tmp_path / "project")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            SMALL,
            lesson,
            "--data",
            str(folders[lesson]),
            "--name",
            "mine",
            "--epochs",
            "1",
        ],
        cwd=project,
        env=os.environ | {"KERAS_BACKEND": backend, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    picture = next(folders[lesson].rglob("*.png"))
    assert 0 <= Reader.load(project / "models" / "mine").read(picture).confidence <= 1
