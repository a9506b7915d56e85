"""Handwritten digits: found, damaged, drawn; parts that share no image."""

import gzip

import numpy as np
import pytest

import utils
from ocr.datasets import digits, splits
from ocr.datasets.emnist import write_idx
from ocr.datasets.labels import DataError
from tests.samples import save_digits


def test_digits_are_found_in_folders(tmp_path):
    save_digits(tmp_path / "mnist", "train")
    save_digits(tmp_path / "mnist", "t10k", 10, 1)
    save_digits(tmp_path / "arabic_digits", "adbase-train", 30, 2)
    save_digits(tmp_path / "persian_digits", "hoda-train", 30, 3)
    packed = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()  # unpacked files count, too
    for script, part, count, origin in (
        ("western", "train", 20, "MNIST"),
        ("western", "test", 10, "MNIST"),
        ("arabic", "train", 30, "ADBase"),
    ):
        data, what = digits.load_handwritten(script, part, [tmp_path / "none", str(tmp_path)])
        assert what == origin and data.images.shape == (count, 28, 28, 1)
        assert data.labels == list("0123456789" * 3)[:count]
    train, test = (
        digits.load_handwritten("persian", part, [tmp_path])[0] for part in ("train", "test")
    )
    assert test.labels == ["0"] * 3 and train.labels == list("123456789" * 3)
    assert not set(train.names) & set(test.names)


def test_persian_digits_are_parted_without_equal_images(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 28, 28))
    images[10] = images[7]  # of the test and of the training
    images[3] = images[4]  # both of the training
    write_idx(tmp_path / "hoda-train-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "hoda-train-labels-idx1-ubyte.gz", np.arange(30) % 10)
    train, test = (
        digits.load_handwritten("persian", part, [tmp_path])[0] for part in ("train", "test")
    )
    assert len(train) == 27 and test.labels == ["0", "0"]
    assert not set(splits.digests(train.images)) & set(splits.digests(test.images))


def test_drawn_digits_are_a_substitute(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "DRAWN_DIGITS", 4)
    for script in digits.HANDS:
        data, what = digits.load_handwritten(script, "test", [tmp_path])
        assert "drawn" in what and sorted(data.labels) == list("0123456789")


def test_a_failed_download_is_reported_and_digits_are_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(digits, "DATA", tmp_path)
    monkeypatch.setattr(digits, "DRAWN_DIGITS", 4)
    monkeypatch.setattr(digits, "MNIST_URL", "http://127.0.0.1:9/mnist.npz")
    _, what = digits.load_handwritten("western", "test", [], may_download=True)
    assert "drawn" in what and "could not be downloaded" in capsys.readouterr().out


def test_damaged_files_of_digits_are_an_error(tmp_path):
    save_digits(tmp_path, "train")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no train-labels-idx1-ubyte beside it"):
        digits.load_handwritten("western", "train", [tmp_path])
    write_idx(str(tmp_path / "train-labels-idx1-ubyte.gz"), np.arange(7))
    with pytest.raises(DataError, match="the files do not match"):
        digits.load_handwritten("western", "train", [tmp_path])
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no")
    with pytest.raises(DataError, match="not an IDX file"):
        digits.load_handwritten("western", "train", [tmp_path])
    with pytest.raises(DataError, match="use western, arabic, persian"):
        digits.load_handwritten("roman", "train", [tmp_path])


@pytest.mark.slow
@pytest.mark.parametrize("script", digits.HANDS)
def test_no_digit_is_in_both_parts(script):
    train, test = (
        set(splits.digests(utils.load_handwritten(script, part)[0].images))
        for part in ("train", "test")
    )
    assert not train & test
