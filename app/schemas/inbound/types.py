"""The parsers of message types, by Meta's `type`. A new type needs an entry here and a test case."""

from __future__ import annotations

from typing import Any

from app.schemas.inbound.contacts import parse_contacts
from app.schemas.inbound.content import Content, ContentParser, keep_as_given
from app.schemas.inbound.interactive import parse_button, parse_interactive
from app.schemas.inbound.location import parse_location
from app.schemas.inbound.media import parse_media
from app.schemas.inbound.orders import parse_order
from app.schemas.inbound.reactions import parse_reaction
from app.schemas.inbound.text import parse_text

TYPES: dict[str, ContentParser] = {
    "text": parse_text,
    "image": parse_media,
    "video": parse_media,
    "audio": parse_media,
    "voice": parse_media,
    "document": parse_media,
    "sticker": parse_media,
    "location": parse_location,
    "contacts": parse_contacts,
    "reaction": parse_reaction,
    "button": parse_button,
    "interactive": parse_interactive,
    "order": parse_order,
}
"""Parsers by Meta's `type`. Types without a parser keep Meta's name and JSON."""

_LISTS = frozenset({"contacts"})


def parse_content(message_type: str, value: Any) -> Content:
    """Parse the value under the key named like the type. A value of unexpected shape is kept as Meta wrote it."""
    reader = TYPES.get(message_type)
    if reader is None or not (value is None or isinstance(value, dict) or message_type in _LISTS):
        return keep_as_given(message_type, value)
    return reader(message_type, value)
