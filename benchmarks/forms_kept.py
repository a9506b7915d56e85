"""What the measurements of forms share: templates, shares, and records that are kept page by page.

See benchmarks/forms.py.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from tqdm import tqdm

from ocr import scores
from ocr.drawing.forms.office import SCRIPTS
from ocr.forms.journal import repair
from ocr.forms.reading import FormReader
from ocr.forms.template import Form, build_form, load_form
from ocr.paths import DATA, LOGS
from ocr.reading import overwritten

FOLDER = LOGS / "forms"
OWN = ("calibration", "accept")  # what a form knows of a reader


def templates(plain: bool = False) -> list[Form]:
    """Load the sample forms; plain: without a calibration."""
    forms = [load_form(DATA / "forms" / name) for name in SCRIPTS]
    if not plain:
        return forms
    return [
        build_form({k: v for k, v in form.facts.items() if k not in OWN}, form.folder)
        for form in forms
    ]


def depends_on(reader: FormReader, forms: Iterable[Form]) -> dict[str, Any]:
    """List what records of read pages depend on, as a key of `Kept`."""
    digests = sorted(each.contract.get("onnx_sha256", "") for each in reader.readers.values())
    look = [overwritten.overwritten_reader().contract["onnx_sha256"], overwritten.SURE]
    return {"readers": digests, "overwritten": look, "forms": [form.version for form in forms]}


def share(hits: int, n: int) -> str:
    """Format a share with its interval."""
    low, high = scores.wilson(hits, n)
    return f"{hits / n:.2%} (n = {n:,}, 95 % interval {low:.2%} to {high:.2%})"


class Kept:
    """Records of pages, JSON lines in FOLDER, which a stopped measurement goes on with.

    name    of the file
    key     what the records depend on; those of another key are deleted
    anew    delete them in any case
    """

    def __init__(self, name: str, key: dict[str, Any], anew: bool = False):
        self.path, self.key = FOLDER / f"{name}.jsonl", json.dumps(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        repair(self.path)
        lines = self.path.read_text(encoding="utf-8").splitlines()
        if anew or lines[:1] != [self.key]:
            lines = [self.key]
            self.path.write_text(self.key + "\n", encoding="utf-8")
        self.found = [json.loads(line) for line in lines[1:]]

    def records(self, count: int, make: Callable[[int], dict]) -> list[dict]:
        """Make the records of pages 0 to `count` that are not there yet; return all of them."""
        with open(self.path, "a", encoding="utf-8") as file:
            left = range(len(self.found), count)
            for number in tqdm(left, desc=self.path.stem, initial=len(self.found), total=count):
                self.found.append(make(number))
                file.write(json.dumps(self.found[-1], ensure_ascii=False) + "\n")
                file.flush()
        return self.found[:count]
