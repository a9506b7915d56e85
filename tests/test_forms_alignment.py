"""Alignment of scans: a known transform is found again; other pages are refused by name."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr.drawing.forms import samples
from ocr.drawing.forms.scans import Wear, scan
from ocr.forms.alignment import Aligner, Refused, transform
from ocr.forms.rules import FormError
from ocr.forms.template import save_form

SHEETS = {"meter": samples.meter_card, "arabic": samples.arabic_card}
PLAIN = Wear(scale=(0.5, 0.5), tilted=0, shadow=0, jpeg=0, shift=0, turn=0, quarters=False)


@pytest.fixture(scope="module")
def sheets():
    return {name: make() for name, make in SHEETS.items()}


@pytest.fixture(scope="module")
def forms(sheets, tmp_path_factory):
    made = []
    for name, sheet in sheets.items():
        folder = tmp_path_factory.mktemp(name)
        sheet.picture.save(folder / "blank.png")
        made.append(save_form(sheet.facts(), folder / "form.json"))
    return made


@pytest.fixture(scope="module")
def aligner(forms):
    return Aligner(forms)


def error_mm(aligned, truth, sheet):
    """Measure how far, at most, a point of the page is from where it should be, in mm."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 6)] * 2), axis=-1).reshape(-1, 2)
    seen = transform(truth, grid * sheet.picture.size)
    back = transform(np.linalg.inv(aligned.matrix), seen)
    return float(np.hypot(*((back - grid) * sheet.size).T).max())


@pytest.mark.slow
@pytest.mark.parametrize(
    "wear",
    [
        PLAIN,
        replace(PLAIN, quarters=True, turn=10),
        replace(PLAIN, shift=0.08, scale=(0.9, 1.0)),
        replace(PLAIN, tilted=1, shadow=1, jpeg=1),
    ],
    ids=["plain", "turned", "shifted", "photographed"],
)
@pytest.mark.parametrize("name", SHEETS)
def test_known_transform_is_found(aligner, sheets, name, wear):
    page, rng = np.asarray(sheets[name].picture), np.random.default_rng(5)
    for _ in range(2):
        picture, truth = scan(page, rng, wear)
        aligned = aligner.align(Image.fromarray(picture))
        assert aligned.template.form.name == name and aligned.fit > 0.9
        assert error_mm(aligned, truth, sheets[name]) < 1


def test_grey_scan_is_the_colour_scan_in_grey(sheets):
    page, wear = sheets["meter"].picture.resize((414, 585)), replace(PLAIN, scale=(1, 1), shadow=1)
    colour, where = scan(np.asarray(page), np.random.default_rng(3), wear)
    grey, same = scan(np.asarray(page.convert("L")), np.random.default_rng(3), wear)
    assert np.array_equal(where, same)
    apart = np.abs(np.asarray(Image.fromarray(colour).convert("L")) - grey.astype(int))
    assert np.quantile(apart, 0.99) <= 2  # more where one colour alone is at its brightest


@pytest.mark.parametrize("angle", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180])
def test_turned_page_is_found(aligner, sheets, angle):
    page = cv2.rotate(np.asarray(sheets["meter"].picture), angle)
    aligned = aligner.align(Image.fromarray(page))
    left_top = transform(aligned.matrix, np.array([[0.0, 0.0]]))[0]
    height, width = page.shape[:2]
    assert np.abs(left_top - (width, 0 if angle == 0 else height)).max() < 4


def test_ink_on_the_form_does_not_move_it(aligner, sheets):
    page = np.array(sheets["meter"].picture)
    for entry in sheets["meter"].entries:
        left, top, width, height = entry.box
        cv2.putText(page, "8888888", (left, top + height), 0, height / 30, (30, 40, 150), 4)
    aligned = aligner.align(Image.fromarray(page))
    assert error_mm(aligned, np.eye(3), sheets["meter"]) < 0.5


# --- refusal


def test_other_form_is_refused_by_name(forms, sheets):
    with pytest.raises(Refused, match="not a form that I know.*meter"):
        Aligner(forms[:1]).align(sheets["arabic"].picture)


@pytest.mark.parametrize("seed", range(3))
def test_unknown_forms_are_refused(aligner, seed):
    other = samples.other_form(np.random.default_rng(seed)).picture
    with pytest.raises(Refused, match="not a form that I know"):
        aligner.align(other)


@pytest.mark.parametrize("size", [(1654, 2339), (60, 40), (3, 3)])
def test_blank_page_is_refused(aligner, size):
    with pytest.raises(Refused, match="a blank page"):
        aligner.align(Image.new("RGB", size, (250, 250, 245)))


def test_noise_is_refused(aligner):
    noise = np.random.default_rng(0).integers(0, 255, (1200, 900), np.uint8)
    with pytest.raises(Refused, match="not a form that I know"):
        aligner.align(Image.fromarray(noise))


def test_page_cut_off_is_refused(aligner, sheets):
    width, height = sheets["meter"].picture.size
    with pytest.raises(Refused, match="cut off: the field"):
        aligner.align(sheets["meter"].picture.crop((width // 4, 0, width, height)))


def test_mirrored_page_is_refused(aligner, sheets):
    mirrored = sheets["meter"].picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    with pytest.raises(Refused):
        aligner.align(mirrored)


def test_template_without_print_is_an_error(tmp_path):
    Image.new("L", (800, 1100), 255).save(tmp_path / "blank.png")
    field = {"name": "a", "box": [0.1, 0.1, 0.2, 0.1], "reader": "numbers"}
    form = save_form({"image": "blank.png", "fields": [field]}, tmp_path / "form.json")
    with pytest.raises(FormError, match="too little print"):
        Aligner([form])
    (tmp_path / "blank.png").write_bytes(b"no picture")
    with pytest.raises(FormError, match=r"blank\.png: not an image"):
        Aligner([form])
