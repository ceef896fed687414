"""Reads HTML as a browser would, and tells what in it could run, style, or load what is not ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

ALLOWED = frozenset(
    "a audio b blockquote br button code dd del details div dl dt em footer form h2 h3 header img input label li ol"
    " option p pre section select small span strong summary svg symbol path g circle rect table tbody td textarea th"
    " time tr ul use video".split()
)
LOADING = frozenset({"src", "href", "action", "formaction", "poster", "data", "srcset", "xlink:href", "background"})
SCHEMES = frozenset({"", "http", "https", "mailto", "tel"})
LOADED_BY_ITSELF = frozenset({"src", "poster", "data", "srcset", "background"})


@dataclass
class Page(HTMLParser):
    """A parsed piece of HTML: its text, and what is wrong with it."""

    wrong: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    hrefs: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @property
    def text(self) -> str:
        """All text, as a person could select it."""
        return " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ALLOWED:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data}]>")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in ("style", "srcdoc"):
            self.wrong.append(f"{tag} {name}={value}")
        if name not in LOADING:
            return
        if name == "href" and tag == "a":
            self.hrefs.append(value)
        # What browsers do to an address before they read its scheme.
        cleaned = "".join(each for each in value if each > " ")
        parts = urlsplit(cleaned)
        if parts.scheme.lower() not in SCHEMES:
            self.wrong.append(f"{tag} {name}={value}")
        if name in LOADED_BY_ITSELF and (parts.scheme or parts.netloc or cleaned.startswith(("//", "/\\", "\\"))):
            self.wrong.append(f"{tag} {name}={value} loads by itself")


def parsed(html: str) -> Page:
    """Return the parsed HTML."""
    page = Page()
    page.feed(html)
    page.close()
    return page
