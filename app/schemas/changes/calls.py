"""The field `calls`: one event for each call and each status of a call, with Meta's JSON of that element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.domain.notifications import ChangeFact, Fact, Json, Person
from app.schemas.base import MetaSchema
from app.schemas.change import CannotRead, Change, each
from app.schemas.changes.errors import parse_errors
from app.schemas.lenient import Text, as_list
from app.schemas.people import Contacts, parse_person


class Call(MetaSchema):
    """An element of `calls[]`, or of `statuses[]` in the same value (Meta: calling)."""

    id = Text()
    event = Text()
    status = Text()
    direction = Text()
    from_ = Text(data_key="from")
    from_user_id = Text()
    to = Text()
    to_user_id = Text()
    recipient_id = Text()
    recipient_user_id = Text()


_CALL = Call()


def parse_calls(change: Change) -> Iterator[Fact]:
    """Read the calls, then the statuses of calls, then the errors."""
    calls, reports = as_list(change.value.get("calls")), as_list(change.value.get("statuses"))
    contacts = Contacts(change.value.get("contacts"), one_person=len(calls) + len(reports) == 1)
    yield from each(calls, lambda call: parse_call(call, "calls", change, contacts))
    yield from each(reports, lambda report: parse_call(report, "statuses", change, contacts))
    yield from parse_errors(change)


def parse_call(value: Any, array: str, change: Change, contacts: Contacts) -> ChangeFact:
    """Read one element of `array`. Its key consists of the call's id and event, so that a repeat is recognised."""
    if not isinstance(value, dict):
        raise CannotRead("The call is not an object.")
    call = _CALL.read(value)
    fact = change.other("call", change.cut(array, value), timestamp=value.get("timestamp"))
    happened = call["event"] or call["status"]
    key = f"{call['id']}:{happened}" if call["id"] and happened else change.key(value)
    person = contacts.complete(_customer(call))
    # Only an incoming call is an act of the customer; our own calls, their ringing and the end of a call are not.
    is_theirs = array == "calls" and call["event"] == "connect" and call["direction"] != "BUSINESS_INITIATED"
    return replace(fact, key=key, person=person if person.is_known else None, opens_window=is_theirs)


def _customer(call: Json) -> Person:
    if call["recipient_id"] or call["recipient_user_id"]:
        return parse_person(call["recipient_id"], call["recipient_user_id"])
    if call["direction"] == "BUSINESS_INITIATED":
        return parse_person(call["to"], call["to_user_id"])
    return parse_person(call["from_"], call["from_user_id"])
