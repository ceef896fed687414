"""Reactions, and their removal."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content
from app.schemas.lenient import Text


class Reaction(MetaSchema):
    """Meta: webhooks/reference/messages/reaction. A removal has an empty emoji, or none."""

    emoji = Text()
    to = Text(data_key="message_id")


_SCHEMA = Reaction()


def parse_reaction(message_type: str, value: Any) -> Content:
    """The emoji, and the wamid of the message it sits on."""
    content = _SCHEMA.read(value)
    content["emoji"] = content["emoji"] or None
    return Content(message_type, content["emoji"] or "[reaction removed]", content)
