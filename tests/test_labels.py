"""Label layouts: file names, text files, labels.csv, class folders."""

import csv
import unicodedata
import zipfile

import pytest

from ocr.datasets import splits
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import (
    DataError,
    class_names,
    list_files,
    parse_table,
    read_characters,
    read_labels,
)
from tests.samples import save_noise


def file_names(paths):
    return [path.rpartition("/")[2] for path in paths]


def test_label_is_the_file_name(tmp_path):
    names = ["226md.png", "AbC.JPG", "x7.bmp", "deep/er/y8.WebP"]
    data = load_labelled(save_noise(tmp_path, names))
    assert sorted(data.labels) == ["226md", "AbC", "x7", "y8"]


def test_label_precedes_the_first_underscore(tmp_path):
    data = load_labelled(save_noise(tmp_path, ["007_a_b.png", "007_2.jpg", "12-3_x.png"]))
    assert sorted(data.labels) == ["007", "007", "12-3"]


def test_text_file_overrides_the_file_name(tmp_path):
    save_noise(tmp_path, ["img1.png", "img2.png", "wrong_img3.png"])
    (tmp_path / "img1.gt.txt").write_text("0012\n", encoding="utf-8")
    (tmp_path / "img2.gt.txt").write_text("\ufeffäb c", encoding="utf-8")
    data = load_labelled(tmp_path)
    assert sorted(data.labels) == ["0012", "äb c"]
    assert file_names(data.unlabelled) == ["wrong_img3.png"]


def test_labels_csv_overrides_other_layouts(tmp_path):
    save_noise(tmp_path, ["a_1.png", "b_2.png", "sub/c_3.png", "spare.png"])
    (tmp_path / "a_1.gt.txt").write_text("no")
    rows = [["file", "label"], ["a_1.png", "0042"], ["b_2.png", 'x,"y']]
    rows += [["sub\\c_3.png", "c"], ["gone.png", "q"]]
    with open(tmp_path / "Labels.CSV", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    data = load_labelled(tmp_path)
    labels = dict(zip(file_names(data.names), data.labels))
    assert labels == {"a_1.png": "0042", "b_2.png": 'x,"y', "c_3.png": "c"}
    assert file_names(data.unlabelled) == ["spare.png"]
    assert file_names(data.missing) == ["gone.png"]


def test_nearest_labels_csv_counts(tmp_path):
    save_noise(tmp_path, ["a.png", "sub/b.png", "sub/c.png", "other/d.png"])
    (tmp_path / "labels.csv").write_text("file,label\na.png,1\nsub/b.png,2\nother/d.png,3\n")
    (tmp_path / "sub" / "labels.csv").write_text("file,label\nc.png,4\n")
    labels, missing = read_labels(list_files(tmp_path))
    assert dict(zip(file_names(labels), labels.values())) == {
        "a.png": "1",
        "c.png": "4",
        "d.png": "3",
    }
    assert missing == []


@pytest.mark.parametrize(
    "content, message",
    [
        (b'file,label\n"a.png' + b"x" * 200_000, "not a table"),
        (b"a.png,x\n", "the first line must name the columns file,label"),
        (b"", "empty file"),
        ("file,label\na.png,é\n".encode("cp1252"), "not UTF-8 text"),
    ],
)
def test_invalid_labels_csv_is_an_error(tmp_path, content, message):
    save_noise(tmp_path, ["a.png"])
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"labels.csv: {message}"):
        load_labelled(tmp_path)


def test_labels_csv_of_other_files_is_an_error(tmp_path):
    save_noise(tmp_path, ["a.png"])
    (tmp_path / "labels.csv").write_text("file,label\na.jpg,x\n")
    with pytest.raises(DataError, match=r"labels\.csv lists .*a\.jpg, which does not exist"):
        load_labelled(tmp_path)


