"""The files of a send: Meta's ids in the place of ours, and sends that wait until their files are at Meta.

A send that names a file which is not at Meta yet is queued without being due, together with a job of the kind
`AWAITING`. The worker uploads the file (`services.outbound_media`) and calls `make_due` or `fail`. An upload may be
repeated; the send itself is dequeued as any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.media import MediaState, StoredMedia
from app.domain.media_references import LINK_FETCHED, MediaReference, references
from app.domain.media_types import MediaType
from app.domain.outbound import OutboundRequest
from app.domain.outbound_media import Purpose, Verdict, allows
from app.errors import Invalid
from app.models import Message, QueuedSend
from app.services.sending.status_events import StatusErrors, append_status_events
from app.store import attempts, jobs, media, meta_uploads, queue
from app.store.meta_uploads import AWAITING, UploadKey

MARGIN = timedelta(days=1)
"""An id of Meta's is not used any more so long before Meta deletes its file: the send may wait in the queue."""

_LOST = (MediaState.GONE, MediaState.REFUSED, MediaState.ERASED)


@dataclass(frozen=True, slots=True)
class Missing:
    """A file that a send names and that is not at Meta yet, by our `media_id` or by a `link`, the other one is empty.
    """

    media_id: str
    purpose: Purpose
    key: UploadKey
    link: str = ""


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """What is known of a send's files: `uploads` are Meta's ids by the ids in the content. `content` has the names of
    documents, where the caller gave none."""

    content: Any
    uploads: Mapping[str, str]
    missing: tuple[Missing, ...] = ()


def plan(
    session: Session, type_: str, content: Any, number_id: str, now: datetime, *, with_links: bool = False
) -> MediaPlan:
    """Return Meta's ids of the files that a message names by our ids, and with `with_links` of those behind its links.

    Raises `Invalid` for an id of ours that is no file of this number, or one that Meta would not take.
    """
    named = [each for each in references(type_, content) if each.is_ours or (with_links and each.is_link)]
    if not named:
        return MediaPlan(content, {})
    uploads: dict[str, str] = {}
    missing: list[Missing] = []
    for reference in named:
        if reference.is_link:
            wanted = Missing("", reference.purpose, _key_of_link(reference, number_id), reference.key)
            filename = None
        else:
            found = _checked(reference, media.find(session, reference.key, (number_id,)))
            key = UploadKey(found.sha256 or found.id, number_id, reference.purpose)
            wanted, filename = Missing(found.id, reference.purpose, key), found.filename
        known = meta_uploads.find(session, wanted.key)
        if known is not None and known.meta_media_id and known.expires_at and known.expires_at > now + MARGIN:
            uploads[reference.key] = known.meta_media_id
        else:
            missing.append(wanted)
        if type_ == "document" and filename and isinstance(content, dict) and not content.get("filename"):
            content = {**content, "filename": filename}
    return MediaPlan(content, uploads, tuple(missing))


def _key_of_link(reference: MediaReference, number_id: str) -> UploadKey:
    return UploadKey(hashlib.sha256(f"link:{reference.key}".encode()).hexdigest(), number_id, reference.purpose)


def fetches_links(message: Message) -> bool:
    """Return whether the gateway fetches the links of a message, so that Meta need not."""
    return LINK_FETCHED in message.flags


def _checked(reference: MediaReference, found: StoredMedia | None) -> StoredMedia:
    if found is None:
        raise Invalid(fields={reference.path: [
            "names no file of this number; upload it by POST /api/media, or give Meta's id, or a `link`"
        ]})  # fmt: skip
    if found.state in _LOST:
        raise Invalid(fields={reference.path: [f"names a file whose content is not here any more ({found.state})"]})
    if found.mime_type and found.size is not None:
        decision = allows(reference.purpose, MediaType(found.mime_type), found.size, shrinks=True)
        if decision.verdict is Verdict.REFUSE:
            raise Invalid(fields={reference.path: [decision.reason]})
    return found


def plan_again(session: Session, message: Message, now: datetime) -> MediaPlan:
    """Return what is known of the files of a message that was written before. Raises `Invalid` as `plan` does."""
    return plan(
        session, message.message_type, message.content, message.phone_number_id, now, with_links=fetches_links(message)
    )


def claim_files(session: Session, request: OutboundRequest, number_id: str, message_id: str) -> None:
    """Let files that no message has used yet belong to this one: shown, kept and erased with it.

    For a message that is sent by itself; those of a batch share their files. A file that was uploaded through the
    Graph-compatible proxy is named by Meta's id, and there is a copy of it.
    """
    named = [each for each in references(request.type, request.content) if not each.is_link]
    for reference in named:
        if reference.is_ours:
            media.belong_to(session, reference.key, message_id)
    at_meta = [each.key for each in named if not each.is_ours]
    if at_meta:
        media.let_copies_belong_to(session, at_meta, number_id, message_id)


def share_files(session: Session, rows: Sequence[Mapping[str, Any]], queued: Sequence[Mapping[str, Any]]) -> None:
    """Keep the uploads that messages of a batch name until the last of these has expired. `rows` are the messages'
    rows, `queued` those of the queue, in the same order."""
    needed: dict[str, datetime] = {}
    for row, waiting in zip(rows, queued, strict=True):
        for reference in references(row["message_type"], row["content"]):
            if reference.is_ours:
                needed[reference.key] = max(needed.get(reference.key, waiting["expires_at"]), waiting["expires_at"])
    for media_id in sorted(needed):
        media.need_until(session, media_id, needed[media_id])


def await_uploads(session: Session, message_id: str, now: datetime) -> None:
    """Have the worker upload the files of a queued send, which is not due until then."""
    jobs.add(session, AWAITING, message_id, now)


def is_ready(session: Session, row: QueuedSend, message: Message, now: datetime) -> bool:
    """Return whether the files of a message in the queue are at Meta. If not, the worker uploads them."""
    known = plan_again(session, message, now)
    row.media = {**(row.media or {}), **known.uploads} or None
    if known.missing:
        await_uploads(session, message.id, now)
    return not known.missing


def make_due(session: Session, message: Message, uploads: Mapping[str, str], now: datetime) -> None:
    """Let a queued send go out, whose files are at Meta now. One that is held, or of a paused batch, stays where it is.
    """
    row = queue.find(session, message.id)
    if row is None:
        return
    may_go = message.status == "queued" and queue.batch_state(session, message.batch_id) != "paused"
    meta_uploads.set_uploads(session, message.id, {**(row.media or {}), **uploads}, row.wanted_at if may_go else None)


def fail(session: Session, errors: StatusErrors, now: datetime) -> None:
    """Fail queued sends whose files cannot be uploaded; the values are errors with `code`, `title` and `details`.

    The session must hold the lock of `events.take_turn`.
    """
    failed: StatusErrors = {}
    for message_id, error in errors.items():
        if attempts.set_status(session, message_id, "failed", ("queued",), updated_at=now, error=error):
            queue.remove(session, [message_id])
            failed[message_id] = error
    if failed:
        append_status_events(session, failed, now)


def forget_uploads(session: Session, uploads: Mapping[str, str] | None) -> None:
    """Forget Meta's ids of a send that Meta refused: if its file was the reason, the next send uploads it again."""
    if uploads:
        meta_uploads.forget(session, list(uploads.values()))
