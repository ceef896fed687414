from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy import text as sql
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.ids import new_id
from app.models import Delivery, Event
from app.models.base import table
from app.services.delivering.implausible_times import reset_implausible
from app.services.registries.endpoints import new_row
from app.store import deliveries, delivery_batches, delivery_order, delivery_retries, delivery_upkeep, endpoints
from app.store.deliveries import DeliveryClaim, DeliveryUpdate, NewDelivery
from app.store.delivery_order import Blocked
from tests.conftest import on_postgresql, on_sqlite

AGO = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = DeliveryClaim(1, "claim", "endpoint", "event", "contact", 1, False)


@on_sqlite
@pytest.mark.parametrize(
    "index, ask",
    [
        ("ix_deliveries_undelivered", lambda session: delivery_retries.dead_ids(session, "endpoint", 10)),
        ("ix_deliveries_unfinished_contact_id", lambda session: delivery_order.blocked(session, [1, 2])),
        ("ix_deliveries_unfinished_contact_id", lambda session: delivery_order.unblock_next(session, [CLAIM], AGO)),
        ("ix_deliveries_unfinished_contact_id", lambda session: delivery_batches.pending_of_contacts(
            session, "endpoint", ["one", "another"], 10, is_replay=False
        )),
        ("ix_deliveries_unfinished_carried_by", lambda session: delivery_batches.members(session, [1, 2])),
    ],
)  # fmt: skip
def test_what_is_undelivered_is_found_without_reading_what_was_delivered(
    database: Database, index: str, ask: Callable[[Session], Any]
) -> None:
    with database.write() as session:
        connection, asked = session.connection(), []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            asked.append((statement, values))

        event.listen(connection, "before_cursor_execute", note)
        ask(session)
        ((statement, values),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    assert index in " ".join(step[3] for step in plan)


def test_a_look_finds_what_is_due_for_those_who_are_asked_about(database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        for name in ("a", "b"):
            endpoint = new_row(name, now, secret="sealed")
            endpoint.id, endpoint.url, endpoint.format = name, "https://app.example", "event"
            endpoints.add(session, endpoint)
        events = [new_id(), new_id()]
        times = dict.fromkeys(("timestamp", "received_at", "created_at"), now)
        row = {"type": "unknown", "source": "live", "data": "{}"} | times
        session.execute(insert(table(Event)), [row | {"id": each} for each in events])
        deliveries.enqueue(session, [NewDelivery("a", events[0], None, False)], now, is_replay=False)
        deliveries.enqueue(session, [NewDelivery("b", events[1], None, False)], now, is_replay=True)

    assert deliveries.any_due(database, {"a", "c"}, now) and deliveries.any_due(database, {"b"}, now)
    assert not deliveries.any_due(database, {"c"}, now) and not deliveries.any_due(database, set(), now)
    assert not deliveries.any_due(database, {"a", "b"}, now - timedelta(seconds=1))
    with database.write() as session:
        ids = deliveries.due(session, "a", now, 10, is_replay=False)
        deliveries.claim(session, ids, now=now, lease=timedelta(seconds=45))
    assert not deliveries.any_due(database, {"a"}, now)


def test_what_was_brought_back_since_it_was_seen_is_not_held_back(database: Database) -> None:
    """A worker decides that a delivery must wait; before it writes that down, another has let it go."""
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.read() as session:
        assert delivery_order.blocked(session, [first, second]) == {second: Blocked(now, first)}
    released = now + timedelta(milliseconds=3)
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == second).values(due_at=released))
    with database.write() as session:
        delivery_order.defer(session, {second: Blocked(now, first)}, now + timedelta(minutes=1))

    assert _due(database, second) == released
    with database.write() as session:
        delivery_order.defer(session, {second: Blocked(released, first)}, now + timedelta(minutes=1))
    assert _due(database, second) == now + timedelta(minutes=1)


