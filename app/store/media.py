"""Files of messages, the contents that they share, and the jobs that fetch and delete them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from app.domain.media import KEPT_BY_META, MediaState, StoredMedia
from app.domain.media_types import MediaType
from app.models import Job, Media, MediaFile, Message
from app.models.base import table
from app.store.dialect import built_once, with_lists

LIVE, LATER = "media", "media_later"
"""Kinds of the jobs that fetch files. What is part of an imported history waits in a queue of its own."""

DISCARD = "discard"
"""Kind of the jobs that delete a content from the vault; their subject is its key."""

_MEDIA, _FILES, _JOBS = table(Media), table(MediaFile), table(Job)
_ADD, _ADD_JOBS = insert(_MEDIA), insert(_JOBS)


def add_wanted(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert files that are to be fetched, each with a job of the kind `job` (None: without). Two statements for any
    number of rows; `request_id` is that of the webhook, for log lines."""
    if not rows:
        return
    session.execute(_ADD, [{name: value for name, value in row.items() if name not in _OF_JOB} for row in rows])
    wanted = [
        {
            "kind": row["job"], "subject_id": row["id"], "due_at": row["created_at"], "attempts": 0,
            "request_id": row["request_id"], "created_at": row["created_at"],
        }
        for row in rows if row["job"]
    ]  # fmt: skip
    if wanted:
        session.execute(_ADD_JOBS, wanted)


_OF_JOB = ("job", "request_id")
_SHOWN = select(_MEDIA, _FILES.c.key, _FILES.c.codecs, _FILES.c.thumbnail_key).outerjoin(
    _FILES, _FILES.c.sha256 == _MEDIA.c.sha256
)


def find(session: Session, media_id: str, numbers: Collection[str] | None = None) -> StoredMedia | None:
    """Return a file by our id, else by Meta's, or None; with `numbers`, only one of these business numbers."""
    row = session.execute(_SHOWN.where(_MEDIA.c.id == media_id)).first()
    if row is None and media_id.isascii() and media_id.isdigit():
        query = _SHOWN.where(_MEDIA.c.meta_media_id == media_id).order_by(_MEDIA.c.id.desc()).limit(20)
        found = session.execute(query).all()
        row = next((each for each in found if numbers is None or each.phone_number_id in numbers), None)
    return to_domain(row) if row is not None and (numbers is None or row.phone_number_id in numbers) else None


_OF_MESSAGES = with_lists(lambda among: _SHOWN.where(among(_MEDIA.c.message_id, "ids")).order_by(_MEDIA.c.id))


def of_messages(session: Session, message_ids: Collection[str]) -> list[StoredMedia]:
    """Return the files of these messages."""
    found = session.execute(_OF_MESSAGES(session), {"ids": list(message_ids)}) if message_ids else ()
    return [to_domain(row) for row in found]


def ids_of_messages(session: Session, message_ids: Collection[str]) -> list[str]:
    """Return the ids of the files of these messages that are not erased yet."""
    query = select(_MEDIA.c.id).where(_MEDIA.c.message_id.in_(message_ids), _MEDIA.c.state != MediaState.ERASED)
    return list(session.scalars(query))


def page(
    session: Session, numbers: Collection[str] | None, equal: dict[str, str], before: str | None, limit: int
) -> list[StoredMedia]:
    """Return files, newest first, from the one after `before` on; `equal` holds columns with the value to have."""
    query = _SHOWN.where(*(_MEDIA.c[name] == value for name, value in equal.items()))
    if numbers is not None:
        query = query.where(_MEDIA.c.phone_number_id.in_(numbers))
    if before is not None:
        query = query.where(_MEDIA.c.id < before)
    return [to_domain(row) for row in session.execute(query.order_by(_MEDIA.c.id.desc()).limit(limit))]


def to_domain(row: Any) -> StoredMedia:
    """Return a file as the services know it, from a row of `media` joined with `media_files`."""
    full = str(MediaType(row.mime_type, row.codecs)) if row.mime_type and row.key else row.mime_type
    return StoredMedia(
        id=row.id, direction=row.direction, phone_number_id=row.phone_number_id, message_id=row.message_id,
        meta_media_id=row.meta_media_id, state=MediaState(row.state), reason=row.reason, mime_type=row.mime_type,
        filename=row.filename, size=row.size, sha256=row.sha256, created_at=row.created_at, stored_at=row.stored_at,
        expires_at=row.expires_at, key=row.key, full_type=full, thumbnail_key=row.thumbnail_key,
    )  # fmt: skip


