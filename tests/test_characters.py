"""Folders of single characters, and the parts made of them."""

import zipfile

import pytest
from PIL import Image

from ocr.datasets.characters import given_parts, load_characters, own_characters
from ocr.datasets.labels import DataError
from tests.samples import classes_of_noise, save_noise, save_page


def file_names(paths):
    return [path.rpartition("/")[2] for path in paths]


def test_nist_folders_in_a_folder_or_zip(tmp_path):
    for code in ("4a", "61"):
        folder = tmp_path / "by_class" / code
        for i in range(3):
            save_page(folder / f"train_{code}", f"{i}.png", seed=i)
            save_page(folder / "hsf_0" / "deep", f"{i}.PNG", invert=True, seed=i)
    data = load_characters(tmp_path / "by_class")
    assert sorted(data.labels) == ["J"] * 6 + ["a"] * 6 and data.images.shape == (12, 28, 28, 1)
    assert sorted(load_characters(str(tmp_path)).labels) == sorted(data.labels)  # one level above
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "by_class").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    assert sorted(load_characters(tmp_path / "set.zip").labels) == sorted(data.labels)
    with pytest.raises(DataError, match="is not a class by index"):
        load_characters(tmp_path, "index")


def test_labels_of_single_characters_from_file_names_or_a_table(tmp_path):
    for i, name in enumerate(["a_1.png", "B_2.png", "cd_3.png"]):
        save_page(tmp_path, name, seed=i)
    data = load_characters(tmp_path)
    assert sorted(data.labels) == ["B", "a"]
    assert file_names(data.unlabelled) == ["cd_3.png: 'cd' is not one character"]
    (tmp_path / "labels.csv").write_text("file,label\na_1.png,x\ncd_3.png,y\nno.png,z\n")
    data = load_characters(tmp_path)
    assert sorted(data.labels) == ["x", "y"]
    assert len(data.unlabelled) == 1 and len(data.missing) == 1


def test_a_single_folder_does_not_name_a_class(tmp_path):
    for i, name in enumerate(["a_1.png", "B_2.png"]):
        save_page(tmp_path / "set" / "mine", name, seed=i)
    for folder in (tmp_path / "set", tmp_path / "set" / "mine"):
        assert sorted(load_characters(folder).labels) == ["B", "a"]


def test_unusable_images_in_class_folders_are_listed(tmp_path):
    for i in range(3):
        save_page(tmp_path / "A", f"{i}.png", seed=i)
        save_page(tmp_path / "B", f"{i}.png", seed=i + 5)
    (tmp_path / "A" / "empty.png").write_bytes(b"")
    (tmp_path / "B" / "text.jpg").write_bytes(b"no image")
    (tmp_path / "B" / "notes.txt").write_text("neither an image nor a label")
    Image.new("L", (1, 1)).save(tmp_path / "A" / "dot.png")
    Image.new("L", (40, 40), 255).save(tmp_path / "B" / "blank.png")
    save_page(tmp_path, "loose.png")
    data = load_characters(tmp_path)
    assert sorted(data.labels) == ["A"] * 3 + ["B"] * 3
    assert sorted(file_names(data.unreadable)) == ["blank.png", "dot.png", "empty.png", "text.jpg"]
    assert file_names(data.unlabelled) == ["loose.png"]


def test_folders_without_characters_are_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load_characters(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 images, none with a label of one character"):
        load_characters(tmp_path / "empty")
    for word in ("cat", "dog"):
        save_page(tmp_path / "words" / word, "1.png")
    with pytest.raises(DataError, match=r"2 images, none .*\(the first is 'cat'\): put each class"):
        load_characters(tmp_path / "words")
    for name in ("A", "B"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "1.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of its 2 labelled images can be read"):
        load_characters(tmp_path / "bad")


def test_own_characters_are_audited_for_the_symbols_given(tmp_path, capsys):
    save_noise(tmp_path, [f"{label}/{i}.png" for i, label in enumerate("AB" * 10)])
    data, alphabet, table = own_characters(str(tmp_path), symbols="ABC")
    assert alphabet.symbols == "ABC" and len(data) == table["count"]["images"] == 20
    with pytest.raises(DataError, match="0 of 20 images are usable"):
        own_characters(tmp_path, symbols="Q")
    assert "outside the alphabet" in capsys.readouterr().out


def test_given_parts_hold_out_and_drop_test_images():
    data, test = classes_of_noise({"a": 300, "b": 100}), classes_of_noise({"a": 3, "b": 230}, 1)
    data.images[0] = test.images[0]
    parts = given_parts("noise", data, test)
    assert len(parts.train) + len(parts.validation) == parts.audit["count"]["images"] == 399
    assert [parts.validation.labels.count(label) for label in "ab"] == [50, 20]
    assert [parts.test.labels.count(label) for label in "ab"] == [3, 200]
