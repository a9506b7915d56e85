"""Finding, labels, audit, splits, batches, drawing."""

import csv
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.datasets import dataset, splits
from ocr.datasets.audit import audit, listing
from ocr.datasets.dataset import Labelled, load_labelled
from ocr.datasets.labels import DataError
from ocr.datasets.splits import folds, split, usable
from ocr.drawing import augment, captchas
from ocr.reading.ctc import Alphabet
from ocr.training import batches


def picture(seed, size=(60, 24)):
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 255, (size[1], size[0]), np.uint8)
    )


def lay(folder, names, seed=0):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed + i).convert("RGB").save(folder / name)
    return folder


def toy(labels, twins=()):
    """Labelled images without files; `twins` are pairs of rows that hold the same picture."""
    pixels = np.random.default_rng(0).integers(0, 255, (len(labels), 8, 40, 1), np.uint8)
    for a, b in twins:
        pixels[b] = pixels[a]
    return Labelled(
        pixels, list(labels), [f"{i}.png" for i in range(len(labels))], [(40, 8)] * len(labels)
    )


def test_label_is_the_file_name(tmp_path):
    data = load_labelled(lay(tmp_path, ["226md.png", "AbC.JPG", "x7.bmp", "deep/er/y8.WebP"]))
    assert sorted(data.labels) == ["226md", "AbC", "x7", "y8"]
    assert data.images.dtype == np.uint8 and data.images.shape == (4, 24, 60, 1)


def test_label_is_before_the_first_underscore(tmp_path):
    data = load_labelled(lay(tmp_path, ["007_a_b.png", "007_2.jpg", "12-3_x.png"]))
    assert sorted(data.labels) == ["007", "007", "12-3"]


def test_text_beside_the_image_wins_over_its_name(tmp_path):
    lay(tmp_path, ["img1.png", "img2.png", "wrong_img3.png"])
    (tmp_path / "img1.gt.txt").write_text("0012\n", encoding="utf-8")
    (tmp_path / "img2.gt.txt").write_text("\ufeffäb c", encoding="utf-8")
    data = load_labelled(tmp_path)
    assert sorted(data.labels) == ["0012", "äb c"]
    assert [n.rpartition("/")[2] for n in data.unlabelled] == ["wrong_img3.png"]


def test_labels_csv_wins_over_all(tmp_path):
    lay(tmp_path, ["a_1.png", "b_2.png", "sub/c_3.png", "spare.png"])
    (tmp_path / "a_1.gt.txt").write_text("no")
    with open(tmp_path / "Labels.CSV", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(
            [
                ["file", "label"],
                ["a_1.png", "0042"],
                ["b_2.png", 'x,"y'],
                ["sub\\c_3.png", "c"],
                ["gone.png", "q"],
            ]
        )
    data = load_labelled(tmp_path)
    assert dict(zip([n.rpartition("/")[2] for n in data.names], data.labels)) == {
        "a_1.png": "0042",
        "b_2.png": 'x,"y',
        "c_3.png": "c",
    }
    assert [n.rpartition("/")[2] for n in data.unlabelled] == ["spare.png"]
    assert [n.rpartition("/")[2] for n in data.missing] == ["gone.png"]


@pytest.mark.parametrize(
    "content, message",
    [
        (b'file,label\n"a.png' + b"x" * 200_000, "not a table"),
        (b"a.png,x\n", "the first line must name the columns file,label"),
        (b"", "empty file"),
        ("file,label\na.png,é\n".encode("cp1252"), "not UTF-8 text"),
    ],
)
def test_a_useless_labels_csv_is_named(tmp_path, content, message):
    lay(tmp_path, ["a.png"])
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"labels.csv: {message}"):
        load_labelled(tmp_path)


def test_labels_csv_that_names_other_files(tmp_path):
    lay(tmp_path, ["a.png"])
    (tmp_path / "labels.csv").write_text("file,label\na.jpg,x\n")
    with pytest.raises(DataError, match="labels.csv lists .*a.jpg, which is not there"):
        load_labelled(tmp_path)


