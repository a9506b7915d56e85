"""`ocr train` before and after a training: labels, readers that there are, the ending in words."""

from types import SimpleNamespace

import numpy as np
import pytest

from ocr.cli import main
from ocr.cli.training import before, ending, known, labels, watch
from ocr.datasets.labels import DataError, Source
from ocr.training import recipes
from ocr.training.progress import Report
from tests.samples import save_noise

NAMES = "the names of the files, up to the first _"
FACTS = {
    "scores": [{"exact": 0.87, "n": 100, "low": 0.79, "high": 0.92}],
    "trust": {"threshold": 0.93, "share": 0.47, "right": 1.0},
    "data": {"count": 200},
}


def warnings(texts, words="a table", strings=True):
    """What is said of labels beyond where they come from."""
    source = Source(words, {f"x/{k}.png": text for k, text in enumerate(texts)}, [])
    first, *others = labels.lines([source], strings)
    assert first.startswith(f"{len(texts)} labels from {words}, as 0.png: {texts[0]!r}")
    return others


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([f"{k * 7919 % 2**32:08x}" for k in range(10**6, 10**6 + 30)], "hashes"),
        ([f"550e8400-e29b-41d4-a716-4466554400{k}" for k in range(10, 40)], "UUIDs"),
        ([f"20240512_1830{k}" for k in range(10, 40)], "dates and times"),
        ([f"17000000{k}" for k in range(10, 40)], "dates and times"),
        ([f"{k:05}" for k in range(100, 140)], "running numbers"),
    ],
)
def test_names_that_nobody_wrote_as_labels(names, what):
    assert any(f"look like {what}, not like what" in line for line in warnings(names, NAMES))
    assert not any("look like" in line for line in warnings(names))  # of a table they are right


def test_names_that_may_be_labels():
    rng = np.random.default_rng(0)
    for symbols, length in (("2345678bcdefgmnpwxy", 5), ("0123456789", 6), ("ABC", 3)):
        texts = ["".join(rng.choice(list(symbols), length)) for _ in range(200)]
        assert not any("look like" in line for line in warnings(texts, NAMES))


def test_slips_in_labels_are_named():
    texts = ["AB12"] * 50 + ["ab12"] * 10 + ["A B1", "AB0O", "A0B€"] + ["0AB1"] * 60
    said = "\n".join(warnings(texts))
    assert "1 label holds a space (60.png 'A B1'): --strip" in said
    assert "2 letters are there in both cases (10 labels all lower, 113 all upper)" in said
    assert "--case upper joins them, 8 symbols instead of 10" in said
    assert "'O' is in 1 label (61.png 'AB0O') and '0' in 62: the same sign?" in said
    assert "'O' '€': in fewer than 3 labels each (61.png 'AB0O', 62.png 'A0B€')" in said
    assert warnings(["ABC", "CBA"] * 20) == []
    assert warnings(["A", "a"] * 20, strings=False) == []  # two classes


# --- readers that read these already


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Twelve pictures of numbers in a font that Pillow has, with a table."""
    from ocr.cli.readers import draw

    folder = tmp_path_factory.mktemp("digits")
    rows = ["file,label"]
    for k, text in enumerate(["1250", "77", "4096", "31.5"] * 3):
        draw(text).rotate(k / 9, fillcolor=255).save(folder / f"{k}.png")
        rows.append(f"{k}.png,{text}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def trained(monkeypatch):
    """The calls of `recipes.train`, in place of trainings."""
    calls = []

    def train(*arguments, **options):
        calls.append((arguments, options))
        return SimpleNamespace(contract=FACTS)

    monkeypatch.setattr(recipes, "train", train)
    return calls


def test_a_reader_that_reads_these_already(digits, trained, capsys):
    command = ["train", "numbers", "--data", str(digits), "--name", "mine"]
    assert main(command) == 0
    first, second, third, *ended = capsys.readouterr().out.splitlines()
    assert first.startswith("`numbers` already reads ") and "(n = 12, 95 % interval" in first
    assert first.endswith("Training all the same.")
    assert (
        second.startswith("12 labels from")
        and "labels.csv (file and label), as 0.png: '1250'" in second
    )
    assert third.startswith("12 labels are few: 50 labels of one typeface")
    assert ended[0].startswith("87 of 100 right (79 to 92)") and "--model mine" in ended[-1]
    assert len(trained) == 1
    assert main([*command, "--if-better-than", "50"]) == 1 and len(trained) == 1
    assert "not trained, for --if-better-than 50: read with ocr read --model numbers" in (
        capsys.readouterr().err
    )
    assert main([*command, "--if-better-than", "100"]) == 0 and len(trained) == 2


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("", 1)])
def test_a_person_is_asked_whether_to_train(answer, status, digits, trained, monkeypatch):
    monkeypatch.setattr(before.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda text: answer)
    command = ["train", "numbers", "--data", str(digits), "--name", "mine"]
    assert main([*command, "--if-better-than", "50"]) == status and len(trained) == 1 - status


def test_labels_that_no_reader_writes(tmp_path, trained, capsys):
    save_noise(tmp_path, [f"ß{k}_{k}.png" for k in range(3)])
    assert main(["train", "captcha", "--data", str(tmp_path), "--name", "mine", "--strip"]) == 0
    assert capsys.readouterr().out.startswith("No reader that is here knows the symbols of these")
    ((_, options),) = trained
    assert options["columns"].strip and options["columns"].case is None


def test_readers_of_characters_are_told_what_kind():
    assert known.shape(["1", "7"]) == "d" and known.shape(["a", "B"]) == "a"
    assert known.shape(["1", "a"]) is None and known.shape(["12", "3"]) is None
    said = str(known.Known("char_cnn", "d", 99, 100))
    assert said.startswith("`char_cnn --pattern d` already reads 99.0% of these (n = 100")


def test_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "captcha", "--data", "x", "--name", "y", "--if-better-than", "101"])
    assert (
        ended.value.code == 2 and "it must be from 0 to 100, in percent" in capsys.readouterr().err
    )


def test_a_folder_that_is_not_there_is_one_line(tmp_path, trained, capsys):
    assert main(["train", "captcha", "--data", str(tmp_path / "x"), "--name", "mine"]) == 1
    assert capsys.readouterr().err.count("\n") == 1 and not trained


# --- while it trains, and after


def test_a_training_that_learns_nothing_is_stopped():
    def report(epoch, **logs):
        watch.stop_where_hopeless(Report("mine", 0, 6, epoch, 10, logs))

    report(5, val_cer=0.9, val_exact=0.0)
    report(6, val_cer=0.7, val_exact=0.0)
    report(6, val_cer=0.9, val_exact=0.1)
    report(6, loss=9.0)
    with pytest.raises(DataError, match=r"^nothing is learnt: after 6 of 10 epochs .* 90% of the"):
        report(6, val_cer=0.9, val_exact=0.0)


def test_the_ending_is_in_words():
    said = ending.lines(FACTS, measured=False)
    assert said[0].startswith("87 of 100 right (79 to 92), measured on 100 images")
    assert said[1].startswith("From confidence 0.930 on, which 47 of 100 reach, 99% or more")
    assert said[2].startswith("With 400 labels about 91 to 96, if they bring")
    assert len(ending.lines(FACTS, measured=True)) == 2
    none = FACTS | {"trust": {"threshold": 1.01, "share": 0.0, "right": 0.0}}
    assert "a person must see all readings" in ending.lines(none, measured=True)[1]
    assert ending.lines(FACTS | {"scores": []}, measured=False) == []
