"""The README and docs/: links, commands, figures, and how they look on a narrow screen."""

import re
import shlex

import pytest

from ocr.cli import build_parser
from ocr.paths import ROOT

READMES = [ROOT / "README.md", ROOT / "README.ar.md"]
PAGES = [*READMES, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OF_GITHUB = "../../actions/"  # pages beside the files of a project
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def anchors(path) -> set[str]:
    """List the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(path) -> list[str]:
    """List the lines of a page's code blocks, continued ones joined, comments left out."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    return [line.partition("  #")[0].strip() for line in lines]


@every_page
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for target in targets:
        if target.startswith(("http", OF_GITHUB)):
            continue
        file, _, anchor = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{path.name}: no heading for {target}"


@every_page
def test_commands_are_understood(path):
    parser = build_parser()
    for line in commands(path):
        if line.startswith("ocr ") and "VERB" not in line:
            parser.parse_args(shlex.split(line.replace("...", ""))[1:])  # exits where it is wrong
        for target in re.findall(r"(?:^|&& )make ([a-z-]+)", line):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_figures_are_those_of_the_results(path):
    measured = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    figures = re.findall(r"(\d+\.\d+) %", path.read_text(encoding="utf-8"))
    assert len(figures) >= 8
    for figure in figures:
        assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", measured), (
            f"{figure} is not there"
        )


def test_the_readme_is_one_screen():
    text = READMES[0].read_text(encoding="utf-8")
    assert len(text.split()) <= 900
    assert max(map(len, commands(READMES[0]))) <= 64  # of a code block, on a narrow screen


def test_a_language_has_its_own_page_and_both_have_the_picture():
    for path, other in zip(READMES, reversed(READMES)):
        text = path.read_text(encoding="utf-8")
        assert f"]({other.name})" in text
        assert "readings-light.svg" in text and "readings-dark.svg" in text
