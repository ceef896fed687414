"""Image, video, audio, voice, document, sticker."""

from __future__ import annotations

from typing import Any

from app.domain.notifications import MediaRef
from app.schemas.base import MetaSchema
from app.schemas.inbound.reading import Reading
from app.schemas.lenient import Flag, Text


class File(MetaSchema):
    """Meta: webhooks/reference/messages/image and its sisters. `url` came in 2025 and is good for minutes only."""

    id = Text()
    url = Text()
    mime_type = Text()
    sha256 = Text()
    filename = Text()
    caption = Text()
    animated = Flag()


_SCHEMA = File()


def read_media(message_type: str, value: Any) -> Reading:
    """The caption, or what kind of file it is; the file itself is still at Meta."""
    content = _SCHEMA.read(value)
    filename = content["filename"]
    media = MediaRef(content.pop("id"), content.pop("url"), content["mime_type"], content["sha256"], filename)
    label = f"[{message_type}] {filename}" if filename else f"[{message_type}]"
    return Reading(message_type, content["caption"] or label, {**content, "media_id": None, "size": None}, media)
