"""Handwritten digits: found, damaged, drawn; parts that share no image."""

import gzip

import numpy as np
import pytest
from samples import idx

import utils
from ocr.datasets import splits
from ocr.datasets.emnist import write_idx
from ocr.datasets.labels import DataError
from utils import load_handwritten


def test_handwritten_digits_are_found_where_they_lie(tmp_path, monkeypatch):
    (
        idx(tmp_path / "mnist", "train"),
        idx(tmp_path / "mnist", "t10k", 10, 1),
        idx(tmp_path / "arabic_digits", "adbase-train", 30, 2),
    )
    packed = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte").write_bytes(
        gzip.decompress(packed.read_bytes())
    )
    packed.unlink()  # unpacked files count, too
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    for script, part, count, origin in (
        ("western", "train", 20, "MNIST"),
        ("western", "test", 10, "MNIST"),
        ("arabic", "train", 30, "ADBase"),
    ):
        data, what = load_handwritten(script, part)
        assert (
            len(data) == count
            and what == origin
            and data.images.shape == (count, 28, 28, 1)
            and data.labels[:11] == list("01234567890")[: min(count, 11)]
        )
    data, what = load_handwritten("arabic", "test")
    assert "drawn" in what and sorted(set(data.labels)) == list("0123456789")


def test_damaged_or_mixed_files_of_digits_get_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    idx(tmp_path, "train", 20)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no train-labels-idx1-ubyte beside it"):
        load_handwritten("western", "train")
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(7))
    with pytest.raises(DataError, match="do not belong together"):
        load_handwritten("western", "train")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no")
    with pytest.raises(DataError, match="not an IDX file"):
        load_handwritten("western", "train")
    with pytest.raises(DataError, match="use western or arabic"):
        load_handwritten("roman", "train")


@pytest.mark.parametrize("script", ["western", "arabic"])
def test_no_digit_is_in_both_parts(script):
    train, test = (
        set(splits.digests(load_handwritten(script, part)[0].images)) for part in ("train", "test")
    )
    assert not train & test
