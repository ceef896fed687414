"""Meta's ids of contents that were uploaded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models import Job, MetaUpload, QueuedSend

AWAITING = "send_media"
"""Kind of the jobs of queued sends whose files are not at Meta yet; their subject is our id of the message."""


class UploadKey(NamedTuple):
    """What one upload serves: a content (SHA-256 in hexadecimal), for a business number and a purpose."""

    sha256: str
    phone_number_id: str
    purpose: str


class DueSend(NamedTuple):
    """A job of a send that waits for its files; `message_id` is ours."""

    id: int
    message_id: str
    created_at: datetime


def due_sends(session: Session, now: datetime, limit: int) -> list[DueSend]:
    """Return the first due jobs of sends that wait for their files, without claiming them."""
    query = select(Job.id, Job.subject_id, Job.created_at).where(Job.kind == AWAITING, Job.due_at <= now)
    return [DueSend(*row) for row in session.execute(query.order_by(Job.due_at, Job.id).limit(limit))]


def find(session: Session, key: UploadKey) -> MetaUpload | None:
    """Return the row of an upload; None if there was none."""
    return session.get(MetaUpload, tuple(key))


def save(session: Session, key: UploadKey, meta_media_id: str, expires_at: datetime) -> None:
    """Record a successful upload."""
    row = session.get(MetaUpload, tuple(key)) or MetaUpload(**key._asdict())
    row.meta_media_id, row.expires_at = meta_media_id, expires_at
    row.tries, row.due_at, row.error, row.failed_at = 0, None, None, None
    session.add(row)


def postpone(session: Session, key: UploadKey, due_at: datetime) -> int:
    """Record an upload that failed for the moment; return how many did so one after the other."""
    row = session.get(MetaUpload, tuple(key)) or MetaUpload(**key._asdict(), tries=0)
    row.tries, row.due_at = (row.tries or 0) + 1, due_at
    session.add(row)
    return row.tries


def fail(session: Session, key: UploadKey, error: dict[str, object], now: datetime) -> None:
    """Record an upload that failed for good. A send that is queued later tries again."""
    row = session.get(MetaUpload, tuple(key)) or MetaUpload(**key._asdict())
    row.error, row.failed_at, row.tries, row.due_at, row.meta_media_id = error, now, 0, None, None
    session.add(row)


def forget(session: Session, meta_media_ids: Collection[str]) -> None:
    """Forget ids that Meta does not know any more, or whose file it could not use: the next send uploads again."""
    session.execute(delete(MetaUpload).where(MetaUpload.meta_media_id.in_(meta_media_ids)))


def purge(session: Session, now: datetime) -> None:
    """Delete rows that are of no use any more."""
    old = now - timedelta(days=1)
    session.execute(delete(MetaUpload).where(MetaUpload.expires_at < now))
    session.execute(delete(MetaUpload).where(MetaUpload.meta_media_id.is_(None), MetaUpload.failed_at < old))


def set_uploads(session: Session, message_id: str, uploads: dict[str, str], due_at: datetime | None) -> None:
    """Give a queued send Meta's ids of its files, by the keys in its content; without `due_at` it is due as before."""
    values = {"media": uploads or None} | ({"due_at": due_at} if due_at is not None else {})
    session.execute(update(QueuedSend).where(QueuedSend.message_id == message_id).values(values))


def wake(session: Session, message_ids: Collection[str], now: datetime) -> None:
    """Make the jobs of these sends due, unless a worker holds them."""
    statement = update(Job).where(Job.kind == AWAITING, Job.subject_id.in_(message_ids), Job.claim_id.is_(None))
    session.execute(statement.values(due_at=now).execution_options(synchronize_session=False))
