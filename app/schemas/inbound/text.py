"""Text."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.inbound.reading import Reading
from app.schemas.lenient import Text


class WrittenText(MetaSchema):
    """Meta: webhooks/reference/messages/text."""

    body = Text()


_SCHEMA = WrittenText()


def read_text(message_type: str, value: Any) -> Reading:
    """The words themselves."""
    content = _SCHEMA.read(value)
    body = content["body"]
    return Reading(message_type, f"[{message_type}]" if body is None else body, content)
