"""The documentation site: its list of pages is whole, and its links are checked."""

import re

from docs.check_links import broken
from ocr.paths import ROOT


def test_every_page_is_in_the_table_of_contents():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(?:/[\w./*-]+|[\w-]+)$", index, re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*.ipynb"), *ROOT.glob("notebooks/*.ipynb")]
    names = {f"/{page.relative_to(ROOT).with_suffix('').as_posix()}" for page in pages}
    names |= {page.stem for page in (ROOT / "docs").glob("*.md") if page.stem != "index"}
    assert names <= listed
    for name in listed:
        found = [*ROOT.glob(f"{name[1:]}.*")] if "/" in name else [*ROOT.glob(f"docs/{name}.md")]
        assert found, f"docs/index.md lists {name}"


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="sub/b.html#there">b</a>')
    (tmp_path / "sub" / "b.html").write_text(
        '<p id="there"><a href="../a.html#none"></a><a href="c%20d.png"></a>'
        '<a href="https://example.org/x"></a><img src="e.png"><a href="#there"></a>'
    )
    (tmp_path / "sub" / "c d.png").write_bytes(b"")
    assert broken(tmp_path) == ["sub/b.html: ../a.html#none", "sub/b.html: e.png"]
