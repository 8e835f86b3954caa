"""Headless Chromium as an oracle: what a page really does when it is opened from disk."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from devtools import browser


@dataclass
class Dom:
    """The page after its scripts ran: every element, and the text below each element with an id."""

    html: dict[str, str | None] = field(default_factory=dict)
    title: str = ""
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: dict[str, str] = field(default_factory=dict)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


class _Reader(HTMLParser):
    _VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.dom = Dom()
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.dom.tags.append((tag, attributes))
        if tag == "html":
            self.dom.html = attributes
        if tag not in self._VOID:
            self._open.append((tag, attributes.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title" and self._open[-2][0] == "head":
            self.dom.title += data
        for _, name in self._open:
            if name is not None:
                self.dom.text[name] = self.dom.text.get(name, "") + data


def opened(page: str, folder: Path, fragment: str = "", *, width: int = 800, height: int = 600) -> Dom:
    """Writes the page to disk, opens it from there, and returns what it became."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    reader = _Reader()
    reader.feed(browser().dom(f"{file.as_uri()}{fragment}", width, height))
    return reader.dom
