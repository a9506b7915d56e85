"""Trainings on your own images: few or many, gold ones, worse readers, the curve, drawings."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from ocr import paths
from ocr.cli import main
from ocr.datasets import dataset, gold, labels
from ocr.datasets.labels import DataError
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import Alphabet
from ocr.training import forecast, loop, progress
from ocr.training.own import comparing, course, drawing, few, measure, plans
from ocr.training.own.course import Wishes
from ocr.training.own.learner import Learner
from ocr.training.own.plans import Plan


def images(count, start=0):
    """Different images of one pixel row each, labelled with their numbers."""
    numbers = np.arange(start, start + count)
    pixels = np.stack([numbers // 256, numbers % 256], axis=1).astype(np.uint8)
    names = [f"mine/{n}.png" for n in numbers]
    return dataset.Labelled(pixels.reshape(count, 1, 2, 1), [f"{n:04}" for n in numbers], names)


class Quick(Learner):
    """Reads what `knows` says: {number: text}; remembers what each training saw."""

    def __init__(self, data, root, knows=lambda number, seen: f"{number:04}"):
        super().__init__(data, root, Alphabet("0123456789"))
        self.knows, self.trainings = knows, []

    def plan(self, count):
        return Plan(2, 1, 30.0)

    def train(self, name, data, watched, *, scaled=True, callbacks=()):
        self.trainings.append((name, data, watched))
        progress.report(name, 1, 2, {"loss": 1.0})
        seen = {int(label) for label in data.labels}
        network = SimpleNamespace(seen=seen, count_params=lambda: 7)
        return network, pd.DataFrame({"loss": [1.0]})

    def read(self, network, data):
        texts = [self.knows(int(label), network.seen) for label in data.labels]
        return texts, np.linspace(0.5, 1, len(texts))

    def describe(self):
        return {
            "kind": "class",
            "size": (1, 2),
            "channels": 1,
            "normalisation": "unit",
            "decoding": {},
        }


@pytest.fixture(autouse=True)
def saved(monkeypatch, tmp_path):
    """Save contracts alone, and draw no pictures: a list of what has been saved."""
    found = []

    def finish(folder, network, facts, test):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "reader.json").write_text("{}")
        found.append((network, facts))
        return SimpleNamespace(contract=facts)

    for name in ("show_samples", "show_curves"):
        monkeypatch.setattr(course, name, lambda *arguments: None)
    score = {"exact": 0.0, "n": 0}

    def report(name, test, texts, sure, on):
        right = [text == label for text, label in zip(texts, test.labels)]
        return {**score, "exact": float(np.mean(right)), "n": len(right), "on": on}

    monkeypatch.setattr(course, "report", report)
    monkeypatch.setattr(course, "finish", finish)
    return found


# --- few and many


def test_few_images_are_each_read_by_a_network_that_never_saw_them(tmp_path, saved, capsys):
    data = images(100)
    learner = Quick(data, tmp_path / "mine", lambda n, seen: "seen" if n in seen else f"{n:04}")
    shares = []
    with progress.heard(lambda at: shares.append(at.share)):
        course.run(learner, tmp_path / "models" / "mine", Wishes())
    *folds, (name, last, watched) = learner.trainings
    assert len(folds) == plans.folds(30.0, course.BUDGET) == 3 and name == "mine"
    assert sorted(last.labels) == sorted(data.labels) and watched is None
    assert [name for name, *_ in folds] == [f"mine-fold{k}" for k in (1, 2, 3)]
    ((_, facts),) = saved
    (score,) = facts["scores"]
    assert score["exact"] == 1 and score["n"] == 100 == facts["data"]["count"]
    assert score["on"].startswith("cross-validation: each image is read by one of 3 networks")
    assert facts["trust"]["n"] == 100
    assert shares == [1 / 8, 3 / 8, 5 / 8, 7 / 8]
    assert "3 trainings" in capsys.readouterr().out


def test_many_images_are_divided_and_few_of_several_workers_too(tmp_path, saved):
    for count, together in ((1000, False), (100, True)):
        learner = Quick(images(count), tmp_path / "mine")
        course.run(learner, tmp_path / "models" / f"of{count}", Wishes(together=together))
        ((_, data, watched),) = learner.trainings
        (score,) = saved[-1][1]["scores"]
        assert score["n"] == count // 5 and score["on"].startswith("test images")
        assert len(data) + len(watched) == count - count // 5


def test_without_folds_all_are_trained_on_and_nothing_is_claimed(tmp_path, saved):
    learner = Quick(images(60), tmp_path / "mine")
    course.run(learner, tmp_path / "models" / "mine", Wishes(folds=0))
    ((_, data, _),) = learner.trainings
    ((_, facts),) = saved
    assert len(data) == 60 and facts["scores"] == [] and "trust" not in facts


def test_images_only_to_test_are_not_trained_on(tmp_path, saved):
    learner = Quick(images(1200), tmp_path / "mine")
    course.run(learner, tmp_path / "models" / "mine", Wishes(test=images(100, 1150)))
    ((_, data, watched),) = learner.trainings
    trained = {int(label) for label in data.labels + watched.labels}
    assert trained == set(range(1150)) and saved[0][1]["scores"][0]["n"] == 100
    course.run(learner, tmp_path / "models" / "mine", Wishes(test=images(100, 1150)))  # compared


def test_plans():
    assert plans.folds(14.0, 110.0) == 4 and plans.folds(1.0, 110.0) == 5
    assert plans.folds(1000.0, 110.0) == 3
    for count in (10, 60, 100, 300, 727):
        epochs, passes = plans.string_epochs(count, min(16, count), False)
        steps = epochs * passes * (count // min(16, count))
        assert epochs == plans.EPOCHS and 500 <= steps <= 2300
    assert plans.string_epochs(728, 16, False) == (40, 1)
    assert plans.string_epochs(20_000, 16, False) == (8, 1)
    assert [plans.minutes(s) for s in (3, 62, 100, 7200)] == [
        "about 10 seconds",
        "about 60 seconds",
        "about 2 minutes",
        "about 120 minutes",
    ]


# --- too few


def test_too_few_labels_are_said_after_one_training(tmp_path, saved):
    learner = Quick(images(100), tmp_path / "mine", lambda number, seen: "9")
    with pytest.raises(DataError, match=r"6[67] labelled images are too few.*or so are needed"):
        course.run(learner, tmp_path / "models" / "mine", Wishes())
    assert len(learner.trainings) == 1 and not saved
    course.run(learner, tmp_path / "models" / "mine", Wishes(chosen=True))  # --epochs
    assert saved[0][1]["scores"][0]["exact"] == 0


def test_needed_labels_rise_with_errors_and_length():
    assert few.needed(100, 0.3, 5) < few.needed(100, 0.6, 5) < few.needed(100, 1.0, 5)
    assert few.needed(100, 0.6, 3) < few.needed(100, 0.6, 8)
    assert few.needed(100, 0.0, 5) == 200


# --- gold


def test_gold_images_and_their_duplicates_are_never_trained_on(tmp_path, saved):
    folder = tmp_path / "mine"
    folder.mkdir()
    lines = [{"file": f"{n}.png", "gold": n % 5 == 0, "label": "x"} for n in range(60)]
    text = "\n".join(map(json.dumps, lines)) + '\nnull\n{"file": "3.png", "gol'
    (folder / gold.JOURNAL).write_text(text)
    data = images(100)
    data.names = [str(folder / f"{n}.png") for n in range(100)]
    data.images[99] = data.images[0]
    found = gold.gold_names(folder, data.names)
    assert found == {str(folder / f"{n}.png") for n in range(0, 60, 5)}
    learner = Quick(data, folder)
    course.run(learner, tmp_path / "models" / "mine", Wishes(gold=frozenset(found)))
    ((_, trained, _),) = learner.trainings
    assert {int(label) for label in trained.labels} == set(range(99)) - set(range(0, 60, 5))
    assert saved[0][1]["scores"][0]["n"] == 12
    assert saved[0][1]["scores"][0]["on"].startswith("gold images")
    few_gold = frozenset(sorted(found)[:3])
    course.run(learner, tmp_path / "models" / "other", Wishes(gold=few_gold))
    for _, trained, _ in learner.trainings[1:]:
        assert few_gold.isdisjoint(trained.names)
    assert gold.gold_names(tmp_path / "none", data.names) == set()


# --- replacing


def test_a_worse_reader_does_not_replace_a_better_one(tmp_path, saved, capsys):
    target = tmp_path / "models" / "mine"
    good = lambda number, seen: f"{number:04}" if number % 10 else "0"
    bad = lambda number, seen: f"{number:04}" if number % 5 else "0"
    course.run(Quick(images(100), tmp_path / "mine", good), target, Wishes())
    before = (target / comparing.FILE).read_text()
    assert len(json.loads(before)) == 100 and json.loads(before)["mine/1.png"] == ["0001", True]
    with pytest.raises(ReaderError, match=r"of 100 test images .* 90 right, the new one 80: not"):
        course.run(Quick(images(120), tmp_path / "mine", bad), target, Wishes())
    assert len(saved) == 1 and (target / comparing.FILE).read_text() == before
    course.run(Quick(images(100), tmp_path / "mine", good), target, Wishes(seed=1))
    assert "of 100 test images the reader before read 90, this one 90" in capsys.readouterr().out
    course.run(Quick(images(100), tmp_path / "mine", bad), target, Wishes(replace=True))
    assert len(saved) == 3 and (target / comparing.FILE).read_text() != before


@pytest.mark.parametrize("damage", ["other", "{", "[1]", None])
def test_a_reader_that_cannot_be_compared_is_refused_before_the_training(damage, tmp_path):
    target = tmp_path / "models" / "mine"
    course.run(Quick(images(100), tmp_path / "mine"), target, Wishes())
    other = Quick(images(100, 500) if damage == "other" else images(100), tmp_path / "mine")
    if damage is None:
        (target / comparing.FILE).unlink()
    elif damage != "other":
        (target / comparing.FILE).write_text(damage)
    with pytest.raises(ReaderError, match="already, tested on none of these images: give another"):
        course.run(other, target, Wishes())
    assert not other.trainings


# --- the curve


def test_the_curve_trains_on_parts_and_forecasts(tmp_path, capsys):
    def knows(number, seen):
        return f"{number:04}" if number % 100 < 100 * (1 - 4 / len(seen)) else "0"

    learner = Quick(images(400), tmp_path / "mine", knows)
    measure.run(learner, tmp_path / "models" / "mine", Wishes())
    sizes = [len(data) for _, data, _ in learner.trainings]
    assert sizes[:3] == [50, 100, 200] and sizes[-1] == 400
    for (_, data, _), count in zip(learner.trainings, (50, 100, 200)):
        assert len(set(data.names)) == count
    out = capsys.readouterr().out
    assert re.search(r"     400 +9\d\.\d%", out)
    assert "twice the labels, 800, should read 99 % right" in out


def test_a_flat_curve_promises_nothing():
    parts = [measure.Part(n, 50, 100, 1.0, 1.0) for n in (50, 100, 200)]
    (said,) = measure.words(parts)
    assert "says nothing yet" in said
    laws = forecast.fit([measure.Part(n, 1000 - 10_000 // n, 1000, 1, 1) for n in (50, 100, 200)])
    low, high = laws.between(400)
    assert 0.9 < low < 0.975 < high < 0.995


def test_the_steep_beginning_of_a_curve_counts_less():
    parts = [measure.Part(n, hits, 200, 1, 1) for n, hits in ((20, 1), (40, 94), (80, 145))]
    low, high = forecast.fit(parts).between(160)
    assert 0.75 < low < 0.87 < high < 0.95  # lesson 08, quick profile: 87 %


def test_far_forecasts_say_at_least():
    parts = [measure.Part(n, hits, 400, 1, 1) for n, hits in ((20, 77), (40, 120), (80, 141))]
    assert measure.words(parts)[0] == "twice the labels, 160, should read 33 to 61 % right"
    assert re.fullmatch(r"80.0% should take at least [\d,]+ labels in all", measure.words(parts)[1])
    parts = [measure.Part(n, hits, 400, 1, 1) for n, hits in ((100, 300), (200, 350), (400, 376))]
    assert re.fullmatch(r"98.0% should take at least .*", measure.words(parts)[1])


# --- drawn by a function of one's own


SITE = """
import io
from PIL import Image, ImageDraw
calls = []
def picture(text):
    calls.append(text)
    image = Image.new("RGB", (60, 24), "white")
    ImageDraw.Draw(image).text((4, 4), text, fill="black")
    return image
