"""Counts of priced messages by number, UTC day and Meta's pricing category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.models import Message, PricedMessages
from app.models.base import table
from app.store.dialect import adding_up, with_lists
from app.store.many_rows import InsertMany

LONGEST = 64


_MESSAGES = table(Message)
_UNPRICED = with_lists(
    lambda among: select(_MESSAGES.c.id, _MESSAGES.c.phone_number_id, _MESSAGES.c.timestamp)
    .where(among(_MESSAGES.c.id, "ids"), _MESSAGES.c.pricing.is_(None))
    .with_for_update()
)
_KEY = ("phone_number_id", "day", "category", "type", "billable")


_add_up = InsertMany(PricedMessages, *_KEY, "messages", or_else=adding_up(_KEY, ("messages",)))


def count_new(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Count those of these messages that have no stored pricing yet, by the first `pricing` in `changes` of each `id`.

    Must run before `messages.set_pricing`, in the same transaction: then each message counts once, however many of its
    reports have a price. The day is that of the message's timestamp, so the order of the reports does not matter.
    """
    first: dict[str, dict[str, Any]] = {}
    for change in changes:
        first.setdefault(change["id"], change["pricing"])
    counts: Counter[tuple[Any, ...]] = Counter()
    for message_id, number, timestamp in session.execute(_UNPRICED(session), {"ids": list(first)}):
        counts[number, timestamp.astimezone(UTC).date().isoformat(), *_kind(first[message_id])] += 1
    if counts:
        _add_up(session.connection(), [(*key, count) for key, count in sorted(counts.items())])


def by_category(
    session: Session, first_day: str, last_day: str, numbers: tuple[str, ...] | None
) -> Sequence[PricedMessages]:
    """Return the counts from `first_day` to `last_day` (ISO dates, both included), of `numbers` or, if None, of all."""
    query = select(PricedMessages).where(PricedMessages.day >= first_day, PricedMessages.day <= last_day)
    keys = (PricedMessages.day, PricedMessages.phone_number_id, PricedMessages.category, PricedMessages.type)
    return session.scalars(_of(query, numbers).order_by(*keys, PricedMessages.billable)).all()


def totals(session: Session) -> list[tuple[str, str, str, bool, int]]:
    """Return number, category, type, whether they are billable, and how many messages there ever were of each."""
    kinds = (PricedMessages.phone_number_id, PricedMessages.category, PricedMessages.type, PricedMessages.billable)
    query = select(*kinds, func.sum(PricedMessages.messages)).group_by(*kinds).order_by(*kinds)
    found = session.execute(query)
    return [(number, category, kind, bool(billable), int(count)) for number, category, kind, billable, count in found]


def _of(query: Select[PricedMessages], numbers: tuple[str, ...] | None) -> Select[PricedMessages]:
    return query if numbers is None else query.where(PricedMessages.phone_number_id.in_(numbers))


def _kind(pricing: dict[str, Any]) -> tuple[str, str, int]:
    category, kind = _word(pricing.get("category")), _word(pricing.get("type"))
    # Meta says that it will remove `billable` one day; the type gives the same information.
    billable = pricing.get("billable")
    return category, kind, int(billable if isinstance(billable, bool) else kind in ("regular", "unknown"))


def _word(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) and value else "unknown"
