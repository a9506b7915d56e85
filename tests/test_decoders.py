"""Decoders: one script a text, ambiguous shapes, signs as written, marks, calibration and trust."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.reading.constraints import Lexicon, Pattern
from ocr.reading.ctc import Alphabet, collapse, confidence, log_softmax
from ocr.reading.decoders import REFUSED, CharacterDecoder, DecodingOptions, StringDecoder, Trust
from ocr.reading.images import Placed
from ocr.reading.inputs import INPUTS, Prepared
from ocr.reading.scripts import MARKS, NUMBERS, SCRIPTS, SHARED, SIGNS, SYMBOLS, to_western
from ocr.reading.signs import Signs
from tests import barcodes
from tests.barcodes import ALPHABET, TRUST

FACTS = barcodes.facts()
STEPS = barcodes.WIDTH // barcodes.STRIDE
INPUT = INPUTS["picture"]((barcodes.HEIGHT, barcodes.WIDTH), 1)
PREPARED = Prepared(
    np.zeros((1, 1, 1), np.uint8),
    Placed(1.0, 0, 0, barcodes.WIDTH, barcodes.HEIGHT),
    (barcodes.WIDTH, barcodes.HEIGHT),
)
OTHER, UNREADABLE = MARKS["other"], MARKS["unreadable"]
# A Western digit and the Eastern one that looks like it.
LOOKALIKES = [("0", "٥"), ("1", "١"), ("9", "٩"), ("7", "٦"), ("6", "٧"), ("0", "٠"), ("3", "۴")]
SAMPLES = {"western": "0123456789", "arabic": "٠١٢٣٤٥٦٧٨٩", "persian": "٠١٢٣۴۵۶٧٨٩"}
numbers = st.text(NUMBERS, min_size=1, max_size=12)
scripts = st.sampled_from(list(SCRIPTS))


def frames(places, sure=0.97):
    """Make log-probabilities (64, classes): each place takes two steps, the second is blank.

    places: symbols, or {symbol: probability}; the rest of a frame is spread evenly.
    """
    shares = np.full((STEPS, len(ALPHABET)), (1 - sure) / (len(ALPHABET) - 1))
    shares[:, 0] = sure
    for i, place in enumerate(places):
        row = shares[4 + 2 * i]
        wanted = place if isinstance(place, dict) else {place: sure}
        row[:] = (1 - sum(wanted.values())) / (len(row) - len(wanted))
        for symbol, share in wanted.items():
            row[ALPHABET.encode(symbol)] = share
    return np.log(shares).astype(np.float32)


def decode(log_probs, decoder=None, **options):
    decoder = decoder or StringDecoder(FACTS, INPUT)
    return decoder.decode(log_probs, PREPARED, DecodingOptions(**options))


def written_in(script, number):
    """Write a Western number in the symbols of the alphabet."""
    own = dict(zip(NUMBERS, SCRIPTS[script].translate(SHARED)))
    return "".join(own[sign] for sign in number)


# --- scripts


@given(numbers, scripts)
@settings(max_examples=60, deadline=None)
def test_a_number_in_any_script_is_read_in_western_signs(number, script):
    found = decode(frames(written_in(script, number)))
    assert found.text == number and found.trusted
    if script == "western":
        assert found.script == "western"
    elif set(number) & set("0123456789"):
        assert found.script == (script if set(number) & set("456") else "arabic")


@given(numbers, scripts, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_number_as_written_has_the_signs_of_its_script(number, script, top):
    decoder = StringDecoder(FACTS, INPUT)
    log_probs = frames(written_in(script, number))
    found = decode(log_probs, decoder, script=script, digits="as-written", top=top, spans=True)
    assert found.text == "".join(dict(zip(NUMBERS, SCRIPTS[script]))[sign] for sign in number)
    assert found.script == script and len(found.spans) == len(number)
    plain = decode(log_probs, decoder, script=script, top=top)
    assert (plain.text, plain.confidence) == (number, found.confidence)
    assert [to_western(text) for text, _ in found.alternatives] == [
        text for text, _ in plain.alternatives
    ]


@pytest.mark.parametrize("western, eastern", LOOKALIKES)
@pytest.mark.parametrize("digits", ["western", "as-written"])
def test_a_text_is_of_one_script_also_where_a_shape_looks_like_another(western, eastern, digits):
    """One frame prefers the other script; the others decide."""
    found = decode(frames(["1", "2", {western: 0.35, eastern: 0.6}, "4"]), digits=digits)
    assert (found.text, found.script) == (f"12{western}4", "western")
    own = written_in("arabic", "8")
    found = decode(frames([own, {western: 0.6, eastern: 0.35}, "٢", own]), digits=digits)
    sign = to_western(eastern)
    expected = f"8{sign}28"
    if digits == "as-written":
        script = SCRIPTS[found.script]
        expected = "".join(script[int(c)] for c in expected)
    assert found.text == expected and found.script in ("arabic", "persian")


@given(numbers, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_text_never_mixes_scripts(number, seed):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(0, 4, (STEPS, len(ALPHABET))))
    for options in ({}, {"top": 3}, {"keep_other": True}):
        found = decode(log_probs, digits="as-written", **options)
        if found.script is not None:
            allowed = set(SCRIPTS[found.script]) | set(NUMBERS[10:]) | {OTHER}
            assert set(found.text) <= allowed


def test_persian_is_told_by_4_5_and_6_and_shared_digits_are_arabic():
    assert decode(frames("١٢٣")).script == "arabic"
    assert decode(frames("١٢۴")).script == "persian"
    assert decode(frames(["١", {"٤": 0.6, "۴": 0.35}])).script == "arabic"
    mixed = [{"٤": 0.5, "۴": 0.45}, {"٥": 0.05, "۵": 0.9}]  # Persian hands write ٤, too
    assert decode(frames(mixed), digits="as-written").text == "۴۵"


def test_the_probability_that_two_shapes_share_is_added_up():
    found = decode(frames([{"4": 0.4, "٤": 0.3, "۴": 0.28}, "٨"]))
    assert (found.text, found.script) == ("48", "arabic")
    assert found.confidence > 0.5 * 0.97**STEPS


def test_a_shared_separator_alone_is_western_unless_it_is_the_arabic_one():
    for sign in NUMBERS[10:]:
        assert decode(frames(sign))[0::5] == (sign, "western")
    assert decode(frames([{".": 0.7, "٫": 0.25}])).script == "western"
    assert decode(frames([{".": 0.25, "٫": 0.7}])).script == "arabic"


@pytest.mark.parametrize(
    "written, western, as_written",
    [
        ("12.50", "12.50", "12.50"),
        ("1,234.5", "1,234.5", "1,234.5"),
        ("٨٢٫٥٠", "82.50", "٨٢٫٥٠"),
        ("٨٢.٥٠", "82.50", "٨٢.٥٠"),
        ("١٬٢٣٤", "1,234", "١٬٢٣٤"),
        ("٨,٢٣٤.٥", "8,234.5", "٨,٢٣٤.٥"),
        ("٢/٣/٢٠٢٤", "2/3/2024", "٢/٣/٢٠٢٤"),
        ("-٨-٢", "-8-2", "-٨-٢"),
        ("۴٫۵", "4.5", "۴٫۵"),
        ("۴.۵٬۶,٧", "4.5,6,7", "۴.۵٬۶,۷"),
    ],
)
def test_separators_of_all_scripts_are_read_and_kept_as_written(written, western, as_written):
    assert decode(frames(written)).text == western
    assert decode(frames(written), digits="as-written").text == as_written


def test_a_named_script_is_read_whatever_it_looks_like_and_the_confidence_is_its_own():
    log_probs = frames([{"0": 0.6, "٥": 0.3, "٠": 0.05}, {"1": 0.6, "١": 0.35}])
    free = decode(log_probs)
    assert (free.text, free.script) == ("01", "western")
    named = decode(log_probs, script="arabic")
    assert (named.text, named.script) == ("51", "arabic")
    shares = np.exp(log_probs.astype(float))
    arabic = [0, *ALPHABET.encode(written_in("arabic", NUMBERS) + ".," + OTHER + UNREADABLE)]
    kept = shares[:, arabic].sum(axis=1)
    path = (shares[:, 0] + shares[:, ALPHABET.encode(OTHER)[0]]) / kept
    path[[4, 6]] = 0.3 / kept[4], 0.35 / kept[6]
    assert named.confidence == pytest.approx(path.prod(), rel=0.1)  # beside other alignments
    assert named.confidence > path.prod() and named.confidence > free.confidence


def test_named_persian_knows_the_arabic_shapes_that_persian_hands_write():
    assert decode(frames("٤۵٦"), script="persian")[0::5] == ("456", "persian")
    assert decode(frames("٤۵٦"), script="persian", digits="as-written").text == "۴۵۶"


def test_a_reader_may_have_some_scripts_and_symbols_of_its_own():
    facts = barcodes.facts(
        alphabet=Alphabet("E٠١٢٣۴۵۶٧٨٩٫.?"), scripts=["persian"], marks={"other": "?"}
    )
    signs = Signs(facts)
    assert signs.alphabet.symbols == "0123456789.E" and signs.scripts == ("persian",)
    decoder = StringDecoder(facts, INPUT)
    log_probs = np.full((STEPS, 15), -20.0)
    log_probs[:, 0] = 0
    for step, symbol in zip((3, 5, 7, 9), "E۴.٩"):
        log_probs[step, 0], log_probs[step, 1 + facts["alphabet"].index(symbol)] = -20, 0
    found = decode(log_probs, decoder, digits="as-written")
    assert (found.text, found.script) == ("E۴.۹", "persian")
    assert decode(log_probs, decoder).text == "E4.9"


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, *SCRIPTS]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_frames_add_up_the_columns_of_one_script(seed, script, keep_other):
    rng, signs = np.random.default_rng(seed), Signs(FACTS)
    log_probs = log_softmax(rng.normal(0, 3, (7, len(ALPHABET))))
    found, decided = signs.frames(log_probs, script, keep_other)
    names = {"eastern": ["arabic", "persian"]}.get(decided, [decided])
    meaning = {symbol: sign for name in names for symbol, sign in SIGNS[name].items()}
    shares, merged = np.exp(log_probs), np.zeros((7, 16 + keep_other))
    merged[:, 0] = shares[:, 0]
    for symbol, share in zip(ALPHABET.symbols, shares.T[1:]):
        if symbol in meaning:
            merged[:, 1 + NUMBERS.index(meaning[symbol])] += share
        elif symbol in (UNREADABLE, OTHER):
            merged[:, 15 if symbol == UNREADABLE else 16 * keep_other] += share
    if script:
        merged /= merged.sum(axis=1, keepdims=True)
    assert found == pytest.approx(np.log(merged), abs=1e-9)


# --- marks


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_confidence_is_that_of_all_paths_without_the_other_signs(seed, keep_other):
    """Against the enumeration of all paths of 5 steps over blank, 1, other, unreadable."""
    facts = barcodes.facts(
        alphabet=Alphabet("1?□"), scripts=None, decoding={"time_steps": 5, "lengths": None}
    )
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (5, 4)))
    found = decode(log_probs, StringDecoder(facts, INPUT), keep_other=keep_other)
    total = 0.0
    for path in itertools.product(range(4), repeat=5):
        seen = [c if keep_other or c != 2 else 0 for c in path]
        if "".join("1?□"[c - 1] for c in collapse(seen)) == found.text:
            total += np.exp(log_probs[range(5), path].sum())
    if found != REFUSED:
        assert found.confidence == pytest.approx(total)


def test_signs_that_belong_to_no_number_are_left_out_or_kept():
    log_probs = frames(f"{OTHER}12.50{OTHER}")
    found = decode(log_probs)
    assert found.text == "12.50" and found.trusted
    merged = decode(frames("12.50"))
    assert found.confidence == pytest.approx(merged.confidence, rel=0.2)
    assert decode(log_probs, keep_other=True).text == f"{OTHER}12.50{OTHER}"
    assert decode(frames(["5", OTHER, "5"])).text == "55"
    assert decode(log_probs, top=3).text == "12.50"
    assert len({text for text, _ in decode(log_probs, top=3).alternatives}) == 3


@pytest.mark.parametrize("keep_other", [False, True])
def test_other_signs_within_a_number_take_its_trust(keep_other):
    for text, trusted in ((f"12{OTHER}30", False), (f"{OTHER}12{OTHER}", True), ("1230", True)):
        assert decode(frames(text), keep_other=keep_other).trusted == trusted


def test_a_word_is_no_number():
    assert decode(frames(OTHER)).text == ""
    assert decode(frames(OTHER), keep_other=True).text == OTHER


@pytest.mark.parametrize("top", [1, 3])
@pytest.mark.parametrize("text", [f"12{UNREADABLE}", f"{UNREADABLE}12", f"1{UNREADABLE}2"])
def test_unreadable_ink_is_left_out_and_never_trusted(text, top):
    found = decode(frames(text), top=top, spans=True)
    assert not found.trusted and UNREADABLE not in found.text
    assert found.confidence < 0.1  # that of the text without unreadable ink
    if top == 1:
        assert found.text == "12" and len(found.spans) == 2
        at = [i for i, symbol in enumerate(text) if symbol != UNREADABLE]
        assert [left for left, _ in found.spans] == [4.0 * (4 + 2 * i) for i in at]
    texts = [other for other, _ in found.alternatives]
    assert len(set(texts)) == len(texts)


def test_unreadable_ink_counts_as_a_symbol_where_lengths_are_known():
    facts = barcodes.facts(decoding={"time_steps": STEPS, "lengths": [3, 3]})
    log_probs = frames(["1", "2", {UNREADABLE: 0.3, "8": 0.1}])
    found = decode(log_probs, StringDecoder(facts, INPUT))
    assert found.text == "12" and not found.trusted


def test_a_constrained_reading_ignores_other_signs_and_distrusts_unreadable_ink():
    decoder = StringDecoder(FACTS, INPUT)
    pattern = Pattern.parse("dd.dd", decoder.alphabet)
    for keep in (False, True):
        found = decode(frames(f"{OTHER}١٢٫٥٠"), constraint=pattern, keep_other=keep)
        assert (found.text, found.script, found.trusted) == ("12.50", "arabic", True)
    lexicon = Lexicon.encode(["12", "13"], decoder.alphabet)
    assert decode(frames(f"12{OTHER}"), constraint=lexicon).text == "12"
    cut = decode(frames(f"12{UNREADABLE}"), constraint=lexicon)
    assert cut.text == "12" and not cut.trusted
    written = decode(frames("١٢"), constraint=lexicon, digits="as-written")
    assert written.text == "١٢"
    with pytest.raises(ValueError, match=r"has no '\?'"):
        Pattern.parse(f"dd{OTHER}", decoder.alphabet)
    assert decoder.alphabet.symbols == NUMBERS


def test_marks_without_scripts():
    facts = barcodes.facts(alphabet=Alphabet("a?b□"), scripts=None)
    decoder = StringDecoder(facts, INPUT)
    assert decoder.alphabet.symbols == "ab" and decoder.scripts == ()
    log_probs = np.log(np.full((STEPS, 5), 0.01))
    log_probs[:, 0] = np.log(0.96)
    for step, symbol in enumerate([1, 2, 3]):
        log_probs[2 * step] = np.log([0.01, *(0.96 if i == symbol else 0.01 for i in range(1, 5))])
    found = decode(log_probs, decoder)
    assert (found.text, found.script, found.trusted) == ("ab", None, False)
    assert decode(log_probs, decoder, keep_other=True).text == "a?b"
    log_probs[6] = np.log([0.01, 0.01, 0.01, 0.01, 0.96])
    assert not decode(log_probs, decoder).trusted


def test_a_reader_without_scripts_and_marks_decodes_the_log_probabilities_as_they_are():
    facts = barcodes.facts(alphabet=Alphabet("abc"), scripts=None, marks=None, trust=None)
    log_probs = log_softmax(np.random.default_rng(0).normal(0, 4, (STEPS, 4)))
    frames, script = Signs(facts).frames(log_probs)
    assert frames is log_probs and script is None
    found = decode(log_probs, StringDecoder(facts, INPUT))
    indices = Alphabet("abc").encode(found.text)
    assert found.confidence == confidence(log_probs, indices)


def test_a_character_that_is_a_mark_is_no_text():
    facts = {"alphabet": "a?b□", "marks": MARKS}
    decoder = CharacterDecoder(facts, INPUT)
    assert decoder.alphabet.symbols == "ab"

    def character(*shares, **options):
        return decode(np.log(np.array(shares)), decoder, **options)

    assert character(0.1, 0.2, 0.6, 0.1)[:2] == ("b", pytest.approx(0.6))
    assert character(0.1, 0.2, 0.6, 0.1, top=3).alternatives == (
        ("b", pytest.approx(0.6)),
        ("a", pytest.approx(0.1)),
    )
    assert character(0.1, 0.2, 0.1, 0.6) == REFUSED == character(0.1, 0.6, 0.2, 0.1)
    assert character(0.1, 0.6, 0.2, 0.1, keep_other=True).text == "?"
    pattern = Pattern.parse("b", decoder.alphabet)
    assert character(0.2, 0.1, 0.1, 0.6, constraint=pattern)[::4] == ("b", False)
    assert character(0.6, 0.1, 0.2, 0.1, constraint=pattern)[::4] == ("b", True)


# --- trust


def judged(text, sure, trusted=True, trust=TRUST):
    reading = decode(frames("1"))._replace(
        text=text, confidence=sure, alternatives=((text, sure), ("2", 0.25)), trusted=trusted
    )
    return Trust({"trust": trust} if trust else {}).judge(reading)


def test_confidences_are_calibrated_and_readings_trusted_from_the_threshold():
    found = judged("1", 0.5)
    assert found.confidence == pytest.approx(0.4) and not found.trusted
    assert [c for _, c in found.alternatives] == pytest.approx([0.4, 0.2])
    assert judged("1", 1.0).trusted and judged("1", 1.0).confidence == pytest.approx(0.98)
    assert not judged("1", 1.0, trusted=False).trusted  # unreadable ink
    exact = TRUST | {"threshold": 0.4}
    assert judged("1", 0.5, trust=exact).trusted and not judged("1", 0.499, trust=exact).trusted
    assert not judged("1", 1.0, trust=TRUST | {"threshold": 1.5}).trusted


def test_without_trust_the_confidence_stays_and_nothing_is_trusted():
    assert judged("1", 0.7, trust=None)[::4] == ("1", False)
    assert judged("1", 0.7, trust=None).confidence == 0.7


@given(st.integers(0, 2**32 - 1), st.floats(0, 6))
@settings(max_examples=60, deadline=None)
def test_an_image_is_refused_whatever_the_number_of_alternatives(seed, spread):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (8, len(ALPHABET)))
    logits[:, 0] += 2 * spread
    decoder = StringDecoder(barcodes.facts(decoding={"time_steps": 8, "lengths": None}), INPUT)
    plain, several = (decode(log_softmax(logits), decoder, top=top) for top in (1, 4))
    assert (plain == REFUSED) == (several == REFUSED)
    assert all(text for text, _ in several.alternatives) and len(several.alternatives) <= 4


@pytest.mark.parametrize("trust", [TRUST, None])
def test_a_reading_without_text_is_refused(trust):
    assert judged("", 0.99, trust=trust) == REFUSED == ("", 0.0, (), (), False, None, None)


# --- speed


def test_decoding_takes_a_fraction_of_a_millisecond():
    """64 time steps, 32 classes, a number of ten digits: 0.15 ms when measured."""
    decoder, log_probs, times = StringDecoder(FACTS, INPUT), frames("٠١٢٣٤٥٦٧٨٩"), []
    for _ in range(50):
        start = time.process_time()
        decode(log_probs, decoder)
        times.append(time.process_time() - start)
    assert min(times) < 0.0015


def test_the_alphabet_has_one_symbol_a_shape():
    assert len(set(SYMBOLS)) == len(SYMBOLS) == 29
    for script, sample in SAMPLES.items():
        assert sample == SCRIPTS[script][:10].translate(SHARED) and set(sample) <= set(SYMBOLS)
