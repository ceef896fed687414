"""No statement of the hot paths reads what waits for ever, as do reports on messages that another program sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.db.database import Database
from app.models import StatusReport
from app.store import media, reports
from tests.conftest import on_sqlite
from tests.factories import PNID

pytestmark = on_sqlite

WAMIDS = [f"wamid.{number}" for number in range(30)]
OF_MESSAGES = ("ix_status_reports_message_id", "ix_media_message_id")


@pytest.fixture
def waiting(database: Database) -> None:
    """Statuses of messages that we did not send."""
    now = utc_now()
    rows = [
        {"wamid": f"wamid.others.{number}", "status": "sent", "participant": "", "phone_number_id": PNID,
         "timestamp": now, "received_at": now}
        for number in range(500)
    ]  # fmt: skip
    with database.write() as session:
        session.execute(insert(StatusReport), rows)


ASKED = {
    "what Meta said of a send before its answer": lambda session: reports.known_to_meta(session, WAMIDS),
    "news of messages that were just stored": lambda session: reports.attach_waiting(session, WAMIDS, utc_now()),
    "news of one message": lambda session: reports.attach(session, "m", WAMIDS[0], PNID, utc_now()),
    "files of a message": lambda session: media.let_copies_belong_to(session, WAMIDS, PNID, "m"),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_waits_for_ever_is_not_read(waiting: None, database: Database, what: str) -> None:
    with database.write() as session, _plans(session) as plans:
        ASKED[what](session)

    assert plans
    assert [plan for plan in plans if any(index in plan for index in OF_MESSAGES)] == []


@contextmanager
def _plans(session: Session) -> Iterator[list[str]]:
    """How SQLite answers what is asked in the body."""
    plans: list[str] = []
    connection = session.connection()

    def note(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        plans.append(" / ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(connection, "before_cursor_execute", note)
