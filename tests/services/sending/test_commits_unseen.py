"""The connection ends while messages are let go: none of them is lost, none stays unknown, and none leaves twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.container import Gateway
from app.db.database import Database
from app.errors import Unavailable
from app.graph.answers import SendResult
from app.models import SendAttempt
from app.services.sending.queue import SendQueue
from app.services.sending.record_results import SendOutcome
from tests.conftest import Clock
from tests.services.sending.conftest import status_of, waiting

Queue = Callable[..., str]


def test_what_was_let_go_unseen_is_queued_again_and_leaves_once(
    queued: Queue, gateway: Gateway, database: Database, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = queued()
    with _lost(database, monkeypatch, is_committed=True), pytest.raises(Unavailable):
        gateway.sends.exchange((), 1)
    assert (status_of(database, message_id), gateway.sends.has_unconfirmed) == ("sending", True)

    now.pass_by(seconds=1)
    assert [each.message_id for each in gateway.sends.exchange((), 1)] == [message_id]
    assert [row.state for row in _tries(database)] == ["sending"]
    assert (waiting(database), gateway.sends.has_unconfirmed) == ([], False)


def test_what_was_not_let_go_leaves_once(
    queued: Queue, gateway: Gateway, database: Database, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = queued()
    with _lost(database, monkeypatch, is_committed=False), pytest.raises(Unavailable):
        gateway.sends.exchange((), 1)
    assert status_of(database, message_id) == "queued"

    now.pass_by(seconds=1)
    assert [each.message_id for each in gateway.sends.exchange((), 1)] == [message_id]
    assert len(_tries(database)) == 1


def test_what_another_worker_has_let_go_meanwhile_is_left_to_it(
    queued: Queue, gateway: Gateway, database: Database, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = queued()
    with _lost(database, monkeypatch, is_committed=False), pytest.raises(Unavailable):
        gateway.sends.exchange((), 1)
    now.pass_by(milliseconds=1)
    other = SendQueue(database, gateway.directory, now, lambda session: True)
    assert [each.message_id for each in other.exchange((), 1)] == [message_id]

    now.pass_by(seconds=1)
    assert gateway.sends.exchange((), 1) == []
    assert (status_of(database, message_id), waiting(database)) == ("sending", [])


def test_an_answer_is_counted_once_it_is_recorded_and_is_recorded_once_if_it_cannot_be(
    queued: Queue, gateway: Gateway, database: Database, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued()
    [send] = gateway.sends.exchange((), 1)
    answer = SendOutcome(send, SendResult("wamid.A"))
    counted: list[str] = []

    def fail(*_: object) -> None:
        counted.append(status_of(database, send.message_id))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.services.sending.outcomes.count", fail)
    with _lost(database, monkeypatch, is_committed=False), pytest.raises(Unavailable):
        gateway.sends.exchange([answer], 0)
    assert counted == []

    gateway.sends.exchange([answer], 0)

    assert counted == ["accepted"]
    assert [row.state for row in _tries(database)] == ["accepted"]


def _tries(database: Database) -> list[SendAttempt]:
    with database.read() as session:
        return list(session.scalars(select(SendAttempt)))


@contextmanager
def _lost(database: Database, monkeypatch: pytest.MonkeyPatch, *, is_committed: bool) -> Iterator[None]:
    """Meanwhile connections end before the database says what became of a transaction."""
    write = database.write

    @contextmanager
    def lost() -> Iterator[Session]:
        with write() as session:
            yield session
            if not is_committed:
                raise Unavailable
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", lost)
        yield
