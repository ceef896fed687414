"""Check a request to send, write its message, and insert it into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.media_references import LINK_FETCHED, references
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest, Priority, summary
from app.domain.phone_numbers import NotInAnyPlan
from app.errors import GatewayError, Invalid, WrongState
from app.ids import new_id
from app.logs import request_id_var
from app.models import Message
from app.services.contacts import MARGIN, WINDOW, check_opt_out, check_window, warnings_for
from app.services.idempotency import Retry, claim_keys, find_keys
from app.services.sending import message_media, recipients
from app.services.sending.conversation import check_not_crossed, sender_of
from app.store import contact_numbers, messages, queue
from app.store.contact_numbers import RecipientState

_DAY = timedelta(hours=24)
LIFETIME = {Priority.REPLY: timedelta(hours=1), Priority.NORMAL: _DAY, Priority.BULK: _DAY}
"""After how long a queued send expires, unless the request says so. A late reply is worse than none."""

SEND_AT_TOLERANCE = timedelta(seconds=5)
"""A `send_at` that passed on the way here is no mistake of the caller's."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message that was written, with what its call to Graph needs. `awaits_media`: its files are not at Meta yet."""

    message_id: str
    request: OutboundRequest
    reply_wamid: str | None
    known: RecipientState | None
    awaits_media: bool = False

    @property
    def recipient(self) -> str:
        """The recipient as the limiters identify it: the number, the user id or the group id."""
        return self.request.to or self.request.recipient or self.request.group_id or ""


def record(
    session: Session, message_id: str, number: BusinessNumber, request: OutboundRequest, now: datetime, *, status: str
) -> Recorded:
    """Write the message.

    Raises `Invalid`, `WindowClosed`, `OptedOut` and `AnsweredMeanwhile`; then the caller must roll back.
    """
    known = recipients.find_or_create_recipient(session, request, number, now)
    if request.seen is not None and known is not None:
        check_not_crossed(session, (known.contact_id, number.phone_number_id), request)
    recorded, row = _prepare(session, message_id, number, request, known, now, status)
    messages.add(session, [row])
    message_media.claim_files(session, recorded.request, number.phone_number_id, message_id)
    return recorded


@dataclass(frozen=True, slots=True)
class Queued:
    """A queued message of a batch. With `is_replayed`: the present state of the message that has the same key."""

    id: str
    status: str = "queued"
    warnings: Sequence[str] = ()
    is_replayed: bool = False
    batch_id: str | None = None


Item = tuple[OutboundRequest, Retry | None]
"""A message to queue, and its idempotency key if it has one."""


def record_queued(
    session: Session,
    number: BusinessNumber,
    items: Sequence[Item],
    now: datetime,
    batch_id: str,
    *,
    is_open: bool = True,
) -> list[Queued | GatewayError]:
    """Write many messages and queue them; return the result of each in the same order.

    With `is_open` false the batch was cancelled, and new messages are refused. Raises `recipients.ContactAppeared` and
    `idempotency.KeyTaken`: then the caller must roll back and call again.
    """
    earlier = find_keys(session, [retry for _, retry in items])
    new = [request for (request, _), known in zip(items, earlier, strict=True) if known is None]
    recipients_ = iter(recipients.find_or_create_recipients(session, new, number, now))
    answers: list[Queued | GatewayError] = []
    rows, waiting, claims, awaiting = [], [], [], list[str]()
    for (request, retry), known in zip(items, earlier, strict=True):
        if known is not None:
            answers.append(known if isinstance(known, GatewayError) else _as_it_stands(session, known, request))
            continue
        recipient = next(recipients_)
        try:
            if not is_open:
                raise WrongState("The batch was cancelled.")
            recorded, row = _prepare(session, new_id(), number, request, recipient, now, "queued", batch_id)
            waiting.append(
                _queue_row(recorded, recipient, number.phone_number_id, recorded.request, now, 1, batch_id)
            )
            awaiting += [recorded.message_id] if recorded.awaits_media else []
        except GatewayError as error:
            answers.append(error)
            continue
        rows.append(row)
        answers.append(Queued(recorded.message_id, warnings=recorded.request.warnings))
        claims += [(retry, recorded.message_id)] if retry is not None else []
    if rows:
        messages.add(session, rows)
        queue.add(session, waiting)
        message_media.share_files(session, rows, waiting)
        for message_id in awaiting:
            message_media.await_uploads(session, message_id, now)
        claim_keys(session, claims, now)
    return answers


def _as_it_stands(session: Session, message: Message, request: OutboundRequest) -> Queued:
    known = contact_numbers.recipient_state(session, message.contact_id, message.phone_number_id)
    warnings = [*request.warnings, *warnings_for(request, known)]
    return Queued(message.id, message.status, warnings, True, message.batch_id)


