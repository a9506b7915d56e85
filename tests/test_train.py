"""`train.py` on labelled folders, in a copy of the project: results, kills, bad data."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import copy_project
from PIL import Image

import utils
from ocr import Reader
from ocr.drawing import captchas, fonts, symbols
from ocr.drawing.numbers import printing
from ocr.drawing.numbers.texts import numbers
from ocr.drawing.surfaces import paper
from ocr.reading import scripts
from ocr.reading.images import normalise
from ocr.reading.inputs import binary

pytestmark = pytest.mark.slow  # each trains in a process of its own


def command(project, data, name, *more, lesson="captcha"):
    return [
        sys.executable,
        str(project / "train.py"),
        lesson,
        "--data",
        str(data),
        "--name",
        name,
        *map(str, more),
    ]


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """40 pictures of another size, alphabet and length than the course's, two of them useless."""
    folder = tmp_path_factory.mktemp("own")
    for seed in range(40):
        ((label, picture),) = captchas.captchas(
            1, seed, symbols="ABC12", length=3 + seed % 3, size=(40, 120)
        )
        picture.save(folder / f"{label}_{seed}.JPG")
    (folder / "AB_broken.png").write_text("no image")
    (folder / "_nameless.png").write_bytes(next(folder.glob("*.JPG")).read_bytes())
    return folder


def logits(project, name, own):
    reader = Reader.load(project / "models" / name)
    batch = np.stack([reader.prepare(file).pixels for file in sorted(own.glob("*.JPG"))])
    return reader.session.run(None, {"image": normalise(batch)})[0]


@pytest.fixture(scope="module")
def undisturbed(own, tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("train") / "project")
    return project, run(*command(project, own, "mine", "--epochs", 6, "--folds", 2))


def test_a_reader_of_other_sizes_alphabets_and_lengths(undisturbed, own):
    project, done = undisturbed
    assert done.returncode == 0, done.stderr
    facts = json.loads((project / "models" / "mine" / "reader.json").read_text())
    assert facts["alphabet"] == "12ABC" and facts["decoding"]["lengths"] is None
    assert facts["input"] | {"height": 40, "width": 120} == facts["input"]
    assert facts["data"]["count"] == 40 == facts["scores"][0]["n"]  # cross-validation
    readings = Reader.load(project / "models" / "mine").read(sorted(own.glob("*.JPG")))
    assert all(set(r.text) <= set("12ABC") for r in readings)
    main = run(sys.executable, project / "main.py", "--model", "mine", own)
    answered = len(main.stdout.splitlines()) + main.stderr.count("nothing that I can read")
    assert main.returncode == 1 and answered == 41  # 40, and the nameless one; broken is told
    assert "AB_broken.png" in main.stderr


def test_the_audit_comes_first(undisturbed):
    _, done = undisturbed
    order = [
        done.stdout.index(word)
        for word in ("unreadable", "AB_broken.png", "epoch", "exact match", "read with it")
    ]
    assert order == sorted(order)
    assert "published" not in done.stdout and "exercise" not in done.stdout


