"""Writing a plan: the only part of processing that holds the write lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain.handover import Handover
from app.domain.messages import PLACEHOLDER
from app.domain.notifications import Source
from app.services.contacts.identity import ContactBook
from app.services.processing.change_set import Plan, Step
from app.services.processing.work import Chunk
from app.store import (
    attempts,
    contact_numbers,
    contacts,
    echoes,
    events,
    jobs,
    messages,
    notifications,
    placeholders,
    reports,
    revisions,
)
from app.store.contact_numbers import Spoken
from app.store.reports import StatusKey


class PlanTooOld(Exception):
    """Somebody else met one of the chunk's new people, or stored the placeholder of one of its files, an edit of one of
    its messages or the message of one of its edits, meanwhile."""


Append = Callable[[Session, Sequence[dict[str, Any]]], None]
"""How events are written; see `EventLog`."""


def write(session: Session, chunk: Chunk, plan: Plan, lease_until: datetime, append: Append) -> list[Step]:
    """Write a chunk's rows; return the steps whose events were new.

    Raises `ClaimLost` when another worker has meanwhile taken the work over, and `PlanTooOld`; the transaction must
    then be rolled back.
    """
    events.take_turn(session)
    if chunk.unfinished:
        jobs.renew(session, [reading.claim for reading in chunk.unfinished], lease_until)
    if chunk.finished:
        jobs.finish(session, [reading.claim for reading in chunk.finished])
    _write_people(session, plan)
    steps = _write_facts(session, plan)
    steps = _write_events(session, steps, append)
    if chunk.begun_again:
        notifications.forget_set_aside(session, chunk.begun_again)
    if plan.aside:
        notifications.set_aside(session, plan.aside)
    return steps


def _write_people(session: Session, plan: Plan) -> None:
    for _, book in sorted(plan.books.items()):
        _write_book(session, book)
    if plan.has_merged:
        for row in (*plan.messages, *plan.wishes, *plan.revisions, *(step.event for step in plan.steps)):
            row["contact_id"] = plan.current(row["contact_id"])


def _write_book(session: Session, book: ContactBook) -> None:
    if book.new:
        contacts.add(session, book.new_rows())
    if book.new_aliases and contacts.add_aliases(session, book.alias_rows()) != len(book.new_aliases):
        raise PlanTooOld
    for gone in sorted(book.merged):
        contacts.merge(session, gone, str(book.current(gone)))
    for alias, was, row in book.moved_rows() if book.moved else ():
        if not contacts.move_alias(session, alias, was, row):
            raise PlanTooOld
    if book.changed:
        contacts.rename(session, book.changed_rows())
    for row in book.named_rows():
        contacts.edit(session, row.pop("id"), row)


def _write_conversations(session: Session, plan: Plan, new_messages: set[str]) -> None:
    if plan.spoken:
        spoken: Spoken = {}
        for (contact_id, number), at in plan.spoken.items():
            key = (str(plan.current(contact_id)), number)
            spoken[key] = max(at, spoken.get(key, at))
        contact_numbers.note_spoken(session, spoken)
    answered: dict[tuple[str, str], datetime] = {}
    for message_id, contact_id, number, at in plan.agents:
        if message_id in new_messages:
            key = (str(plan.current(contact_id)), number)
            answered[key] = max(at, answered.get(key, at))
    if answered:
        contact_numbers.note_handovers(session, {key: Handover(at) for key, at in answered.items()})
    if plan.wishes:
        contact_numbers.note_wishes(session, plan.wishes)


def _write_facts(session: Session, plan: Plan) -> list[Step]:
    """Write everything but the events; return the steps whose events are to be written."""
    new_messages = messages.add_new(session, plan.messages) if plan.messages else set()
    filled = _fill(session, plan, new_messages)
    _write_revisions(session, plan, new_messages)
    new_reports = reports.add_new(session, plan.reports) if plan.reports else set()
    if plan.resolved:
        attempts.resolve(session, plan.resolved)
    known_since = {row["wamid"] for row in plan.resolved}
    known_since |= {
        row["wamid"] for row in plan.messages if row["direction"] == "outbound" and row["id"] in new_messages
    }
    waiting = known_since | {report["wamid"] for report in plan.reports if report["message_id"] is None}
    if waiting:
        reports.adopt_all(session, waiting, plan.now)
    _change_messages(session, plan)
    absorbed = echoes.absorb(session, known_since, plan.now)
    if plan.names:
        echoes.name(session, plan.names)
    new_messages -= absorbed.keys()
    _write_conversations(session, plan, new_messages)
    for step in plan.steps:
        step.event["message_id"] = absorbed.get(step.event["message_id"], step.event["message_id"])
    return _new_steps(plan, new_messages, filled, new_reports)


def _write_revisions(session: Session, plan: Plan, new_messages: set[str]) -> None:
    """Write edits and revocations, and give those that waited their message.

    Raises `PlanTooOld` when one of a message here, or the message of one here, was stored since the plan was made.
    """
    new = {row["wamid"] for row in plan.messages if row["id"] in new_messages}
    if {row.wamid for row in revisions.of_wamids(session, new)} - plan.known_revisions:
        raise PlanTooOld
    if not plan.revisions and not plan.adopted:
        return
    waiting = [row for row in plan.revisions if row["message_id"] is None and row["original_wamid"] not in new]
    if revisions.have_their_message(session, waiting):
        raise PlanTooOld
    if plan.revisions:
        revisions.add(session, plan.revisions)
    adopted = [row for row in plan.adopted if row["message_id"] in new_messages]
    if adopted:
        revisions.adopt(session, adopted)


def _change_messages(session: Session, plan: Plan) -> None:
    if plan.moves:
        messages.move(session, list(plan.moves.values()))
    if plan.pricings:
        messages.set_pricing(session, list(plan.pricings.values()))
    if plan.changes:
        messages.revise(session, list(plan.changes.values()))


def _new_steps(plan: Plan, new_messages: set[str], filled: set[str], new_reports: set[StatusKey]) -> list[Step]:
    """The steps that rest on something new."""
    taken: list[Step] = []
    for step in plan.steps:
        if step.message_id is not None:
            is_new = step.message_id in new_messages
        elif step.filled_id is not None:
            is_new = step.filled_id in filled
            filled.discard(step.filled_id)
        elif step.report is not None:
            is_new = step.report in new_reports
            new_reports.discard(step.report)
        else:
            is_new = True
        if is_new:
            taken.append(step)
    return taken


def _fill(session: Session, plan: Plan, new_messages: set[str]) -> set[str]:
    """Let files take the place of their placeholders; return the ids of those that did."""
    filled = placeholders.fill(session, plan.fills) if plan.fills else set()
    passed_over = {
        row["wamid"]
        for row in plan.messages
        if row["source"] == Source.HISTORY and row["message_type"] != PLACEHOLDER and row["id"] not in new_messages
    }
    passed_over |= {row["message_id"] for row in plan.fills if row["id"] not in filled}
    if passed_over and placeholders.any_left(session, passed_over):
        raise PlanTooOld
    return filled


def _write_events(session: Session, steps: list[Step], append: Append) -> list[Step]:
    if not steps:
        return []
    steps = _with_new_keys(session, steps)
    counts = Counter(step.event["contact_id"] for step in steps if step.event["contact_id"])
    places = contacts.next_sequences(session, counts) if counts else {}
    for step in steps:
        contact_id = step.event["contact_id"]
        if contact_id in places:
            step.event["contact_sequence"] = places[contact_id]
            places[contact_id] += 1
    if steps:
        append(session, [step.event for step in steps])
    return steps


def _with_new_keys(session: Session, steps: list[Step]) -> list[Step]:
    """Leave out events that are there already, or twice in this chunk. We have the turn: nobody adds any meanwhile."""
    known = events.known_keys(session, [step.event["key"] for step in steps if step.event["key"]])
    new = []
    for step in steps:
        key = step.event["key"]
        if key is None or key not in known:
            new.append(step)
            known.add(key)
    return new
