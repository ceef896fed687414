"""Messages of type `reaction`: an emoji on a message, or its removal."""

from __future__ import annotations

from typing import Any

from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content
from app.schemas.lenient import Text


class Reaction(MetaSchema):
    """Meta: webhooks/reference/messages/reaction. A removal has an empty or no `emoji`."""

    emoji = Text()
    to = Text(data_key="message_id")


_SCHEMA = Reaction()


def parse_reaction(message_type: str, value: Any) -> Content:
    """Return the emoji and the wamid of the message that has the reaction."""
    content = _SCHEMA.read(value)
    content["emoji"] = content["emoji"] or None
    return Content(message_type, content["emoji"] or "[reaction removed]", content)
