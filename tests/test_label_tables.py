"""Tables of labels: workbooks, tables of any name, columns of any name, labels made alike."""

import datetime
import io

import openpyxl
import pytest

from ocr.cli import main
from ocr.datasets import labels, tables
from ocr.datasets.dataset import load_labelled
from ocr.datasets.labels import Columns, DataError, list_files, read_labels
from tests.samples import save_noise

NAMES = ["IMG_1.png", "IMG_2.png", "IMG_3.png"]


def workbook(*rows, formats=()):
    """The bytes of a workbook; formats: {cell: number format}."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for cell, shape in dict(formats).items():
        book.active[cell].number_format = shape
    book.save(out)
    return out.getvalue()


def texts(folder, columns=None):
    """The labels of a folder's images, in their order."""
    found, _ = read_labels(list_files(folder), columns)
    return [found[name] for name in sorted(found)]


def test_a_workbook_holds_labels_as_it_shows_them(tmp_path):
    save_noise(tmp_path, NAMES)
    rows = [
        ["Nr", "File", "Label"],
        [1, "IMG_1.png", 42],
        [2, "IMG_2", 1.5],
        [3, "IMG_3.png", "007"],
    ]
    data = workbook(*rows, formats={"C2": "0000", "C3": "0.00"})
    (tmp_path / "labels.xlsx").write_bytes(data)
    (tmp_path / "~$labels.xlsx").write_bytes(b"open in a spreadsheet")
    assert texts(tmp_path) == ["0042", "1.50", "007"]
    assert load_labelled(tmp_path).labels == ["0042", "1.50", "007"]
    assert tables.parse(data, "labels.xlsx").notes == []
    plain = tables.parse(workbook(*rows), "labels.xlsx")
    assert (
        plain.rows["IMG_1.png"] == "42" and "2 labels are numbers to the spread" in plain.notes[0]
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK no zip", "not a workbook that can be read"),
        (workbook(), "its first sheet is empty"),
        (workbook(["file", "label"], ["a", datetime.date(2024, 5, 12)]), "1 labels are dates to"),
        (
            workbook(["name", "label"], ["a", "b"]),
            "must name the columns file,label, not 'name,lab",
        ),
    ],
)
def test_a_workbook_that_is_no_table_of_labels(data, message):
    with pytest.raises(DataError, match=f"^t.xlsx: .*{message}") as raised:
        tables.parse(data, "t.xlsx")
    assert "\n" not in str(raised.value)


def test_a_workbook_that_unpacks_to_much_is_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST", 100)
    with pytest.raises(DataError, match="it unpacks to more than 0 MiB"):
        tables.parse(workbook(["file", "label"]), "t.xlsx")


def test_a_table_of_any_name_with_named_columns(tmp_path):
    save_noise(tmp_path, NAMES)
    rows = "Nr;File name;Answer (typed)\n" + "".join(f"{k};IMG_{k};a{k}\n" for k in (1, 2, 3))
    (tmp_path / "answers.csv").write_bytes(("\ufeff" + rows).encode("utf-16-le"))
    (tmp_path / "readings.csv").write_text("path,text,confidence\nIMG_1.png,no,1\n")
    assert texts(tmp_path, Columns("File name", "answer (Typed)")) == ["a1", "a2", "a3"]
    with pytest.raises(
        DataError, match=r"answers.csv: its column 'File name' names the images; to"
    ):
        texts(tmp_path)
    with pytest.raises(
        DataError,
        match="--columns x,y: no table beside the images has these columns; "
        r".*answers.csv has 'Nr', 'File name', 'Answer \(typed\)'$",
    ):
        texts(tmp_path, Columns("x", "y"))
    (tmp_path / "more.csv").write_text("File name,Answer (typed)\nIMG_1.png,no\n")
    with pytest.raises(DataError, match=r"answers.csv and more.csv both have the columns"):
        texts(tmp_path, Columns("File name", "Answer (typed)"))
    (tmp_path / "labels.tsv").write_text("file\tlabel\nIMG_1.png\tyes\n")
    assert texts(tmp_path) == ["yes"]


def test_another_table_leaves_names_as_labels(tmp_path):
    save_noise(tmp_path, NAMES)
    (tmp_path / "sizes.csv").write_text("width,height\n1,2\n3,4\n")
    (tmp_path / "readings.csv").write_text("path,text,confidence\nIMG_1.png,no,1\n")
    assert texts(tmp_path) == ["IMG"] * 3
    (tmp_path / "sizes.csv").write_text("file,label\nIMG_1.png,x\nIMG_3.png,y\n")
    assert texts(tmp_path) == ["x", "y"]


def test_labels_are_made_alike(tmp_path):
    save_noise(tmp_path, NAMES)
    (tmp_path / "labels.csv").write_text(
        "file,label\nIMG_1.png,a B\nIMG_2.png,Ab\nIMG_3.png,c\u00a0d\n"
    )
    assert texts(tmp_path, Columns(case="lower", strip=True)) == ["ab", "ab", "cd"]
    assert texts(tmp_path, Columns(case="upper")) == ["A B", "AB", "C\u00a0D"]


def test_where_labels_come_from(tmp_path):
    save_noise(tmp_path, ["a/IMG_1.png", "b/x.png", "c/y_1.png"])
    (tmp_path / "a" / "labels.xlsx").write_bytes(workbook(["file", "label"], ["IMG_1.png", 12]))
    (tmp_path / "b" / "x.gt.txt").write_text("text")
    table, beside, names = labels.sources(list_files(tmp_path), tmp_path, False)
    assert table.words.endswith("a/labels.xlsx (file and label)") and "12" in table.labels.values()
    assert "numbers to the spreadsheet" in table.notes[0]
    assert "x.gt.txt" in beside.words and list(beside.labels.values()) == ["text"]
    assert "names of the files" in names.words and list(names.labels.values()) == ["y"]
    (folders,) = labels.sources(list_files(tmp_path / "c"), tmp_path / "c", True)
    assert folders.words == names.words


def test_the_labelling_page_wants_labels_in_its_own_table(tmp_path, capsys):
    (tmp_path / "Labels.xlsx").write_bytes(workbook(["file", "label"]))
    with pytest.raises(SystemExit) as ended:
        main(["label", str(tmp_path), "--name", "mine"])
    assert ended.value.code == 2 and "Labels.xlsx: save it as labels.csv" in capsys.readouterr().err
