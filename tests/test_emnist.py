"""EMNIST's files: IDX and CSV, upright images, damaged and missing files."""

import gzip
import zipfile

import numpy as np
import pytest

from ocr.datasets.emnist import MERGED, holds, load_emnist, merge, read_mapping
from ocr.datasets.labels import CLASSES, DataError
from tests.samples import save_emnist


def test_images_are_upright_and_labels_are_characters(tmp_path):
    """A horizontal bar at the top, stored as EMNIST does: as a vertical bar on the left."""
    stored = np.zeros((1, 28, 28), np.uint8)
    stored[0, :, 2] = 255
    head = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28])
    (tmp_path / "emnist-letters-test-images-idx3-ubyte").write_bytes(head + stored.tobytes())
    numbers = bytes([0, 0, 8, 1, 0, 0, 0, 1, 20])
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte").write_bytes(numbers)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n20 84 116\n")
    data = load_emnist(tmp_path, "letters", "test")
    assert data.labels == ["T"] and data.images.shape == (1, 28, 28, 1)
    assert (data.images[0, 2] == 255).all() and data.images[0, 3:].max() == 0


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_gzipped_or_not_in_folders_or_zips(tmp_path, packed):
    images, numbers = save_emnist(tmp_path / "gzip", packed=packed)
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for file in (tmp_path / "gzip").iterdir():
            archive.write(file, f"gzip/{file.name}")
    for path in (tmp_path / "gzip", str(tmp_path / "gzip.zip")):
        data = load_emnist(path, "byclass")
        assert np.array_equal(data.images[..., 0], images)
        assert data.labels == [CLASSES[i] for i in numbers]
        assert holds(path, "bymerge") and not holds(path, "letters")


def test_the_csv_edition_gives_the_same_data(tmp_path):
    images, numbers = save_emnist(tmp_path / "idx")
    (tmp_path / "csv").mkdir()
    table = tmp_path / "csv" / "emnist-byclass-train.csv"
    rows = np.column_stack([numbers, images.transpose(0, 2, 1).reshape(len(images), -1)])
    np.savetxt(table, rows, "%d", ",")
    mapping = (tmp_path / "idx" / "emnist-byclass-mapping.txt").read_bytes()
    (tmp_path / "csv" / "emnist-byclass-mapping.txt").write_bytes(mapping)
    idx, csv = (load_emnist(tmp_path / edition, "byclass") for edition in ("idx", "csv"))
    assert np.array_equal(idx.images, csv.images) and idx.labels == csv.labels
    table.write_text("1,2,3\n")
    with pytest.raises(DataError, match="3 columns instead of a label and 784 pixels"):
        load_emnist(tmp_path / "csv", "byclass")
    table.write_text("1,300,x\n")
    with pytest.raises(DataError, match=r"emnist-byclass-train\.csv: not a table of bytes"):
        load_emnist(tmp_path / "csv", "byclass")


def test_bymerge_is_made_of_byclass(tmp_path):
    _, numbers = save_emnist(tmp_path)
    assert load_emnist(tmp_path, "bymerge").labels == [merge(CLASSES[i]) for i in numbers]


def damage(path, change):
    data = bytearray(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(bytes(change(data))))


FAULTS = {
    "truncated gzip": (
        lambda p: p.write_bytes(p.read_bytes()[:-20]),
        r"idx3-ubyte\.gz: damaged or truncated",
    ),
    "truncated inside": (
        lambda p: damage(p, lambda d: d[:-5]),
        "has 6267 bytes where its header says 6272",
    ),
    "too long": (
        lambda p: damage(p, lambda d: d + b"1"),
        "has 6273 bytes where its header says 6272",
    ),
    "wrong magic": (
        lambda p: damage(p, lambda d: b"\0\0\x0d\3" + d[4:]),
        "not an IDX file of bytes in 3 dimensions",
    ),
    "a page of HTML": (lambda p: p.write_bytes(b"<html>not found</html>"), "not an IDX file"),
    "empty": (lambda p: p.write_bytes(b""), "not an IDX file"),
    "another count": (
        lambda p: damage(p, lambda d: d[:7] + b"\7" + d[8 : 16 + 7 * 784]),
        r"8 labels for images \(7, 28, 28\)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_idx_files_are_an_error(tmp_path, fault):
    save_emnist(tmp_path)
    change, message = FAULTS[fault]
    change(tmp_path / "emnist-byclass-train-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match=message) as caught:
        load_emnist(tmp_path, "byclass")
    assert "\n" not in str(caught.value)


def test_missing_files_and_arguments_are_errors(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_emnist(tmp_path / "nowhere", "byclass")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"bad\.zip: not a zip that can be opened"):
        load_emnist(tmp_path / "bad.zip", "byclass")
    with pytest.raises(DataError, match="use train or test, and balanced, bymerge"):
        load_emnist(tmp_path, "cursive")
    save_emnist(tmp_path / "set")
    with pytest.raises(DataError, match="no files of EMNIST byclass, test"):
        load_emnist(tmp_path / "set", "byclass", "test")


def test_files_that_do_not_match_are_errors(tmp_path):
    save_emnist(tmp_path)
    mapping = tmp_path / "emnist-byclass-mapping.txt"
    mapping.write_text("0 48\n1 x\n")
    with pytest.raises(DataError, match=r"mapping\.txt: not lines of a number and a character"):
        load_emnist(tmp_path, "byclass")
    mapping.write_text("0 48\n")
    with pytest.raises(DataError, match=r"is not in emnist-byclass-mapping\.txt"):
        load_emnist(tmp_path, "byclass")
    mapping.unlink()
    with pytest.raises(DataError, match=r"emnist-byclass-mapping\.txt is missing"):
        load_emnist(tmp_path, "byclass")
    (tmp_path / "emnist-byclass-train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no emnist-byclass-train-labels-idx1-ubyte beside it"):
        load_emnist(tmp_path, "byclass")


def test_a_zip_that_cannot_be_unpacked_is_an_error(tmp_path):
    save_emnist(tmp_path / "set", packed=False)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in (tmp_path / "set").iterdir():
            archive.write(file, file.name)
    data = bytearray((tmp_path / "set.zip").read_bytes())
    data[data.index(b"images-idx3-ubyte") + 1000] ^= 255
    (tmp_path / "set.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"set\.zip: .* cannot be unpacked .*: download"):
        load_emnist(tmp_path / "set.zip", "byclass")


def test_mapping_and_merge_tables():
    assert read_mapping(b"0 48\n10 65 97\n\n", "m") == {0: "0", 10: "A"}
    merged = sorted(set(map(merge, CLASSES)))
    assert len(CLASSES) == 62 and len(merged) == 47 and len(MERGED) == 15
    assert "".join(merged) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
    assert merge("c") == merge("C") == "C" and merge("a") == "a" and merge("7") == "7"