_NEW_FILE = built_once(lambda insert: insert(_FILES).on_conflict_do_nothing().returning(_FILES.c.key))
_ONE_MORE = update(_FILES).values(users=_FILES.c.users + 1).returning(_FILES.c.key)


def share(session: Session, sha256: str, key: str, size: int, kind: MediaType, now: datetime) -> str:
    """Count one more user of a content, and return the key under which it is stored.

    That is `key`, unless the same content was stored before: then the caller must `discard` its own.
    """
    row = {
        "sha256": sha256, "key": key, "size": size, "mime_type": kind.mime_type, "codecs": kind.codecs,
        "is_animated": kind.is_animated, "users": 1, "thumbnail_key": None, "created_at": now,
        "thumbnail": "wanted" if kind.family in ("image", "video") else None,
    }  # fmt: skip
    while True:  # on PostgreSQL another transaction may delete the row between the two statements
        if session.execute(_NEW_FILE(session), row).first() is not None:
            return key
        kept: str | None = session.execute(_ONE_MORE.where(_FILES.c.sha256 == sha256)).scalar()
        if kept is not None:
            return kept


def change(session: Session, media_id: str, values: dict[str, Any]) -> None:
    """Set columns of a file's row."""
    session.execute(update(_MEDIA).where(_MEDIA.c.id == media_id).values(values))


# Not `IS NULL`, for which SQLite would read the index of `message_id`: every file that no message names.
_IS_FREE = _MEDIA.c.direction == "outbound", func.coalesce(_MEDIA.c.message_id, "") == ""


def belong_to(session: Session, media_id: str, message_id: str) -> None:
    """Let an uploaded file belong to a message, unless it belongs to one already."""
    session.execute(update(_MEDIA).where(_MEDIA.c.id == media_id, *_IS_FREE).values(message_id=message_id))


def let_copies_belong_to(session: Session, meta_ids: Collection[str], number_id: str, message_id: str) -> None:
    """Let the copies of files that were uploaded to Meta past us belong to a message of this number."""
    is_copy = _MEDIA.c.meta_media_id.in_(meta_ids), _MEDIA.c.phone_number_id == number_id
    session.execute(update(_MEDIA).where(*is_copy, *_IS_FREE).values(message_id=message_id))


def need_until(session: Session, media_id: str, moment: datetime) -> None:
    """Note that a send that shares an upload with others may need it until then."""
    is_earlier = or_(_MEDIA.c.needed_until.is_(None), _MEDIA.c.needed_until < moment)
    session.execute(update(_MEDIA).where(_MEDIA.c.id == media_id, is_earlier).values(needed_until=moment))


def without_message(session: Session, media_ids: Collection[str], since: datetime) -> list[str]:
    """Return those of these uploads that no message names and no batch needed since then, and lock them until the end
    of the transaction."""
    is_idle = or_(_MEDIA.c.needed_until.is_(None), _MEDIA.c.needed_until <= since)
    query = select(_MEDIA.c.id).where(_MEDIA.c.id.in_(media_ids), *_IS_FREE, is_idle).order_by(_MEDIA.c.id)
    return list(session.scalars(query.with_for_update()))


_COUNT_DOWN = update(_FILES).values(users=_FILES.c.users - 1)


def release(
    session: Session, media_ids: Collection[str], now: datetime, state: MediaState | None = MediaState.ERASED,
    reason: str | None = None,
) -> None:  # fmt: skip
    """Let files lose their content, name and ids at Meta, and keep their rows in `state`; None deletes the rows.

    A content that no other file uses is deleted from the vault by a job, soon after the commit. Fetches that were to
    come are given up. For at most some hundreds of ids, because the transaction holds the write lock.
    """
    ids = list(media_ids)
    rows = session.execute(select(_MEDIA.c.sha256).where(_MEDIA.c.id.in_(ids), _MEDIA.c.sha256.is_not(None))).all()
    for (sha256,) in sorted(rows):
        session.execute(_COUNT_DOWN.where(_FILES.c.sha256 == sha256))
    unused = _FILES.c.sha256.in_(sorted({row.sha256 for row in rows})), _FILES.c.users <= 0
    gone = session.execute(select(_FILES.c.key, _FILES.c.thumbnail_key).where(*unused)).all()
    session.execute(delete(_FILES).where(*unused))
    discard(session, [key for row in gone for key in row if key is not None], now)
    session.execute(delete(_JOBS).where(_JOBS.c.kind.in_((LIVE, LATER)), _JOBS.c.subject_id.in_(ids)))
    if state is None:
        session.execute(delete(_MEDIA).where(_MEDIA.c.id.in_(ids)))
        return
    blank = {
        "sha256": None, "url": None, "filename": None, "meta_media_id": None, "declared_sha256": None,
        "state": state, "reason": reason,
    }  # fmt: skip
    session.execute(update(_MEDIA).where(_MEDIA.c.id.in_(ids)).values(blank))


