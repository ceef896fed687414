"""Build the change set of a batch: everything that can be computed before the write lock is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.domain import tags
from app.domain.messages import PLACEHOLDER
from app.domain.notifications import (
    ChangeFact,
    ContactFact,
    EditFact,
    Fact,
    MessageFact,
    Person,
    PreferenceFact,
    Source,
    StatusFact,
    Unreadable,
)
from app.domain.numbers import Directory
from app.services.processing import account_changes, messages, statuses
from app.services.processing.change_set import ChangeSet, ProcessingOptions, StoredState
from app.services.processing.change_set_builder import ChangeSetBuilder
from app.services.processing.work import WorkItem, is_authorised

_PLANNERS: dict[type[Fact], Callable[[ChangeSetBuilder, WorkItem, Any], None]] = {
    MessageFact: messages.message,
    EditFact: messages.edit,
    StatusFact: statuses.status,
    ContactFact: account_changes.contact,
    PreferenceFact: account_changes.preference,
    ChangeFact: account_changes.change,
}


def build_change_set(
    work_items: list[WorkItem],
    known: StoredState,
    directory: Directory,
    now: datetime,
    options: ProcessingOptions,
    set_aside: str | None = None,
) -> ChangeSet:
    """Return the change set of these items, applied in order. With `set_aside`, all are parked for that reason."""
    builder = ChangeSetBuilder(known, directory, now, options)
    for work_item in work_items:
        if set_aside is not None:
            builder.set_aside(work_item, "parked", set_aside)
        elif isinstance(work_item.item.fact, Unreadable):
            builder.set_aside(work_item, "parked", work_item.item.fact.reason)
        elif not is_authorised(work_item, directory):
            builder.set_aside(work_item, "quarantined", "signed by an app that this number does not belong to")
        elif isinstance(work_item.item.fact, ContactFact) and _is_known_only_elsewhere(
            builder, work_item, work_item.item.fact
        ):
            builder.set_aside(work_item, "quarantined", "speaks of a person whom only another app's numbers know")
        else:
            _PLANNERS[type(work_item.item.fact)](builder, work_item, work_item.item.fact)
    return builder.changes


def _is_known_only_elsewhere(builder: ChangeSetBuilder, work_item: WorkItem, fact: ContactFact) -> bool:
    return fact.previous is not None and builder.is_known_only_to_other_apps(work_item, fact.previous)


def people_in(work_item: WorkItem) -> list[Person | None]:
    """Return the persons that an item names; None for one that it leaves out."""
    fact = work_item.item.fact
    if isinstance(fact, Unreadable):
        return []
    previous = fact.previous if isinstance(fact, ContactFact) else None
    return [fact.person, previous]


def revisable(work_items: list[WorkItem]) -> set[str]:
    """Return the wamids of the messages in the batch, and of those that its edits and revocations are about."""
    facts = [work_item.item.fact for work_item in work_items]
    return {fact.wamid for fact in facts if isinstance(fact, MessageFact)} | {
        fact.original_wamid for fact in facts if isinstance(fact, EditFact)
    }


def referenced_messages(work_items: list[WorkItem]) -> tuple[set[str], set[str]]:
    """Return the messages that the items refer to: wamids, and our ids where a status carries our tag."""
    wamids, ids = set(), set()
    for work_item in work_items:
        fact = work_item.item.fact
        if isinstance(fact, EditFact):
            wamids.add(fact.original_wamid)
        elif isinstance(fact, MessageFact):
            is_file = fact.source is Source.HISTORY and fact.message_type != PLACEHOLDER
            if is_file or fact.direction == "outbound":
                wamids.add(fact.wamid)  # it may replace a placeholder, or echo a send of ours
            quoted = (fact.context or {}).get("message_id")
            if quoted:
                wamids.add(quoted)
        elif isinstance(fact, StatusFact):
            tag = tags.read(fact.callback_data)
            if tag:
                ids.add(tag[0])
            else:
                wamids.add(fact.wamid)
    return wamids, ids
