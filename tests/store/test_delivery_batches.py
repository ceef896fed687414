"""Deliveries that go as one POST: what may be taken into a parcel, and what its outcome may change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.db.database import Database
from app.ids import new_id
from app.models import Delivery, Event
from app.models.base import table
from app.services.registries.endpoints import new_row
from app.store import deliveries, delivery_batches, endpoints
from app.store.deliveries import DeliveryUpdate

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=25)


@pytest.mark.parametrize(
    "changes",
    [{}, {"claim_id": "c", "due_at": NOW + LEASE}, {"attempts": 1}, {"carried_by": 99, "due_at": None},
     {"state": "dead", "due_at": None, "finished_at": NOW}],
)  # fmt: skip
def test_a_parcel_takes_only_what_is_nobodys_and_ends_before_what_it_cannot_take(
    database: Database, changes: dict[str, Any]
) -> None:
    first, second, third = _owed(database, 3)
    _change(database, second, changes)

    claims = _claim(database, [[first, second, third]])

    assert [claim.id for claim in claims] == [first]
    rows = _rows(database)
    together = (first, first) if not changes else (changes.get("carried_by"), None)
    assert (rows[second].carried_by, rows[third].carried_by) == together
    assert rows[second].claim_id == changes.get("claim_id")
    if changes:  # what comes after it is anybody's, at once
        assert (rows[third].claim_id, rows[third].due_at) == (None, NOW)


def test_what_carries_others_is_not_carried(database: Database) -> None:
    first, second, third = _owed(database, 3)
    _change(database, third, {"carried_by": second, "due_at": None})

    _claim(database, [[first, second]])

    assert _rows(database)[second].carried_by is None


def test_a_parcel_whose_head_is_not_due_is_not_taken(database: Database) -> None:
    first, second = _owed(database, 2)
    _change(database, first, {"due_at": NOW + LEASE})

    assert _claim(database, [[first, second]]) == []
    assert _rows(database)[second].claim_id is None


def test_the_outcome_of_a_parcel_changes_nothing_that_is_over(database: Database) -> None:
    first, second = _owed(database, 2)
    [leader] = _claim(database, [[first, second]])
    _change(database, second, {"state": "dead", "due_at": None, "finished_at": NOW, "reason": "removed"})
    with database.write() as session:
        claims = [leader, _claim_of(leader, second)]
        some = [DeliveryUpdate(each, "delivered", None, None, 1) for each in claims]
        delivery_batches.record(session, leader, some, NOW, together=True)

    assert [row.state for row in _rows(database).values()] == ["delivered", "dead"]


def test_the_outcome_of_a_parcel_that_another_has_by_now_changes_nothing(database: Database) -> None:
    first, second = _owed(database, 2)
    [leader] = _claim(database, [[first, second]])
    _change(database, first, {"claim_id": "another"})
    with database.write() as session:
        claims = [leader, _claim_of(leader, second)]
        some = [DeliveryUpdate(each, "dead", None, "late", 1) for each in claims]
        delivery_batches.record(session, leader, some, NOW, together=True)

    rows = _rows(database)
    assert [(row.state, row.claim_id) for row in rows.values()] == [("pending", "another"), ("pending", None)]


def test_what_somebody_has_is_not_put_off(database: Database) -> None:
    first, second = _owed(database, 2)
    with database.write() as session:
        deliveries.claim(session, [first], now=NOW, lease=LEASE)
        delivery_batches.defer(session, {first: NOW + timedelta(hours=1), second: NOW + timedelta(hours=1)})

    assert [row.due_at for row in _rows(database).values()] == [NOW + LEASE, NOW + timedelta(hours=1)]


def _claim(database: Database, some: list[list[int]]) -> list[deliveries.DeliveryClaim]:
    with database.write() as session:
        return delivery_batches.claim(session, some, now=NOW, lease=LEASE, is_probe=False)


def _claim_of(leader: deliveries.DeliveryClaim, id: int) -> deliveries.DeliveryClaim:
    return deliveries.DeliveryClaim(id, leader.claim_id, leader.endpoint_id, "event", None, 0, False)


def _owed(database: Database, count: int) -> list[int]:
    with database.write() as session:
        endpoint = new_row("a", NOW, secret="sealed")
        endpoint.url, endpoint.format = "https://app.example", "event"
        endpoints.add(session, endpoint)
        times = dict.fromkeys(("timestamp", "received_at", "created_at"), NOW)
        ids = [new_id() for _ in range(count)]
        row = {"type": "unknown", "source": "live", "data": "{}"} | times
        session.execute(insert(table(Event)), [row | {"id": each} for each in ids])
        new = [deliveries.NewDelivery("a", each, None, False) for each in ids]
        deliveries.enqueue(session, new, NOW, is_replay=False)
        return list(session.scalars(select(Delivery.id).order_by(Delivery.id)))


def _change(database: Database, delivery_id: int, values: dict[str, Any]) -> None:
    if values:
        with database.write() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))


def _rows(database: Database) -> dict[int, Delivery]:
    with database.read() as session:
        return {row.id: row for row in session.scalars(select(Delivery).order_by(Delivery.id))}
