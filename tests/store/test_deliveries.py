from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, insert

from app.database import Database
from app.ids import new_id
from app.models import Event
from app.models.base import table
from app.services.endpoint_directory import new_row
from app.store import deliveries, endpoints
from tests.conftest import on_sqlite


@on_sqlite
def test_what_is_dead_is_found_without_reading_what_was_delivered(database: Database) -> None:
    with database.read() as session:
        connection, asked = session.connection(), []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            asked.append((statement, values))

        event.listen(connection, "before_cursor_execute", note)
        deliveries.dead(session, "endpoint", 10)
        ((statement, values),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    assert "ix_deliveries_undelivered" in plan[0][3]


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
        deliveries.owe(session, [("a", events[0], None)], now, is_replay=False)
        deliveries.owe(session, [("b", events[1], None)], now, is_replay=True)

    assert deliveries.any_due(database, {"a", "c"}, now) and deliveries.any_due(database, {"b"}, now)
    assert not deliveries.any_due(database, {"c"}, now) and not deliveries.any_due(database, set(), now)
    assert not deliveries.any_due(database, {"a", "b"}, now - timedelta(seconds=1))
    with database.write() as session:
        ids = deliveries.due(session, "a", now, 10, is_replay=False)
        deliveries.claim(session, ids, now=now, lease=timedelta(seconds=45))
    assert not deliveries.any_due(database, {"a"}, now)
