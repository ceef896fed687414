"""From items to rows: everything that can be worked out without the write lock."""

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
from app.services.processing.change_set import Known, Plan, Rules
from app.services.processing.change_set_builder import Draft
from app.services.processing.work import Entry, is_vouched_for

_PLANNERS: dict[type[Fact], Callable[[Draft, Entry, Any], None]] = {
    MessageFact: messages.message,
    EditFact: messages.edit,
    StatusFact: statuses.status,
    ContactFact: account_changes.contact,
    PreferenceFact: account_changes.preference,
    ChangeFact: account_changes.change,
}


def make_plan(
    entries: list[Entry],
    known: Known,
    directory: Directory,
    now: datetime,
    rules: Rules,
    set_aside: str | None = None,
) -> Plan:
    """The plan of these entries, in their order. With `set_aside`, all of them are parked for that reason."""
    draft = Draft(known, directory, now, rules)
    for entry in entries:
        if set_aside is not None:
            draft.set_aside(entry, "parked", set_aside)
        elif isinstance(entry.item.fact, Unreadable):
            draft.set_aside(entry, "parked", entry.item.fact.reason)
        elif not is_vouched_for(entry, directory):
            draft.set_aside(entry, "quarantined", "signed by an app that this number does not belong to")
        elif isinstance(entry.item.fact, ContactFact) and _is_about_strangers(draft, entry, entry.item.fact):
            draft.set_aside(entry, "quarantined", "speaks of a person whom only another app's numbers know")
        else:
            _PLANNERS[type(entry.item.fact)](draft, entry, entry.item.fact)
    return draft.plan


def _is_about_strangers(draft: Draft, entry: Entry, fact: ContactFact) -> bool:
    return fact.previous is not None and draft.is_about_strangers(entry, fact.previous)


def people_of(entry: Entry) -> list[Person | None]:
    """The people an item speaks of."""
    fact = entry.item.fact
    if isinstance(fact, Unreadable):
        return []
    previous = fact.previous if isinstance(fact, ContactFact) else None
    return [fact.person, previous]


def revisable(entries: list[Entry]) -> set[str]:
    """The wamids of messages that may be, or have been, edited or taken back."""
    facts = [entry.item.fact for entry in entries]
    return {fact.wamid for fact in facts if isinstance(fact, MessageFact)} | {
        fact.original_wamid for fact in facts if isinstance(fact, EditFact)
    }


def names_of_messages(entries: list[Entry]) -> tuple[set[str], set[str]]:
    """The messages these items speak of: some by wamid, those that carry our tag by our id."""
    wamids, ids = set(), set()
    for entry in entries:
        fact = entry.item.fact
        if isinstance(fact, EditFact):
            wamids.add(fact.original_wamid)
        elif isinstance(fact, MessageFact):
            is_file = fact.source is Source.HISTORY and fact.message_type != PLACEHOLDER
            if is_file or fact.direction == "outbound":
                wamids.add(fact.wamid)  # it may be what a placeholder stands for, or a send of ours
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
