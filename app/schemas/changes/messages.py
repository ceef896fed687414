"""The field `messages`: messages of customers, and status reports on our messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.notifications import Fact, Source
from app.schemas.change import Change, each
from app.schemas.changes.calls import parse_call
from app.schemas.changes.errors import parse_errors
from app.schemas.inbound.envelope import Surroundings
from app.schemas.inbound.messages import parse_message
from app.schemas.lenient import as_list, as_text
from app.schemas.people import Contacts
from app.schemas.statuses import parse_status

KNOWN_NAMES = frozenset({"messaging_product", "metadata", "contacts", "messages", "statuses", "errors"})
"""Keys of the field's value in Meta's reference. A list under any other key is unknown to this code."""
_NAMES = ("from", "from_user_id", "recipient_id", "recipient_user_id", "recipient_participant_id")


def parse_messages(change: Change, source: Source = Source.LIVE) -> Iterator[Fact]:
    """Read messages, then statuses, then errors without a message, then unknown lists."""
    messages, statuses = as_list(change.value.get("messages")), as_list(change.value.get("statuses"))
    contacts = Contacts(change.value.get("contacts"), one_person=_is_one_person(messages + statuses))
    around = Surroundings(contacts, change.now, source)
    yield from each(messages, lambda message: parse_message(message, around))
    yield from each(statuses, lambda status: _parse_report(status, change, around))
    yield from parse_errors(change)
    yield from _parse_new_lists(change)


def _parse_report(status: Any, change: Change, around: Surroundings) -> Fact:
    if isinstance(status, dict) and status.get("type") == "call":
        return parse_call(status, "statuses", change, around.contacts)
    return parse_status(status, around.contacts, around.now, around.source)


def _parse_new_lists(change: Change) -> Iterator[Fact]:
    """Read lists that Meta's reference does not have: one unknown fact each, with Meta's JSON unchanged."""
    for name, elements in change.value.items():
        if name not in KNOWN_NAMES and elements and isinstance(elements, list):
            yield change.other("unknown", {name: elements})


def _is_one_person(elements: list[Any]) -> bool:
    if len(elements) < 2:
        return True
    names = {
        tuple(as_text(element.get(name)) for name in _NAMES) for element in elements if isinstance(element, dict)
    }
    return len(names) == 1
