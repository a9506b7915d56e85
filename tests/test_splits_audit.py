"""Audit, usable images, splits."""

import numpy as np
import pytest

import utils
from ocr.datasets import splits
from ocr.datasets.audit import audit, audited, listing, words
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import digests, folds, split, usable
from ocr.reading.ctc import Alphabet
from tests.samples import classes_of_noise, labelled_noise, noise, save_noise


def disjoint(*parts):
    """Tell whether no image is in two of the data sets."""
    sets = [set(digests(part.images)) for part in parts]
    return len(set.union(*sets)) == sum(map(len, sets))


def test_audit_counts_findings_and_names_files(tmp_path):
    save_noise(tmp_path, ["ab.png", "abc.png", "aaaa.png", "_none.png"])
    noise(0).convert("RGB").save(tmp_path / "zz.png")  # the same as ab.png, with another label
    noise(9, (80, 24)).save(tmp_path / "ba.png")
    (tmp_path / "broken.png").write_bytes(b"no")
    (tmp_path / "empty.png").write_bytes(b"")
    table = audit(load_labelled(tmp_path, size=(24, 60)), time_steps=6)
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
    assert "broken.png: not an image" in files["unreadable"]
    assert "empty.png: empty file" in files["unreadable"]
    assert "_none.png" in files["unlabelled"] and "aaaa.png" in files["too long"]
    assert "ba.png" in files["sizes"]
    assert "ab.png" in files["exact duplicates"] and "zz.png" in files["duplicates that disagree"]
    shown = words(table, 60)
    assert "unreadable  2  left out\n" in shown and "missing" not in shown
    assert max(map(len, shown.partition("unreadable: ")[0].splitlines())) <= 60
    lines = listing(table, most=1).splitlines()
    assert sum(line.startswith("unreadable: ") for line in lines) == 2
    assert "unreadable: and 1 more" in lines


def test_audit_of_characters_leaves_out_lengths_and_sizes():
    data, table = audited(labelled_noise("ab" * 10), 1)
    assert len(data) == 20
    assert not {"lengths", "sizes", "too long"} & set(table.index)


def test_audited_prints_the_table_before_the_error(capsys):
    with pytest.raises(DataError, match="at least 10 different"):
        audited(labelled_noise(["12"] * 9), 10)
    assert capsys.readouterr().out.startswith("images  9  read and labelled\n")


def test_unusable_data_is_an_error():
    with pytest.raises(DataError, match="all images have the label 'IMG'.*: ocr label FOLDER"):
        usable(labelled_noise(["IMG"] * 20), 20)
    with pytest.raises(DataError, match="all labels consist of '7' alone"):
        usable(labelled_noise(["7", "77"] * 20), 20)
    with pytest.raises(DataError, match="at least 10 different"):
        usable(labelled_noise(["12"] * 12, duplicates=[(0, i) for i in range(1, 12)]), 10)


def test_labels_that_do_not_fit_the_time_steps_are_dropped():
    data = usable(labelled_noise(["ab", "ba"] * 5 + ["aab", "abab"]), 3)
    assert data.labels == ["ab", "ba"] * 5


def test_labels_outside_the_alphabet_are_reported_and_dropped():
    data, alphabet = labelled_noise(["12", "21"] * 5 + ["1O", "2l"]), Alphabet("0123456789")
    row = audit(data, 10, alphabet).loc["outside the alphabet"]
    assert row["count"] == 2 and row["files"] == ["10.png", "11.png"]
    assert usable(data, 10, alphabet).labels == ["12", "21"] * 5
    with pytest.raises(DataError, match="0 of 20 images are usable"):
        usable(labelled_noise(["ab"] * 20), 10, alphabet)


def test_splits_and_folds_keep_duplicates_together():
    duplicates = [(i, 200 - i) for i in range(60)]
    data = labelled_noise([f"{i:03d}" for i in range(201)], duplicates)
    parts = split(data, seed=3)
    assert sum(map(len, parts)) == 201 and all(map(len, parts)) and disjoint(*parts)
    assert sorted(name for part in parts for name in part.names) == sorted(data.names)
    fold = folds(data.images, 5, seed=3)
    assert all(fold[a] == fold[b] for a, b in duplicates) and set(fold) == set(range(5))


def test_split_depends_on_the_seed_only():
    data = labelled_noise([f"{i:03d}" for i in range(50)])
    assert split(data, 1)[2].names == split(data, 1)[2].names != split(data, 2)[2].names
    shuffled = data.take(np.random.default_rng(0).permutation(50))
    assert sorted(split(data, 1)[2].names) == sorted(split(shuffled, 1)[2].names)


def test_hold_out_takes_images_of_each_class_and_keeps_duplicates_together():
    data = classes_of_noise({"a": 300, "b": 120, "c": 10})
    data.images[1] = data.images[0]
    rest, held = splits.hold_out(data, 30, seed=1)
    counts = {label: held.labels.count(label) for label in "abc"}
    assert counts["b"] == 24 and counts["c"] == 2 and counts["a"] in (30, 31)
    assert disjoint(rest, held) and len(rest) + len(held) == len(data)
    fewer = splits.at_most(data, 50, seed=1)
    assert [fewer.labels.count(label) for label in "abc"] == [50, 50, 10]
    assert len(splits.without(data, held)) == len(rest)


@pytest.mark.slow
def test_no_captcha_is_in_two_parts():
    parts = split(load_labelled(utils.find_captchas()[0]))
    assert min(len(set(digests(part.images))) for part in parts) > 50 and disjoint(*parts)


@pytest.mark.slow
def test_no_emnist_character_is_in_two_parts():
    parts = utils.load_parts()
    train, validation, test = parts.train, parts.validation, parts.test
    assert min(map(len, (train, validation, test))) > 1000 and disjoint(train, validation, test)
    assert len(parts.alphabet.symbols) == 47
    assert parts.audit["count"]["images"] == len(train) + len(validation)