def test_a_killed_training_resumes_to_the_same_reader(undisturbed, own, tmp_path):
    project = copy_project(tmp_path / "project")
    killed = subprocess.Popen(
        command(project, own, "mine", "--epochs", 6, "--folds", 2),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.time() + 120
    while (
        not list((project / ".cache").glob("*.npz")) and killed.poll() is None and time.time() < end
    ):
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (checkpoint,) = (project / ".cache").glob("*.npz")
    with np.load(checkpoint) as saved:
        epochs_done = len(json.loads(str(saved["state"]))["rows"])
    assert 1 <= epochs_done < 6 and not (project / "models" / "mine").exists()
    again = run(*command(project, own, "mine", "--epochs", 6, "--folds", 2))
    assert again.returncode == 0 and f"epochs 1 to {epochs_done} come from .cache/" in again.stdout
    assert np.array_equal(logits(project, "mine", own), logits(undisturbed[0], "mine", own))
    assert not list((project / "models").glob(".*"))


def test_an_unwritable_models_folder_fails_before_training(own, tmp_path):
    project = copy_project(tmp_path / "project")
    (project / "models").write_text("a file in the way")
    done = run(*command(project, own, "mine"))
    assert done.returncode == 1 and "epoch" not in done.stdout
    assert (
        done.stderr.strip().splitlines()[-1].startswith("train.py: ")
        and "cannot be saved there" in done.stderr
    )


@pytest.mark.parametrize(
    "labels, message",
    [
        ([], "0 images, none with a label"),
        (["7", "77"] * 6, "consist of '7' alone"),
        (["12", "21"], "at least 10 different"),
    ],
)
def test_unusable_data_fails_with_one_line(labels, message, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for i, label in enumerate(labels):
        next(captchas.captchas(1, i, size=(24, 60)))[1].save(data / f"{label}_{i}.png")
    done = run(*command(utils.ROOT, data, "never-made"))
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not (utils.ROOT / "models" / "never-made").exists()


def test_wrong_usage_exits_with_2_and_a_bare_call_lists_the_recipes():
    script = [sys.executable, str(utils.ROOT / "train.py")]
    bare = run(*script)
    assert bare.returncode == 0 and "train.py captcha --data FOLDER --name mine" in bare.stdout
    for arguments in (
        ["captcha"],
        ["speech", "--data", "x", "--name", "y"],
        ["captcha", "--data", "x", "--name", "../y"],
        ["captcha", "--data", "x", "--name", "captcha"],
        ["dual_input", "--data", "x", "--name", "dual_input"],
        ["char_cnn", "--data", "x", "--name", "cnn_lstm"],
        ["captcha", "--data", "x", "--name", "y", "--labels", "hex"],
        ["char_cnn", "--data", "x", "--name", "y", "--labels", "colour"],
        ["captcha", "--data", "x", "--name", "y", "--epochs", "0"],
    ):
        assert run(*script, *arguments).returncode == 2, arguments


@pytest.fixture(scope="module")
def own_characters(tmp_path_factory):
    """Folders as NIST names them: 30 drawings each of 7, A and a, one of them damaged."""
    folder = tmp_path_factory.mktemp("characters") / "by_class"
    for i, (symbol, image) in enumerate(symbols.glyphs("7Aa" * 30, seed=5)):
        place = folder / f"{ord(symbol):02x}" / "hsf_0"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.pad(image[:, :, 0], (9, 31))).save(place / f"{i}.png")
    (folder / "41" / "broken.png").write_text("no image")
    return folder


@pytest.mark.parametrize("lesson", ["char_cnn", "cnn_lstm"])
def test_single_characters(lesson, own_characters, tmp_path):
    project = copy_project(tmp_path / "project")
    done = run(
        *command(project, own_characters, "mine", "--epochs", 4, "--folds", 2, lesson=lesson)
    )
    assert done.returncode == 0, done.stderr
    order = [
        done.stdout.index(word)
        for word in ("unreadable", "broken.png", "epoch", "exact match", "read with it")
    ]
    assert order == sorted(order) and "published" not in done.stdout
    facts = json.loads((project / "models" / "mine" / "reader.json").read_text())
    assert facts["alphabet"] == "7Aa" and facts["kind"] == "class" and facts["scores"][0]["n"] == 90
    main = run(sys.executable, project / "main.py", "--model", "mine", own_characters)
    lines = [line.split("\t") for line in main.stdout.splitlines()]
    hits = sum(f"{ord(text):02x}" == path.split("/")[-3] for path, text, *_ in lines)
    assert main.returncode == 1 and "broken.png" in main.stderr and len(lines) == 90 and hits > 80


def test_folders_that_are_not_classes_fail_with_one_line(own_characters, tmp_path):
    done = run(
        *command(
            utils.ROOT, own_characters.parent, "never-made", "--labels", "name", lesson="char_cnn"
        )
    )
    assert done.returncode == 1 and "none with a label of one character" in done.stderr
    other = shutil.copytree(own_characters, tmp_path / "by_class")
    (other / "41").rename(other / "x1")
    done = run(*command(utils.ROOT, other, "never-made", "--labels", "hex", lesson="char_cnn"))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "folder 'x1' is not a class by hex: rename it, or set --labels" in done.stderr
    assert not (utils.ROOT / "models" / "never-made").exists()


def test_characters_with_binary_twins(tmp_path):
    """Folders by number, in colour: binary twins for some, a class missing, a damaged file."""
    known, folder = "0123456789ABDEFGHIJKLMNOPQRSTUVWXYZ", tmp_path / "own" / "data"
    for i, (symbol, picture) in enumerate(
        symbols.signs(known[:24] * 8, seed=6, families=("open_sans",))
    ):
        name = f"{'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'.index(symbol)}/{i}.PNG"
        for place, pixels in (
            (folder, picture),
            (tmp_path / "own" / "data-bin", binary(picture[None])[0, :, :, 0]),
        ):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if place == folder or i % 2:
                Image.fromarray(pixels).save(place / name)
    (folder / "0" / "broken.png").write_text("no image")
    project = copy_project(tmp_path / "project")
    done = run(
        *command(
            project, tmp_path / "own", "mine", "--epochs", 3, "--folds", 2, lesson="dual_input"
        )
    )
    assert done.returncode == 0, done.stderr
    for word in (
        "broken.png",
        "no binary twin",
        "CPQRSTUVWXYZ: the reader will not know these",
        "exact",
        "read with it",
    ):
        assert word in done.stdout, word
    assert "published" not in done.stdout
    facts = json.loads((project / "models" / "mine" / "reader.json").read_text())
    assert (
        facts["alphabet"] == known[:24]
        and facts["kind"] == "class"
        and facts["input"]["fit"] == "views"
    )
    for form, sign in (("text", "\t"), ("csv", ","), ("json", '"text": '), ("xml", "<image path=")):
        main = run(sys.executable, project / "main.py", "--model", "mine", "--format", form, folder)
        assert (
            main.returncode == 1 and sum(sign in line for line in main.stdout.splitlines()) >= 192
        )


def test_numbers_labelled_in_any_digits(tmp_path):
    """Arabic and Western labels in one table, an image without a label, a damaged one."""
    folder, rows = tmp_path / "forms", ["file,label"]
    folder.mkdir()
    write = {
        "arabic": printing.press("arabic", fonts.faces(("amiri",), "arabic")),
        "western": printing.press("western", fonts.faces(("open_sans",), "western")),
    }
    for i, label in enumerate(numbers(60, 3, (2, 6))):
        script = ("arabic", "western")[i % 2]
        ((_, picture),) = paper.pictures(write[script], [label], i)
        Image.fromarray(picture).save(folder / f"{i}.png")
        rows.append(
            f'{i}.png,"{label.translate(str.maketrans(scripts.NUMBERS, scripts.SCRIPTS[script]))}"'
        )
    (folder / "59.png").write_text("no image")
    Image.new("L", (40, 20), 255).save(folder / "nameless.png")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    project = copy_project(tmp_path / "project")
    small = (
        "import sys; from ocr.cli.train import main; from ocr.training.recipes import RECIPES; "
        "RECIPES['numbers'].settings.update(steps=3, drawing={'installed': False}); "
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            small,
            *command(project, folder, "mine", "--epochs", 1, lesson="numbers")[2:],
        ],
        capture_output=True,
        text=True,
        cwd=project,
    )
    assert done.returncode == 0, done.stderr
    for word in (
        "nameless.png",
        "59.png: not an image",
        "together with",
        "exact match",
        "read with it",
    ):
        assert word in done.stdout, word
    assert "published" not in done.stdout
    facts = json.loads((project / "models" / "mine" / "reader.json").read_text())
    assert (
        facts["alphabet"] == scripts.SYMBOLS + "".join(scripts.MARKS.values())
        and facts["kind"] == "ctc"
        and facts["scores"][0]["n"] == 12
    )
    reading = Reader.load(project / "models" / "mine").read(folder / "0.png", pattern="ddd")
    assert reading.text.isascii() and reading.text.isdigit() and len(reading.text) == 3
