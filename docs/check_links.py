"""Check the links between the pages of a built site: python docs/check_links.py FOLDER

Files and anchors inside it; those of other sites are checked by `make docs-links`.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "srcset") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken(folder: Path) -> list[str]:
    """List the links that lead nowhere: "page: link"."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in folder.rglob("*.html")}
    return [
        f"{file.relative_to(folder)}: {link}"
        for file, page in pages.items()
        for link in page.links
        if not _leads(link, file, pages)
    ]


def _leads(link: str, file: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target in pages:
        return unquote(parts.fragment) in pages[target].anchors
    return target.exists()


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve()
    found = broken(site)
    print("\n".join(found) or f"{site}: every link leads somewhere")
    sys.exit(bool(found))
