"""Audit: compare the items that were acknowledged to Meta with what is stored of them.

For each number and day, items acknowledged = processed + duplicate + parked + quarantined + still pending. The sums
come from the tallies that processing stores with each notification; the checks compare them with the stored rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.clock import utc_now
from app.db.database import Database
from app.domain.endpoints import State
from app.domain.notifications import Item, MessageFact, StatusFact
from app.errors import Malformed
from app.schemas.notification import parse_notification
from app.services.events import is_for
from app.services.operations.standstill import find_standstill
from app.services.registries import to_endpoint
from app.store import audit, endpoints

OUTCOMES = ("processed", "duplicate", "parked", "quarantined")
ASIDE = ("parked", "quarantined")


@dataclass(slots=True)
class Balance:
    """The tallies by day and number ("" for items of no number), and a sentence for each difference found."""

    notifications: dict[str, int] = field(default_factory=dict)
    items: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    sends: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    deliveries: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every acknowledged item is accounted for, once."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON data, for `--json` and the API."""
        return {
            "balanced": self.is_clean,
            "notifications": self.notifications,
            "items": [
                {"day": day, "phone_number_id": number or None, **{name: page[name] for name in OUTCOMES}}
                for (day, number), page in sorted(self.items.items())
            ],
            "sends": [
                {"day": day, "phone_number_id": number, **page} for (day, number), page in sorted(self.sends.items())
            ],
            "deliveries": [
                {"day": day, "endpoint_id": endpoint_id, "owed": sum(page.values())}
                | {state.value: page[state] for state in State}
                for (day, endpoint_id), page in sorted(self.deliveries.items())
            ],
            "problems": self.problems,
        }


def audit_balance(database: Database, *, deep: bool = False, now: datetime | None = None) -> Balance:
    """Compare the tallies with the rows, and find work that does not move. Raises `Unavailable`.

    `deep` also parses every stored notification again, and checks that each of its messages and statuses is stored.
    """
    balance = Balance()
    with database.snapshot() as session:
        balance.notifications = audit.count_notifications(session)
        _add_items(session, balance)
        _add_sends(session, balance)
        _add_deliveries(session, balance)
        balance.problems.extend(str(each) for each in find_standstill(session, now or utc_now()))
        if deep:
            for problem in _missing(session):
                balance.problems.append(problem)
    return balance


def _add_items(session: Session, balance: Balance) -> None:
    events, aside = audit.events_by_notification(session), audit.aside_by_notification(session)
    for row in audit.processed_notifications(session):
        day = row.received_at.date().isoformat()
        # Summed by hand, since a Counter for each of a million rows takes twice as long as reading them.
        items = processed = set_aside = 0
        for number, page in (row.books or {}).items():
            told = _page(balance.items, (day, number))
            for outcome, count in page.items():
                told[outcome] += count
                items += count
                if outcome == "processed":
                    processed += count
                elif outcome in ASIDE:
                    set_aside += count
        if items != row.items:
            balance.problems.append(f"notification {row.id}: {row.items} items, {items} in the books")
        if processed != events.get(row.id, 0) and not row.is_pruned:
            balance.problems.append(f"notification {row.id}: {processed} processed, {events.get(row.id, 0)} events")
        if set_aside != aside.get(row.id, 0):
            balance.problems.append(f"notification {row.id}: items set aside and the books differ")
    for notification_id in audit.pending_without_job(session):
        balance.problems.append(f"notification {notification_id}: pending, and no job will ever read it")


def _page(books: dict[tuple[str, str], Counter[str]], of: tuple[str, str]) -> Counter[str]:
    page = books.get(of)
    if page is None:
        page = books[of] = Counter()
    return page


def _add_sends(session: Session, balance: Balance) -> None:
    for sent_at, number, status in audit.sends(session):
        _page(balance.sends, (sent_at.date().isoformat(), number))[status] += 1
    for message_id in audit.queued_without_turn(session):
        balance.problems.append(f"message {message_id}: queued, and nobody will ever send it")


def _add_deliveries(session: Session, balance: Balance) -> None:
    """Count the deliveries by state, and find those never due and matching events without a delivery.

    Owed = delivered + pending + dead + stale + withheld.
    """
    for owed_at, endpoint_id, state in audit.deliveries(session):
        _page(balance.deliveries, (owed_at.date().isoformat(), endpoint_id))[state] += 1
    for delivery_id in audit.deliveries_never_due(session):
        balance.problems.append(f"delivery {delivery_id}: pending, and never due")
    for row in endpoints.all_endpoints(session):
        # A transaction that wrote events while the endpoint was created or changed may not have seen that.
        since = max(row.created_at, row.updated_at) + timedelta(seconds=2)
        endpoint = to_endpoint(row, ())
        for event in audit.events_not_owed(session, row.id, since):
            if is_for(endpoint, event.type, event.phone_number_id, event.notification_id, event.data):
                balance.problems.append(f"event {event.id}: wanted by endpoint {row.id}, and not owed to it")


def _missing(session: Session) -> Iterator[str]:
    for notification_id, raw, received_at in audit.raw_of_processed(session):
        try:
            items = parse_notification(raw, received_at)
        except Malformed:
            continue
        aside = audit.positions_aside(session, notification_id)
        for item in items:
            if item.position in aside:
                continue
            if not _is_there(session, item):
                yield f"notification {notification_id}: item {item.position} is not there once"


def _is_there(session: Session, item: Item) -> bool:
    fact = item.fact
    if isinstance(fact, MessageFact):
        return audit.count_messages(session, fact.wamid, item.phone_number_id) == 1
    if isinstance(fact, StatusFact):
        return audit.has_report(session, fact.wamid, fact.status, fact.participant, item.phone_number_id)
    return True
