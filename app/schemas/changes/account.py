"""Fields about accounts, numbers and templates, and unknown fields: one event each, with Meta's JSON unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.notifications import Fact, Person
from app.schemas.change import Change
from app.schemas.lenient import as_object, as_text
from app.schemas.people import parse_person


def parse_account(change: Change) -> Iterator[Fact]:
    """Read a field that Meta documents: one event `account.<field>`."""
    yield change.other(f"account.{change.field}", change.value)


def parse_unknown(change: Change) -> Iterator[Fact]:
    """Read a field that Meta's documentation does not have yet: one event `unknown`."""
    yield change.other("unknown", change.value)


def parse_handover(change: Change) -> Iterator[Fact]:
    """Read that a chat was passed between Meta's agent and this app (Meta: webhooks/reference/messaging_handovers)."""
    person = _sender(change)
    timestamp = change.value.get("timestamp")
    yield change.other("account.messaging_handovers", change.value, person if person.is_known else None, timestamp)


def _sender(change: Change) -> Person:
    sender = as_object(change.value.get("sender"))
    phone = as_text(sender.get("phone_number")) or as_text(sender.get("wa_id"))
    return parse_person(phone, as_text(sender.get("user_id")))