def _prepare(
    session: Session,
    message_id: str,
    number: BusinessNumber,
    request: OutboundRequest,
    known: RecipientState | None,
    now: datetime,
    status: str,
    batch_id: str | None = None,
) -> tuple[Recorded, dict[str, Any]]:
    if request.only_if_known and known is None:
        raise Invalid(fields={"to": [str(NotInAnyPlan(request.to or ""))]})
    quoted = _quoted(session, request.reply_to, number)
    check_window(request, known, now)
    check_opt_out(request, known)
    with_links = number.fetches_links and any(each.is_link for each in references(request.type, request.content))
    files = message_media.plan(
        session, request.type, request.content, number.phone_number_id, now, with_links=with_links
    )
    warnings = [*request.warnings, *warnings_for(request, known)]
    request = replace(request, warnings=warnings, content=files.content, uploads=files.uploads)
    us = f"+{number.display_phone_number}" if number.display_phone_number else None
    if us is None and known is not None and not known.is_new:
        us = messages.our_address(session, number.phone_number_id, known.contact_id)
    recorded = Recorded(message_id, request, quoted["message_id"] if quoted else None, known, bool(files.missing))
    row = {
        "id": message_id,
        "direction": "outbound",
        "phone_number_id": number.phone_number_id,
        "contact_id": known.contact_id if known else None,
        "sender": us,
        "recipient": recorded.recipient,
        "message_type": request.type,
        "message": summary(request.type, request.content),
        "content": request.content,
        "context": quoted,
        "group_id": request.group_id,
        "timestamp": now,
        "status": status,
        "callback_data": request.callback_data,
        "mode": str(request.mode),
        "options": request.options or None,
        "batch_id": batch_id,
        "sent_by": sender_of(request),
        "source": "live",
        "flags": [LINK_FETCHED] if with_links else [],
        "received_at": now,
        "updated_at": now,
    }
    return recorded, row


def enqueue(
    session: Session,
    message: Message | Recorded,
    number_id: str,
    request: OutboundRequest,
    now: datetime,
    *,
    attempt: int = 1,
    batch_id: str | None = None,
) -> None:
    """Insert a written message into the queue; it is due once its files are at Meta.

    Raises `Invalid` if it would expire before `send_at`, or names a file that is not there.
    """
    known = (
        message.known if isinstance(message, Recorded)
        else contact_numbers.recipient_state(session, message.contact_id, number_id)
    )  # fmt: skip
    if isinstance(message, Message):
        files = message_media.plan_again(session, message, now)
        request = replace(request, uploads=files.uploads)
        awaits_media = bool(files.missing)
    else:
        awaits_media = message.awaits_media
    row = _queue_row(message, known, number_id, request, now, attempt, batch_id)
    if awaits_media:
        row["due_at"] = queue.NEVER
    queue.add(session, [row])
    if awaits_media:
        message_media.await_uploads(session, row["message_id"], now)


def _queue_row(
    message: Message | Recorded,
    known: RecipientState | None,
    number_id: str,
    request: OutboundRequest,
    now: datetime,
    attempt: int,
    batch_id: str | None,
) -> dict[str, Any]:
    wanted_at = max(request.send_at or now, now)
    if request.send_at is not None and request.send_at < now - SEND_AT_TOLERANCE:
        request.warnings.append("send_at: is in the past; it is sent as soon as its turn comes")
    closes_at = _closes_at(request, known)
    if request.send_at is not None and closes_at is not None and closes_at <= wanted_at:
        raise Invalid(fields={"send_at": [
            f"is after the customer's window closes, at {closes_at.isoformat(timespec='seconds')}; send earlier, or a"
            " template, or `force`"
        ]})  # fmt: skip
    latest = wanted_at + LIFETIME[request.priority]
    expires_at = request.expires_at or min(latest, closes_at or latest)
    if expires_at <= wanted_at:
        raise Invalid(fields={"expires_at": ["must be in the future, and after `send_at`"]})
    return {
        "message_id": message.message_id if isinstance(message, Recorded) else message.id,
        "phone_number_id": number_id,
        "recipient": str(message.recipient),
        "rank": request.priority.rank,
        "attempt": attempt,
        "refusals": 0,
        "wanted_at": wanted_at,
        "due_at": queue.NEVER if isinstance(message, Recorded) and message.awaits_media else wanted_at,
        "expires_at": expires_at,
        "batch_id": batch_id,
        "request_id": request_id_var.get() or None,
        "media": dict(request.uploads) or None,
    }


def _closes_at(request: OutboundRequest, known: RecipientState | None) -> datetime | None:
    """Return when the customer's window closes for this message; None if it is not known, or not needed."""
    if request.type == "template" or request.force or known is None or known.last_inbound_at is None:
        return None
    return known.last_inbound_at + WINDOW + MARGIN


def to_request(message: Any) -> OutboundRequest:
    """Build the request of a stored outbound message, to send it again."""
    recipient = message.recipient or ""
    address: dict[str, Any] = (
        {"group_id": message.group_id} if message.group_id
        else {"to": recipient} if recipient.startswith("+")
        else {"recipient": recipient}
    )  # fmt: skip
    return OutboundRequest(
        type=message.message_type,
        content=message.content,
        **address,
        phone_number_id=message.phone_number_id,
        mode=Mode.QUEUED,
        callback_data=message.callback_data,
        options=message.options or {},
    )


def _quoted(session: Session, reply_to: str | None, number: BusinessNumber) -> dict[str, Any] | None:
    if reply_to is None:
        return None
    row = messages.find(session, reply_to, (number.phone_number_id,))
    if row is None:
        if reply_to.startswith("wamid."):
            return {"id": None, "message_id": reply_to}
        raise Invalid(fields={"reply_to": ["names no message we have; use its id or its wamid"]})
    if row.wamid is None:
        raise Invalid(fields={"reply_to": ["names a message that Meta has not taken yet"]})
    return {"id": row.id, "message_id": row.wamid}
