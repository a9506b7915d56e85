"""The words of the pages, in each language: ocr/serving/static/words."""

import json
from functools import cache

from ocr.paths import PACKAGE


@cache
def page_words() -> dict[str, dict[str, str]]:
    """Load the words of all languages, {language: {key: text}}, English first."""
    files = sorted((PACKAGE / "serving" / "static" / "words").glob("*.json"))
    files.sort(key=lambda file: file.stem != "en")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
