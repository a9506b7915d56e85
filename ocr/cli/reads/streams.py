"""What `ocr read` writes as it reads, to standard output or a file: text, JSON, CSV, XML."""

import csv
import json
import sys
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from tqdm import tqdm

from ocr.cli.reads.rows import Row, columns, shown
from ocr.reading.files import no_formula


class AboveBar:
    """Write to standard output above the progress bar, where a terminal shows both."""

    def write(self, text: str) -> int:
        with tqdm.external_write_mode(file=sys.stdout):
            return sys.stdout.write(text)


class Text:
    """Write one line an image, with tabs between: path, text, confidence, "trusted" or "check".

    Alternatives follow, each with its confidence. Errors go to stderr.
    """

    def __init__(self, out: TextIO | AboveBar, prog: str, top: int = 1):
        self.out, self.prog, self.top = out, prog, top

    def write(self, row: Row) -> None:
        path, reading, error, _ = row.result
        if reading is None or error is not None:
            tqdm.write(f"{self.prog}: {path}: {error}", file=sys.stderr)
        else:
            trusted = "trusted" if reading.trusted else "check"
            others = "".join(f"\t{text}\t{sure:.4f}" for text, sure in row.others)
            self.out.write(f"{path}\t{reading.text}\t{reading.confidence:.4f}\t{trusted}{others}\n")

    def close(self) -> None:
        """End the output; also called when the reading is stopped."""


class Json(Text):
    """Write one object a line: path; text, confidence, trusted, where it was opened; error.

    With several texts a picture also alternatives, as the server gives them.
    """

    def write(self, row: Row) -> None:
        path, reading, error, _ = row.result
        made: dict = {"path": path}
        if reading is not None:
            made["text"] = reading.text
            made["confidence"] = round(reading.confidence, 6)
            made["trusted"] = reading.trusted
        if reading is not None and self.top > 1:
            made["alternatives"] = [
                {"text": text, "confidence": round(sure, 6)} for text, sure in reading.alternatives
            ]
        if error is not None:
            made["error"] = error
        self.out.write(json.dumps(made, ensure_ascii=False) + "\n")


class Csv(Text):
    """Write the columns of `rows.columns`; see `no_formula`."""

    ending = "\n"

    def __init__(self, out: TextIO | AboveBar, prog: str, top: int = 1):
        super().__init__(out, prog, top)
        self.rows = csv.writer(out, lineterminator=self.ending)
        self.rows.writerow(columns(top))

    def write(self, row: Row) -> None:
        self.rows.writerow(map(no_formula, shown(row, self.top)))


class CsvFile(Csv):
    """Write a CSV with a byte order mark, by which Excel knows that it is UTF-8."""

    ending = "\r\n"

    def __init__(self, out: TextIO | AboveBar, prog: str, top: int = 1):
        out.write("\ufeff")
        super().__init__(out, prog, top)


class Xml(Text):
    """Write <readings> of <image path= confidence= trusted=>text</image>; faults have error=."""

    def __init__(self, out: TextIO | AboveBar, prog: str, top: int = 1):
        super().__init__(out, prog, top)
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<readings>\n')

    def write(self, row: Row) -> None:
        facts = dict(zip(columns(self.top), shown(row, self.top)))
        text = facts.pop("text")
        if row.result.error is None:
            del facts["error"]
        if row.result.reading is None:
            del facts["confidence"], facts["trusted"]
        names = [name for name in facts if facts[name] or "_" not in name]  # no empty alternatives
        attributes = " ".join(f"{name}={quoteattr(facts[name])}" for name in names)
        self.out.write(f"<image {attributes}>{escape(text)}</image>\n")

    def close(self) -> None:
        self.out.write("</readings>\n")


FORMATS: dict[str, type[Text]] = {"text": Text, "json": Json, "csv": Csv, "xml": Xml}