def file(text):
    out = io.BytesIO()
    picture(text).save(out, "png")
    out.seek(0)
    return out
def raw(text):
    return file(text).read()
def array(text):
    import numpy
    return numpy.asarray(picture(text))
def breaks(text):
    raise RuntimeError("no font")
def nothing(text):
    return None
def noise(text):
    return b"no image"
constant = 3
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    (tmp_path / "mysite.py").write_text(SITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "CACHE", tmp_path / ".cache")
    yield tmp_path
    sys.modules.pop("mysite", None)


@pytest.mark.parametrize("name", ["picture", "file", "raw", "array"])
def test_pictures_are_drawn_once_with_their_labels(name, site):
    arguments = {"count": 30, "seed": 1, "alphabet": "AB,1", "lengths": "2-3"}
    target = drawing.draw(f"mysite:{name}", "mine", **arguments)
    data = dataset.load_labelled(target)
    assert len(data) == 30 and set(map(len, data.labels)) == {2, 3}
    assert set("".join(data.labels)) == set("AB,1") and set(data.sizes) == {(60, 24)}
    calls = len(sys.modules["mysite"].calls)
    assert drawing.draw(f"mysite:{name}", "mine", **arguments) == target
    assert len(sys.modules["mysite"].calls) == calls
    other = drawing.draw(f"mysite:{name}", "mine", **arguments | {"seed": 2})
    assert other != target and not target.exists()
    assert dataset.load_labelled(other).labels != data.labels


