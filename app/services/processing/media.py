"""Plan the row of a message's file. It is written with the message, and a job that fetches the file with it."""

from __future__ import annotations

from typing import Any

from app.domain.media import KEPT_BY_META, NOT_KEPT, MediaState, hexadecimal
from app.domain.notifications import MediaRef, MessageFact, Source
from app.security.media_links import path_of
from app.services.processing.change_set import Row
from app.services.processing.change_set_builder import ChangeSetBuilder
from app.services.processing.work import WorkItem
from app.store.media import LATER, LIVE


def plan_media(builder: ChangeSetBuilder, work_item: WorkItem, fact: MessageFact, message_id: str) -> Any:
    """Add the row of a message's file, if it has one; return the message's content with the file's id and path."""
    media = fact.media
    if media is None or not (media.meta_id or media.url):
        return fact.content
    number = work_item.item.phone_number_id or ""
    media_id = builder.id_of(work_item, "media", number, fact.wamid)
    builder.changes.media.append(_row(builder, work_item, fact, media) | {"id": media_id, "message_id": message_id})
    return {**fact.content, "media_id": media_id, "url": path_of(media_id)}


def _row(builder: ChangeSetBuilder, work_item: WorkItem, fact: MessageFact, media: MediaRef) -> Row:
    received_at = work_item.notification.received_at
    return {
        "direction": fact.direction,
        "phone_number_id": work_item.item.phone_number_id or "",
        "meta_media_id": media.meta_id,
        "url": media.url,
        "declared_type": media.mime_type,
        "declared_sha256": hexadecimal(media.sha256),
        "filename": media.filename,
        "state": MediaState.PENDING if builder.options.keeps_media else MediaState.AT_META,
        "reason": None if builder.options.keeps_media else NOT_KEPT,
        "mime_type": media.mime_type,
        "created_at": received_at,
        "expires_at": received_at + KEPT_BY_META,
        "job": (LIVE if fact.source is not Source.HISTORY else LATER) if builder.options.keeps_media else None,
        "request_id": work_item.notification.claim.request_id,
    }
