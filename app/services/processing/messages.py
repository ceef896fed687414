"""Messages, and what their senders change about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.domain import opt_outs
from app.domain.messages import PLACEHOLDER, ContactRef, Message, Revision, revised, wording
from app.domain.notifications import EditFact, Item, MessageFact, Source
from app.domain.opt_outs import Wish
from app.schemas.normalized_message import normalized
from app.services.processing import consent
from app.services.processing.change_set import Row, Step
from app.services.processing.change_set_builder import Draft, address
from app.services.processing.work import Entry

ON_THE_PHONE = "smb_message_echoes"
"""The field of what a person wrote on the business's phone. Other echoes may be another program's."""

_SPOKEN_TYPES = ("text", "button")
_NOT_SPOKEN = ("system", "request_welcome")


def message(draft: Draft, entry: Entry, fact: MessageFact) -> None:
    """A message: a row, and the event that tells of it. Or the file that a row has been waiting for."""
    item, contact = entry.item, draft.book(entry).get(fact.person, at=fact.timestamp)
    known = draft.find(entry, fact.wamid) if fact.source is Source.HISTORY or fact.direction == "outbound" else None
    if known is not None and known.message_type == PLACEHOLDER and fact.message_type != PLACEHOLDER:
        _fill(draft, entry, fact, known)
        return
    if known is not None and fact.direction == "outbound":
        return  # a send of ours that comes back as an echo, or one of its earlier tries; or the echo once more
    them = address(fact.person) or fact.group_id
    us = f"+{item.display_phone_number}" if item.display_phone_number else None
    inbound = fact.direction == "inbound"
    message = Message(
        sender=them if inbound else us,
        recipient=us if inbound else them,
        message=fact.message,
        timestamp=fact.timestamp,
        message_id=fact.wamid,
        message_type=fact.message_type,
        id=draft.id_of(entry, "message", item.phone_number_id or "", fact.wamid),
        direction=fact.direction,
        phone_number_id=item.phone_number_id or "",
        contact=contact,
        content=fact.content,
        status=fact.status,
        source=fact.source,
        received_at=entry.reading.received_at,
        context=_context(draft, entry, fact.context),
        referral=fact.referral,
        group_id=fact.group_id,
        error=fact.error,
        flags=_flags(draft, item),
    )
    message = _with_early_revisions(draft, message)
    if draft.find(entry, fact.wamid) is None:
        draft.remember(fact.wamid, message)
    draft.plan.messages.append(_row(message, entry, draft.now))
    data = normalized(message)
    if inbound:
        data["last_outbound"] = _last_outbound(draft, message)
        data["handled_by"] = draft.handled_by(contact, message.phone_number_id)
    event = draft.event(
        entry, "message.received" if inbound else "message.sent", data, fact.timestamp, message.id,
        contact_id=contact.id if contact else None, message_id=message.id, source=str(fact.source),
    )  # fmt: skip
    draft.plan.steps.append(Step(entry, event, message_id=message.id))
    if contact is not None:
        _note(draft, entry, message, contact)


def _flags(draft: Draft, item: Item) -> list[str]:
    is_ours = draft.directory.find(item.phone_number_id) is not None
    return ([] if is_ours else ["unknown_number"]) + (["future"] if item.told_at is not None else [])


def _with_early_revisions(draft: Draft, message: Message) -> Message:
    """The message after the edits and the revocation that came before it."""
    applied: list[Revision] = []
    early = draft.revisions_of(message.message_id or "", message.phone_number_id)
    for revision in sorted(early, key=lambda each: each.timestamp):
        row = {"wamid": revision.wamid, "number": message.phone_number_id, "message_id": message.id}
        draft.plan.adopted.append(row | {"previous": wording(message)})
        message = revised(message, revision, applied)
        applied.append(revision)
    return message


def _fill(draft: Draft, entry: Entry, fact: MessageFact, placeholder: Message) -> None:
    """The file of an old message: it takes the placeholder's place, and is told of under the same id."""
    message = replace(
        placeholder,
        message=fact.message,
        message_type=fact.message_type,
        content=fact.content,
        context=placeholder.context or _context(draft, entry, fact.context),
        referral=placeholder.referral or fact.referral,
        error=placeholder.error or fact.error,
    )
    draft.remember(fact.wamid, message)
    names = ("id", "message_id", "message", "message_type", "content", "context", "referral", "error")
    draft.plan.fills.append({name: getattr(message, name) for name in names} | {"updated_at": draft.now})
    data = normalized(message)
    if message.direction == "inbound":
        data["last_outbound"] = None
    event = draft.event(
        entry, "message.received" if message.direction == "inbound" else "message.sent", data, message.timestamp,
        f"file:{message.id}", contact_id=message.contact.id if message.contact else None, message_id=message.id,
        source=str(message.source),
    )  # fmt: skip
    draft.plan.steps.append(Step(entry, event, filled_id=message.id))


