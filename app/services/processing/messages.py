"""Plan messages, and the edits and revocations of their senders."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.clock import iso_utc
from app.domain import opt_outs
from app.domain.handover import HandledBy
from app.domain.messages import PLACEHOLDER, ContactRef, Message, Revision, revised, wording
from app.domain.notifications import EditFact, Item, MessageFact, Source
from app.domain.opt_outs import ConsentSource
from app.schemas.normalized_message import normalized
from app.services.processing import consent
from app.services.processing.change_set import PendingEvent, Row
from app.services.processing.change_set_builder import ChangeSetBuilder, address
from app.services.processing.media import plan_media
from app.services.processing.work import WorkItem
from app.store.conversation_messages import counts_as_unread
from app.store.conversations import Activity

PHONE_ECHO_FIELD = "smb_message_echoes"
"""The webhook field of messages sent from the WhatsApp Business app. Other echoes may come from another program."""

_SPOKEN_TYPES = ("text", "button")
_NOT_SPOKEN = ("system", "request_welcome")


def message(builder: ChangeSetBuilder, work_item: WorkItem, fact: MessageFact) -> None:
    """Add a message and its event; or fill the placeholder that waits for this message's file."""
    item, contact = work_item.item, builder.resolver_of(work_item).resolve_or_create(fact.person, at=fact.timestamp)
    known = (
        builder.find(work_item, fact.wamid) if fact.source is Source.HISTORY or fact.direction == "outbound" else None
    )
    if known is not None and known.message_type == PLACEHOLDER and fact.message_type != PLACEHOLDER:
        _fill(builder, work_item, fact, known)
        return
    if known is not None and fact.direction == "outbound":
        return  # the echo of a send of ours or of an earlier attempt at it, or a repeated echo
    them = address(fact.person) or fact.group_id
    us = f"+{item.display_phone_number}" if item.display_phone_number else None
    inbound = fact.direction == "inbound"
    message_id = builder.id_of(work_item, "message", item.phone_number_id or "", fact.wamid)
    message = Message(
        sender=them if inbound else us,
        recipient=us if inbound else them,
        message=fact.message,
        timestamp=fact.timestamp,
        message_id=fact.wamid,
        message_type=fact.message_type,
        id=message_id,
        direction=fact.direction,
        phone_number_id=item.phone_number_id or "",
        contact=contact,
        content=plan_media(builder, work_item, fact, message_id),
        status=fact.status,
        source=fact.source,
        received_at=work_item.notification.received_at,
        context=_context(builder, work_item, fact.context),
        referral=fact.referral,
        group_id=fact.group_id,
        error=fact.error,
        flags=_flags(builder, item),
    )
    message = _with_early_revisions(builder, message)
    if builder.find(work_item, fact.wamid) is None:
        builder.index_message(fact.wamid, message)
    builder.changes.messages.append(_row(message, work_item, builder.now))
    data = normalized(message)
    handled_by = builder.handled_by(contact, message.phone_number_id)
    if inbound:
        data["last_outbound"] = _last_outbound(builder, message)
        data["handled_by"] = handled_by
    event = builder.event_row(
        work_item, "message.received" if inbound else "message.sent", data, fact.timestamp, message.id,
        contact_id=contact.id if contact else None, message_id=message.id, source=str(fact.source),
    )  # fmt: skip
    builder.changes.events.append(PendingEvent(work_item, event, message_id=message.id))
    if contact is not None:
        _record_conversation(builder, work_item, message, contact)
        if message.group_id is None:
            counts = counts_as_unread(message.direction, message.source, message.message_type)
            waits = counts and handled_by is HandledBy.HUMAN
            builder.changes.activities.append(
                Activity(message.id, contact.id, message.phone_number_id, message.timestamp, counts, waits)
            )


def _flags(builder: ChangeSetBuilder, item: Item) -> list[str]:
    is_ours = builder.directory.find(item.phone_number_id) is not None
    return ([] if is_ours else ["unknown_number"]) + (["future"] if item.told_at is not None else [])


def _with_early_revisions(builder: ChangeSetBuilder, message: Message) -> Message:
    """Return the message with the revisions applied that were received before it."""
    applied: list[Revision] = []
    early = builder.revisions_of(message.message_id or "", message.phone_number_id)
    for revision in sorted(early, key=lambda each: each.timestamp):
        row = {"wamid": revision.wamid, "number": message.phone_number_id, "message_id": message.id}
        builder.changes.attached_revisions.append(row | {"previous": wording(message)})
        message = revised(message, revision, applied)
        applied.append(revision)
    return message


