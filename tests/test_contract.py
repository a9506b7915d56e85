"""Contracts of readers: described, checked, written; readers found; damaged readers."""

import hashlib
import json
import os
import shutil

import pytest

import utils
from ocr.reading import contract
from ocr.reading.contract import (
    ReaderError,
    find_reader,
    known_readers,
    output_shape,
    read_contract,
    write_contract,
)
from ocr.reading.contract_checks import check
from ocr.reading.ctc import Alphabet
from ocr.reading.reader import Reader
from tests import barcodes


@pytest.fixture
def facts():
    """The contract of the shipped CAPTCHA reader."""
    return read_contract(utils.ROOT / "models" / "captcha")


def test_a_contract_is_written_and_read_again(facts, tmp_path):
    write_contract(tmp_path, facts)
    assert read_contract(tmp_path) == facts
    assert [p.name for p in tmp_path.iterdir()] == ["reader.json"]
    with pytest.raises(ReaderError, match='not saved: invalid "decoding"'):
        write_contract(tmp_path, facts | {"decoding": {}})
    assert read_contract(tmp_path) == facts


def test_shipped_contracts_give_the_shape_of_the_output():
    shapes = {name: output_shape(read_contract(find_reader(name))) for name in known_readers()}
    assert shapes["captcha"] == [1, 50, 20] and shapes["char_cnn"] == [1, 48]
    assert shapes["dual_input"] == [1, 62]


INVALID = {
    "format": ({"format": 99}, "format 99: this version reads the formats 1 and 2"),
    "kind": ({"kind": "speech"}, "kind 'speech': this version reads the kinds ctc, class, ensem"),
    "kind of kind": ({"kind": []}, "kind []: this version reads"),
    "alphabet": ({"alphabet": "aab"}, "a text of distinct symbols, got 'aab'"),
    "no alphabet": ({"alphabet": None}, "a text of distinct symbols, got None"),
    "no input": ({"input": None}, '"input" must be a JSON object, got null'),
    "text for height": ({"input": {"height": "8"}}, "height, width and channels must be positive"),
    "height 0": ({"input": {"height": 0}}, "height, width and channels must be positive"),
    "fit": ({"input": {"fit": "squeezed"}}, "fit one of picture, line, glyph, views"),
    "normalisation": (
        {"input": {"normalisation": 1}},
        "normalisation one of standard, unit, views",
    ),
    "fit and shape": (
        {"input": {"fit": "glyph"}},
        "fit 'glyph' makes an input of [28, 28, 1], not [50, 200, 1]",
    ),
    "time steps": ({"decoding": {"time_steps": 0}}, "time_steps must be a positive integer"),
    "lengths": ({"decoding": {"lengths": [5]}}, "lengths null or [least, most]"),
    "lengths reversed": ({"decoding": {"lengths": [5, 4]}}, "lengths null or [least, most]"),
    "blank": ({"decoding": {"blank": 1}}, "blank 0"),
    "scores": ({"scores": None}, '"scores" must be a list'),
    "digest": ({"onnx_sha256": None}, '"onnx_sha256" must be the digest of model.onnx'),
}


@pytest.mark.parametrize("fault", INVALID)
def test_an_invalid_contract_says_what_is_allowed(facts, fault):
    changes, message = INVALID[fault]
    for key, value in changes.items():
        facts[key] = facts[key] | value if isinstance(value, dict) else value
    with pytest.raises(ValueError) as caught:
        check(facts)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def described(**changes):
    return barcodes.facts(**changes) | {"onnx_sha256": ""}


