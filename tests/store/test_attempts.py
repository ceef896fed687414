"""What became of a try is decided once, and an answer that comes late moves only what still waits for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from app.db.database import Database
from app.models import Message, SendAttempt
from app.store import attempts
from tests.factories import PNID

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def sent(database: Database, status: str, state: str = "sending") -> None:
    message = {
        "id": "m", "direction": "outbound", "phone_number_id": PNID, "message_type": "text", "message": "x",
        "content": {}, "timestamp": NOW, "status": status, "source": "live", "flags": [], "received_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip
    with database.write() as session:
        session.execute(insert(Message), [message])
        session.execute(insert(SendAttempt), [{"message_id": "m", "number": 1, "state": state, "started_at": NOW}])


@pytest.mark.parametrize("state", ["accepted", "refused", "unknown"])
def test_a_try_that_somebody_has_settled_is_not_ended_again(database: Database, state: str) -> None:
    sent(database, "sending", state)

    with database.write() as session:
        assert not attempts.finish(session, "m", 1, state="refused", now=NOW)

    with database.read() as session:
        assert session.scalars(select(SendAttempt.state)).one() == state


@pytest.mark.parametrize("status, after", [
    ("sending", "accepted"), ("unknown", "accepted"), ("held", "accepted"), ("cancelled", "cancelled"),
    ("sent", "sent"), ("read", "read"), ("failed", "failed"),
])  # fmt: skip
def test_a_late_answer_moves_only_what_waits_for_it(database: Database, status: str, after: str) -> None:
    sent(database, status, "unknown")

    with database.write() as session:
        attempts.accept(session, [("m", 1, "wamid.1")], NOW)

    with database.read() as session:
        assert session.execute(select(Message.status, Message.wamid)).one() == (after, "wamid.1")