def test_labels_csv_with_semicolons_beside_invalid_text_files(tmp_path):
    save_noise(tmp_path / "a", ["1.png"])
    (tmp_path / "a" / "labels.csv").write_text("File;Label\n1.png;x,y\n2.png\n")
    save_noise(tmp_path / "b", ["1.png", "2.png", "3.png"])
    for name, content in (("1", b"one"), ("2", b""), ("3", b"\xff\xfe")):
        (tmp_path / "b" / f"{name}.gt.txt").write_bytes(content)
    data = load_labelled(tmp_path)
    assert data.labels == ["x,y", "one"]
    assert file_names(data.unlabelled) == ["2.png", "3.png"]


@pytest.mark.parametrize("layout", ["name", "text", "csv"])
def test_zip_and_folder_give_the_same_data(tmp_path, layout):
    folder = save_noise(tmp_path / "in", ["ab.png", "cd_2.JPG", "sub/ef.png"])
    if layout == "text":
        for name in ("ab", "cd_2", "sub/ef"):
            (folder / f"{name}.gt.txt").write_text(f"T{name[-1]}")
    if layout == "csv":
        (folder / "labels.csv").write_text("file,label\nab.png,1\ncd_2.JPG,2\nsub/ef.png,3\n")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    data, packed = load_labelled(str(folder)), load_labelled(str(tmp_path / "in.zip"))
    assert sorted(data.labels) == sorted(packed.labels)
    assert sorted(splits.digests(data.images)) == sorted(splits.digests(packed.images))


def test_relative_paths_give_the_same_labels(tmp_path, monkeypatch):
    save_noise(tmp_path / "set", ["a/1.png", "b/2.png"])
    monkeypatch.chdir(tmp_path / "set")
    for root in (".", "../set", str(tmp_path / "set")):
        labels, _ = read_characters(list_files(root), root)
        assert sorted(labels.values()) == ["a", "b"]
    (tmp_path / "set" / "labels.csv").write_text("file,label\na/1.png,x\n")
    assert load_labelled(".").labels == ["x"]


def test_decomposed_unicode_is_composed(tmp_path):
    save_noise(tmp_path, [unicodedata.normalize("NFD", "é1.png"), "b2.png"])
    assert set("".join(load_labelled(tmp_path).labels)) == set("é1b2")
    assert class_names(["e\u0301", "A"]) == {"e\u0301": "\xe9", "A": "A"}


def test_names_of_class_folders():
    assert class_names(["30", "4a", "7A"]) == {"30": "0", "4a": "J", "7A": "z"}
    indices = class_names(["0", "9", "10", "35", "36", "61"])
    assert indices == {"0": "0", "9": "9", "10": "A", "35": "Z", "36": "a", "61": "z"}
    assert class_names(["30", "62"]) == {"30": "0", "62": "b"}  # all are codes
    assert class_names(["30", "5"]) == {"30": "U", "5": "5"}  # 5 is not a code, so 30 is a number
    assert class_names(["a", "4", "ß"]) == {"a": "a", "4": "4", "ß": "ß"}
    assert class_names(["30", "31"], "index") == {"30": "U", "31": "V"}
    assert class_names(["1", "2"], "name") == {"1": "1", "2": "2"}
    with pytest.raises(DataError, match="folder 'x1' is not a class by hex"):
        class_names(["30", "x1"], "hex")
    with pytest.raises(DataError, match="use hex, index, name"):
        class_names(["1"], "colour")


def test_other_columns_of_a_table_can_be_named():
    data = "\ufeffNr; Name ;Text\r\n1; a.png ; 042\r\n2;sub\\b.png;x\r\n".encode()
    labels, columns = parse_table(data, "t.csv", ("Name", "text"))
    assert labels == {"a.png": "042", "sub/b.png": "x"} and columns == ["Nr", "Name", "Text"]
    assert parse_table(b"label,file\n1,a.png", "t.csv", ("Name", "Text"))[0] == {"a.png": "1"}
    with pytest.raises(DataError, match="columns file,label, not 'Nr,Name ,Text"):
        parse_table(data, "t.csv")
    with pytest.raises(DataError, match="columns name,words"):
        parse_table(data, "t.csv", ("Name", "Words"))
