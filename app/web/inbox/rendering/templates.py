"""Templates as the customer saw them: Meta's definition filled in with the parameters of the send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from app.web.inbox.rendering.cards import read_place
from app.web.inbox.rendering.files import FileUrl, read_file
from app.web.inbox.rendering.markup import rich_text
from app.web.inbox.rendering.parts import Button, Framed
from app.web.inbox.rendering.values import items, obj, safe_url, text

MOST = 10
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
_FILES = ("image", "video", "document")
_BUTTONS = {"URL": "url", "PHONE_NUMBER": "call", "COPY_CODE": "copy", "OTP": "copy", "FLOW": "flow"}


def read_template(content: Any, definition: Mapping[str, Any] | None, url_of: FileUrl) -> Framed:
    """Return a template message. Without its definition: its name, and its parameters one a line."""
    sent = list(items(content, "components"))
    name, language = text(content, "name"), text(content, "language", "code")
    if definition is None:
        return _bare(name, language, sent, url_of)
    return _filled(name, language, list(items(definition, "components")), sent, url_of)


def fill(written: str, values: Mapping[str, str]) -> str:
    """Return a template's text with its places filled in; a place without a value stays as it is written."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), written)


def values_of(component: Any) -> dict[str, str]:
    """Return the texts of a component's parameters by the name of their place, or by their position from 1."""
    found = {}
    for position, parameter in enumerate(items(component, "parameters"), 1):
        found[text(parameter, "parameter_name") or str(position)] = value_of(parameter)
    return found


def value_of(parameter: Any) -> str:
    """Return what a parameter reads as."""
    kind = text(parameter, "type").lower()
    return (
        text(parameter, kind)
        or text(parameter, kind, "fallback_value")
        or text(parameter, "text")
        or text(parameter, kind, "name")
    )


def _filled(name: str, language: str, parts: list[Any], sent: list[Any], url_of: FileUrl) -> Framed:
    header, body, footer = (_part(parts, kind) for kind in ("header", "body", "footer"))
    their_header, their_body = _part(sent, "header"), _part(sent, "body")
    file, place = _header_file(their_header, url_of)
    cards = items(_part(parts, "carousel"), "cards")
    their_cards = list(items(_part(sent, "carousel"), "cards"))
    return Framed(
        name=name,
        language=language,
        header=fill(text(header, "text"), values_of(their_header)),
        file=file,
        place=place,
        body=rich_text(fill(text(body, "text"), values_of(their_body))),
        footer=text(footer, "text"),
        buttons=tuple(_buttons(_part(parts, "buttons"), sent)),
        cards=tuple(
            _filled("", "", list(items(card, "components")), _card_components(their_cards, position), url_of)
            for position, card in enumerate(list(cards)[:MOST])
        ),
    )


def _card_components(cards: list[Any], position: int) -> list[Any]:
    return list(items(cards[position], "components")) if position < len(cards) else []


def _bare(name: str, language: str, sent: list[Any], url_of: FileUrl) -> Framed:
    header = _part(sent, "header")
    file, place = _header_file(header, url_of)
    values = [value for value in values_of(_part(sent, "body")).values() if value]
    body = Markup().join(Markup('<p dir="auto">{}</p>').format(value) for value in values)
    return Framed(name=name, language=language, header=" ".join(values_of(header).values()) if not file else "",
                  file=file, place=place, body=body)  # fmt: skip


def _header_file(header: Any, url_of: FileUrl) -> tuple[Any, Any]:
    for parameter in items(header, "parameters"):
        kind = text(parameter, "type").lower()
        if kind in _FILES:
            return read_file(kind, parameter.get(kind), url_of), None
        if kind == "location":
            return None, read_place(parameter.get(kind))
    return None, None


def _buttons(component: Any, sent: list[Any]) -> list[Button]:
    found = []
    for position, button in enumerate(list(items(component, "buttons"))[:MOST]):
        kind = _BUTTONS.get(text(button, "type").upper(), "reply")
        values = values_of(_sent_button(sent, position))
        url = safe_url(fill(text(button, "url"), values)) if kind == "url" else None
        found.append(Button(text(button, "text") or " ".join(values.values()), kind, url))
    return found


def _sent_button(sent: list[Any], position: int) -> Any:
    for component in sent:
        if text(component, "type").lower() == "button" and text(component, "index") == str(position):
            return component
    return {}


def _part(components: list[Any], kind: str) -> dict[str, Any]:
    """Return the component of a kind; Meta and callers write the kind in either case."""
    for component in components:
        if text(component, "type").lower() == kind:
            return obj(component)
    return {}
