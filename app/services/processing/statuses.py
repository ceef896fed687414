"""Plan Meta's status reports on messages that we sent."""

from __future__ import annotations

from dataclasses import replace

from app.clock import iso_utc
from app.domain import opt_outs, tags
from app.domain.messages import Message
from app.domain.notifications import StatusFact
from app.domain.opt_outs import ConsentSource
from app.domain.statuses import advance, movable_to
from app.schemas.normalized_message import normalized
from app.services.processing import consent
from app.services.processing.change_set import PendingEvent, Row
from app.services.processing.change_set_builder import ChangeSetBuilder, address
from app.services.processing.work import WorkItem


def status(builder: ChangeSetBuilder, work_item: WorkItem, fact: StatusFact) -> None:
    """Add a status report and its `message.status` event, and advance the message if the status is a later one."""
    tag = tags.read(fact.callback_data)
    message = builder.find(work_item, tag[0] if tag else None, fact.wamid)
    if message is not None:
        message = _move(builder, message, fact, tag)
        for name in (message.id, fact.wamid):
            builder.index_message(name, message)
    number = work_item.item.phone_number_id or ""
    report: Row = {
        "wamid": fact.wamid,
        "status": fact.status,
        "participant": fact.participant,
        "phone_number_id": number,
        "message_id": message.id if message else None,
        "timestamp": fact.timestamp,
        "error": fact.error,
        "pricing": fact.pricing,
        "callback_data": fact.callback_data,
        "notification_id": work_item.notification.id,
        "received_at": work_item.notification.received_at,
    }
    builder.changes.reports.append(report)
    contact = (message.contact if message else None) or builder.resolver_of(work_item).resolve_or_create(
        fact.person, at=fact.timestamp
    )
    data = {
        "message": normalized(message) if message else None,
        "status": {
            "status": fact.status,
            "timestamp": iso_utc(fact.timestamp),
            "recipient": fact.participant or address(fact.person) or fact.recipient_id,
            "error": fact.error,
            "pricing": fact.pricing,
            "message_id": fact.wamid,
        },
    }
    event = builder.event_row(
        work_item, "message.status", data, fact.timestamp, f"{fact.wamid}:{fact.status}:{fact.participant}:{number}",
        contact_id=contact.id if contact else None, message_id=message.id if message else None,
        source=str(fact.source),
    )  # fmt: skip
    builder.changes.events.append(
        PendingEvent(work_item, event, report=(fact.wamid, fact.status, fact.participant, number))
    )
    if contact is not None and opt_outs.is_refusal(fact.error):
        consent.record_consent(
            builder, work_item, contact, True, fact.timestamp, ConsentSource.REFUSED, key=fact.wamid
        )


def _move(builder: ChangeSetBuilder, message: Message, fact: StatusFact, tag: tuple[str, int] | None) -> Message:
    if fact.pricing:
        builder.changes.pricings[message.id] = {"id": message.id, "pricing": fact.pricing}
    if tag and message.message_id is None:
        builder.changes.resolved_attempts.append(
            {"message_id": message.id, "number": tag[1], "wamid": fact.wamid, "now": builder.now}
        )
    if message.message_id is None:
        builder.changes.wamids.setdefault(message.id, fact.wamid)
        message = replace(message, message_id=fact.wamid)
    if message.status not in movable_to(fact.status) or fact.participant:
        # A report on one participant of a group does not describe the message as a whole.
        return replace(message, pricing=fact.pricing or message.pricing)
    earlier = builder.changes.status_moves.get(message.id, {})
    builder.changes.status_moves[message.id] = {
        "id": message.id,
        "status": fact.status,
        "error": fact.error or earlier.get("error"),
        "updated_at": builder.now,
    }
    return replace(
        message,
        status=advance(message.status, fact.status),
        error=fact.error or (None if message.status == "held" else message.error),
        pricing=fact.pricing or message.pricing,
    )
