"""Meta's reports on messages of ours."""

from __future__ import annotations

from dataclasses import replace

from app.domain import opt_outs, tags
from app.domain.messages import Message
from app.domain.notifications import StatusFact
from app.domain.opt_outs import Wish
from app.domain.statuses import advance, movable_to
from app.schemas.normalized_message import normalized
from app.services.processing import consent
from app.services.processing.change_set import Row, Step
from app.services.processing.change_set_builder import Draft, address
from app.services.processing.work import Entry


def status(draft: Draft, entry: Entry, fact: StatusFact) -> None:
    """A report on a message of ours: kept, told of, and the message moved if that is forward."""
    tag = tags.read(fact.callback_data)
    message = draft.find(entry, tag[0] if tag else None, fact.wamid)
    if message is not None:
        message = _move(draft, message, fact, tag)
        for name in (message.id, fact.wamid):
            draft.remember(name, message)
    number = entry.item.phone_number_id or ""
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
        "notification_id": entry.reading.notification_id,
        "received_at": entry.reading.received_at,
    }
    draft.plan.reports.append(report)
    contact = (message.contact if message else None) or draft.book(entry).get(fact.person, at=fact.timestamp)
    data = {
        "message": normalized(message) if message else None,
        "status": {
            "status": fact.status,
            "timestamp": fact.timestamp.isoformat(),
            "recipient": fact.participant or address(fact.person) or fact.recipient_id,
            "error": fact.error,
            "pricing": fact.pricing,
            "message_id": fact.wamid,
        },
    }
    event = draft.event(
        entry, "message.status", data, fact.timestamp, f"{fact.wamid}:{fact.status}:{fact.participant}:{number}",
        contact_id=contact.id if contact else None, message_id=message.id if message else None,
        source=str(fact.source),
    )  # fmt: skip
    draft.plan.steps.append(Step(entry, event, report=(fact.wamid, fact.status, fact.participant, number)))
    if contact is not None and opt_outs.is_refusal(fact.error):
        consent.wish(draft, entry, contact, True, fact.timestamp, Wish.REFUSED, key=fact.wamid)


def _move(draft: Draft, message: Message, fact: StatusFact, tag: tuple[str, int] | None) -> Message:
    if fact.pricing:
        draft.plan.pricings[message.id] = {"id": message.id, "pricing": fact.pricing}
    if tag and message.message_id is None:
        draft.plan.resolved.append(
            {"message_id": message.id, "number": tag[1], "wamid": fact.wamid, "now": draft.now}
        )
    if message.message_id is None:
        draft.plan.names.setdefault(message.id, fact.wamid)
        message = replace(message, message_id=fact.wamid)
    if message.status not in movable_to(fact.status) or fact.participant:
        # What one member of a group has read says nothing of the others.
        return replace(message, pricing=fact.pricing or message.pricing)
    earlier = draft.plan.moves.get(message.id, {})
    draft.plan.moves[message.id] = {
        "id": message.id,
        "status": fact.status,
        "error": fact.error or earlier.get("error"),
        "updated_at": draft.now,
    }
    return replace(
        message,
        status=advance(message.status, fact.status),
        error=fact.error or (None if message.status == "held" else message.error),
        pricing=fact.pricing or message.pricing,
    )