def test_labels_csv_with_semicolons_and_a_useless_text_file(tmp_path):
    lay(tmp_path / "a", ["1.png"])
    (tmp_path / "a" / "labels.csv").write_text("File;Label\n1.png;x,y\n2.png\n")
    lay(tmp_path / "b", ["1.png", "2.png", "3.png"])
    for name, content in (("1", b"one"), ("2", b""), ("3", b"\xff\xfe")):
        (tmp_path / "b" / f"{name}.gt.txt").write_bytes(content)
    data = load_labelled(tmp_path)
    assert data.labels == ["x,y", "one"]
    assert [n.rpartition("/")[2] for n in data.unlabelled] == ["2.png", "3.png"]


@pytest.mark.parametrize("layout", ["name", "text", "csv"])
def test_a_zip_reads_like_its_folder(tmp_path, layout):
    lay(tmp_path / "in", ["ab.png", "cd_2.JPG", "sub/ef.png"])
    if layout == "text":
        for name in ("ab", "cd_2", "sub/ef"):
            (tmp_path / "in" / f"{name}.gt.txt").write_text(f"T{name[-1]}")
    if layout == "csv":
        (tmp_path / "in" / "labels.csv").write_text(
            "file,label\nab.png,1\ncd_2.JPG,2\nsub/ef.png,3\n"
        )
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for file in sorted((tmp_path / "in").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    folder, packed = load_labelled(tmp_path / "in"), load_labelled(tmp_path / "in.zip")
    assert sorted(folder.labels) == sorted(packed.labels)
    assert sorted(splits.digests(folder.images)) == sorted(splits.digests(packed.images))


def test_file_names_in_decomposed_unicode_give_composed_labels(tmp_path):
    lay(tmp_path, [unicodedata.normalize("NFD", "é1.png"), "b2.png"])
    assert set("".join(load_labelled(tmp_path).labels)) == set("é1b2")


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


def test_a_folder_that_cannot_be_opened_is_in_the_audit(tmp_path, monkeypatch):
    import os

    lay(tmp_path, ["ab.png", "shut/cd.png"])
    scandir = os.scandir

    def guarded(folder):  # as root, permissions shut nobody out
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("ocr.reading.files.os.scandir", guarded)
    data = load_labelled(tmp_path)
    assert data.labels == ["ab"]
    assert list(data.unreadable.items()) == [
        (f"{tmp_path.as_posix()}/shut/", "cannot be opened: Permission denied")
    ]


def test_data_that_cannot_be_trained_on(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_labelled(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 images, none with a label"):
        load_labelled(tmp_path / "empty")
    with pytest.raises(DataError, match="1 images, none with a label"):
        load_labelled(lay(tmp_path / "unlabelled", ["_1.png"]))
    (tmp_path / "ab.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of its 1 labelled images can be read"):
        load_labelled(tmp_path)
    with pytest.raises(DataError, match="all images have the label 'IMG'"):
        usable(toy(["IMG"] * 20), 20)
    with pytest.raises(DataError, match="all labels consist of '7' alone"):
        usable(toy(["7", "77"] * 20), 20)
    with pytest.raises(DataError, match="at least 10 different"):
        usable(toy(["12"] * 9), 10)
    with pytest.raises(DataError, match="at least 10 different"):
        usable(toy(["12"] * 12, twins=[(0, i) for i in range(1, 12)]), 10)


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


def test_input_size_follows_the_images_and_leaves_room_for_the_labels():
    size = dataset.input_size
    assert size([(200, 50)] * 9, ["226md"]) == (50, 200)
    assert size([(400, 100)], ["226md"]) == (64, 256)
    assert size([(30, 32)], ["0123456789"]) == (85, 80)  # 10 symbols: at least 20 steps of 4 pixels
    assert size([(100, 30), (101, 30)], ["ab"])[1] % 4 == 0
    assert size([(160, 40)] * 40, ["abcd"] * 39 + ["x" * 200]) == (
        40,
        160,
    )  # the outlier is the audit's


def test_a_camera_held_upright_counts(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        picture(i, (40, 160)).save(tmp_path / f"ab_{i}.jpg", exif=exif)
    assert load_labelled(tmp_path).images.shape == (3, 40, 160, 1)


def test_batches_are_the_same_for_a_seed_and_an_epoch_and_cover_it():
    data, alphabet = toy([f"{i:02d}" for i in range(20)]), Alphabet("0123456789")

    def first(count, **options):
        stream = batches.string_batches(data, alphabet, 5, **options)
        return [next(stream)[0] for _ in range(count)]

    two_epochs, second = first(8, seed=1, strength=0.5), first(4, seed=1, epoch=1, strength=0.5)
    for a, b in zip(two_epochs[4:], second):
        assert np.array_equal(a["image"], b["image"]) and np.array_equal(a["label"], b["label"])
    seen = sorted(alphabet.decode(row) for batch in two_epochs[:4] for row in batch["label"])
    assert seen == sorted(data.labels)
    assert not np.array_equal(first(1, seed=1)[0]["label"], first(1, seed=2)[0]["label"])


def test_jitter_keeps_shape_and_ink():
    ((_, drawn),) = captchas.captchas(1, seed=1)
    image = np.asarray(drawn.convert("L"))[:, :, None]
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = augment.jitter(image, rng, 0.5)
        assert moved.shape == image.shape and moved.dtype == np.uint8
        assert not np.array_equal(moved, image)
        assert abs(float((moved < 128).sum()) / (image < 128).sum() - 1) < 0.35
    colour = np.asarray(drawn)
    assert augment.jitter(colour, rng).shape == colour.shape


def test_drawing_is_seeded_and_leaves_the_package_as_it_was():
    import secrets

    import captcha.image

    once, again, other = (list(captchas.captchas(3, seed=s)) for s in (5, 5, 6))
    assert (
        [label for label, _ in once]
        == [label for label, _ in again]
        != [label for label, _ in other]
    )
    assert all(a.tobytes() == b.tobytes() for (_, a), (_, b) in zip(once, again))
    assert captcha.image.secrets is secrets
    label, drawn = once[0]
    assert (
        drawn.size == (200, 50) and len(label) == 5 and set(label) <= set(captchas.CAPTCHA_SYMBOLS)
    )


def test_data_is_found_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "ROOT", tmp_path)
    monkeypatch.setattr(utils, "DRAWN_CAPTCHAS", 12)
    monkeypatch.delenv("OCR_DATA", raising=False)
    monkeypatch.setenv("OCR_PROFILE", "quick")
    path, origin = utils.find_captchas()
    assert "drawn" in origin and len(load_labelled(path)) == 12
    before = path.stat().st_mtime_ns
    assert utils.find_captchas()[0].stat().st_mtime_ns == before  # cached
    lay(tmp_path / "data" / "captcha_images_v2", ["aaaa2.png"])
    assert utils.find_captchas()[0] == tmp_path / "data" / "captcha_images_v2"
    lay(tmp_path / "mine" / "captcha_images_v2", ["aaaa3.png"])
    for given in ("mine", str(tmp_path / "mine")):
        monkeypatch.setenv("OCR_DATA", given)
        assert utils.find_captchas()[0] == tmp_path / "mine" / "captcha_images_v2"
    monkeypatch.setenv("OCR_DATA", "nowhere")
    with pytest.raises(DataError, match="OCR_DATA=nowhere is no folder"):
        utils.find_captchas()
    monkeypatch.setenv("OCR_PROFILE", "slow")
    with pytest.raises(DataError, match="OCR_PROFILE=slow"):
        utils.full_profile()
