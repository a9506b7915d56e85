"""Blocks and batches of drawn numbers: seeded, whoever draws them; training and test apart."""

import itertools

import numpy as np
import pytest

from ocr.datasets import digits
from ocr.drawing import fonts, symbols
from ocr.drawing.fonts import faces
from ocr.drawing.ink import OTHER, UNREADABLE, Ink
from ocr.drawing.numbers import displays, mixture
from ocr.drawing.numbers.printing import press
from ocr.drawing.surfaces import worn
from ocr.reading import scripts
from ocr.reading.ctc import Alphabet, steps_needed
from ocr.reading.scripts import NUMBERS
from ocr.training import drawn, number_kinds
from ocr.training.drawn import DrawnNumbers, number_batches

SIZE = (32, 256)

# --- mixtures ------------------------------------------------------------------------------------


def tiny(script="western"):
    """A few kinds, quickly made, for the drawing processes."""
    files = faces(("open_sans",) if script == "western" else ("noto_kufi_arabic",), script)
    return {
        "print": mixture.Kind(0.6, press(script, files), worn.PRINT),
        "clean": mixture.Kind(0.2, press(script, files)),
        "display": mixture.Kind(0.2, displays.display, worn.SCREEN),
    }


def same_block(one, two):
    return (
        one.labels == two.labels
        and np.array_equal(one.pixels, two.pixels)
        and np.array_equal(one.widths, two.widths)
    )


def test_a_block_is_seeded_and_labelled_in_symbols():
    first, again, other = (
        mixture.block(tiny(), 40, seed, SIZE) for seed in ((1, 0), (1, 0), (1, 1))
    )
    assert same_block(first, again) and not same_block(first, other)
    assert first.pixels.shape == (len(first.labels), *SIZE, 1) and first.pixels.dtype == np.uint8
    assert set("".join(first.labels)) <= set(scripts.SYMBOLS + OTHER + UNREADABLE)
    arabic = mixture.block(tiny("arabic"), 20, (1,), SIZE, western=True, refused=0.0)
    assert set("".join(arabic.labels)) <= set(NUMBERS + OTHER + UNREADABLE)


@pytest.mark.parametrize("label, fits", [("12", True), ("1" * 12, False), ("12" * 12, False)])
def test_a_block_leaves_out_labels_that_do_not_fit_their_width(label, fits):
    pixels = np.full((36, 40), 255, np.uint8)
    pixels[10:20, 10:30] = 0
    write = lambda text, rng: Ink(pixels, list(label), [(0, 40)] * len(label))
    kinds = {"one": mixture.Kind(1.0, write, worn.PRINT)}
    found = mixture.block(kinds, 12, (0,), SIZE, refused=0.0, cut=0.0)
    assert bool(found.labels) == fits and len(found.pixels) == len(found.widths) == len(
        found.labels
    )
    assert found.pixels.shape[1:] == (*SIZE, 1)


# --- kinds ---------------------------------------------------------------------------------------


def test_the_kinds_are_parted_into_training_and_test(tmp_path, monkeypatch):
    """No font family and no digit's picture of the training is in the test."""
    monkeypatch.setattr(digits, "DRAWN_DIGITS", 4)
    used = {"train": set(), "test": set()}
    pictures = {"train": set(), "test": set()}
    real_faces, real_hand, real_glyphs = fonts.faces, number_kinds.hand, symbols.glyphs
    for part in used:

        def look_up(families, script, installed=False, part=part):
            used[part] |= set(families)
            return real_faces(families[-2:], script)

        def write_by(script, source, *settings, part=part):
            for images in (one.images for one in source.sources):
                pictures[part] |= {image.tobytes() for image in images}
            return real_hand(script, source, *settings)

        def draw_digits(signs, seed, families, part=part):
            used[part] |= set(families)
            return real_glyphs(signs, seed, families)

        with monkeypatch.context() as patch:
            patch.setattr(fonts, "faces", look_up)
            patch.setattr(number_kinds, "hand", write_by)
            patch.setattr(symbols, "glyphs", draw_digits)
            kinds = number_kinds.number_kinds([tmp_path], part)
        assert sum(kind.share for kind in kinds.values()) == pytest.approx(1, abs=1e-9)
        assert all(kind.write("12", np.random.default_rng(0)).signs for kind in kinds.values())
    assert all(used.values()) and not used["train"] & used["test"]
    assert all(pictures.values()) and not pictures["train"] & pictures["test"]


# --- batches -------------------------------------------------------------------------------------

ALPHABET = Alphabet(scripts.SYMBOLS + OTHER + UNREADABLE)
WIDTHS, BATCH, STEPS = (64, 96, 128, 192, 256), 4, 6


class Here:
    """Draw the blocks of a training in this process."""

    def blocks(self, epoch, count):
        for number in itertools.count(epoch * count):
            yield mixture.block(tiny(), drawn.BLOCK, (3, *divmod(number, count)), SIZE)


def batches(source, count, epoch=0):
    found = number_batches(source, ALPHABET, WIDTHS, BATCH, STEPS, epoch)
    return [batch for (batch,) in itertools.islice(found, count)]


def same_batches(one, two):
    return len(one) == len(two) and all(
        np.array_equal(a["image"], b["image"]) and np.array_equal(a["label"], b["label"])
        for a, b in zip(one, two)
    )


def test_batches_have_one_width_each_and_the_first_two_differ(monkeypatch):
    monkeypatch.setattr(drawn, "BLOCK", 64)
    found = batches(Here(), 2 * STEPS)
    widths = [batch["image"].shape[2] for batch in found]
    assert set(widths) <= set(WIDTHS) and widths[0] != widths[1]
    assert widths[STEPS] != widths[STEPS + 1]
    for batch in found:
        assert batch["image"].dtype == np.float32 and batch["image"].shape[:2] == (BATCH, 32)
        assert batch["label"].dtype == np.int32 and batch["label"].shape == (BATCH, drawn.LABEL)
        assert all(steps_needed(ALPHABET.decode(row)) <= 64 for row in batch["label"])
    assert not any(same_batches([one], [two]) for one, two in itertools.combinations(found, 2))
    # resumed at an epoch: its batches are those of an uninterrupted training
    assert same_batches(batches(Here(), STEPS, 1), found[STEPS:])


def test_an_epoch_without_enough_pictures_is_an_error(monkeypatch):
    monkeypatch.setattr(drawn, "BLOCK", 8)
    monkeypatch.setattr(drawn, "LOST", -20.0)
    with pytest.raises(RuntimeError, match="an epoch of 1 blocks gave"):
        batches(Here(), STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_processes_draw_what_one_process_draws(workers, monkeypatch):
    monkeypatch.setattr(drawn, "BLOCK", 64)
    with DrawnNumbers(tiny, {"script": "western"}, 3, SIZE, workers=workers) as source:
        assert source.settings["seed"] == 3 and source.settings["kinds"] == {"script": "western"}
        assert same_batches(batches(source, STEPS + 2), batches(Here(), STEPS + 2))
        assert same_batches(batches(source, 3, 1), batches(Here(), 3, 1))
        processes = list(source._pool._processes.values())
        assert 1 <= len(processes) <= workers and all(one.is_alive() for one in processes)
    for one in processes:
        one.join(60)
    assert not any(one.is_alive() for one in processes)
