"""Labels: file names, text files, labels.csv, class folders."""

import csv
import unicodedata
import zipfile

import numpy as np
import pytest
from samples import lay

from ocr.datasets import splits
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import DataError, class_names


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
    with pytest.raises(DataError, match="folder 'x1' is not a class by hex"):
        class_names(["30", "x1"], "hex")
    with pytest.raises(DataError, match="use hex, index, name"):
        class_names(["1"], "colour")


def test_folder_names_are_one_form_of_unicode():
    assert class_names(["e\u0301", "A"]) == {
        "e\u0301": "\xe9",
        "A": "A",
    }  # macOS stores names decomposed
