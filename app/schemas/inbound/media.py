"""Messages with a file: image, video, audio, voice, document, sticker."""

from __future__ import annotations

from typing import Any

from app.domain.notifications import MediaRef
from app.schemas.base import MetaSchema
from app.schemas.inbound.content import Content
from app.schemas.lenient import Flag, Text


class File(MetaSchema):
    """Meta: webhooks/reference/messages/image, …/video and so on. Meta added `url` in 2025; it is valid for minutes."""

    id = Text()
    url = Text()
    mime_type = Text()
    sha256 = Text()
    filename = Text()
    caption = Text()
    animated = Flag()


_SCHEMA = File()


def parse_media(message_type: str, value: Any) -> Content:
    """Return the content of a file message; the text is the caption or the kind of file. Does not fetch the file.

    `media_id` and `url` are null until the message is stored, because they are ours.
    """
    content = _SCHEMA.read(value)
    filename = content["filename"]
    media = MediaRef(content.pop("id"), content.pop("url"), content["mime_type"], content["sha256"], filename)
    label = f"[{message_type}] {filename}" if filename else f"[{message_type}]"
    where = {"media_id": None, "url": None, "size": None}
    return Content(message_type, content["caption"] or label, {**content, **where}, media)
