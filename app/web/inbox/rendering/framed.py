"""Interactive messages of the business as the customer saw them: header, body, footer, and what can be pressed."""

from __future__ import annotations

from typing import Any

from app.web.inbox.rendering.files import FileUrl, read_file
from app.web.inbox.rendering.markup import rich_text
from app.web.inbox.rendering.parts import Button, Framed, Row, Section
from app.web.inbox.rendering.values import items, obj, safe_url, text

MOST = 30
_FILES = ("image", "video", "document")


def read_interactive(value: Any, url_of: FileUrl) -> Framed:
    """Return an interactive message of any kind; of an unknown kind what it shares with the known ones."""
    header, action = obj(value, "header"), obj(value, "action")
    kind = text(header, "type").lower()
    return Framed(
        header=text(header, "text"),
        file=read_file(kind, header.get(kind), url_of) if kind in _FILES else None,
        body=rich_text(text(value, "body", "text")),
        footer=text(value, "footer", "text"),
        buttons=tuple(_buttons(text(value, "type"), action))[:MOST],
        menu=text(action, "button") if "sections" in action else "",
        sections=tuple(_sections(action)),
        cards=tuple(read_interactive(card, url_of) for card in list(items(action, "cards"))[:MOST]),
    )


def _buttons(kind: str, action: dict[str, Any]) -> list[Button]:
    found = [
        Button(text(button, text(button, "type") or "reply", "title") or text(button, "title"))
        for button in items(action, "buttons")
    ]
    parameters = obj(action, "parameters")
    label = text(parameters, "display_text")
    if label:
        url = safe_url(parameters.get("url"))
        found.append(Button(label, "call" if kind == "voice_call" else "url" if url else "other", url))
    if flow := text(parameters, "flow_cta"):
        found.append(Button(flow, "flow"))
    return found


def _sections(action: dict[str, Any]) -> list[Section]:
    found = []
    for section in list(items(action, "sections"))[:MOST]:
        rows = [Row(text(row, "title"), text(row, "description")) for row in items(section, "rows")]
        rows += [Row(text(item, "product_retailer_id")) for item in items(section, "product_items")]
        found.append(Section(text(section, "title"), tuple(rows[:MOST])))
    if product := text(action, "product_retailer_id"):
        found.append(Section("", (Row(product),)))
    return found


def read_choice(value: Any) -> Row:
    """Return the answer of a customer who pressed a button or chose from a list."""
    return Row(text(value, "title"), text(value, "description"))
