"""Messages of type `text`."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content
from app.schemas.lenient import Text


class WrittenText(MetaSchema):
    """Meta: webhooks/reference/messages/text."""

    body = Text()


_SCHEMA = WrittenText()


def parse_text(message_type: str, value: Any) -> Content:
    """Return the text of the message."""
    content = _SCHEMA.read(value)
    body = content["body"]
    return Content(message_type, f"[{message_type}]" if body is None else body, content)
