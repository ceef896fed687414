"""Messages of type `location`."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content
from app.schemas.lenient import Number, Text


class Place(MetaSchema):
    """Meta: webhooks/reference/messages/location."""

    latitude = Number()
    longitude = Number()
    name = Text()
    address = Text()
    url = Text()


_SCHEMA = Place()


def parse_location(message_type: str, value: Any) -> Content:
    """Return the location; the text is name and address if the sender chose a place, else the coordinates."""
    content = _SCHEMA.read(value)
    words = [content["name"], content["address"]]
    if not any(words) and content["latitude"] is not None and content["longitude"] is not None:
        words = [str(content["latitude"]), str(content["longitude"])]
    label = ", ".join(word for word in words if word)
    return Content(message_type, f"[{message_type}] {label}".rstrip(), content)
