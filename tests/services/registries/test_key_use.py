from __future__ import annotations

import pytest

from app.db.database import Database
from app.errors import Unavailable
from app.services.registries.key_use import RecordKeyUse
from app.store import key_use
from tests.conftest import Clock


def test_the_last_use_is_kept_by_key_and_face_and_never_moves_back(database: Database, clock: Clock) -> None:
    note, earlier = RecordKeyUse(database, clock), RecordKeyUse(database, lambda: began)
    began = clock()

    clock.pass_by(seconds=20)
    note("crm", "api")
    earlier("crm", "api")
    earlier("n8n", "graph")

    with database.read() as session:
        assert key_use.since(session, began) == {("crm", "api"), ("n8n", "graph")}
        assert key_use.since(session, clock()) == {("crm", "api")}


def test_a_request_waits_seldom_for_a_database_that_does_not_take_it(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(self: Database) -> None:
        tries.append(clock())
        raise Unavailable

    monkeypatch.setattr(Database, "write", refuse)
    note = RecordKeyUse(database, clock)
    for _ in range(13):
        note("crm", "api")
        clock.pass_by(seconds=10)

    assert len(tries) == 3
