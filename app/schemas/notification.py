"""Parser of Meta's webhook body. It returns a flat list of items.

A body contains entries (accounts), entries contain changes (fields), and changes contain messages, statuses and errors,
any number of each and of several numbers. No closed list of values is required, because Meta adds types, statuses and
fields several times a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.clean_json import decode
from app.domain.notifications import Fact, Item, Unreadable
from app.errors import Malformed
from app.schemas.change import Change
from app.schemas.changes.fields import parse_change
from app.schemas.lenient import as_list, as_object, as_text

CLOCKS_DIFFER = timedelta(minutes=1)
"""A time of Meta's that is later than its receipt by more than this counts as wrong."""


def parse_notification(raw: bytes, received_at: datetime | None = None) -> list[Item]:
    """Return every item of a body in its order, messages before statuses within a change.

    Positions run from 0 without gaps, and are the same each time the same bytes are read. An item that cannot be read
    is `Unreadable` and does not affect the others. `received_at` (default: now) replaces times that Meta left out.
    Raises `Malformed` if the body is not JSON or not a notification about WhatsApp.
    """
    body = decode(raw)
    if not _is_whatsapp(body):
        raise Malformed("The body is not a WhatsApp notification.")
    now = received_at or datetime.now(UTC)
    items: list[Item] = []
    for entry in as_list(body["entry"]):
        for change in _changes(entry, now):
            _add_items(items, change)
    return items


def _is_whatsapp(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("object"), str):
        return False
    return body["object"].startswith("whatsapp") and body.get("entry") is not None


def _changes(entry: Any, now: datetime) -> Iterator[Change]:
    """Yield the changes of an entry. A value that is no change becomes one without a field, so that it is counted."""
    account = as_object(entry)
    waba_id, time = as_text(account.get("id")), account.get("time")
    for change in as_list(account.get("changes")) or [entry]:
        if isinstance(change, dict) and change is not entry:
            yield Change(as_text(change.get("field")) or "", change.get("value"), waba_id, time, now)
        else:
            yield Change("", change, waba_id, time, now)


def _add_items(items: list[Item], change: Change) -> None:
    for fact in _facts(change):
        number, display = change.phone_number_id, change.display_phone_number
        told_at = None if isinstance(fact, Unreadable) else fact.timestamp
        if isinstance(fact, Unreadable) or told_at is None or told_at <= change.now + CLOCKS_DIFFER:
            told_at = None
        else:
            fact = replace(fact, timestamp=change.now)
        items.append(Item(len(items), change.field, fact, change.account, number, display, told_at))


def _facts(change: Change) -> Iterator[Fact]:
    try:
        yield from parse_change(change)
    except Exception as err:  # an error outside of any element; the facts before it stay
        yield Unreadable(f"Reading the change failed with {type(err).__name__}.", change.value)
