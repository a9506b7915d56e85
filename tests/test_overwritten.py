"""Signs that are written over others: their shapes, the cells drawn to learn from, the network."""

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.drawing.forms.scans import Wear
from ocr.forms.reading import WRITTEN_OVER, FormReader
from ocr.forms.template import load_form
from ocr.paths import DATA
from ocr.reading import overwritten
from ocr.reading.contract import OVERWRITTEN, known_readers
from ocr.training.overwritten import ONE, TWO, Cells


@pytest.fixture(scope="module")
def cells():
    return Cells("test").draw(200, seed=3)


@pytest.mark.parametrize("size", [(1, 1), (60, 8), (7, 90), (200, 200)])
def test_shape_keeps_its_proportions_and_fills_one_side(size):
    mask = np.zeros((220, 220), bool)
    mask[10 : 10 + size[0], 5 : 5 + size[1]] = True
    shape = overwritten.shape_of(mask)
    assert shape.shape == (28, 28) and shape.dtype == np.uint8
    high, wide = (np.count_nonzero(shape.max(axis=axis)) for axis in (1, 0))
    assert max(high, wide) == 26
    assert high / wide == pytest.approx(size[0] / size[1], rel=0.2, abs=0.05)


def test_cells_repeat_and_are_of_both_kinds(cells):
    again = Cells("test").draw(200, seed=3)
    assert np.array_equal(cells.images, again.images) and cells.labels == again.labels
    assert set(cells.labels) == {ONE, TWO}
    assert cells.images.max(axis=(1, 2, 3)).min() > 0  # none is blank


def test_the_shipped_network_finds_corrections(cells):
    found = overwritten.probabilities(cells.images[..., 0]) >= overwritten.SURE
    two = np.array(cells.labels) == TWO
    assert found[two].mean() > 0.5
    assert found[~two].mean() < 0.05


def test_no_shapes_have_no_probabilities():
    assert overwritten.probabilities([]).shape == (0,)


def test_it_is_no_reader_by_name():
    assert OVERWRITTEN not in known_readers()


@pytest.mark.slow
def test_a_comb_with_a_corrected_digit_needs_a_person():
    reader = FormReader([load_form(DATA / "forms" / name) for name in ("meter", "arabic")])
    office = utils.open_office()
    shares = {}
    for corrected in (0.0, 1.0):
        wear = Wear(scale=(0.9, 1.0))
        pages = [
            reader.read(Image.fromarray(filled.scan))
            for filled in office.scans(6, 31, wear, printed=0, grey=True, corrected=corrected)
        ]
        combs = [(page, each) for page in pages for each in page.fields if each.field.boxes]
        said = [each.problem == WRITTEN_OVER for _, each in combs]
        assert not any(page.accepted(each) for (page, each), of in zip(combs, said) if of)
        shares[corrected] = np.mean(said)
    assert shares[1.0] > 0.4 > 0.15 > shares[0.0]