def test_what_to_draw_comes_from_labels(site):
    (site / "known").mkdir()
    for text in ("A1", "B22"):
        Image.new("L", (60, 24), 255).save(site / "known" / f"{text}.png")
    target = drawing.draw("mysite:picture", "mine", count=20, seed=0, like=site / "known")
    drawn = dataset.load_labelled(target).labels
    assert set("".join(drawn)) == set("AB12") and set(map(len, drawn)) == {2, 3}


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        ("mysite", {}, "give module:function"),
        ("nosite:picture", {}, "ModuleNotFoundError: No module named 'nosite'; give module"),
        ("mysite:missing", {}, "AttributeError"),
        ("mysite:constant", {}, "it is no function"),
        ("mysite:breaks", {}, "RuntimeError: no font; return a Pillow image"),
        ("mysite:nothing", {}, "return a Pillow image"),
        ("mysite:noise", {}, "for '.': not an image"),
        ("mysite:picture", {"alphabet": None}, "give --alphabet ABC123 and --lengths 5"),
        ("mysite:picture", {"lengths": None}, "give --alphabet ABC123 and --lengths 5"),
        ("mysite:picture", {"lengths": "0"}, "--lengths 0: give a number from 1 to 100"),
        ("mysite:picture", {"lengths": "8-4"}, "--lengths 8-4: give a number"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(source, more, message, site):
    arguments = {"count": 5, "seed": 1, "alphabet": "AB", "lengths": "1"} | more
    with pytest.raises(DataError, match=message) as raised:
        drawing.draw(source, "mine", **arguments)
    assert "\n" not in str(raised.value) and not list(site.glob(".cache/*"))


# --- columns, wrong usage


def test_columns_of_a_table_may_have_other_names(tmp_path):
    for k in range(3):
        picture = Image.new("L", (40, 20), 255)
        ImageDraw.Draw(picture).text((4, 4), str(k), fill=0)
        picture.save(tmp_path / f"{k}.png")
    rows = "Name;Text;by\n" + "".join(f"{k}.png; {k}{k} ;me\n" for k in range(3))
    (tmp_path / "labels.csv").write_text("\ufeff" + rows, encoding="utf-8")
    columns = ("Name", "Text")
    assert dataset.load_labelled(tmp_path, columns=columns).labels == ["00", "11", "22"]
    found, _ = labels.read_characters(labels.list_files(tmp_path), tmp_path, columns=columns)
    assert sorted(found.values()) == ["00", "11", "22"]
    with pytest.raises(DataError, match="must name the columns file,label, not 'Name;Text;by'|not"):
        dataset.load_labelled(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --data, a folder of labelled images, or --draw"),
        (["--data", "x", "--columns", "file=a"], "--columns file=a: give file=NAME,label=NAME"),
        (["--draw", "a:b", "--curve"], "leave out --workers and --curve"),
        (["--draw", "a:b", "--count", "5"], "--count 5: it must be at least 100"),
    ],
)
def test_wrong_usage(options, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "captcha", "--name", "mine", *options])
    assert ended.value.code == 2 and message in capsys.readouterr().err


# --- while it trains


def test_a_person_is_asked_after_twenty_minutes(monkeypatch):
    clock, asked = [0.0], []
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(loop.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    answers = ["", "n"]
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answers.pop(0))
    for ends in (False, True):
        monkeypatch.setattr(loop.Patience, "since", None)
        monkeypatch.setattr(loop.Patience, "asked", False)
        patience = loop.Patience(SimpleNamespace(epoch=2, epochs=10), "mine")
        clock[0] = 1.0
        patience.on_train_begin()
        clock[0] = loop.PATIENCE
        patience.on_epoch_end(2)
        clock[0] = loop.PATIENCE + 1
        if ends:
            with pytest.raises(KeyboardInterrupt):
                patience.on_epoch_end(3)
        else:
            patience.on_epoch_end(3)
            patience.on_epoch_end(4)
    assert len(asked) == 2 and "20 minutes gone, about 60 to come for the other 6" in asked[0]
    monkeypatch.setattr(loop.sys, "stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(loop.Patience, "asked", False)
    patience.on_epoch_end(5)
    assert len(asked) == 2
