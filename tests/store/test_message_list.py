from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from app.db.database import Database
from app.models import Message
from app.store import message_list
from app.store.message_list import MessageFilter
from tests.conftest import on_sqlite
from tests.factories import PNID

INDEX = "COVERING INDEX ix_messages_status_with_type_and_number"


@on_sqlite
@pytest.mark.parametrize(
    "filters",
    [MessageFilter(status="failed", type="sticker"), MessageFilter(status="failed", phone_number_id=PNID),
     MessageFilter(status="failed", type="sticker", direction="outbound", numbers=(PNID, "7"))],
    ids=str,
)  # fmt: skip
def test_messages_of_a_status_that_are_not_meant_are_passed_over_without_being_read(
    database: Database, filters: MessageFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_list, "_count", lambda *_: 7)

    plan = plan_of(database, filters)

    assert plan and all(INDEX in step for step in plan if "messages" in step), plan


def test_where_a_message_must_be_read_an_entry_weighs_more() -> None:
    status, other = [{Message.status: "failed"}], [{Message.message_type: "sticker"}]

    weights = [message_list._weight(streams, filters) for streams, filters in (
        (status, MessageFilter()), (other, MessageFilter()), (status, MessageFilter(contact="x")),
        (status, MessageFilter(batch="x")),
    )]  # fmt: skip

    assert weights == [1, message_list.LOOKUP, message_list.LOOKUP, message_list.LOOKUP]


def plan_of(database: Database, filters: MessageFilter) -> list[str]:
    """How SQLite reads the list."""
    asked: list[tuple[str, Any]] = []
    with database.read() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        message_list.places(session, filters, limit=50, before=None)
        statement, values = asked[-1]
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
