"""Reader: what it takes, what it gives, parity with Keras, threads, damaged readers, saving."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import utils
from ocr import scores
from ocr.drawing import symbols
from ocr.reading import contract, reader
from ocr.reading.contract import ReaderError
from ocr.reading.images import ImageError, normalise
from ocr.reading.reader import Reader
from ocr.training import export

SHIPPED = utils.ROOT / "models" / "captcha"


def test_importing_and_reading_needs_no_tensorflow():
    code = (
        "import sys, numpy as np, main, reader; reader.Reader.load('captcha').read(np.zeros((50, 200), np.uint8)); "
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=utils.ROOT
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_reading_leaves_nothing_in_the_users_home(tmp_path):
    """ONNX Runtime would keep a device number and a queue of reports in ~/.cache."""
    code = "import numpy as np, reader; reader.Reader.load('captcha').read(np.zeros((50, 200), np.uint8))"
    home = {
        name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"
    } | {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=utils.ROOT, env=home, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_keras_and_onnx_agree_on_images(shipped, captchas):
    import keras

    from ocr.training import loop

    data, _ = captchas
    model = keras.models.load_model(SHIPPED / "model.keras", compile=False)
    batch = normalise(data.images, shipped.how)
    (logits,) = shipped._session.run(None, {"image": batch})
    assert np.abs(model.predict(batch, verbose=0) - logits).max() < 1e-4


def test_the_shipped_reader_reads_what_it_never_saw(shipped, captchas):
    data, real = captchas
    if not real:
        pytest.skip("captcha_images_v2 is not here: set OCR_DATA to its folder")
    result = scores.score([r.text for r in shipped.read(data.images)], data.labels)
    claimed = shipped.contract["scores"][0]
    assert result.n == claimed["n"] and result.exact == pytest.approx(claimed["exact"], abs=0.01)


def test_every_kind_of_source_reads_the_same(shipped, captchas, tmp_path):
    data, _ = captchas
    pixels = data.images[0]
    picture = Image.fromarray(pixels[:, :, 0])
    picture.save(tmp_path / "x.png")
    png = (tmp_path / "x.png").read_bytes()
    truth = shipped.read(pixels)
    for source in (
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
        png,
        bytearray(png),
        picture,
        pixels[:, :, 0],
        pixels.repeat(3, axis=2),
    ):
        assert shipped.read(source) == truth
    many = shipped.read(data.images[:5])
    for a, b in zip(many, map(shipped.read, data.images[:5]), strict=True):
        assert a.text == b.text and a.confidence == pytest.approx(b.confidence, abs=1e-5)
    assert [r.text for r in shipped.read(iter(data.images[:5]))] == [r.text for r in many]
    assert shipped.read([]) == []


def test_alternatives_and_spans(shipped, captchas):
    data, _ = captchas
    picture = Image.fromarray(data.images[0][:, :, 0])
    plain, full = shipped.read(picture), shipped.read(picture, top=4, spans=True)
    assert plain.alternatives == () and plain.spans == ()
    assert (full.text, full.confidence) == full.alternatives[0] and len(full.alternatives) == 4
    assert full.text == plain.text and full.confidence == pytest.approx(plain.confidence)
    confidences = [c for _, c in full.alternatives]
    assert confidences == sorted(confidences, reverse=True) and 0 < sum(confidences) <= 1 + 1e-6
    assert len({text for text, _ in full.alternatives}) == 4
    starts = [left for left, _ in full.spans]
    assert len(full.spans) == len(full.text) and starts == sorted(starts)
    double = shipped.read(picture.resize((400, 100), Image.Resampling.BICUBIC), spans=True)
    if double.text == full.text:  # spans are in pixels of the image as given
        assert np.allclose(np.array(double.spans), 2 * np.array(full.spans), atol=16)


def test_spans_of_a_picture_that_is_padded_are_in_its_own_pixels(shipped, captchas):
    data, _ = captchas
    pixels = data.images[0][:, :, 0]
    taller = np.vstack(
        [np.full((50, 200), np.median(pixels), np.uint8), pixels]
    )  # 100 high: half as wide in the network
    prepared = shipped.prepare(taller)
    assert (prepared.placed.width, prepared.placed.left, prepared.placed.scale) == (100, 50, 0.5)
    stride = 200 / 50
    assert shipped._pixels(0, 200, prepared) == (0.0, 200.0)
    assert shipped._pixels(20 * stride, 25 * stride, prepared) == (
        (20 * stride - 50) / 0.5,
        (25 * stride - 50) / 0.5,
    )


def test_many_images_are_read_in_portions(small, monkeypatch):
    noise = np.random.default_rng(1).integers(0, 255, (10, 8, 40, 1), np.uint8)
    whole = Reader.load(small).read(noise)
    monkeypatch.setattr(reader, "BATCH", 3)
    portions = []
    one = Reader.load(small)
    monkeypatch.setattr(
        one,
        "read_prepared",
        lambda batch, *rest: portions.append(len(batch)) or Reader.read_prepared(one, batch, *rest),
    )
    assert [r.text for r in one.read(noise)] == [r.text for r in whole] and portions == [3, 3, 3, 1]


def test_readings_keep_to_the_trained_lengths(small):
    noise = np.random.default_rng(1).integers(0, 255, (40, 8, 40, 1), np.uint8)
    assert {len(r.text) for r in Reader.load(small).read(noise)} <= {2, 3, 4}


def test_a_reading_is_bound_to_a_pattern_or_a_lexicon(small, shipped, captchas):
    reader = Reader.load(small)
    noise = list(np.random.default_rng(1).integers(0, 255, (20, 8, 40), np.uint8))
    assert all(
        len(r.text) == 3 and r.text[0] == "1" and r.text[1:].isalpha()
        for r in reader.read(noise, pattern="daa")
    )
    assert {r.text for r in reader.read(noise, lexicon=["aab1", "1"])} <= {
        "aab1",
        "1",
    }  # whatever the trained lengths are
    found = reader.read(noise[0], top=3, pattern="xx", spans=True)
    assert (
        len(found.alternatives) == 3
        and found.text == found.alternatives[0][0]
        and len(found.spans) == 2
    )
    with pytest.raises(ReaderError, match="the alphabet '1ab' has no '/'"):
        reader.read(noise, pattern="d/d")
    with pytest.raises(
        ReaderError, match="'1111111' is too long: it needs 13 time steps, the network has 10"
    ):
        reader.read(noise, lexicon=["1111111"])
    data, _ = captchas
    free, bound = (
        shipped.read(data.images[:20]),
        shipped.read(data.images[:20], lexicon=sorted(set(data.labels[:20]))),
    )
    assert all(
        b.confidence == f.confidence
        for f, b, label in zip(free, bound, data.labels)
        if f.text == label == b.text
    )
    assert (
        scores.score([r.text for r in bound], data.labels[:20]).exact
        >= scores.score([r.text for r in free], data.labels[:20]).exact
    )


def test_a_reader_of_characters_is_bound_too(small_class):
    reader, (_, seven) = Reader.load(small_class), next(symbols.glyphs("7", seed=3))
    free = dict(reader.read(seven, top=4).alternatives)
    assert reader.read(seven, pattern="a") == ("A", free["A"], (), ())
    assert reader.read(seven, lexicon=["0", "1"]).text == max("01", key=free.get)
    with pytest.raises(ReaderError, match="'dd' is too long: this reader reads one character"):
        reader.read(seven, pattern="dd")


def test_a_bad_image_is_named(shipped, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"bad.png: empty file \(0 bytes\)"):
        shipped.read(tmp_path / "bad.png")
    with pytest.raises(TypeError, match="uint8"):
        shipped.read(np.zeros((50, 200)))


def test_threads_share_one_reader(shipped, captchas):
    data, _ = captchas
    serial = [shipped.read(image) for image in data.images[:64]]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(shipped.read, data.images[:64])) == serial


def broken(small, tmp_path, edit):
    folder = shutil.copytree(small, tmp_path / "broken")
    edit(folder)
    with pytest.raises(ReaderError) as caught:
        Reader.load(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    return str(caught.value)


def edit_json(**changes):
    def edit(folder):
        facts = json.loads((folder / "reader.json").read_text())
        for key, value in changes.items():
            facts[key] = facts[key] | value if isinstance(value, dict) else value
        (folder / "reader.json").write_text(json.dumps(facts))

    return edit


FAULTS = {
    "no reader.json": (lambda f: (f / "reader.json").unlink(), "no reader in"),
    "cut reader.json": (
        lambda f: (f / "reader.json").write_text('{"format": 1'),
        "reader.json: damaged",
    ),
    "list in reader.json": (lambda f: (f / "reader.json").write_text("[]"), "reader.json: damaged"),
    "other format": (edit_json(format=99), "this version reads format 1"),
    "other kind": (edit_json(kind="speech"), "kind 'speech'"),
    "shorter alphabet": (edit_json(alphabet="ab"), "does not fit model.onnx"),
    "double symbol": (edit_json(alphabet="aab"), "reader.json: damaged"),
    "other size": (edit_json(input={"height": 16}), "does not fit model.onnx"),
    "size no number": (edit_json(input={"height": "8"}), "reader.json: damaged"),
    "unknown normalisation": (edit_json(input={"normalisation": "new"}), "reader.json: damaged"),
    "no model": (lambda f: (f / "model.onnx").unlink(), "model.onnx: No such file"),
    "cut model": (lambda f: os.truncate(f / "model.onnx", 100), "model.onnx: not the file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_reader_gets_one_line(small, tmp_path, fault):
    edit, message = FAULTS[fault]
    assert message in broken(small, tmp_path, edit)


def test_a_model_that_is_no_onnx(small, tmp_path):
    import hashlib

    def edit(folder):
        (folder / "model.onnx").write_bytes(b"no model")
        edit_json(onnx_sha256=hashlib.sha256(b"no model").hexdigest())(folder)

    assert "cannot load it" in broken(small, tmp_path, edit)


def test_a_reader_that_is_not_there_lists_those_that_are():
    with pytest.raises(
        ReaderError, match="no reader in nothing: the readers in models/ are .*captcha"
    ):
        Reader.load("nothing")


def test_saving_is_all_or_nothing(small, tmp_path):
    import keras

    facts = json.loads((small / "reader.json").read_text())
    model = keras.models.load_model(small / "model.keras")
    folder = shutil.copytree(small, tmp_path / "kept")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    examples = np.zeros((1, 8, 40, 1), np.uint8)
    with pytest.raises(ReaderError, match="not saved"):
        export.save(folder, model, facts, examples, tolerance=-1.0)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    export.save(folder, model, facts | {"seed": 7}, examples)
    assert Reader.load(folder).contract["seed"] == 7 and [p.name for p in tmp_path.iterdir()] == [
        "kept"
    ]


def test_what_a_killed_save_left_is_mended(small, tmp_path):
    shutil.copytree(small, tmp_path / ".mine.1.old")  # killed between its two renames
    (tmp_path / ".mine.1.part").mkdir()
    export.reserve(tmp_path / "mine")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"] and Reader.load(tmp_path / "mine")
    shutil.copytree(small, tmp_path / ".mine.2.old")  # killed after them
    (tmp_path / ".mine.v2.3.part").mkdir()  # another reader's
    export.reserve(tmp_path / "mine")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".mine.v2.3.part", "mine"]


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReaderError, match="is a file: choose another name"):
        export.reserve(tmp_path / "file")
    with pytest.raises(ReaderError, match="a reader cannot be saved there"):
        export.reserve(tmp_path / "file" / "mine")


def test_a_reader_of_characters_takes_any_picture_of_one(small_class, tmp_path):
    one = Reader.load(small_class)
    pairs = list(symbols.glyphs("017A" * 25, seed=31))
    readings = one.read(np.stack([image for _, image in pairs]))
    assert np.mean([r.text == symbol for r, (symbol, _) in zip(readings, pairs)]) > 0.8
    same = []
    for reading, (_, image) in zip(readings, pairs[:20]):
        page = np.pad(
            255 - image[:, :, 0], ((20, 60), (90, 10)), constant_values=255
        )  # dark on light, off centre
        Image.fromarray(page).save(tmp_path / "x.png")
        full = one.read(tmp_path / "x.png", top=4, spans=True)
        same.append(full.text == reading.text)  # the same but for the rounding of a crop
        assert full.alternatives[0] == (full.text, full.confidence)
        assert sum(c for _, c in full.alternatives) == pytest.approx(1, abs=1e-5)
        assert {text for text, _ in full.alternatives} == set("017A")
        ((left, right),) = full.spans
        ink = np.flatnonzero((image[:, :, 0] > 128).any(axis=0)) + 90
        assert left == pytest.approx(ink[0], abs=2) and right == pytest.approx(ink[-1] + 1, abs=2)
    assert np.mean(same) > 0.8
    assert one.read(pairs[0][1]).alternatives == () and one.read(pairs[0][1]).spans == ()


def test_a_damaged_reader_of_characters(small_class, tmp_path):
    assert "its input [28, 28, 1] or output [3]" in broken(
        small_class, tmp_path, edit_json(alphabet="017")
    )
    shutil.rmtree(tmp_path / "broken")
    assert "fit 'glyph' makes an input of [28, 28, 1]" in broken(
        small_class, tmp_path, edit_json(input={"height": 32, "width": 32})
    )
    shutil.rmtree(tmp_path / "broken")
    assert "reader.json: damaged" in broken(
        small_class, tmp_path, edit_json(input={"fit": "squeezed"})
    )


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    """A reader of three networks in sequence over two views: 0, 1, 7, A, each told by its mean picture in other signs."""
    import keras

    from ocr.reading.ctc import Alphabet
    from ocr.reading.views import with_binary
    from ocr.training import loop

    models = []
    for seed in range(3):
        drawn = list(symbols.signs("017A" * 30, seed=seed))
        ink = (
            with_binary(np.stack([picture for _, picture in drawn]))[..., 3].reshape(len(drawn), -1)
            / 255
        )
        means = np.stack([ink[[s == symbol for s, _ in drawn]].mean(axis=0) for symbol in "017A"])
        image = keras.Input((28, 28, 4), name="image")
        models.append(
            keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image[..., 3])))
        )
        models[-1].layers[-1].set_weights([means.T / 20, -(means**2).sum(axis=1) / 40])
    common = dict(
        alphabet=Alphabet("017A"),
        size=(28, 28),
        channels=4,
        normalisation="views",
        fit="views",
        scores=[],
        seed=0,
        data={"name": "means", "count": 120, "digest": "", "terms": ""},
    )
    facts = contract.contract(kind="ensemble", decoding={"thresholds": [0.6, 0.6]}, **common)
    members = [contract.contract(kind="class", decoding={}, **common) for _ in models]
    folder = tmp_path_factory.mktemp("models") / "sequence"
    return export.save_ensemble(folder, models, members, facts, np.zeros((4, 28, 28, 4), np.uint8))


def test_a_reader_of_several_networks_answers_as_its_members_where_they_are_sure(sequence):
    whole, members = Reader.load(sequence), [Reader.load(sequence / str(k)) for k in (1, 2, 3)]
    pictures = [picture for _, picture in symbols.signs("017A" * 25, seed=77)]
    answers, alone = (
        whole.read(pictures, top=4),
        [member.read(pictures, top=4) for member in members],
    )
    passed = [0, 0, 0]
    for answer, *opinions in zip(answers, *alone):
        sure = [k for k in (0, 1) if opinions[k].confidence >= 0.6]
        if sure:
            assert answer == opinions[sure[0]]
        else:
            voted = {
                text: np.mean([dict(o.alternatives)[text] for o in opinions]) for text in "017A"
            }
            assert answer.text == max(voted, key=voted.get)
            assert answer.confidence == pytest.approx(max(voted.values()), abs=1e-6)
        passed[sure[0] if sure else 2] += 1
    assert min(passed) > 3
    assert whole.read(pictures[0]) == whole.read(pictures)[0]


def test_a_reader_of_two_views_is_given_one_picture(sequence, tmp_path):
    whole = Reader.load(sequence)
    picture = next(symbols.signs("A", seed=5))[1]
    Image.fromarray(picture).save(tmp_path / "x.png")
    expected = whole.read(picture)
    assert (
        whole.read(tmp_path / "x.png") == expected
        and whole.read(Image.fromarray(picture)) == expected
    )
    with pytest.raises(ValueError, match="at least 1 text"):
        whole.read(picture, top=0)
    assert whole.read(255 - picture).text == expected.text  # the ink is the same
    page = np.full((80, 200), 250, np.uint8)
    page[30:50, 120:126] = 20
    ((left, right),) = whole.read(
        page, spans=True
    ).spans  # of what was looked at: the stroke, not all the paper
    assert 60 < left < 120 and 126 < right < 190
    assert whole.read(picture, spans=True).spans == ((0.0, 28.0),)
    with pytest.raises(ImageError, match="no ink stands out"):
        whole.read(np.full((40, 40, 3), 9, np.uint8))


def test_damaged_readers_of_several_networks(sequence, tmp_path):
    def damaged(change):
        shutil.rmtree(tmp_path / "broken", ignore_errors=True)
        return broken(sequence, tmp_path, change)

    assert "its thresholds are not what they must be" in damaged(
        edit_json(decoding={"thresholds": [0.5, 7]})
    )
    assert "damaged (TypeError" in damaged(edit_json(decoding=None))
    assert "its member 3 is missing; restore the folder" in damaged(
        lambda folder: shutil.rmtree(folder / "3")
    )
    for change in (
        lambda folder: edit_json(alphabet="017B")(folder / "2"),
        lambda folder: shutil.copytree(folder / "3", folder / "2", dirs_exist_ok=True),
    ):
        assert "its member 2 is not the one that its reader.json describes" in damaged(change)
    assert "not the file that its reader.json describes" in damaged(
        lambda folder: (folder / "1" / "model.onnx").write_bytes(b"x")
    )


def test_an_ensemble_is_saved_whole_or_not_at_all(sequence, tmp_path, monkeypatch):
    import keras

    shutil.copytree(sequence, tmp_path / "mine")
    before = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*"))
    models = [keras.models.load_model(sequence / str(k) / "model.keras") for k in (1, 2)]
    facts = Reader.load(sequence).contract
    monkeypatch.setattr(
        export,
        "_describe",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(OSError):
        export.save_ensemble(
            tmp_path / "mine",
            models,
            [Reader.load(sequence / "1").contract] * 2,
            facts,
            np.zeros((2, 28, 28, 4), np.uint8),
        )
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["char_cnn", "cnn_lstm"])
def test_the_shipped_readers_of_characters(name):
    """Parity with Keras, and the claimed score, on test images that they never saw."""
    import keras

    import utils
    from ocr.training import loop

    one, parts = Reader.load(name), utils.load_parts()
    model = keras.models.load_model(utils.ROOT / "models" / name / "model.keras", compile=False)
    batch = normalise(parts.test.images[:512], one.how)
    (logits,) = one._session.run(None, {"image": batch})
    assert np.abs(model.predict_on_batch(batch) - logits).max() < 1e-4
    result = scores.score([r.text for r in one.read(parts.test.images)], parts.test.labels)
    if "drawn" in parts.origin:
        assert result.exact > 0.5  # of another world than its training images
        return
    claimed = one.contract["scores"][0]
    assert result.n == claimed["n"] and result.exact == pytest.approx(claimed["exact"], abs=0.002)


def test_the_shipped_reader_of_two_views():
    """Parity of its networks with Keras, and the claimed scores, on test images that they never saw."""
    import keras

    import utils
    from ocr.training import loop

    whole = Reader.load("dual_input")
    course = utils.load_sources(scans=10, drawn=10)
    examples = normalise(
        np.concatenate([source.test.images[:100] for source in course.values()]), "views"
    )
    for k, member in enumerate(whole._members, start=1):
        model = keras.models.load_model(
            utils.ROOT / "models" / "dual_input" / str(k) / "model.keras", compile=False
        )
        assert model.count_params() <= 600_000
        assert (
            np.abs(
                loop.log_softmax(model.predict_on_batch(examples)) - member.log_probs(examples)
            ).max()
            < 1e-4
        )
    claimed = {score["on"]: score for score in whole.contract["scores"]}
    for name, source in course.items():
        readings = whole.read(picture() for picture in source.pictures)
        result = scores.score([r.text for r in readings], source.test.labels)
        claim = claimed.get(f"test images: {source.what}")
        if claim and claim["n"] == result.n:  # the data that it was measured on
            assert result.exact == pytest.approx(claim["exact"], abs=0.002), name
        else:
            assert result.exact > 0.5, name
