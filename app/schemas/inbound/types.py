"""Every message type that has words of its own. A new one is an entry here, and a case among the tests."""

from __future__ import annotations

from typing import Any

from app.schemas.inbound.contacts import read_contacts
from app.schemas.inbound.interactive import read_button, read_interactive
from app.schemas.inbound.location import read_location
from app.schemas.inbound.media import read_media
from app.schemas.inbound.orders import read_order
from app.schemas.inbound.reactions import read_reaction
from app.schemas.inbound.reading import Reader, Reading, read_as_given
from app.schemas.inbound.text import read_text

TYPES: dict[str, Reader] = {
    "text": read_text,
    "image": read_media,
    "video": read_media,
    "audio": read_media,
    "voice": read_media,
    "document": read_media,
    "sticker": read_media,
    "location": read_location,
    "contacts": read_contacts,
    "reaction": read_reaction,
    "button": read_button,
    "interactive": read_interactive,
    "order": read_order,
}
"""By Meta's `type`. Types that are not here pass as they came, under Meta's own name."""

_LISTS = frozenset({"contacts"})


def read_content(message_type: str, value: Any) -> Reading:
    """Read the object named like the type. One of a shape we cannot read passes as it came."""
    reader = TYPES.get(message_type)
    if reader is None or not (value is None or isinstance(value, dict) or message_type in _LISTS):
        return read_as_given(message_type, value)
    return reader(message_type, value)
