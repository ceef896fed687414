from __future__ import annotations

from typing import Any

from sqlalchemy import event

from app.database import Database
from app.store import deliveries
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