def _note(draft: Draft, entry: Entry, message: Message, contact: ContactRef) -> None:
    """Remember what a message says of its conversation."""
    if message.direction == "outbound":
        draft.note_outbound(contact, message)
        is_personal = entry.item.field == ON_THE_PHONE and message.group_id is None
        if is_personal and not draft.may_be_ours(contact, message):
            draft.note_agent(contact, message)
        return
    # What is said in a group opens no window, nor does what WhatsApp itself says.
    if message.group_id is None and message.message_type not in _NOT_SPOKEN:
        draft.note_spoken(contact, message.phone_number_id, message.timestamp)
    is_spoken = message.source == Source.LIVE and message.message_type in _SPOKEN_TYPES and message.group_id is None
    if is_spoken and opt_outs.says(message.message, draft.rules.opt_out_words):
        consent.wish(draft, entry, contact, True, message.timestamp, Wish.WORD, message=message)


def _last_outbound(draft: Draft, message: Message) -> Row | None:
    """What we last said to who says something now: which is often the question."""
    if message.contact is None or message.source != Source.LIVE or message.group_id is not None:
        return None
    last = draft.last_outbound(message.contact, message.phone_number_id)
    if last is None:
        return None
    return {
        "id": last.id,
        "message_id": last.message_id,
        "message_type": last.message_type,
        "message": last.message,
        "timestamp": last.timestamp.isoformat(),
        "source": last.source,
        "callback_data": last.callback_data,
        "template": _template(last),
    }


def _template(message: Message) -> str | None:
    return message.content.get("name") if message.message_type == "template" else None


def _context(draft: Draft, entry: Entry, context: Row | None) -> Row | None:
    """What a message answers, with what we know of that: the sender of a question wants its own reference back."""
    quoted = draft.find(entry, (context or {}).get("message_id"))
    if context is None or quoted is None:
        return context
    return context | {"id": quoted.id, "callback_data": quoted.callback_data, "template": _template(quoted)}


def edit(draft: Draft, entry: Entry, fact: EditFact) -> None:
    """The sender changed or took back a message: a revision, the message as it is from then on, and an event.

    One that comes before its message waits for it.
    """
    original = previous = draft.find(entry, fact.original_wamid)
    contact = draft.book(entry).get(fact.person, at=fact.timestamp)
    revision = Revision(fact.wamid, fact.timestamp, fact.revoked, wording(fact.message) if fact.message else None)
    number = entry.item.phone_number_id or (original.phone_number_id if original else "")
    earlier = draft.revisions_of(fact.original_wamid, number)
    if original is not None:
        original = revised(original, revision, earlier)
        if original is not previous:
            draft.remember(fact.original_wamid, original)
            draft.plan.changes[original.id] = {
                "id": original.id, **wording(original), "flags": original.flags, "updated_at": draft.now,
            }  # fmt: skip
    if all(each.wamid != fact.wamid for each in earlier):
        draft.plan.revisions.append(_revision_row(entry, fact, revision, number, previous, contact))
        draft.remember_revision(fact.original_wamid, number, revision)
    data = {
        "message": normalized(original) if original else None,
        "previous": normalized(previous) if previous else None,
        "original_message_id": fact.original_wamid,
        "new": {"message": fact.message.message, "content": fact.message.content} if fact.message else None,
    }
    kind = "message.revoked" if fact.revoked else "message.edited"
    draft.keyed(
        entry, kind, data, fact.timestamp, f"edit:{entry.item.phone_number_id}:{fact.wamid}",
        contact_id=contact.id if contact else None, message_id=original.id if original else None,
        source=str(fact.source),
    )  # fmt: skip


def _revision_row(
    entry: Entry, fact: EditFact, revision: Revision, number: str, before: Message | None, contact: ContactRef | None
) -> Row:
    return {
        "wamid": revision.wamid,
        "original_wamid": fact.original_wamid,
        "phone_number_id": number,
        "message_id": before.id if before else None,
        "contact_id": contact.id if contact else None,
        "revoked": revision.revoked,
        "timestamp": revision.timestamp,
        "said": revision.said,
        "previous": wording(before) if before else None,
        "notification_id": entry.reading.notification_id,
        "received_at": entry.reading.received_at,
    }


def _row(message: Message, entry: Entry, now: datetime) -> Row:
    return {
        "id": message.id,
        "direction": message.direction,
        "phone_number_id": message.phone_number_id,
        "wamid": message.message_id,
        "contact_id": message.contact.id if message.contact else None,
        "sender": message.sender,
        "recipient": message.recipient,
        "message_type": message.message_type,
        "message": message.message,
        "content": message.content,
        "context": message.context,
        "referral": message.referral,
        "group_id": message.group_id,
        "timestamp": message.timestamp,
        "status": message.status,
        "error": message.error,
        "pricing": None,
        "callback_data": None,
        "source": str(message.source),
        "flags": message.flags,
        "options": {"timestamp": entry.item.told_at.isoformat()} if entry.item.told_at else None,
        "notification_id": entry.reading.notification_id,
        "received_at": message.received_at,
        "updated_at": now,
    }
