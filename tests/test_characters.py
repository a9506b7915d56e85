"""Single characters: EMNIST's files, class folders, parts, balance, distortion, and the drawn stand-in."""

import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.datasets import emnist, splits
from ocr.datasets.characters import load_characters, own_parts
from ocr.datasets.dataset import Labelled
from ocr.datasets.emnist import MERGED, load_emnist, merge, read_mapping
from ocr.datasets.labels import CLASSES, DataError, class_names
from ocr.drawing import augment, symbols
from ocr.reading.ctc import Alphabet
from ocr.training import batches


def lay_emnist(folder, split="byclass", count=8, part="train", packed=True, mapping=None):
    """EMNIST files with random images, as NIST stores them: transposed. Returns the upright images and the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    images, labels = (
        rng.integers(0, 256, (count, 28, 28), np.uint8),
        rng.integers(0, len(mapping or CLASSES), count),
    )
    for kind, array in (("images-idx3", images.transpose(0, 2, 1)), ("labels-idx1", labels)):
        path = folder / f"emnist-{split}-{part}-{kind}-ubyte.gz"
        emnist.write_idx(path, array)
        if not packed:
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    lines = [f"{i} {ord(c)}" for i, c in enumerate(mapping or CLASSES)]
    (folder / f"emnist-{split}-mapping.txt").write_text("\n".join(lines) + "\n")
    return images, labels


def test_images_come_out_upright_and_labels_as_characters(tmp_path):
    """A hand-made file: a horizontal bar at the top, stored as EMNIST does, as a vertical bar on the left."""
    stored = np.zeros((1, 28, 28), np.uint8)
    stored[0, :, 2] = 255
    head = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28])
    (tmp_path / "emnist-letters-test-images-idx3-ubyte").write_bytes(head + stored.tobytes())
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte").write_bytes(
        bytes([0, 0, 8, 1, 0, 0, 0, 1, 20])
    )
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n20 84 116\n")
    data = load_emnist(tmp_path, "letters", "test")
    assert data.labels == ["T"] and data.images.shape == (1, 28, 28, 1)
    assert (data.images[0, 2] == 255).all() and data.images[0, 3:].max() == 0


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_zipped_or_not_in_folders_or_archives(tmp_path, packed):
    images, labels = lay_emnist(tmp_path / "gzip", packed=packed)
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for file in (tmp_path / "gzip").iterdir():
            archive.write(file, f"gzip/{file.name}")
    for path in (tmp_path / "gzip", tmp_path / "gzip.zip"):
        data = load_emnist(path, "byclass")
        assert np.array_equal(data.images[..., 0], images) and data.labels == [
            CLASSES[i] for i in labels
        ]


def test_the_csv_edition_is_the_same(tmp_path):
    images, labels = lay_emnist(tmp_path / "idx")
    (tmp_path / "csv").mkdir()
    rows = np.column_stack([labels, images.transpose(0, 2, 1).reshape(len(images), -1)])
    np.savetxt(tmp_path / "csv" / "emnist-byclass-train.csv", rows, "%d", ",")
    (tmp_path / "csv" / "emnist-byclass-mapping.txt").write_bytes(
        (tmp_path / "idx" / "emnist-byclass-mapping.txt").read_bytes()
    )
    data, same = load_emnist(tmp_path / "idx", "byclass"), load_emnist(tmp_path / "csv", "byclass")
    assert np.array_equal(data.images, same.images) and data.labels == same.labels
    (tmp_path / "csv" / "emnist-byclass-train.csv").write_text("1,2,3\n")
    with pytest.raises(DataError, match="3 columns instead of a label and 784 pixels"):
        load_emnist(tmp_path / "csv", "byclass")
    (tmp_path / "csv" / "emnist-byclass-train.csv").write_text("1,300,x\n")
    with pytest.raises(DataError, match="emnist-byclass-train.csv: not a table of bytes"):
        load_emnist(tmp_path / "csv", "byclass")


def test_bymerge_is_made_from_byclass_where_only_that_is_there(tmp_path):
    images, labels = lay_emnist(tmp_path)
    assert load_emnist(tmp_path, "bymerge").labels == [merge(CLASSES[i]) for i in labels]


def damage(path, change):
    data = bytearray(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(bytes(change(data))))


FAULTS = {
    "cut gzip": (
        lambda p: p.write_bytes(p.read_bytes()[:-20]),
        "idx3-ubyte.gz: damaged or cut short",
    ),
    "cut inside": (
        lambda p: damage(p, lambda d: d[:-5]),
        "holds 6267 bytes where its header says 6272",
    ),
    "too long": (
        lambda p: damage(p, lambda d: d + b"1"),
        "holds 6273 bytes where its header says 6272",
    ),
    "wrong magic": (
        lambda p: damage(p, lambda d: b"\0\0\x0d\3" + d[4:]),
        "not an IDX file of bytes in 3 dimensions",
    ),
    "a page of HTML": (lambda p: p.write_bytes(b"<html>not found</html>"), "not an IDX file"),
    "empty": (lambda p: p.write_bytes(b""), "not an IDX file"),
    "other count": (
        lambda p: damage(p, lambda d: d[:7] + b"\7" + d[8 : 16 + 7 * 784]),
        "8 labels for images .7, 28, 28.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_idx_file_is_named(tmp_path, fault):
    lay_emnist(tmp_path)
    change, message = FAULTS[fault]
    change(tmp_path / "emnist-byclass-train-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match=message) as caught:
        load_emnist(tmp_path, "byclass")
    assert "\n" not in str(caught.value)


def test_files_that_are_missing_or_do_not_belong_together(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_emnist(tmp_path / "nowhere", "byclass")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="bad.zip: not a zip that can be opened"):
        load_emnist(tmp_path / "bad.zip", "byclass")
    with pytest.raises(DataError, match="use train or test, and balanced, bymerge"):
        load_emnist(tmp_path, "cursive")
    folder = tmp_path / "set"
    lay_emnist(folder)
    with pytest.raises(DataError, match="no files of EMNIST byclass, test"):
        load_emnist(folder, "byclass", "test")
    (folder / "emnist-byclass-mapping.txt").write_text("0 48\n1 x\n")
    with pytest.raises(
        DataError, match="mapping.txt: not lines of a number and a character's code"
    ):
        load_emnist(folder, "byclass")
    (folder / "emnist-byclass-mapping.txt").write_text("0 48\n")
    with pytest.raises(DataError, match="is not in emnist-byclass-mapping.txt"):
        load_emnist(folder, "byclass")
    (folder / "emnist-byclass-mapping.txt").unlink()
    with pytest.raises(DataError, match="emnist-byclass-mapping.txt is missing"):
        load_emnist(folder, "byclass")
    (folder / "emnist-byclass-train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no emnist-byclass-train-labels-idx1-ubyte beside it"):
        load_emnist(folder, "byclass")


def test_mapping_and_merge_tables():
    assert read_mapping(b"0 48\n10 65 97\n\n", "m") == {0: "0", 10: "A"}
    merged = sorted(set(map(merge, CLASSES)))
    assert len(CLASSES) == 62 and len(merged) == 47 and len(MERGED) == 15
    assert "".join(merged) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
    assert merge("c") == merge("C") == "C" and merge("a") == "a" and merge("7") == "7"


def test_the_emnist_that_is_here_maps_as_it_should():
    path, _ = utils.find_emnist("bymerge")
    test = load_emnist(path, "bymerge", "test")
    assert sorted(set(test.labels)) == sorted(set(map(merge, CLASSES)))
    assert test.images.dtype == np.uint8 and test.images.shape[1:] == (28, 28, 1)
    tops = [
        test.images[i, :14].mean() > test.images[i, 14:].mean()
        for i, l in enumerate(test.labels)
        if l == "7"
    ]
    assert np.mean(tops) > 0.8  # upright: the bar of a 7 is above


def test_names_of_class_folders():
    assert class_names(["30", "4a", "7A"]) == {"30": "0", "4a": "J", "7A": "z"}
    assert class_names(["0", "9", "10", "35", "36", "61"]) == {
        "0": "0",
        "9": "9",
        "10": "A",
        "35": "Z",
        "36": "a",
        "61": "z",
    }
    assert class_names(["30", "62"]) == {"30": "0", "62": "b"}  # all are codes
    assert class_names(["30", "5"]) == {"30": "U", "5": "5"}  # 5 is no code, so 30 is a number
    assert class_names(["a", "4", "ß"]) == {"a": "a", "4": "4", "ß": "ß"}
    assert class_names(["30", "31"], "index") == {"30": "U", "31": "V"}
    assert class_names(["1", "2"], "name") == {"1": "1", "2": "2"}
    with pytest.raises(DataError, match="folder 'x1' is no class by hex"):
        class_names(["30", "x1"], "hex")
    with pytest.raises(DataError, match="use hex, index, name"):
        class_names(["1"], "colour")


def page(folder, name, invert=False, seed=0):
    """A dark letter-like stroke on a light page, off centre."""
    rng = np.random.default_rng(seed)
    pixels = np.full((128, 128), 255, np.uint8)
    x, y = rng.integers(10, 60, 2)
    pixels[y : y + 50, x : x + 8] = 0
    pixels[y : y + 8, x : x + 30] = 0
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - pixels if invert else pixels).save(folder / name)


def test_nists_layout_a_flat_one_and_a_zip(tmp_path):
    for code in ("4a", "61"):
        for i in range(3):
            page(tmp_path / "by_class" / code / f"train_{code}", f"{i}.png", seed=i)
            page(tmp_path / "by_class" / code / "hsf_0" / "deep", f"{i}.PNG", invert=True, seed=i)
    data = load_characters(tmp_path / "by_class")
    assert sorted(data.labels) == ["J"] * 6 + ["a"] * 6 and data.images.shape == (12, 28, 28, 1)
    assert sorted(load_characters(tmp_path).labels) == sorted(data.labels)  # one folder above
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "by_class").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    assert sorted(load_characters(tmp_path / "set.zip").labels) == sorted(data.labels)
    with pytest.raises(DataError, match="is no class by index"):
        load_characters(tmp_path, "index")


def test_labels_of_single_characters_from_a_table_or_file_names(tmp_path):
    for i, name in enumerate(["a_1.png", "B_2.png", "cd_3.png"]):
        page(tmp_path / "flat", name, seed=i)
    data = load_characters(tmp_path / "flat")
    assert sorted(data.labels) == ["B", "a"]
    assert [n.rpartition("/")[2] for n in data.unlabelled] == [
        "cd_3.png: 'cd' is not one character"
    ]
    (tmp_path / "flat" / "labels.csv").write_text("file,label\na_1.png,x\ncd_3.png,y\nno.png,z\n")
    data = load_characters(tmp_path / "flat")
    assert (
        sorted(data.labels) == ["x", "y"] and len(data.unlabelled) == 1 and len(data.missing) == 1
    )


def test_file_names_count_where_all_images_lie_in_one_folder(tmp_path):
    for i, name in enumerate(["a_1.png", "B_2.png"]):
        page(tmp_path / "set" / "mine", name, seed=i)
    assert (
        sorted(load_characters(tmp_path / "set").labels)
        == sorted(load_characters(tmp_path / "set" / "mine").labels)
        == ["B", "a"]
    )


def test_useless_images_in_class_folders_are_listed_and_left_out(tmp_path):
    for i in range(3):
        page(tmp_path / "in" / "A", f"{i}.png", seed=i)
        page(tmp_path / "in" / "B", f"{i}.png", seed=i + 5)
    (tmp_path / "in" / "A" / "empty.png").write_bytes(b"")
    (tmp_path / "in" / "B" / "text.jpg").write_bytes(b"no image")
    (tmp_path / "in" / "B" / "notes.txt").write_text("not an image, not missed")
    Image.new("L", (1, 1)).save(tmp_path / "in" / "A" / "dot.png")
    Image.new("L", (40, 40), 255).save(tmp_path / "in" / "B" / "blank.png")
    page(tmp_path / "in", "loose.png")
    data = load_characters(tmp_path / "in")
    assert sorted(data.labels) == ["A"] * 3 + ["B"] * 3
    assert {n.rpartition("/")[2] for n in data.unreadable} == {
        "empty.png",
        "text.jpg",
        "dot.png",
        "blank.png",
    }
    assert [n.rpartition("/")[2] for n in data.unlabelled] == ["loose.png"]


def test_folders_without_characters(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load_characters(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 images, none with a label of one character"):
        load_characters(tmp_path / "empty")
    page(tmp_path / "words" / "cat", "1.png")
    page(tmp_path / "words" / "dog", "1.png")
    with pytest.raises(
        DataError,
        match="2 images, none with a label of one character .the first is 'cat'.: put each class, two at least, in a folder named",
    ):
        load_characters(tmp_path / "words")
    for name in ("A", "B"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "1.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of its 2 labelled images can be read"):
        load_characters(tmp_path / "bad")


# --- parts, balance, distortion ----------------------------------------------------------------------------------


def toy(counts, seed=0):
    labels = [label for label, n in counts.items() for _ in range(n)]
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 28, 28, 1), np.uint8)
    return Labelled(images, labels, [f"{i}" for i in range(len(labels))])


def test_held_out_images_are_so_many_a_class_and_in_no_other_part():
    data = toy({"a": 300, "b": 120, "c": 10})
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


def test_the_balance_is_what_it_says():
    classes = np.repeat([0, 1, 2], [5, 50, 500])
    order = batches.class_order(classes, 301, np.random.default_rng(0))
    counts = np.bincount(classes[order])
    assert len(order) == 301 and set(counts) == {100, 101}
    small = np.bincount(order[order < 5], minlength=5)
    assert small.min() >= 20 and small.max() <= 21  # each of the five again and again, evenly
    large = order[order >= 55]
    assert len(set(large)) == len(large)  # no image of a large class twice
    plain = batches.class_order(classes, 555, np.random.default_rng(0), balanced=False)
    assert sorted(plain) == list(range(555)) and list(plain) != list(range(555))


def test_class_batches_resume_by_epoch_and_keep_their_labels():
    data, alphabet = toy({"a": 40, "b": 10, "c": 25}), Alphabet("abc")
    data.images[:] = (alphabet.classes(data.labels) * 100)[
        :, None, None, None
    ]  # the picture tells the label

    def take(epoch, count, **options):
        stream = batches.class_batches(data, alphabet, 4, 6, 5, seed=3, epoch=epoch, **options)
        return [next(stream) for _ in range(count)]

    whole, resumed = take(0, 10), take(1, 5)
    for (a, b), (c, d) in zip(whole[5:], resumed, strict=True):
        assert np.array_equal(a, c) and np.array_equal(b, d)
    for images, targets in take(0, 10, strength=1.0):
        assert (
            images.shape == (6, 28, 28, 1)
            and images.dtype == np.float32
            and 0 <= images.min() <= images.max() <= 1
        )
        assert (
            targets.shape == (6, 4) and (targets.sum(axis=1) == 1).all() and not targets[:, 3].any()
        )
        assert np.allclose(
            images[:, 14, 14, 0] * 255, targets.argmax(axis=1) * 100, atol=1
        )  # the centre stays ink


def test_batches_made_ahead_are_the_same_and_pass_errors_on():
    stream = batches.prefetch(iter([1, 2, 3]))
    assert [next(stream) for _ in range(2)] == [1, 2]

    def failing():
        yield 1
        raise ValueError("no more")

    stream = batches.prefetch(failing())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="no more"):
        next(stream)


@pytest.mark.parametrize("size", [28, 64])
def test_distortion_keeps_shape_range_and_most_of_the_ink(size):
    glyphs = np.stack([image for _, image in symbols.glyphs("AbC7" * 4, seed=2)])
    if size != 28:
        glyphs = np.stack(
            [
                np.asarray(Image.fromarray(g[:, :, 0]).resize((size, size)))[:, :, None]
                for g in glyphs
            ]
        )
    bent = augment.distort(glyphs, np.random.default_rng(0))
    assert (
        bent.shape == glyphs.shape and bent.dtype == np.uint8 and not np.array_equal(bent, glyphs)
    )
    assert np.allclose(bent.mean(axis=(1, 2, 3)) / glyphs.mean(axis=(1, 2, 3)), 1, atol=0.35)
    assert np.array_equal(augment.distort(glyphs, np.random.default_rng(0)), bent)
    still = augment.distort(glyphs, np.random.default_rng(0), strength=0.0)
    assert np.abs(still.astype(int) - glyphs).max() <= 1


def test_drawn_characters_are_seeded_in_form_and_told_apart():
    first, again, other = (list(symbols.glyphs("0Aaz" * 5, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again))
    assert not any(np.array_equal(a, b) for (_, a), (_, b) in zip(first, other))
    for symbol, image in first:
        assert (
            image.shape == (28, 28, 1)
            and image.dtype == np.uint8
            and 0.03 < image.mean() / 255 < 0.6
        ), symbol


def test_a_split_that_is_not_there_is_told(tmp_path, monkeypatch):
    lay_emnist(tmp_path / "emnist", "letters", mapping="AB")
    monkeypatch.setattr(utils, "data_folders", lambda: [tmp_path])
    assert utils.find_emnist("letters")[0] == tmp_path / "emnist"
    with pytest.raises(DataError, match="EMNIST balanced was not found .*data/README.md"):
        utils.find_emnist("balanced", download_allowed=False)


def test_why_too_little_is_left_is_shown_before_the_error(tmp_path, capsys):
    page(tmp_path / "A", "1.png", seed=1)
    page(tmp_path / "B", "1.png", seed=2)
    with pytest.raises(DataError, match="0 of 2 images are usable"):
        own_parts(tmp_path, symbols="Q")
    assert "outside the alphabet" in capsys.readouterr().out


def test_drawn_emnist_is_emnist(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "DRAWN_CHARACTERS", 2)
    folder = utils._draw_emnist(tmp_path / "emnist-2")
    train, test = (load_emnist(folder, "byclass", part) for part in ("train", "test"))
    assert sorted(train.labels) == sorted(CLASSES * 2) and sorted(test.labels) == sorted(
        CLASSES * 40
    )
    assert not set(splits.digests(train.images)) & set(splits.digests(test.images))
    assert [p.name for p in tmp_path.iterdir()] == ["emnist-2"]


def test_folder_names_are_one_form_of_unicode():
    assert class_names(["e\u0301", "A"]) == {
        "e\u0301": "\xe9",
        "A": "A",
    }  # macOS stores names decomposed
