"""System messages: WhatsApp reports that the ids of a person changed."""

from __future__ import annotations

from typing import Any

from app.domain.notifications import ContactFact, Json, MessageFact, Person
from app.schemas.base import MetaSchema
from app.schemas.inbound.envelope import Arrival
from app.schemas.lenient import Text
from app.schemas.people import parse_person

REASONS = {
    "user_changed_number": "changed_number",
    "customer_changed_number": "changed_number",
    "user_changed_user_id": "changed_user_id",
    "customer_identity_changed": "identity_changed",
    "user_identity_changed": "identity_changed",
}
"""Reasons by `system.type`, including the types of older API versions."""


class System(MetaSchema):
    """Meta: webhooks/reference/messages/system. `customer` and `new_wa_id` come from API versions before 2023."""

    type = Text()
    wa_id = Text()
    new_wa_id = Text()
    customer = Text()
    user_id = Text()
    parent_user_id = Text()
    previous_user_id = Text()
    previous_parent_user_id = Text()


_SYSTEM = System()


def parse_system(arrival: Arrival) -> ContactFact | MessageFact:
    """Return a person's old and new ids. An unknown type gives this only if it has new ids, else a usual message."""
    system = _SYSTEM.read(arrival.value)
    kind = system["type"] or ""
    reason = REASONS.get(kind)
    before, now = _before(arrival.person, system), _after(arrival.person, system)
    if reason is None and (now == arrival.person or not kind):
        return arrival.message()
    return ContactFact(
        person=now,
        reason=reason or kind,
        timestamp=arrival.timestamp,
        previous=before if now != before and reason != "identity_changed" else None,
        value={name: arrival.header[name] for name in ("system", "identity") if name in arrival.header},
        key=arrival.wamid,
    )


def _before(sender: Person, system: Json) -> Person:
    """Return the sender with the old ids, because the message's own `from…` may have the new user id already."""
    moved = bool(system["wa_id"] or system["new_wa_id"])
    return parse_person(
        _first(system["customer"], sender.wa_id) if moved or not system["previous_user_id"] else None,
        _first(system["previous_user_id"], sender.user_id),
        _first(system["previous_parent_user_id"], sender.parent_user_id if not system["previous_user_id"] else None),
    )


def _after(sender: Person, system: Json) -> Person:
    return parse_person(
        _first(system["wa_id"], system["new_wa_id"], sender.wa_id),
        _first(system["user_id"], sender.user_id),
        _first(system["parent_user_id"], sender.parent_user_id),
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value), None)
