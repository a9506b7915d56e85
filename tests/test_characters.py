"""Folders of single characters."""

import zipfile

import pytest
from PIL import Image
from samples import page

from ocr.datasets.characters import load_characters, own_parts
from ocr.datasets.labels import DataError


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
    with pytest.raises(DataError, match="is not a class by index"):
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


def test_why_too_little_is_left_is_shown_before_the_error(tmp_path, capsys):
    page(tmp_path / "A", "1.png", seed=1)
    page(tmp_path / "B", "1.png", seed=2)
    with pytest.raises(DataError, match="0 of 2 images are usable"):
        own_parts(tmp_path, symbols="Q")
    assert "outside the alphabet" in capsys.readouterr().out