OPTIONAL = {  # arguments of contract.describe, and what is wrong with them
    "widths not ascending": (
        {"widths": [128, 64, 256]},
        "they must ascend to the width 256, each leave a whole number of the 64 time steps on both "
        "sides, and fit be picture or line (got [128, 64, 256], fit picture)",
    ),
    "another last width": ({"widths": [64, 128]}, 'invalid "widths"'),
    "twice the same width": ({"widths": [64, 64, 256]}, 'invalid "widths"'),
    "width of part of a step": ({"widths": [62, 256]}, "leave a whole number of the 64 time steps"),
    "width 0": ({"widths": [0, 256]}, 'invalid "widths"'),
    "text for widths": ({"widths": ["64", 256]}, 'invalid "widths"'),
    "unknown script": (
        {"scripts": ["roman"]},
        'invalid "scripts": they are a list of western, arabic, persian (got ["roman"])',
    ),
    "script twice": ({"scripts": ["arabic", "arabic"]}, 'invalid "scripts"'),
    "digit of a script": (
        {"alphabet": Alphabet("0123456789٠١٢٣٤٥٦٧٨٩?□"), "scripts": ["western", "persian"]},
        "invalid \"scripts\": persian needs '۴' in the alphabet",
    ),
    "digit of Western": (
        {"alphabet": Alphabet("012346789?□"), "scripts": ["western"]},
        "western needs '5' in the alphabet",
    ),
    "digit that is a mark": (
        {"alphabet": Alphabet("0123456789"), "scripts": ["western"], "marks": {"other": "3"}},
        "western needs '3' in the alphabet",
    ),
    "unknown mark": (
        {"marks": {"blot": "?"}},
        'invalid "marks": they are other and unreadable, each another symbol of the alphabet',
    ),
    "mark outside the alphabet": ({"marks": {"other": "x"}}, 'invalid "marks"'),
    "mark of two symbols": ({"marks": {"other": "?□"}}, 'invalid "marks"'),
    "one symbol for two marks": ({"marks": {"other": "?", "unreadable": "?"}}, 'invalid "marks"'),
    "nothing but marks": (
        {"alphabet": Alphabet("?"), "scripts": None, "marks": {"other": "?"}},
        'invalid "marks"',
    ),
    "one point": (
        {"trust": barcodes.TRUST | {"points": [[0, 0]]}},
        'invalid "trust": points must be at least two [raw, calibrated], both ascending in 0..1',
    ),
    "points that descend": (
        {"trust": barcodes.TRUST | {"points": [[0, 0.2], [1, 0.1]]}},
        'invalid "trust"',
    ),
    "points above 1": ({"trust": barcodes.TRUST | {"points": [[0, 0], [1, 2]]}}, 'invalid "trust"'),
    "points of three": ({"trust": barcodes.TRUST | {"points": [[0, 0, 0], [1, 1, 1]]}}, "trust"),
    "no threshold": ({"trust": {"points": [[0, 0], [1, 1]]}}, "threshold a number from 0"),
    "negative threshold": ({"trust": barcodes.TRUST | {"threshold": -1}}, 'invalid "trust"'),
    "trust of how many": ({"trust": barcodes.TRUST | {"n": 0.5}}, "n a count"),
    "share above 1": ({"trust": barcodes.TRUST | {"share": 75}}, "share and right numbers 0..1"),
}


@pytest.mark.parametrize("fault", OPTIONAL)
def test_invalid_optional_keys_say_what_is_allowed(fault):
    changes, message = OPTIONAL[fault]
    with pytest.raises(ValueError) as caught:
        check(described(**changes))
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, [], {}, 7, "x", [None], [[]]])
@pytest.mark.parametrize("key", ["scripts", "marks", "trust", "widths"])
def test_optional_keys_of_another_type_are_invalid(key, value):
    facts = described()
    (facts["input"] if key == "widths" else facts)[key] = value
    if (key, value) == ("marks", {}):
        facts["alphabet"] = facts["alphabet"].rstrip("?□")
        check(facts)  # no marks
    else:
        with pytest.raises(ValueError, match=f'invalid "{key}"') as caught:
            check(facts)
        assert "\n" not in str(caught.value)


def test_optional_keys_need_format_2_and_some_of_them_strings():
    check(described())
    assert described()["format"] == 2
    for key in ("scripts", "marks", "trust", "widths"):
        only = {other: None for other in barcodes.KINDS if other != key}
        given = described(**only)
        check(given)
        with pytest.raises(ValueError, match=rf'"(input\.)?{key}" needs format 2'):
            check(given | {"format": 1})
        if key in ("scripts", "widths"):
            with pytest.raises(ValueError, match=rf'"(input\.)?{key}" needs the kind ctc, this is'):
                check(given | {"kind": "class"})
        else:
            check(given | {"kind": "class"})
    check(described(**dict.fromkeys(barcodes.KINDS)) | {"format": 1})


def test_a_contract_of_format_2_is_written_and_read_again(tmp_path):
    folder = barcodes.save(tmp_path / "bars")
    facts = read_contract(folder)
    assert facts["scripts"] == ["western", "arabic", "persian"] and facts["trust"] == barcodes.TRUST
    assert facts["marks"] == {"other": "?", "unreadable": "□"}
    assert facts["input"]["widths"] == [48, 64, 96, 128, 192, 256]
    assert output_shape(facts) == [1, 64, 32] and output_shape(facts, 96) == [1, 24, 32]
    reader = Reader.load(folder)
    assert reader.scripts == barcodes.SCRIPTS and reader.widths == list(barcodes.WIDTHS)


