"""The loop behind the page: what is trained, when, and what comes of it; with a quick trainer."""

import hashlib
import json
import math
import re
import shutil
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import utils
from ocr.datasets.labels import list_files, read_labels
from ocr.labelling import queue
from ocr.labelling.desk import Desk, Refused
from ocr.labelling.guesses import Guess
from ocr.labelling.images import Images
from ocr.labelling.loop import curve, selection
from ocr.labelling.loop import loop as looping
from ocr.labelling.loop.curve import Point
from ocr.labelling.loop.gold import is_better
from ocr.labelling.loop.jobs import Setup
from ocr.labelling.loop.kinds import kind_of_labels, kind_of_reader
from ocr.labelling.loop.loop import Loop
from ocr.labelling.loop.notes import NAME, Notes
from ocr.labelling.loop.second_look import FOLDS, doubts, fold_of
from ocr.labelling.loop.worker import Event
from ocr.labelling.store import Store
from ocr.reading.contract import ReaderError
from ocr.reading.scripts import to_western
from ocr.training import forecast
from tests.labelling import draw

# --- which recipe


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["a", "b", "7"], "char_cnn"),
        (["12", "3.5", "1,200"], "numbers"),
        (["٣", "٤٥", "١٢٣"], "numbers"),
        (["12345", "98765"], "captcha"),
        (["12", "3.5", "a2345"], "captcha"),
    ],
)
def test_the_recipe_is_chosen_by_the_labels(labels, kind):
    assert kind_of_labels(labels) == kind


@pytest.mark.parametrize("name", ["captcha", "numbers", "char_cnn", "dual_input"])
def test_the_recipe_is_that_of_a_reader(name):
    assert kind_of_reader(str(utils.ROOT / "models" / name)) == name  # by its contract
    assert kind_of_reader("cnn_lstm") == "cnn_lstm"


# --- the curve


def law(level, slope, floor=0.0):
    """A law of exact match by labels."""
    return lambda labels: math.exp(-math.exp(level - slope * math.log(labels)) - floor)


@pytest.mark.parametrize("right", [law(3.4, 0.8), law(6.0, 1.4), law(6.0, 1.4, 0.1)])
def test_a_law_is_found_again_and_forecasts(right):
    points = [Point(n, n, round(10**6 * right(n)), 10**6) for n in (20, 60, 100, 200)]
    found = curve.fit(points)
    low, high = found.between(400)
    assert low < right(400) < high and high - low < 0.2
    assert found.right(400) == pytest.approx(right(400), abs=0.035)
    least, likely, most = found.labels(0.8)
    assert least < likely < most and found.right(likely) == pytest.approx(0.8, abs=0.01)


