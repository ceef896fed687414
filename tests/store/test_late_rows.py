"""A row that is committed after rows with higher numbers is counted all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, func, insert, select

from app.clock import utc_now
from app.db.database import Database
from app.models import Delivery, DeliveryAttempt, Endpoint, Event, Message, SendAttempt, Traffic
from app.models.base import table
from app.services.operations import CountTraffic
from app.store.traffic import DAY
from tests.conftest import on_postgresql
from tests.factories import message_body, text

pytestmark = on_postgresql

SENDS, DELIVERIES = table(SendAttempt), table(DeliveryAttempt)


@pytest.fixture
def row(database: Database, receive: Callable[..., None]) -> Callable[[Any], dict[str, Any]]:
    """Makes a row of a table of attempts."""
    receive(message_body(text()))
    now = utc_now()
    with database.write() as session:
        event, message = session.scalars(select(Event)).one(), session.scalars(select(Message)).one()
        session.execute(insert(Endpoint), [{
            "id": "e", "url": "https://app.example/", "format": "event", "secret": "", "ordered": True,
            "replies": False, "paused": False, "failures": 0, "opens": 0, "created_at": now, "updated_at": now,
        }])  # fmt: skip
        delivery = Delivery(endpoint_id="e", event_id=event.id, state="delivered", is_replay=False, attempts=0,
                            created_at=now)  # fmt: skip
        session.add(delivery)
        session.flush()
        message_id, delivery_id = message.id, delivery.id
    numbers = iter(range(1, 10))

    def make(of: Any) -> dict[str, Any]:
        if of is SENDS:
            return {"message_id": message_id, "number": next(numbers), "state": "accepted", "started_at": now}
        return {"delivery_id": delivery_id, "number": next(numbers), "started_at": now, "duration_ms": 1, "status": 200}

    return make


def counted(count_traffic: CountTraffic, database: Database, what: str) -> int:
    """Count, and return how many of a kind are counted."""
    count_traffic(utc_now())
    with database.read() as session:
        total = select(func.sum(Traffic.times)).where(Traffic.what == what, Traffic.seconds == DAY)
        return session.scalar(total) or 0


@pytest.mark.parametrize("of, what", [(SENDS, "send.accepted"), (DELIVERIES, "delivery.delivered")], ids=str)
def test_it_is_waited_for(row: Callable[[Any], dict[str, Any]], database: Database, of: Any, what: str) -> None:
    count_traffic = CountTraffic(database)

    with database.engine.connect() as slow:
        slow.execute(insert(of), [row(of)])
        with database.engine.begin() as quick:
            quick.execute(insert(of), [row(of)])
        assert counted(count_traffic, database, what) == 0
        slow.commit()
    assert counted(count_traffic, database, what) == 2


def test_while_others_write_all_the_time_what_was_before_them_is_counted(
    row: Callable[[Any], dict[str, Any]], database: Database
) -> None:
    count_traffic = CountTraffic(database)
    engine = create_engine(database.engine.url, poolclass=NullPool)
    with engine.connect() as first, engine.connect() as second, engine.connect() as third:
        first.execute(insert(SENDS), [row(SENDS)])
        assert counted(count_traffic, database, "send.accepted") == 0
        second.execute(insert(SENDS), [row(SENDS)])
        first.commit()  # of which nothing was visible when it was looked who writes
        assert counted(count_traffic, database, "send.accepted") == 0
        third.execute(insert(SENDS), [row(SENDS)])
        second.commit()
        assert counted(count_traffic, database, "send.accepted") == 1
        third.commit()
        assert counted(count_traffic, database, "send.accepted") == 3
