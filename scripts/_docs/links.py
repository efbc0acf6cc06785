"""Checks that every link inside a folder of HTML pages leads to a page and an anchor that exist."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from typing_extensions import override


class _Parser(HTMLParser):
    """The anchors and links of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors, self.links = set[str](), list[str]()
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken_links(folder: Path) -> tuple[int, list[str]]:
    """How many internal links the pages of a folder have, and those that lead nowhere, as `page: link`."""
    pages = {path.resolve(): _Parser(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    checked, broken = 0, list[str]()
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            checked += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            known = pages[target].anchors if target in pages else set[str]()
            if not target.is_file() or (anchor and anchor not in known):
                broken.append(f"{path.relative_to(folder.resolve())}: {link}")
    return checked, broken