def test_a_forecast_says_nothing_of_two_points_or_a_flat_curve():
    points = [Point(40, 32, 4, 8), Point(80, 64, 10, 16)]
    assert curve.fit(points) is None
    assert curve.fit([*points, Point(80, 64, 11, 16)]) is None
    assert curve.fit([Point(n, n, n // 10, n // 5) for n in (40, 80, 160, 320)]) is None
    assert curve.fit([Point(n, n, n // 5, n // 5) for n in (40, 80, 160)]) is None


@pytest.mark.parametrize(("least", "most"), [(0.5, 1.5), (0.8, 2.5), (0.5, 2.5)])
def test_forecasts_of_few_gold_images_know_how_far_they_can_be_wrong(least, most):
    """36 gold images cannot tell 5 points: with the drawn slopes assumed, 7 of 10 would be near."""
    rng, errors, held, said = np.random.default_rng(0), [], [], []
    for _ in range(100):
        slope, half = rng.uniform(least, most), rng.uniform(40, 150)
        right = law(slope * np.log(half), slope)
        counts = [20, 30, 40, 50, 60, 72, 86, 103, 124, 149, 179]
        points = [Point(n, n, int(rng.binomial(n // 5, right(n))), n // 5) for n in counts]
        found = curve.fit(points)
        if found is not None:
            low, high = found.between(358)
            errors.append(found.right(358) - right(358))
            held.append(low <= right(358) <= high)
            if " to " not in forecast.twice(found, 179):  # a figure
                said.append(abs(errors[-1]) < 0.05)
    assert len(errors) > 90
    assert np.mean(np.abs(errors) < 0.05) > 0.55 and abs(np.mean(errors)) < 0.04
    assert np.mean(held) > 0.85 and all(said)


def test_the_curve_in_words():
    points = [Point(n, n, h, g) for n, h, g in ((50, 3, 10), (100, 12, 20), (400, 64, 80))]
    said = curve.words(points, 400, 10.0)
    assert said[0].startswith("64 of 80 right (70 to 87 %)")
    assert re.fullmatch(r"Twice the labels should bring 7\d to 9\d %; so few .* closely\.", said[1])
    pattern = r"95 % should take at least ([\d,]+) more labels \(at least (\d+) minutes .*\)\."
    more, minutes = re.fullmatch(pattern, said[2]).groups()
    assert int(more.replace(",", "")) / 10 == pytest.approx(int(minutes), abs=1)
    assert curve.fit(points).labels(0.95)[0] == pytest.approx(400 + int(more), rel=0.05)
    assert curve.words([], 10) == [] and curve.words([Point(20, 16, 0, 0)], 20) == []
    done = [Point(n, n, h, g) for n, h, g in ((100, 10, 20), (200, 36, 40), (2000, 398, 400))]
    assert "Twice the labels should bring more than 99 %." in curve.words(done, 2000)
    assert any("You can stop" in sentence for sentence in curve.words(done, 2000))
    assert not any("You can stop" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ((150, 180, 195), "about 80"),
        ((150, 300, 900), "50 to 800"),
        ((80, 120, 900), "up to 800"),
        ((345, 900, math.inf), "at least 240"),
        ((1200, 9000, math.inf), "more than 1,000"),
        ((80, 900, math.inf), None),
    ],
)
def test_labels_needed_are_said_as_well_as_they_are_known(amounts, words):
    amount = forecast.needed(SimpleNamespace(labels=lambda right: amounts), 0.9, 100, given=100)
    assert words == (amount and amount.of())


def test_points_survive_another_day_and_a_damaged_file(tmp_path):
    notes = Notes(tmp_path)
    notes.add("mine", Point(20, 16, 1, 4, "2026-01-01T00:00:00.000Z", True))
    notes.keep("a.png", "12")
    again = Notes(tmp_path)
    assert again.points("mine") == notes.points("mine") and again.points("other") == ()
    assert again.is_kept("a.png", "12") and not again.is_kept("a.png", "13")
    for text in ("", "{", "[]", '{"points": {"mine": [{}]}, "kept": {}}'):
        (tmp_path / NAME).write_text(text)
        assert Notes(tmp_path).points("mine") == ()


# --- who stays


def test_the_better_reader_stays():
    assert is_better(0, None, False)
    assert is_better(60, 60, True) and not is_better(59, 60, True)
    assert is_better(61, 60, False) and not is_better(60, 60, False)  # not trained here


# --- labels for a second look


def test_wrong_labels_are_found_and_unsure_readings_are_not_believed():
    labels = {f"{k}.png": str(k) for k in range(60)}
    readings = {
        file: Guess(label, 0.9 + k / 1000) for k, (file, label) in enumerate(labels.items())
    }
    readings["5.png"] = Guess("55", 0.99)  # wrong label
    readings["6.png"] = Guess("66", 0.93)
    readings["7.png"] = Guess("77", 0.3)  # misread
    found = doubts(labels, readings)
    assert [(each.file, each.label, each.text) for each in found] == [
        ("5.png", "5", "55"),
        ("6.png", "6", "66"),
    ]
    assert doubts(labels, {file: readings[file] for file in list(labels)[:9]}) == []
    labels["8.png"], readings["8.png"] = "٨", Guess("8", 0.97)
    assert doubts(labels, readings, to_western) == found
    assert len(doubts(labels, readings)) == 3


def test_near_duplicates_are_in_one_fold():
    near = {"a.png": {"b.png"}, "b.png": {"a.png"}}
    assert len({fold_of(name, twins, 3) for name, twins in near.items()}) == 1
    assert {fold_of(f"{k}.png", (), 0) for k in range(50)} == set(range(FOLDS))


# --- the loop, with a trainer that learns by heart at once


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Recited:
    """A reader that knows some images by heart: {digest of the file: [text, confidence]}."""

    def __init__(self, known):
        self.known = known

    def prepare(self, image, max_pixels=0):
        return digest(image)

    def read_prepared(self, prepared, options=None):
        answers = [self.known.get(each, ["", 0.0]) for each in prepared]
        return [SimpleNamespace(text=t, confidence=c, trusted=False) for t, c in answers]


def load(folder):
    try:
        return Recited(json.loads((folder / "known.json").read_text()))
    except FileNotFoundError:
        raise ReaderError("no reader there") from None


class Quick:
    """A trainer whose jobs end when the test says so; `reads` makes the reader of a job."""

    def __init__(self, work, reads):
        self.work, self.reads = work, reads
        self.jobs, self.coming, self.cancelled = [], [], 0
        self.data = []  # of each job: {file: label}

    def start(self, job):
        self.jobs.append(job)
        lines = (job.data / "labels.csv").read_text().splitlines()[1:]
        self.data.append(dict(line.split(",") for line in lines))

    def epoch(self, epoch, epochs):
        self.coming.append(Event("epoch", epoch, epochs))

    def finish(self, problem=""):
        job = self.jobs[-1]
        if not problem:
            job.reader.mkdir(parents=True)
            (job.reader / "known.json").write_text(json.dumps(self.reads(job)))
        self.coming.append(Event("failed" if problem else "done", problem=problem))

    def events(self):
        coming, self.coming = self.coming, []
        return coming

    def cancel(self):
        self.cancelled += 1
        self.coming = []


class Room:
    """A folder with images whose texts are known, a loop, and a desk."""

    def __init__(self, path, monkeypatch, count=120, kind="captcha"):
        self.path = path / "images"
        self.path.mkdir()
        self.texts = draw(self.path, count)
        self.known = {f: digest((self.path / f).read_bytes()) for f in self.texts}
        monkeypatch.setattr(looping.gold, "install", self.install)
        self.target, self.unread = path / "models" / "mine", set()
        self.trainer = Quick(path / "work", self.read)
        self.kind = kind
        self.open()

    def open(self):
        self.images = Images(self.path)
        self.store = Store(self.path)
        setup = Setup(self.target, self.kind)
        self.loop = Loop(self.images, self.store, setup, self.trainer, load=load)
        self.desk = Desk(self.images, self.store, self.loop)

    def close(self):
        self.loop.close()
        self.store.close()

    def install(self, reader, target, score):
        shutil.copytree(reader, target, dirs_exist_ok=True)

    def read(self, job):
        """Know every image, sure of those with a late number, but for `unread`."""
        known = {}
        for k, (file, text) in enumerate(self.texts.items()):
            if file not in self.unread:
                known[self.known[file]] = [text, 0.5 + k / 1000]
        return known

    def label(self, count, wrong=()):
        for item in self.desk.coming(count):
            file = item["file"]
            text = "0" if file in wrong else self.texts[file]
            self.desk.answer(file, "labelled", text, item["seen"])

    def finish(self, problem=""):
        self.trainer.finish(problem)
        self.loop.look()
        reading = self.loop._guesser
        if getattr(reading, "_thread", None):
            reading._thread.join()

    def gold(self):
        return {f for f, entry in self.store.answered().items() if entry.gold}


def wait(what, seconds=10):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def room(tmp_path, monkeypatch):
    room = Room(tmp_path, monkeypatch)
    yield room
    room.close()


def test_training_starts_at_20_labels_without_the_gold_images(room):
    room.label(19)
    room.loop.look()
    assert not room.trainer.jobs
    assert "training starts at 20 labels, captcha: strings" in room.loop.status()["text"]
    room.label(1)
    room.loop.look()
    (job,), (data,) = room.trainer.jobs, room.trainer.data
    gold = room.gold()
    assert len(gold) == 4 and len(data) == 16 and gold.isdisjoint(data)
    assert data.items() <= room.texts.items()
    assert job.kind == "captcha" and job.data.name == "images" and job.reader.name == "mine"
    room.trainer.epoch(3, 40)
    room.loop.look()
    status = room.loop.status()
    assert status["text"].startswith("training mine (captcha) on 16 images: epoch 3 of 40")
    assert status["share"] == 3 / 40


def test_twins_of_gold_images_are_not_trained_on(room):
    room.label(20)
    gold = sorted(room.gold())[0]
    twin = next(f for f in room.texts if f not in room.store.answered())
    Image.open(room.path / gold).save(room.path / twin, quality=80)
    room.desk.answer(twin, "labelled", room.texts[gold])
    assert not room.store.last(twin).gold or room.store.last(gold).gold
    chosen = selection.choose(room.store, room.images)
    assert twin not in chosen.training and {gold, twin} <= chosen.aside


def test_a_training_on_what_has_become_a_twin_of_gold_is_cancelled(room):
    room.label(20)
    room.loop.look()
    trained = sorted(room.trainer.data[0])[0]
    like = next(f for f in room.texts if queue.is_gold(f, 0) and f not in room.store.answered())
    shutil.copy(room.path / trained, room.path / like)  # not yet compared with it
    room.store.answer(like, "labelled", room.texts[trained], gold=True)
    room.loop.look()
    assert room.trainer.cancelled == 1
    assert len(room.trainer.jobs) == 2 and trained not in room.trainer.data[1]


def test_the_end_of_a_training_sorts_the_queue_and_fills_the_field(room):
    room.label(20)
    room.loop.look()
    room.unread = {sorted(room.gold())[0]}
    room.finish()
    assert (room.target / "known.json").exists()
    (point,) = room.loop.notes.points("mine")
    assert point[:4] == (20, 16, 3, 4) and point.saved
    left = [f for f in room.texts if f not in room.store.answered()]
    coming = room.desk.coming(10)
    assert [item["guess"] for item in coming] == [room.texts[i["file"]] for i in coming]
    others = [f for f in left if not queue.is_gold(f, 0)]
    least_sure = sorted(others)[:7]  # confidence rises with the number
    assert sum(item["file"] in least_sure for item in coming) >= 6
    assert "mine has read 100 images" in room.loop.status()["text"]
    assert room.loop.curve(None)["words"][0].startswith("3 of 4 right (30 to 95 %)")


def test_training_is_repeated_when_enough_is_new_or_the_person_rests(room, monkeypatch):
    monkeypatch.setattr(looping, "READS", 2)  # no second look
    room.label(20)
    room.loop.look()
    room.finish()
    room.label(9)
    room.loop.look()
    assert len(room.trainer.jobs) == 1
    assert "trains again after" in room.loop.status()["text"]
    room.label(6)
    room.loop.look()
    assert len(room.trainer.jobs) == 2
    room.finish()
    room.label(1)
    room.loop.look()
    room.label(1)
    room.loop.look()
    monkeypatch.setattr(selection, "RESTING", -1.0)
    room.loop.look()
    assert len(room.trainer.jobs) == 3 and len(room.trainer.data[2]) > len(room.trainer.data[1])
    monkeypatch.setattr(selection, "RESTING", 60.0)


def test_a_stale_training_is_cancelled_unless_it_nearly_ends(room):
    room.label(20)
    room.loop.look()
    room.label(15)
    room.loop.look()
    assert room.trainer.cancelled == 0
    room.label(10)
    room.loop.look()
    assert room.trainer.cancelled == 1 and len(room.trainer.jobs) == 2
    room.trainer.epoch(9, 10)
    room.loop.look()
    room.label(60)
    room.loop.look()
    assert room.trainer.cancelled == 1


def test_a_worse_reader_does_not_take_the_place(room):
    room.label(20)
    room.loop.look()
    room.finish()
    before = (room.target / "known.json").read_text()
    room.unread = set(room.texts)
    room.label(20)
    room.loop.look()
    room.finish()
    assert (room.target / "known.json").read_text() == before
    points = room.loop.notes.points("mine")
    assert [point.saved for point in points] == [True, False]
    assert "not replaced" in room.loop.status()["text"]
    assert room.desk.coming(1)[0]["guess"]


def test_a_failed_training_is_a_line_and_not_repeated_with_the_same_labels(room, monkeypatch):
    monkeypatch.setattr(selection, "RESTING", -1.0)
    room.label(20)
    room.loop.look()
    room.finish("10 of 16 images are usable")
    for _ in range(3):
        room.loop.look()
    assert room.loop.status()["problem"] == "training failed: 10 of 16 images are usable"
    assert len(room.trainer.jobs) == 1 and not room.target.exists()
    room.label(1)
    room.loop.look()
    assert len(room.trainer.jobs) == 2 and not room.loop.status()["problem"]


def test_another_day_continues_the_curve_and_the_guesses(room):
    room.label(20)
    room.loop.look()
    room.finish()
    room.close()
    room.trainer.jobs.clear()
    room.open()
    room.loop.start()
    wait(lambda: room.desk.coming(1)[0]["guess"])
    assert len(room.loop.curve(None)["points"]) == 1
    time.sleep(2 * looping.LOOK)
    assert not room.trainer.jobs  # nothing is new


def test_the_second_look_is_cross_validated_and_finds_wrong_labels(room):
    wrong = {"00060.png", "00070.png", "00080.png"}
    room.label(120, wrong)
    room.loop.look()
    room.finish()
    for _ in range(FOLDS):
        room.loop.look()
        text = room.loop.status()["text"]
        assert "second look at the labels: training" in text
        room.finish()
    trained, *folds = room.trainer.data
    held = [{*trained} - {*fold} for fold in folds]
    assert set().union(*held) == {*trained} and sum(map(len, held)) == len(trained)
    room.loop.look()
    assert len(room.trainer.jobs) == 1 + FOLDS
    found = {item["file"]: item["read"] for item in room.desk.doubts()}
    assert found == {file: room.texts[file] for file in wrong}
    room.desk.keep("00060.png", "0")
    with pytest.raises(Refused, match="changed in the meantime"):
        room.desk.keep("00070.png", "1")
    seen = room.store.seen("00070.png")
    room.desk.answer("00070.png", "labelled", room.texts["00070.png"], seen)
    assert [item["file"] for item in room.desk.doubts()] == ["00080.png"]
    assert room.loop.status()["doubts"] == 1


def test_a_second_look_makes_room_for_a_training(room):
    room.label(80)
    room.loop.look()
    room.finish()
    room.loop.look()
    assert room.loop._running.fold == 0
    room.label(40)
    room.loop.look()
    assert room.trainer.cancelled == 1 and room.loop._running.fold is None
    room.finish()
    room.loop.look()
    assert room.loop._running.fold == 0


def test_a_folder_is_laid_out_with_exactly_these_images(room):
    labels = {"00001.png": "a,b", "00002.png": ' "c"', "gone.png": "1"}
    selection.lay_out(room.trainer.work / "x", room.images, labels)
    there = sorted(file.name for file in (room.trainer.work / "x").iterdir())
    assert there == ["00001.png", "00002.png", "labels.csv"]
    found, missing = read_labels(list_files(room.trainer.work / "x"))
    assert [*found.values()] == ["a,b", '"c"'] and not missing


def test_a_reader_that_was_not_trained_here_makes_room_only_for_a_better_one(room):
    room.target.mkdir(parents=True)
    known = {digest: [text, 0.9] for digest, text in zip(room.known.values(), room.texts.values())}
    (room.target / "known.json").write_text(json.dumps(known))
    room.label(20)
    room.loop.look()
    room.finish()
    assert json.loads((room.target / "known.json").read_text()) == known
    assert "mine, which was not trained here, reads 4 of 4" in room.loop.status()["text"]
    assert "give another --name" in room.loop.status()["text"]
    worse = {digest: [text, c] for digest, (text, c) in known.items() if text > "5"}
    (room.target / "known.json").write_text(json.dumps(worse))
    room.label(15)
    room.loop.look()
    room.finish()
    assert room.loop.notes.points("mine")[-1].saved


def test_a_fault_of_the_loop_is_a_line_and_does_not_end_it(room, monkeypatch):
    monkeypatch.setattr(looping, "LOOK", 0.01)
    monkeypatch.setattr(looping.gold, "score", lambda *arguments: 1 / 0)
    room.label(20)
    room.loop.start()
    wait(lambda: room.trainer.jobs)
    room.trainer.finish()
    line = "training failed: ZeroDivisionError: division by zero"
    wait(lambda: room.loop.status()["problem"] == line)
    monkeypatch.undo()
    room.label(15)
    wait(lambda: len(room.trainer.jobs) == 2)
