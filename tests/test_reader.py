"""Reader: what it takes, what it returns, constraints, ensembles, threads, parity with Keras."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import utils
from ocr import scores
from ocr.backend import keras
from ocr.drawing import symbols
from ocr.reading.contract import ReaderError
from ocr.reading.ctc import log_softmax
from ocr.reading.images import ImageError, normalise
from ocr.reading.reader import Reader
from tests import barcodes

SHIPPED = utils.ROOT / "models" / "captcha"


def test_importing_and_reading_need_no_tensorflow():
    code = (
        "import sys, numpy as np; from ocr import Reader; "
        "Reader.load('captcha').read(np.zeros((50, 200), np.uint8)); "
        "heavy = 'tensorflow', 'keras', 'pandas', 'matplotlib', 'cv2'; "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=utils.ROOT
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_reading_writes_nothing_to_the_home_folder(tmp_path):
    """ONNX Runtime would keep a device number and a queue of reports in ~/.cache."""
    code = (
        "import numpy as np; from ocr import Reader; "
        "Reader.load('captcha').read(np.zeros((50, 200), np.uint8))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=utils.ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_every_type_of_source_gives_the_same_reading(shipped, captchas, tmp_path):
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


def test_spans_are_in_pixels_of_the_picture_as_given(shipped, captchas):
    data, _ = captchas
    pixels = data.images[0][:, :, 0]
    paper = np.full((50, 200), np.median(pixels), np.uint8)
    taller = shipped.read(np.vstack([paper, pixels]), spans=True)  # half as wide in the network
    assert len(taller.spans) == len(taller.text)
    assert all(0 <= left < right <= 200 for left, right in taller.spans)


def test_readings_keep_to_the_trained_lengths(small):
    noise = np.random.default_rng(1).integers(0, 255, (40, 8, 40, 1), np.uint8)
    assert {len(r.text) for r in Reader.load(small).read(noise)} <= {2, 3, 4}


def test_a_string_is_constrained_to_a_pattern_or_a_lexicon(small):
    reader = Reader.load(small)
    noise = list(np.random.default_rng(1).integers(0, 255, (20, 8, 40), np.uint8))
    for found in reader.read(noise, pattern="daa"):
        assert len(found.text) == 3 and found.text[0] == "1" and found.text[1:].isalpha()
    words = {"aab1", "1"}  # whatever the trained lengths are
    assert {r.text for r in reader.read(noise, lexicon=sorted(words))} <= words
    found = reader.read(noise[0], top=3, pattern="xx", spans=True)
    assert len(found.alternatives) == 3 and found.text == found.alternatives[0][0]
    assert len(found.spans) == 2
    with pytest.raises(ReaderError, match="the alphabet '1ab' has no '/'"):
        reader.read(noise, pattern="d/d")
    with pytest.raises(
        ReaderError, match="'1111111' is too long: it needs 13 time steps, the network has 10"
    ):
        reader.read(noise, lexicon=["1111111"])


def test_a_constraint_does_not_change_the_confidence(shipped, captchas):
    data, _ = captchas
    images, labels = data.images[:20], data.labels[:20]
    free, constrained = shipped.read(images), shipped.read(images, lexicon=sorted(set(labels)))
    for f, c, label in zip(free, constrained, labels):
        assert c.confidence == f.confidence or not f.text == label == c.text
    exact = [scores.score([r.text for r in some], labels).exact for some in (constrained, free)]
    assert exact[0] >= exact[1]


def test_a_character_is_constrained_too(small_class):
    reader, (_, seven) = Reader.load(small_class), next(symbols.glyphs("7", seed=3))
    free = dict(reader.read(seven, top=4).alternatives)
    assert reader.read(seven, pattern="a") == ("A", free["A"], (), (), False, None, None)
    assert reader.read(seven, lexicon=["0", "1"]).text == max("01", key=free.get)
    with pytest.raises(ReaderError, match="'dd' is too long: this reader reads one character"):
        reader.read(seven, pattern="dd")


def test_a_bad_image_is_named(shipped, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"bad.png: empty file \(0 bytes\)"):
        shipped.read(tmp_path / "bad.png")
    with pytest.raises(TypeError, match="uint8"):
        shipped.read(np.zeros((50, 200)))
    with pytest.raises(ValueError, match="top is the number of texts, at least 1, got 0"):
        shipped.read(np.zeros((50, 200), np.uint8), top=0)


def test_threads_share_one_reader(shipped, captchas):
    data, _ = captchas
    serial = [shipped.read(image) for image in data.images[:64]]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(shipped.read, data.images[:64])) == serial


def test_a_reader_of_characters_takes_any_picture_of_one(small_class, tmp_path):
    one = Reader.load(small_class)
    pairs = list(symbols.glyphs("017A" * 25, seed=31))
    readings = one.read(np.stack([image for _, image in pairs]))
    assert np.mean([r.text == symbol for r, (symbol, _) in zip(readings, pairs)]) > 0.8
    same = []
    for reading, (_, image) in zip(readings, pairs[:20]):
        # dark on light, not centred
        page = np.pad(255 - image[:, :, 0], ((20, 60), (90, 10)), constant_values=255)
        Image.fromarray(page).save(tmp_path / "x.png")
        full = one.read(tmp_path / "x.png", top=4, spans=True)
        same.append(full.text == reading.text)  # apart from the rounding of a crop
        assert full.alternatives[0] == (full.text, full.confidence)
        assert sum(c for _, c in full.alternatives) == pytest.approx(1, abs=1e-5)
        assert {text for text, _ in full.alternatives} == set("017A")
        ((left, right),) = full.spans
        ink = np.flatnonzero((image[:, :, 0] > 128).any(axis=0)) + 90
        assert left == pytest.approx(ink[0], abs=2) and right == pytest.approx(ink[-1] + 1, abs=2)
    assert np.mean(same) > 0.8
    assert one.read(pairs[0][1]).alternatives == () and one.read(pairs[0][1]).spans == ()


# --- scripts, marks, trust: decoding itself is in test_decoders.py


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return Reader.load(barcodes.save(tmp_path_factory.mktemp("models") / "bars"))


def test_options_of_reading_numbers(bars):
    eastern, foreign = barcodes.barcode("٨٢٫٥٠"), barcodes.barcode("?12.50")
    found = bars.read(eastern)
    assert found[:2] == ("82.50", pytest.approx(0.98, abs=1e-3))  # calibrated
    assert found.trusted and found.script == "arabic"
    assert bars.read(eastern, digits="as-written").text == "٨٢٫٥٠"
    assert bars.read(eastern, script="persian").script == "persian"
    assert bars.read(foreign).text == "12.50"
    assert bars.read(foreign, keep_other=True).text == "?12.50"
    assert bars.read(eastern, pattern="dd.dd", digits="as-written").text == "٨٢٫٥٠"
    assert bars.read(eastern, lexicon=["82.50", "82"]).text == "82.50"
    cut = bars.read(barcodes.barcode("12□"))
    assert cut.text == "12" and not cut.trusted
    named = bars.options(script="arabic", digits="as-written")
    assert bars.read_prepared([bars.prepare(eastern)], named)[0].text == "٨٢٫٥٠"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"script": "roman"}, "no script 'roman': the scripts of this reader are western, arabic"),
        ({"digits": "roman"}, "no digits 'roman': there are western and as-written"),
        ({"pattern": "d?"}, "the alphabet '0123456789./-,' has no '?'"),
        ({"lexicon": ["٤٢"]}, "symbols outside the alphabet '0123456789./-,'"),
    ],
)
def test_options_that_a_reader_does_not_have_are_one_line(bars, options, message):
    with pytest.raises(ReaderError) as caught:
        bars.read(barcodes.barcode("1"), **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_reader_of_one_script_has_none_to_name(shipped, captchas):
    picture = captchas[0].images[0]
    with pytest.raises(ReaderError, match="scripts of this reader are none: leave the script out"):
        shipped.read(picture, script="western")
    plain = shipped.read(picture)
    assert shipped.read(picture, digits="as-written", keep_other=True) == plain
    assert plain.script is None


# --- ensembles


def test_an_ensemble_answers_as_the_first_confident_member_or_by_vote(ensemble):
    whole, members = Reader.load(ensemble), [Reader.load(ensemble / str(k)) for k in (1, 2, 3)]
    pictures = [picture for _, picture in symbols.signs("017A" * 25, seed=77)]
    answers = whole.read(pictures, top=4)
    passed = [0, 0, 0]
    for answer, *opinions in zip(answers, *(member.read(pictures, top=4) for member in members)):
        sure = [k for k in (0, 1) if opinions[k].confidence >= 0.6]
        if sure:
            assert answer == opinions[sure[0]]
        else:
            votes = [dict(opinion.alternatives) for opinion in opinions]
            mean = {text: np.mean([vote[text] for vote in votes]) for text in "017A"}
            assert answer.text == max(mean, key=mean.get)
            assert answer.confidence == pytest.approx(max(mean.values()), abs=1e-6)
        passed[sure[0] if sure else 2] += 1
    assert min(passed) > 3
    assert whole.read(pictures[0]) == whole.read(pictures)[0]
    assert whole.session is None and len(whole.members) == 3


def test_an_ensemble_is_built_of_loaded_members(ensemble):
    whole = Reader.load(ensemble)
    again = Reader(whole.contract, members=[Reader(m.contract, m.session) for m in whole.members])
    picture = next(symbols.signs("7", seed=3))[1]
    assert again.read(picture, top=4) == whole.read(picture, top=4)


def test_a_reader_of_views_takes_one_picture(ensemble, tmp_path):
    whole = Reader.load(ensemble)
    picture = next(symbols.signs("A", seed=5))[1]
    Image.fromarray(picture).save(tmp_path / "x.png")
    expected = whole.read(picture)
    assert whole.read(tmp_path / "x.png") == whole.read(Image.fromarray(picture)) == expected
    assert whole.read(255 - picture).text == expected.text  # the ink is the same
    page = np.full((80, 200), 250, np.uint8)
    page[30:50, 120:126] = 20
    ((left, right),) = whole.read(page, spans=True).spans  # of the crop around the stroke
    assert 60 < left < 120 and 126 < right < 190
    assert whole.read(picture, spans=True).spans == ((0.0, 28.0),)
    with pytest.raises(ImageError, match="no ink found"):
        whole.read(np.full((40, 40, 3), 9, np.uint8))


# --- the shipped readers


@pytest.mark.slow
def test_keras_and_onnx_agree_on_captchas(shipped, captchas):
    data, _ = captchas
    model = keras.models.load_model(SHIPPED / "model.keras", compile=False)
    batch = normalise(data.images, shipped.normalisation)
    (logits,) = shipped.session.run(None, {"image": batch})
    assert np.abs(model.predict(batch, verbose=0) - logits).max() < 1e-4


def test_the_shipped_captcha_reader_reaches_its_score(shipped, captchas):
    data, real = captchas
    if not real:
        pytest.skip("captcha_images_v2 is not here: set OCR_DATA to its folder")
    result = scores.score([r.text for r in shipped.read(data.images)], data.labels)
    claimed = shipped.contract["scores"][0]
    assert result.n == claimed["n"] and result.exact == pytest.approx(claimed["exact"], abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["char_cnn", "cnn_lstm"])
def test_the_shipped_readers_of_characters_reach_their_scores(name):
    """Parity with Keras, and the claimed score, on test images never trained on."""
    one, parts = Reader.load(name), utils.load_parts()
    model = keras.models.load_model(utils.ROOT / "models" / name / "model.keras", compile=False)
    batch = normalise(parts.test.images[:512], one.normalisation)
    (logits,) = one.session.run(None, {"image": batch})
    assert np.abs(model.predict_on_batch(batch) - logits).max() < 1e-4
    result = scores.score([r.text for r in one.read(parts.test.images)], parts.test.labels)
    if "drawn" in parts.origin:
        assert result.exact > 0.5  # drawn images differ from its training images
        return
    claimed = one.contract["scores"][0]
    assert result.n == claimed["n"] and result.exact == pytest.approx(claimed["exact"], abs=0.002)


@pytest.mark.slow
def test_the_shipped_reader_of_views_reaches_its_scores():
    """Parity of its networks with Keras, and the claimed scores, on test images."""
    whole = Reader.load("dual_input")
    course = utils.load_sources(scans=10, drawn=10)
    examples = np.concatenate([source.test.images[:100] for source in course.values()])
    batch = normalise(examples, "views")
    for k, member in enumerate(whole.members, start=1):
        file = utils.ROOT / "models" / "dual_input" / str(k) / "model.keras"
        model = keras.models.load_model(file, compile=False)
        assert model.count_params() <= 600_000
        log_probs = log_softmax(model.predict_on_batch(batch))
        assert np.abs(log_probs - member.log_probs(batch)).max() < 1e-4
    claimed = {score["on"]: score for score in whole.contract["scores"]}
    for name, source in course.items():
        readings = whole.read(picture() for picture in source.pictures)
        result = scores.score([r.text for r in readings], source.test.labels)
        claim = claimed.get(f"test images: {source.what}")
        if claim and claim["n"] == result.n:  # the data that it was measured on
            assert result.exact == pytest.approx(claim["exact"], abs=0.002), name
        else:
            assert result.exact > 0.5, name