@on_postgresql
def test_holding_back_waits_for_nobody_who_is_about_to_let_it_go(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
    later = now + timedelta(seconds=1)
    with database.write() as theirs:
        deliveries.record(theirs, [DeliveryUpdate(claim, "delivered", None, None, 1)], later)
        delivery_order.unblock_next(theirs, [claim], later)
        with database.write() as ours:
            ours.execute(sql("SET LOCAL lock_timeout = '1s'"))
            delivery_order.defer(ours, {second: Blocked(now, first)}, now + timedelta(minutes=1))

    assert _due(database, second) == later


@on_postgresql
def test_what_is_owed_while_its_predecessor_ends_is_held_for_nobody(database: Database) -> None:
    """It comes after the release has looked for it and before that is committed: nobody would ever bring it back."""
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    _change(database, second, {"contact_id": None})  # as if it were not there
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
    with database.write() as theirs:
        deliveries.record(theirs, [DeliveryUpdate(claim, "delivered", None, None, 1)], now)
        delivery_order.unblock_next(theirs, [claim], now)
        _change(database, second, {"contact_id": "contact"})
        with database.read() as session:
            seen = delivery_order.blocked(session, [second])
        assert seen == {second: Blocked(now, first)}
        with database.write() as ours:
            ours.execute(sql("SET LOCAL lock_timeout = '1s'"))
            delivery_order.defer(ours, seen, now + timedelta(minutes=1))

    assert _due(database, second) == now


@on_postgresql
def test_what_is_held_is_found_by_whoever_ends_its_predecessor(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
    later = now + timedelta(seconds=1)

    def end() -> None:
        with database.write() as session:
            deliveries.record(session, [DeliveryUpdate(claim, "delivered", None, None, 1)], later)
            delivery_order.unblock_next(session, [claim], later)

    thread = threading.Thread(target=end)
    with database.write() as ours:
        delivery_order.defer(ours, {second: Blocked(now, first)}, now + timedelta(minutes=1))
        thread.start()
        _wait_for_a_lock(database)
    thread.join(30)

    assert _due(database, second) == later


def test_a_release_passes_over_what_keeps_failing(database: Database) -> None:
    now = datetime.now(UTC)
    first, second, third = _owed_to_one_contact(database, now, count=3)
    later = now + timedelta(minutes=1)
    _change(database, second, {"attempts": 4, "blocks": False, "due_at": later})
    _change(database, third, {"due_at": later})
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
        deliveries.record(session, [DeliveryUpdate(claim, "delivered", None, None, 1)], now)
        delivery_order.unblock_next(session, [claim], now)

    assert (_due(database, second), _due(database, third)) == (later, now)


@on_postgresql
def test_what_is_delivered_while_an_endpoint_is_removed_stays_delivered(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))

    def dead_letter() -> None:
        with database.write() as session:
            delivery_retries.dead_letter(session, "a", "removed", now, 10)

    thread = threading.Thread(target=dead_letter)
    with database.write() as session:
        deliveries.record(session, [DeliveryUpdate(claim, "delivered", None, None, 1)], now)
        thread.start()
        _wait_for_a_lock(database)
    thread.join(30)

    with database.read() as session:
        states = {row.id: row.state for row in session.scalars(select(Delivery))}
    assert states == {first: "delivered", second: "dead"}


@pytest.mark.parametrize("state", ["delivered", "pending", "dead", "stale", "withheld"])
def test_a_delivery_has_an_end_exactly_while_it_is_not_pending(database: Database, state: str) -> None:
    """Conditions of indexes say the one or the other: see `models.Delivery`."""
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
        due_at = now if state == "pending" else None
        deliveries.record(session, [DeliveryUpdate(claim, state, due_at, "why", 2)], now)
    assert _ends(database) == [(state, None if state == "pending" else now), ("pending", None)]

    with database.write() as session:
        delivery_retries.requeue(session, [first], now)
        delivery_retries.dead_letter(session, "a", "removed", now, 1)
    assert [end for _, end in _ends(database)] == [None if each == "pending" else now for each, _ in _ends(database)]
    assert ("dead", now) in _ends(database)


def _ends(database: Database) -> list[tuple[str, datetime | None]]:
    with database.read() as session:
        return [(row.state, row.finished_at) for row in session.scalars(select(Delivery).order_by(Delivery.id))]


OTHERS: list[dict[str, Any]] = [{"endpoint_id": "b"}, {"is_replay": True}, {"contact_id": "another"}]
"""Each puts a delivery into another order: of another endpoint, of replays, or of another contact."""

PASSED: list[dict[str, Any]] = [{"blocks": False}, {"is_status": True}, {"state": "dead", "finished_at": AGO}]
"""What keeps nobody waiting, or statuses alone."""


@pytest.mark.parametrize("changes", [{}, {"attempts": 3}, *OTHERS, *PASSED])
def test_a_delivery_waits_for_an_earlier_one_of_its_contact_alone(
    database: Database, changes: dict[str, Any]
) -> None:
    first, second = _owed_to_one_contact(database, datetime.now(UTC))
    _change(database, first, changes)
    with database.read() as session:
        waiting = set(delivery_order.blocked(session, [first, second]))

    assert waiting == ({second} if changes in ({}, {"attempts": 3}) else set())


@pytest.mark.parametrize("changes", [{}, *OTHERS, {"claim_id": "c"}, {"attempts": 1}, {"carried_by": 1}])
def test_a_release_brings_back_the_contacts_next_and_nothing_else(
    database: Database, changes: dict[str, Any]
) -> None:
    """What somebody has keeps its lease, what was tried its time, and what goes with another none of its own."""
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
        deliveries.record(session, [DeliveryUpdate(claim, "delivered", None, None, 1)], now)
    later = now + timedelta(minutes=1)
    _change(database, second, changes | {"due_at": later})
    with database.write() as session:
        delivery_order.unblock_next(session, [claim], now)

    assert _due(database, second) == (later if changes else now)


def test_a_release_never_brings_back_an_earlier_one(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    with database.write() as session:
        [claim] = deliveries.claim(session, [second], now=now, lease=timedelta(seconds=45))
        deliveries.record(session, [DeliveryUpdate(claim, "delivered", None, None, 1)], now)
    _change(database, first, {"due_at": now + timedelta(minutes=1)})
    with database.write() as session:
        delivery_order.unblock_next(session, [claim], now)

    assert _due(database, first) == now + timedelta(minutes=1)


def test_a_retry_by_hand_leaves_a_delivery_to_who_has_it(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    lease_end = now + timedelta(seconds=45)
    with database.write() as session:
        deliveries.claim(session, [first], now=now, lease=timedelta(seconds=45))
    _change(database, second, {"due_at": now + timedelta(hours=1)})
    with database.write() as session:
        delivery_retries.requeue(session, [first, second], now)

    assert (_due(database, first), _due(database, second)) == (lease_end, now)


@pytest.mark.parametrize(
    ("values", "is_believed"),
    [
        ({"claim_id": "c", "due_in": 60}, True),
        ({"claim_id": "c", "due_in": 7200}, False),
        ({"due_in": 1200}, True),
        ({"due_in": 7200}, False),
        ({"due_in": 7200, "attempts": 3}, True),
        ({"due_in": 7200, "state": "dead", "finished_at": AGO}, True),
    ],
)
def test_what_is_due_later_than_it_can_be_is_made_due(
    database: Database, values: dict[str, Any], is_believed: bool
) -> None:
    now = datetime.now(UTC)
    first, _ = _owed_to_one_contact(database, now)
    due_at = now + timedelta(seconds=values["due_in"])
    changes = {name: value for name, value in values.items() if name != "due_in"}
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == first).values(due_at=due_at, **changes))

    assert reset_implausible(database, now) == (0 if is_believed else 1)
    assert _due(database, first) == (due_at if is_believed else now)


@pytest.mark.parametrize(
    ("head", "is_left_behind"),
    [
        ({}, False),
        ({"state": "delivered", "due_at": None, "finished_at": AGO}, True),
        ({"carried_by": 1, "due_at": None}, True),
    ],
)
def test_what_is_carried_by_nobody_who_goes_goes_by_itself(
    database: Database, head: dict[str, Any], is_left_behind: bool
) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    _change(database, first, head)
    _change(database, second, {"carried_by": first, "due_at": None})

    assert reset_implausible(database, now) == (1 if is_left_behind else 0) + ("carried_by" in head)
    assert _due(database, second) == (now if is_left_behind else None)


def test_what_another_worker_put_right_meanwhile_is_left_to_who_tries_it(database: Database) -> None:
    now = datetime.now(UTC)
    first, second = _owed_to_one_contact(database, now)
    _change(database, first, {"due_at": now + timedelta(hours=2)})
    _change(database, second, {"carried_by": 999, "due_at": None})
    with database.read() as session:
        found = delivery_upkeep.implausible(session, now, 10) + delivery_upkeep.orphaned_members(session, 10)
    assert found == [first, second]
    with database.write() as session:
        delivery_upkeep.make_due(session, found, now)
        assert len(deliveries.claim(session, found, now=now, lease=timedelta(seconds=25))) == 2
    with database.write() as session:
        delivery_upkeep.make_due(session, found, now)

    assert _due(database, first) == _due(database, second) == now + timedelta(seconds=25)


def _wait_for_a_lock(database: Database) -> None:
    """Return when somebody waits for a lock of the database."""
    waiting = sql(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with database.read() as session:
            if session.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def _owed_to_one_contact(database: Database, now: datetime, count: int = 2) -> list[int]:
    """Deliveries of one contact to the endpoint "a", the earliest first."""
    with database.write() as session:
        for name in ("a", "b"):
            endpoint = new_row(name, now, secret="sealed")
            endpoint.url, endpoint.format = "https://app.example", "event"
            endpoints.add(session, endpoint)
        ids = [new_id() for _ in range(count)]
        times = dict.fromkeys(("timestamp", "received_at", "created_at"), now)
        row = {"type": "unknown", "source": "live", "data": "{}"} | times
        session.execute(insert(table(Event)), [row | {"id": each} for each in ids])
        deliveries.enqueue(session, [NewDelivery("a", each, "contact", False) for each in ids], now, is_replay=False)
        return list(session.scalars(select(Delivery.id).order_by(Delivery.id)))


def _change(database: Database, delivery_id: int, values: dict[str, Any]) -> None:
    if values:
        with database.write() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))


def _due(database: Database, delivery_id: int) -> datetime | None:
    with database.read() as session:
        return session.scalar(select(Delivery.due_at).where(Delivery.id == delivery_id))
