"""The size of a file in the content of its message."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import Media, Message
from app.models.base import table

_MEDIA, _MESSAGES = table(Media), table(Message)


def set_size(session: Session, media_id: str, size: int) -> None:
    """Write a stored file's size in bytes into the content of the message that shows it; Meta does not say it.

    Locks the message until the end of the transaction. A message that shows no file of this id any more is left.
    """
    query = select(_MESSAGES.c.id, _MESSAGES.c.content).join(_MEDIA, _MEDIA.c.message_id == _MESSAGES.c.id)
    row = session.execute(query.where(_MEDIA.c.id == media_id).with_for_update(of=_MESSAGES)).first()
    if row is None or not isinstance(row.content, dict) or row.content.get("media_id") != media_id:
        return
    content = {**row.content, "size": size}
    session.execute(update(_MESSAGES).where(_MESSAGES.c.id == row.id).values(content=content))