def _fill(builder: ChangeSetBuilder, work_item: WorkItem, fact: MessageFact, placeholder: Message) -> None:
    """Replace a placeholder of imported history by its file; the event carries the placeholder's id."""
    message = replace(
        placeholder,
        message=fact.message,
        message_type=fact.message_type,
        content=plan_media(builder, work_item, fact, placeholder.id),
        context=placeholder.context or _context(builder, work_item, fact.context),
        referral=placeholder.referral or fact.referral,
        error=placeholder.error or fact.error,
    )
    builder.index_message(fact.wamid, message)
    names = ("id", "message_id", "message", "message_type", "content", "context", "referral", "error")
    builder.changes.placeholder_fills.append(
        {name: getattr(message, name) for name in names} | {"updated_at": builder.now}
    )
    data = normalized(message)
    if message.direction == "inbound":
        data["last_outbound"] = None
    event = builder.event_row(
        work_item, "message.received" if message.direction == "inbound" else "message.sent", data, message.timestamp,
        f"file:{message.id}", contact_id=message.contact.id if message.contact else None, message_id=message.id,
        source=str(message.source),
    )  # fmt: skip
    builder.changes.events.append(PendingEvent(work_item, event, filled_placeholder_id=message.id))


def _record_conversation(
    builder: ChangeSetBuilder, work_item: WorkItem, message: Message, contact: ContactRef
) -> None:
    """Record what a message changes about its conversation: last message, inbound time, handover, consent."""
    if message.direction == "outbound":
        builder.record_outbound(contact, message)
        is_personal = work_item.item.field == PHONE_ECHO_FIELD and message.group_id is None
        if is_personal and not builder.may_echo_own_send(contact, message):
            builder.record_agent_reply(contact, message)
        return
    # Messages in a group and messages of WhatsApp itself do not open the customer service window.
    if message.group_id is None and message.message_type not in _NOT_SPOKEN:
        builder.record_inbound(contact, message.phone_number_id, message.timestamp)
    is_spoken = message.source == Source.LIVE and message.message_type in _SPOKEN_TYPES and message.group_id is None
    if is_spoken and opt_outs.is_opt_out_word(message.message, builder.options.opt_out_words):
        consent.record_consent(
            builder, work_item, contact, True, message.timestamp, ConsentSource.WORD, message=message
        )


def _last_outbound(builder: ChangeSetBuilder, message: Message) -> Row | None:
    """Return a summary of our last message to the sender of a live message, which it often answers."""
    if message.contact is None or message.source != Source.LIVE or message.group_id is not None:
        return None
    last = builder.last_outbound(message.contact, message.phone_number_id)
    if last is None:
        return None
    return {
        "id": last.id,
        "message_id": last.message_id,
        "message_type": last.message_type,
        "message": last.message,
        "timestamp": iso_utc(last.timestamp),
        "source": last.source,
        "callback_data": last.callback_data,
        "template": _template(last),
    }


def _template(message: Message) -> str | None:
    return message.content.get("name") if message.message_type == "template" else None


def _context(builder: ChangeSetBuilder, work_item: WorkItem, context: Row | None) -> Row | None:
    """Return the context of a reply, completed with our id, `callback_data` and template of the quoted message."""
    quoted = builder.find(work_item, (context or {}).get("message_id"))
    if context is None or quoted is None:
        return context
    return context | {"id": quoted.id, "callback_data": quoted.callback_data, "template": _template(quoted)}


def edit(builder: ChangeSetBuilder, work_item: WorkItem, fact: EditFact) -> None:
    """Add a revision (an edit or a revocation), its event, and the message's new content.

    A revision whose message is not stored yet is kept, and applied when the message is received.
    """
    original = previous = builder.find(work_item, fact.original_wamid)
    contact = builder.resolver_of(work_item).resolve_or_create(fact.person, at=fact.timestamp)
    revision = Revision(fact.wamid, fact.timestamp, fact.revoked, wording(fact.message) if fact.message else None)
    number = work_item.item.phone_number_id or (original.phone_number_id if original else "")
    earlier = builder.revisions_of(fact.original_wamid, number)
    if original is not None:
        original = revised(original, revision, earlier)
        if original is not previous:
            builder.index_message(fact.original_wamid, original)
            builder.changes.revised_messages[original.id] = {
                "id": original.id, **wording(original), "flags": original.flags, "updated_at": builder.now,
            }  # fmt: skip
    if all(each.wamid != fact.wamid for each in earlier):
        builder.changes.revisions.append(_revision_row(work_item, fact, revision, number, previous, contact))
        builder.add_known_revision(fact.original_wamid, number, revision)
    data = {
        "message": normalized(original) if original else None,
        "previous": normalized(previous) if previous else None,
        "original_message_id": fact.original_wamid,
        "new": {"message": fact.message.message, "content": fact.message.content} if fact.message else None,
    }
    kind = "message.revoked" if fact.revoked else "message.edited"
    builder.add_keyed_event(
        work_item, kind, data, fact.timestamp, f"edit:{work_item.item.phone_number_id}:{fact.wamid}",
        contact_id=contact.id if contact else None, message_id=original.id if original else None,
        source=str(fact.source),
    )  # fmt: skip


def _revision_row(
    work_item: WorkItem,
    fact: EditFact,
    revision: Revision,
    number: str,
    before: Message | None,
    contact: ContactRef | None,
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
        "notification_id": work_item.notification.id,
        "received_at": work_item.notification.received_at,
    }


def _row(message: Message, work_item: WorkItem, now: datetime) -> Row:
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
        "options": {"timestamp": work_item.item.told_at.isoformat()} if work_item.item.told_at else None,
        "notification_id": work_item.notification.id,
        "received_at": message.received_at,
        "updated_at": now,
    }
