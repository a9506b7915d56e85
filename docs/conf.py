"""The documentation site, `make docs`: Markdown, and the notebooks as they are stored."""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ocr import __version__  # noqa: E402

project, author, release = "ocr-readers", "its contributors", __version__
copyright = "MIT licence"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
include_patterns = [
    "docs/*.md",
    "*.md",
    "data/README.md",
    "ocr.ipynb",
    "notebooks/*.ipynb",
    "notebooks/*.md",
    "notebooks/solutions/*.ipynb",
]
root_doc = "docs/index"

html_theme, html_title, html_show_sourcelink = "furo", "OCR readers", False
html_favicon = "../ocr/serving/static/icon.svg"
html_extra_path = ["start"]  # index.html, which leads to docs/index.html
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b57a4",
        "color-brand-content": "#0b57a4",
        "toc-font-size": "0.85rem",  # and room between the links, for fingers
        "toc-item-spacing-vertical": "0.6rem",
    },
    "dark_css_variables": {"color-brand-primary": "#8ec1ff", "color-brand-content": "#8ec1ff"},
}
copybutton_exclude = ".linenos, .gp"

nb_execution_mode = "off"  # notebooks are shown as they were executed and stored
myst_heading_anchors = 4
myst_html_meta = {"description": "Train, measure and use small networks that read text in images."}
myst_enable_extensions = ["dollarmath", "amsmath"]
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]  # headings of cells that go on

autodoc_mock_imports = ["cv2", "fastjsonschema", "openpyxl", "pypdfium2"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"

ELSEWHERE = (  # what a page of the project's host shows, and the site does not
    (re.compile(r"^\[!\[tests\].*\n", re.M), ""),
    (re.compile(r"\(notebooks/solutions\)"), "(notebooks/solutions/00_ocr.ipynb)"),
)


def adapt(app, name: str, source: list[str]) -> None:
    """Leave out links that lead to folders, or to pages of the project's host."""
    for pattern, replacement in ELSEWHERE:
        source[0] = pattern.sub(replacement, source[0])


def plain(app, what, name, obj, options, lines: list[str]) -> None:
    """Turn our docstrings into reStructuredText: aligned or indented paragraphs as they are."""
    paragraphs = "\n".join(lines).strip().split("\n\n")
    made: list[str] = []
    for paragraph in paragraphs:
        rows = paragraph.split("\n")
        if any(row.startswith(" ") or re.search(r"\S {3,}\S", row) for row in rows):
            made += ["::", "", *(f"    {row}" for row in rows), ""]
        else:
            made += [*(re.sub(r"([*|\\])|_(?=\W|$)", r"\\\g<0>", row) for row in rows), ""]
    lines[:] = made


FOR_ALL = (  # what the theme lacks for people who use no mouse, or do not see
    (' role="heading"', ' role="heading" aria-level="2"'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="on this page">'),
    ('<aside class="toc-drawer no-toc">', '<aside class="toc-drawer no-toc" aria-label="empty">'),
    ("<pre>", '<pre tabindex="0">'),
    ("<pre id=", '<pre tabindex="0" id='),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
)


def open_to_all(app, error: Exception | None) -> None:
    """Let all that scrolls take the keyboard, and name what screen readers ask for."""
    for file in Path(app.outdir).rglob("*.html") if app.builder.format == "html" else ():
        text = file.read_text(encoding="utf-8")
        for before, after in FOR_ALL:
            text = text.replace(after, before).replace(before, after)
        file.write_text(text, encoding="utf-8")


def copy_pictures(app, error: Exception | None) -> None:
    """Copy the README's pictures, which it has in HTML, for light and dark pages."""
    if not error and app.builder.format == "html":
        pictures = Path(app.outdir) / "docs" / "pictures"
        shutil.copytree(ROOT / "docs" / "pictures", pictures, dirs_exist_ok=True)


def setup(app) -> None:
    """Connect these to Sphinx."""
    app.connect("source-read", adapt)
    app.connect("autodoc-process-docstring", plain)
    app.connect("build-finished", copy_pictures)
    app.connect("build-finished", open_to_all)
