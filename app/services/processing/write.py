"""Write a change set: the only part of processing that holds the write lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.handover import Handover
from app.domain.messages import PLACEHOLDER
from app.domain.notifications import Source
from app.services.contacts import IdentityResolver
from app.services.events import EventRow
from app.services.processing.change_set import ChangeSet, PendingEvent
from app.services.processing.work import Batch
from app.store import (
    attempts,
    contact_numbers,
    contacts,
    conversations,
    echoes,
    events,
    jobs,
    media,
    messages,
    notifications,
    placeholders,
    reports,
    revisions,
)
from app.store.contact_numbers import LastInbound
from app.store.reports import StatusKey


class StaleChangeSet(Exception):
    """The database changed after the change set was built: another worker stored one of its new aliases, the
    placeholder of one of its files, a revision of one of its messages, or the message of one of its revisions."""


Append = Callable[[Session, Sequence[EventRow]], None]
"""Appends rows of events in a session; see `EventLog.append`."""


def write(
    session: Session, batch: Batch, changes: ChangeSet, lease_until: datetime, append: Append
) -> list[PendingEvent]:
    """Write a batch's rows; return the events that were appended because their subject is new.

    Raises `ClaimLost` if another worker holds the batch's jobs by now, and `StaleChangeSet`; the caller must then roll
    the transaction back.
    """
    events.take_turn(session)
    if batch.unfinished:
        jobs.renew(session, [notification.claim for notification in batch.unfinished], lease_until)
    if batch.finished:
        jobs.finish(session, [notification.claim for notification in batch.finished])
    _write_people(session, changes)
    pending_events = _write_facts(session, changes)
    pending_events = _write_events(session, pending_events, append)
    if batch.restarted:
        notifications.clear_set_aside(session, batch.restarted)
    if changes.set_aside:
        notifications.set_aside(session, changes.set_aside)
    return pending_events


def _write_people(session: Session, changes: ChangeSet) -> None:
    for _, resolver in sorted(changes.resolvers.items()):
        _write_contacts(session, resolver)
    if changes.has_merged:
        for row in (*changes.messages, *changes.consents, *changes.revisions):
            row["contact_id"] = changes.current(row["contact_id"])
        for pending in changes.events:
            pending.event["contact_id"] = changes.current(pending.event["contact_id"])


def _write_contacts(session: Session, resolver: IdentityResolver) -> None:
    if resolver.new:
        contacts.add(session, resolver.new_rows())
    if resolver.new_aliases and contacts.add_aliases(session, resolver.alias_rows()) != len(resolver.new_aliases):
        raise StaleChangeSet
    for gone in sorted(resolver.merged):
        contacts.merge(session, gone, str(resolver.current(gone)))
    for alias, was, row in resolver.reassigned_rows() if resolver.reassigned else ():
        if not contacts.move_alias(session, alias, was, row):
            raise StaleChangeSet
    if resolver.changed:
        contacts.rename(session, resolver.changed_rows())
    for row in resolver.given_name_rows():
        contacts.edit(session, row.pop("id"), row)


def _write_conversations(session: Session, changes: ChangeSet, new_messages: set[str]) -> None:
    if changes.last_inbound:
        last_inbound: LastInbound = {}
        for (contact_id, number), at in changes.last_inbound.items():
            key = (str(changes.current(contact_id)), number)
            last_inbound[key] = max(at, last_inbound.get(key, at))
        contact_numbers.record_inbound(session, last_inbound)
    answered: dict[tuple[str, str], datetime] = {}
    for message_id, contact_id, number, at in changes.agent_replies:
        if message_id in new_messages:
            key = (str(changes.current(contact_id)), number)
            answered[key] = max(at, answered.get(key, at))
    if answered:
        contact_numbers.record_handovers(session, {key: Handover(at) for key, at in answered.items()})
    answers = {each.message_id for each in changes.agent_replies}
    activities = [
        each._replace(
            contact_id=str(changes.current(each.contact_id)), answers=each.message_id in answers
        )
        for each in changes.activities
        if each.message_id in new_messages
    ]
    if activities:
        conversations.record(session, activities)
    if changes.consents:
        contact_numbers.record_consents(session, changes.consents)


def _write_facts(session: Session, changes: ChangeSet) -> list[PendingEvent]:
    """Write everything but the events; return the events whose subject is new."""
    new_messages = messages.add_new(session, changes.messages) if changes.messages else set()
    filled = _fill(session, changes, new_messages)
    _write_revisions(session, changes, new_messages)
    new_reports = reports.add_new(session, changes.reports) if changes.reports else set()
    if changes.resolved_attempts:
        attempts.resolve(session, changes.resolved_attempts)
    newly_known_wamids = {row["wamid"] for row in changes.resolved_attempts}
    newly_known_wamids |= {
        row["wamid"] for row in changes.messages if row["direction"] == "outbound" and row["id"] in new_messages
    }
    waiting = newly_known_wamids | {report["wamid"] for report in changes.reports if report["message_id"] is None}
    if waiting:
        reports.attach_waiting(session, waiting, changes.now)
    _change_messages(session, changes)
    absorbed = echoes.absorb(session, newly_known_wamids, changes.now)
    if changes.wamids:
        echoes.set_wamids(session, changes.wamids)
    new_messages -= absorbed.keys()
    if changes.media:
        media.add_wanted(session, [row for row in changes.media if row["message_id"] in new_messages | filled])
    _write_conversations(session, changes, new_messages)
    for pending in changes.events:
        message_id = pending.event["message_id"]
        if message_id is not None and message_id in absorbed:
            pending.event["message_id"] = absorbed[message_id]
    return _with_new_subject(changes, new_messages, filled, new_reports)


def _write_revisions(session: Session, changes: ChangeSet, new_messages: set[str]) -> None:
    """Write revisions, and attach those that waited for a message of this batch.

    Raises `StaleChangeSet` if another worker stored a revision of these messages, or the message of these revisions,
    after the change set was built.
    """
    new = {row["wamid"] for row in changes.messages if row["id"] in new_messages}
    if {row.wamid for row in revisions.of_wamids(session, new)} - changes.known_revisions:
        raise StaleChangeSet
    if not changes.revisions and not changes.attached_revisions:
        return
    waiting = [row for row in changes.revisions if row["message_id"] is None and row["original_wamid"] not in new]
    if revisions.any_original_stored(session, waiting):
        raise StaleChangeSet
    if changes.revisions:
        revisions.add(session, changes.revisions)
    attached_revisions = [row for row in changes.attached_revisions if row["message_id"] in new_messages]
    if attached_revisions:
        revisions.attach(session, attached_revisions)


def _change_messages(session: Session, changes: ChangeSet) -> None:
    if changes.status_moves:
        messages.advance_status(session, list(changes.status_moves.values()))
    if changes.pricings:
        messages.set_pricing(session, list(changes.pricings.values()))
    if changes.revised_messages:
        messages.revise(session, list(changes.revised_messages.values()))


def _with_new_subject(
    changes: ChangeSet, new_messages: set[str], filled: set[str], new_reports: set[StatusKey]
) -> list[PendingEvent]:
    """Return the events whose message, file or report is new; events with a key of their own are checked later."""
    taken: list[PendingEvent] = []
    for pending in changes.events:
        if pending.message_id is not None:
            is_new = pending.message_id in new_messages
        elif pending.filled_placeholder_id is not None:
            is_new = pending.filled_placeholder_id in filled
            filled.discard(pending.filled_placeholder_id)
        elif pending.report is not None:
            is_new = pending.report in new_reports
            new_reports.discard(pending.report)
        else:
            is_new = True
        if is_new:
            taken.append(pending)
    return taken


def _fill(session: Session, changes: ChangeSet, new_messages: set[str]) -> set[str]:
    """Replace placeholders by their files; return the ids of the messages that still were placeholders."""
    filled = placeholders.fill(session, changes.placeholder_fills) if changes.placeholder_fills else set()
    passed_over = {
        row["wamid"]
        for row in changes.messages
        if row["source"] == Source.HISTORY and row["message_type"] != PLACEHOLDER and row["id"] not in new_messages
    }
    passed_over |= {row["message_id"] for row in changes.placeholder_fills if row["id"] not in filled}
    if passed_over and placeholders.any_left(session, passed_over):
        raise StaleChangeSet
    return filled


def _write_events(session: Session, pending_events: list[PendingEvent], append: Append) -> list[PendingEvent]:
    if not pending_events:
        return []
    pending_events = _with_new_keys(session, pending_events)
    counts = Counter(pending.event["contact_id"] for pending in pending_events if pending.event["contact_id"])
    places = contacts.next_sequences(session, counts) if counts else {}
    for pending in pending_events:
        contact_id = pending.event["contact_id"]
        if contact_id in places:
            pending.event["contact_sequence"] = places[contact_id]
            places[contact_id] += 1
    if pending_events:
        append(session, [pending.event for pending in pending_events])
    return pending_events


def _with_new_keys(session: Session, pending_events: list[PendingEvent]) -> list[PendingEvent]:
    """Leave out events whose key is stored already or occurs twice in the batch. No other session appends meanwhile,
    because this one holds the lock of `events.take_turn`."""
    known = events.known_keys(session, [pending.event["key"] for pending in pending_events if pending.event["key"]])
    new = []
    for pending in pending_events:
        key = pending.event["key"]
        if key is None:
            new.append(pending)
        elif key not in known:
            new.append(pending)
            known.add(key)
    return new