def discard(session: Session, keys: Collection[str], now: datetime) -> None:
    """Have these contents deleted from the vault after the commit."""
    rows = [
        {"kind": DISCARD, "subject_id": key, "due_at": now, "attempts": 0, "request_id": None, "created_at": now}
        for key in keys
    ]
    if rows:
        session.execute(_ADD_JOBS, rows)


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A received file that is to be fetched, with what is known of it."""

    id: str
    phone_number_id: str
    meta_media_id: str | None
    url: str | None
    declared_type: str | None
    declared_sha256: str | None
    filename: str | None
    message_type: str | None
    created_at: datetime
    expires_at: datetime


_DUE = (
    select(_JOBS.c.id, func.coalesce(_MEDIA.c.phone_number_id, ""))
    .outerjoin(_MEDIA, _MEDIA.c.id == _JOBS.c.subject_id)
    .where(_JOBS.c.kind == bindparam("of_kind"), _JOBS.c.due_at <= bindparam("now", type_=_JOBS.c.due_at.type))
    .order_by(_JOBS.c.due_at, _JOBS.c.id)
    .limit(bindparam("limit", type_=Integer))
)


def due(session: Session, kind: str, now: datetime, limit: int) -> list[tuple[int, str]]:
    """Return the jobs of the oldest due fetches, each with the business number of its file."""
    found = session.execute(_DUE, {"of_kind": kind, "now": now, "limit": limit})
    return [(int(job_id), str(number)) for job_id, number in found]


_MESSAGES = table(Message)
_WANTED = with_lists(
    lambda among: select(_MEDIA, _MESSAGES.c.message_type)
    .outerjoin(_MESSAGES, _MESSAGES.c.id == _MEDIA.c.message_id)
    .where(among(_MEDIA.c.id, "ids"), _MEDIA.c.state == literal_column("'pending'"))
)


def wanted(session: Session, media_ids: Collection[str]) -> dict[str, WantedFile]:
    """Return those of these files that still are to be fetched, by id."""
    return {
        row.id: WantedFile(
            row.id, row.phone_number_id, row.meta_media_id, row.url, row.declared_type, row.declared_sha256,
            row.filename, row.message_type, row.created_at, row.expires_at or row.created_at + KEPT_BY_META,
        )
        for row in session.execute(_WANTED(session), {"ids": list(media_ids)})
    }  # fmt: skip


def count_since(session: Session, states: Collection[str], since: datetime) -> dict[str, int]:
    """Return how many files that came since a time are in each of these states."""
    query = select(_MEDIA.c.state, func.count()).where(_MEDIA.c.state.in_(states), _MEDIA.c.created_at >= since)
    return {state: int(count) for state, count in session.execute(query.group_by(_MEDIA.c.state))}


def count_waiting(session: Session, before: datetime) -> int:
    """Return how many files that came before a time are still to be fetched."""
    query = select(func.count()).where(_MEDIA.c.state == "pending", _MEDIA.c.created_at < before)
    return int(session.scalar(query) or 0)


def wanted_thumbnail(session: Session) -> tuple[str, str, str, int] | None:
    """Return SHA-256, key, type and size of the oldest picture or film that has no small one yet, or None."""
    columns = (_FILES.c.sha256, _FILES.c.key, _FILES.c.mime_type, _FILES.c.size)
    query = select(*columns).where(_FILES.c.thumbnail == "wanted").order_by(_FILES.c.created_at).limit(1)
    row = session.execute(query).first()
    return None if row is None else (str(row.sha256), str(row.key), str(row.mime_type), int(row.size))


def set_thumbnail(session: Session, sha256: str, key: str | None, *, is_missing: bool = False) -> bool:
    """Record the key of a small picture, or None that there can be none, as long as the vault does not have the content
    (`is_missing`) or ever; return False if the content is gone."""
    state = "made" if key is not None else "missing" if is_missing else "failed"
    values = {"thumbnail": state, "thumbnail_key": key}
    statement = update(_FILES).where(_FILES.c.sha256 == sha256, _FILES.c.thumbnail == "wanted").values(values)
    return session.execute(statement.returning(_FILES.c.sha256)).first() is not None
