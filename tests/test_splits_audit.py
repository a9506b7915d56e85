"""Audit, usable images, splits."""

import numpy as np
import pytest
from samples import lay, picture, toy, toy_classes

import utils
from ocr.datasets import splits
from ocr.datasets.audit import audit, listing
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import folds, split, usable
from ocr.reading.ctc import Alphabet


def test_audit_counts_and_names(tmp_path):
    lay(tmp_path, ["ab.png", "abc.png", "aaaa.png", "_none.png"])
    picture(0).convert("RGB").save(tmp_path / "zz.png")  # twin of ab.png, with another label
    picture(9, (80, 24)).save(tmp_path / "ba.png")
    (tmp_path / "broken.png").write_bytes(b"no")
    (tmp_path / "empty.png").write_bytes(b"")
    data = load_labelled(tmp_path, size=(24, 60))
    table = audit(data, time_steps=6)
    assert table["count"].to_dict() == {
        "images": 5,
        "unreadable": 2,
        "unlabelled": 1,
        "missing": 0,
        "characters": 4,
        "lengths": 3,
        "sizes": 2,
        "exact duplicates": 1,
        "duplicates that disagree": 1,
        "too long": 1,
        "outside the alphabet": 0,
    }
    files = table["files"].map(" ".join)
    assert (
        "broken.png: not an image" in files["unreadable"]
        and "empty.png: empty file" in files["unreadable"]
    )
    assert (
        "_none.png" in files["unlabelled"]
        and "aaaa.png" in files["too long"]
        and "ba.png" in files["sizes"]
    )
    assert "ab.png" in files["exact duplicates"] and "zz.png" in files["duplicates that disagree"]
    lines = listing(table, most=1).splitlines()
    assert (
        sum(line.startswith("unreadable: ") for line in lines) == 2
        and "unreadable: and 1 more" in lines
    )


def test_labels_that_cannot_fit_are_left_out():
    data = usable(toy(["ab", "ba"] * 5 + ["aab", "abab"]), 3)
    assert data.labels == ["ab", "ba"] * 5


def test_labels_outside_a_given_alphabet_are_named_and_left_out():
    data, alphabet = toy(["12", "21"] * 5 + ["1O", "2l"]), Alphabet("0123456789")
    row = audit(data, 10, alphabet).loc["outside the alphabet"]
    assert row["count"] == 2 and row["files"] == ["10.png", "11.png"]
    assert usable(data, 10, alphabet).labels == ["12", "21"] * 5
    with pytest.raises(DataError, match="0 of 20 images are usable"):
        usable(toy(["ab"] * 20), 10, alphabet)


def test_no_duplicate_across_splits_or_folds():
    twins = [(i, 200 - i) for i in range(60)]
    data = toy([f"{i:03d}" for i in range(201)], twins)
    parts = split(data, seed=3)
    held = [set(splits.digests(part.images)) for part in parts]
    assert sum(map(len, parts)) == 201 and not (
        held[0] & held[1] or held[0] & held[2] or held[1] & held[2]
    )
    assert all(part.labels for part in parts)
    fold = folds(data.images, 5, seed=3)
    assert all(fold[a] == fold[b] for a, b in twins) and set(fold) == set(range(5))
    assert sorted(sum((part.names for part in parts), [])) == sorted(data.names)


def test_split_depends_on_the_seed_alone():
    data = toy([f"{i:03d}" for i in range(50)])
    assert split(data, 1)[2].names == split(data, 1)[2].names != split(data, 2)[2].names
    shuffled = data.take(np.random.default_rng(0).permutation(50))
    assert sorted(split(data, 1)[2].names) == sorted(split(shuffled, 1)[2].names)


def test_real_captchas_have_no_twin_across_splits():
    path, _ = utils.find_captchas()
    data = load_labelled(path)
    train, validation, test = split(data)
    held = [set(splits.digests(part.images)) for part in (train, validation, test)]
    assert min(map(len, held)) > 50 and not (
        held[0] & held[1] or held[0] & held[2] or held[1] & held[2]
    )


def test_held_out_images_are_so_many_a_class_and_in_no_other_part():
    data = toy_classes({"a": 300, "b": 120, "c": 10})
    data.images[1] = data.images[0]  # twins stay together
    rest, held = splits.hold_out(data, 30, seed=1)
    counts = {label: held.labels.count(label) for label in "abc"}
    assert counts["b"] == 24 and counts["c"] == 2 and counts["a"] in (30, 31)
    assert not set(splits.digests(rest.images)) & set(splits.digests(held.images)) and len(
        rest
    ) + len(held) == len(data)
    fewer = splits.at_most(data, 50, seed=1)
    assert [fewer.labels.count(label) for label in "abc"] == [50, 50, 10]
    assert len(splits.without(data, held)) == len(rest)


def test_no_test_image_is_in_training_by_content():
    parts = utils.load_parts()
    train, validation, test = (
        set(splits.digests(p.images)) for p in (parts.train, parts.validation, parts.test)
    )
    assert min(map(len, (train, validation, test))) > 1000
    assert not (train & test or train & validation or validation & test)
    assert len(parts.alphabet.symbols) == 47 and parts.audit["count"]["images"] == len(
        parts.train
    ) + len(parts.validation)
