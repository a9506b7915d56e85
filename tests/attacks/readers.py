"""Attack the loading of shared readers: loops, bytes of other files, contradictions, devices."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import TensorProto, helper

from ocr.paths import MODELS
from ocr.reading.contract import ReaderError
from ocr.reading.reader import Reader
from tests.attacks.measure import Report, alone, report

Edit = Callable[[Path], object]


def contract(**changes) -> Edit:
    """Change keys of reader.json; a dict changes keys of a section."""

    def edit(folder: Path) -> None:
        facts = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
        for key, value in changes.items():
            facts[key] = facts[key] | value if isinstance(value, dict) else value
        (folder / "reader.json").write_text(json.dumps(facts), encoding="utf-8")

    return edit


def _store(folder: Path, model: onnx.ModelProto) -> None:
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    contract(onnx_sha256=hashlib.sha256(data).hexdigest())(folder)


def loop(folder: Path, turns: int = 10**15) -> None:
    """Put a loop of so many turns behind the network's output."""
    model = onnx.load(folder / "model.onnx")
    output = model.graph.output[0]
    last = next(node for node in model.graph.node if output.name in node.output)
    last.output[list(last.output).index(output.name)] = "before"
    none = {"elem_type": TensorProto.FLOAT, "shape": None}
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["value", "value"], ["sum"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", **none),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", **none),
        ],
    )
    model.graph.initializer.append(helper.make_tensor("turns", TensorProto.INT64, [], [turns]))
    model.graph.node.append(
        helper.make_node("Loop", ["turns", "", "before"], [output.name], body=body)
    )
    _store(folder, model)


def external(folder: Path) -> None:
    """Take the bytes of another file as weights."""
    model = onnx.load(folder / "model.onnx")
    weights = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    Path("secret.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="secret.bin")
    _store(folder, model)


def functions(folder: Path) -> None:
    """Define a function."""
    model = onnx.load(folder / "model.onnx")
    identity = helper.make_node("Identity", ["x"], ["y"])
    opset = [helper.make_opsetid("", 15)]
    model.functions.append(helper.make_function("own", "f", ["x"], ["y"], [identity], opset))
    _store(folder, model)


def endless(name: str, pipe: bool) -> Edit:
    """Put a pipe or a link to /dev/zero in the place of a file."""

    def edit(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name) if pipe else (folder / name).symlink_to("/dev/zero")

    return edit


def _written(text: str) -> Edit:
    return lambda folder: (folder / "reader.json").write_text(text, encoding="utf-8")


READERS: dict[str, Edit] = {
    "reader with a loop of 10^15 turns": loop,
    "reader with weights in another file": external,
    "reader that defines functions": functions,
    "reader of lengths above its time steps": contract(decoding={"lengths": [60, 80]}),
    "reader of no length at all": contract(decoding={"lengths": [0, 0]}),
    "reader.json of 500,000 lists in lists": _written("[" * 500_000),
    "reader.json of 100,000 objects in objects": _written('{"a":' * 100_000),
    "reader.json of 900 lists in lists": contract(kind=json.loads("[" * 900 + "]" * 900)),
    "reader.json of 100 MB": _written("[" + "1," * 50_000_000),
    "reader whose alphabet has ESC": contract(alphabet="\x1b]0;me\x07bcdfghijklno"),
    "reader whose alphabet turns the text": contract(alphabet="\u202e2345678bcdefgmnpwx"),
    "reader of 10^9 x 10^9 pixels": contract(input={"height": 10**9, "width": 10**9}),
    "reader.json that is a pipe": endless("reader.json", True),
    "reader.json that is /dev/zero": endless("reader.json", False),
    "model.onnx that is a pipe": endless("model.onnx", True),
    "model.onnx that is /dev/zero": endless("model.onnx", False),
}


def load(folder: Path) -> str:
    """Load a reader; return why it is refused."""
    try:
        reader = Reader.load(folder)
        reader.read(b"no image")
    except ReaderError as error:
        return str(error)
    except ValueError:
        return ""
    return ""


def attack_one(what: str, edit: Edit, folder: Path) -> Report:
    """Load a copy of a shipped reader after an edit, from within `folder`: it is refused."""
    mine = shutil.copytree(MODELS / "captcha", folder / "mine")
    here = Path.cwd()
    os.chdir(folder)
    try:
        edit(mine)
        outcome = alone(load, mine)
    finally:
        os.chdir(here)
        shutil.rmtree(mine)
    faults = [] if outcome.result or outcome.fault else ["loaded"]
    if outcome.result and not outcome.result.isprintable():
        faults.append("not one line that a terminal can show")
    return report(what, [outcome], faults)


def attacks() -> Iterator[Report]:
    """Load every hostile reader."""
    with TemporaryDirectory() as folder:
        for what, edit in READERS.items():
            yield attack_one(what, edit, Path(folder))