def test_shipped_readers_of_any_format_load():
    for name in known_readers():
        reader = Reader.load(name)
        assert reader.contract["format"] in (1, 2)
        assert reader.widths[-1] == reader.size[1]


def test_a_contract_that_is_no_object():
    with pytest.raises(ValueError, match=r"a contract is a JSON object, got \[\]"):
        check([])


def test_a_reader_is_found_by_its_folder_or_by_name(tmp_path, monkeypatch, facts):
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(contract, "reader_places", lambda: [first, second])
    for folder in (first / "a", second / "a", second / "sub" / "b", second / "b" / "1"):
        folder.mkdir(parents=True)
        write_contract(folder, facts)
    write_contract(second / "b", facts)
    assert find_reader("a") == first / "a" and find_reader("b") == second / "b"
    assert find_reader(second / "a") == second / "a"
    assert known_readers() == ["a", "b", "sub/b"]  # without the member b/1
    with pytest.raises(ReaderError, match="no reader in c: the readers known by name are a, b"):
        Reader.load("c")


def broken(small, tmp_path, edit):
    """Load a copy of a reader after an edit; the message must be one line that names the folder."""
    folder = shutil.copytree(small, tmp_path / "broken")
    edit(folder)
    with pytest.raises(ReaderError) as caught:
        Reader.load(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    shutil.rmtree(folder)
    return str(caught.value)


def edit_json(**changes):
    def edit(folder):
        facts = json.loads((folder / "reader.json").read_text())
        for key, value in changes.items():
            facts[key] = facts[key] | value if isinstance(value, dict) else value
        (folder / "reader.json").write_text(json.dumps(facts))

    return edit


def not_onnx(folder):
    (folder / "model.onnx").write_bytes(b"no model")
    edit_json(onnx_sha256=hashlib.sha256(b"no model").hexdigest())(folder)


FAULTS = {
    "no reader.json": (lambda f: (f / "reader.json").unlink(), "no reader in"),
    "cut reader.json": (
        lambda f: (f / "reader.json").write_text('{"format": 1'),
        "reader.json: Expecting",
    ),
    "bytes in reader.json": (
        lambda f: (f / "reader.json").write_bytes(b"\xff\xfe"),
        "reader.json: 'utf-8' codec",
    ),
    "list in reader.json": (
        lambda f: (f / "reader.json").write_text("[]"),
        "reader.json: a contract is a JSON object",
    ),
    "other format": (edit_json(format=99), "reader.json: format 99"),
    "shorter alphabet": (edit_json(alphabet="ab"), "does not fit model.onnx"),
    "other size": (edit_json(input={"height": 16}), "does not fit model.onnx"),
    "no model": (lambda f: (f / "model.onnx").unlink(), "model.onnx: No such file"),
    "cut model": (lambda f: os.truncate(f / "model.onnx", 100), "does not match the digest"),
    "not ONNX": (not_onnx, "it is no ONNX file, or damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_reader_is_reported_in_one_line(small, tmp_path, fault):
    edit, message = FAULTS[fault]
    assert message in broken(small, tmp_path, edit)


def test_a_damaged_reader_of_characters(small_class, tmp_path):
    shorter = broken(small_class, tmp_path, edit_json(alphabet="017"))
    assert "its input [28, 28, 1] or output [3]" in shorter
    larger = broken(small_class, tmp_path, edit_json(input={"height": 32, "width": 32}))
    assert "fit 'glyph' makes an input of [28, 28, 1]" in larger


def test_a_damaged_ensemble(ensemble, tmp_path):
    def damaged(change):
        return broken(ensemble, tmp_path, change)

    invalid = damaged(edit_json(decoding={"thresholds": [0.5, 7]}))
    assert "thresholds a list of one number 0..1 fewer" in invalid
    assert '"decoding" must be a JSON object' in damaged(edit_json(decoding=None))
    missing = damaged(lambda folder: shutil.rmtree(folder / "3"))
    assert "member 3 is missing; restore the folder" in missing
    for change in (
        lambda folder: edit_json(alphabet="017B")(folder / "2"),
        lambda folder: shutil.copytree(folder / "3", folder / "2", dirs_exist_ok=True),
    ):
        assert "member 2 does not match reader.json" in damaged(change)
    other = damaged(lambda folder: (folder / "1" / "model.onnx").write_bytes(b"x"))
    assert "does not match the digest" in other
