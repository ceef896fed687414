from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sql

from app.db.database import Database
from app.errors import TooManyWaiting
from app.models import Event
from app.services.conversations import live
from app.services.events import wait
from app.services.events.read import Filter, Place, list_after
from app.services.events.wait import EventWaiters
from app.web.connections import disconnect_check
from tests.conftest import API_KEY, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, status, status_body, text

Receive = Callable[..., None]
BOUND = 30.0
ROOT = Path(__file__).parents[3]


class Waiting:
    """Threads that wait, each with what it was answered."""

    def __init__(self, waiters: EventWaiters) -> None:
        self.waiters = waiters
        self.answers: dict[int, list[Event]] = {}
        self._threads: list[threading.Thread] = []

    def start(self, name: int, wanted: Filter, has_left: Callable[[], bool] = lambda: False) -> None:
        def run() -> None:
            found = self.waiters.wait(
                wanted, limit=50, after=Place(0), seconds=BOUND, key=f"key{name}", has_left=has_left
            )
            self.answers[name] = list(found)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def until_they_wait(self) -> None:
        deadline = time.monotonic() + BOUND
        while len(self.waiters._waiters) < len(self._threads) and time.monotonic() < deadline:
            time.sleep(0.01)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(BOUND)


@pytest.fixture
def waiting(database: Database) -> Waiting:
    return Waiting(EventWaiters(database))


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    for engine in {database.engine, database._look_engine}:
        sql.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in {database.engine, database._look_engine}:
        sql.remove(engine, "before_cursor_execute", note)


def test_a_reader_who_is_ahead_of_the_common_look_gets_nothing_twice(database: Database, receive: Receive) -> None:
    waiters = EventWaiters(database)
    for number in range(3):
        receive(message_body(text(f"{number}")))
    first, *rest = list_after(database, Filter(), limit=10, after=Place(0))
    waiter = wait._Waiter(Filter(), first.sequence, 10, lambda: False)
    waiters._waiters[waiter] = "key"

    waiters._look()  # which begins before the first

    assert [each.sequence for each in waiter.found] == [each.sequence for each in rest]


def test_each_gets_what_it_waits_for_and_nothing_else(receive: Receive, waiting: Waiting) -> None:
    waiting.start(1, Filter())
    waiting.start(2, Filter("message.status"))
    waiting.start(3, Filter("message.received", (OTHER_PNID,)))
    waiting.until_they_wait()

    receive(message_body(text("a"), number=PNID))
    receive(status_body(status("wamid.X")))
    receive(message_body(text("b"), number=OTHER_PNID))
    waiting.join()

    types = {name: [each.type for each in found] for name, found in waiting.answers.items()}
    assert types[1][0] == "message.received"
    assert types[2] == ["message.status"]
    assert [each.phone_number_id for each in waiting.answers[3]] == [OTHER_PNID]


@on_sqlite
def test_many_who_wait_cost_one_look_at_a_time(waiting: Waiting, statements: list[str]) -> None:
    has_left = threading.Event()
    for name in range(40):
        waiting.start(name, Filter(), has_left.is_set)
    waiting.until_they_wait()
    time.sleep(0.3)
    statements.clear()
    started = time.monotonic()
    time.sleep(1)
    looks = (time.monotonic() - started) / wait.LOOK_SECONDS
    has_left.set()
    waiting.join()

    assert len(statements) <= looks + 12


def test_one_that_left_waits_no_longer(database: Database) -> None:
    waiters = EventWaiters(database)
    started = time.monotonic()

    found = waiters.wait(Filter(), limit=1, after=Place(0), seconds=BOUND, key="k", has_left=lambda: True)

    assert (found, waiters._waiters, dict(waiters._of_key)) == ([], {}, {})
    assert time.monotonic() - started < BOUND / 2


@on_sqlite
def test_a_key_and_a_process_may_have_so_many(
    waiting: Waiting, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_left = threading.Event()
    waiting.start(1, Filter(), has_left.is_set)
    waiting.until_they_wait()

    def refused(key: str) -> None:
        with pytest.raises(TooManyWaiting):
            waiting.waiters.wait(Filter(), limit=1, after=Place(0), seconds=0.1, key=key, has_left=lambda: False)

    monkeypatch.setattr(wait, "MOST_OF_KEY", 1)
    refused("key1")
    monkeypatch.setattr(wait, "MOST_WAITING", 1)
    refused("key2")
    has_left.set()
    waiting.join()
    monkeypatch.setattr(wait, "MOST_WAITING", 0)
    answer = client.get("/api/events?after=0&wait=5", headers={"Authorization": f"Bearer {API_KEY}"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (429, "throttled")
    assert "Retry-After" in answer.headers


@on_sqlite
def test_it_is_seen_below_the_server_that_a_caller_hung_up(app: Flask) -> None:
    ours, theirs = socket.socketpair()
    with app.test_request_context(environ_overrides={"gunicorn.socket": ours}):
        has_left = disconnect_check()
    with app.test_request_context():
        assert not disconnect_check()()  # a server that hides the connection

    assert not has_left()
    theirs.sendall(b"GET")
    assert not has_left()
    assert ours.recv(3) == b"GET"  # nothing was taken
    theirs.close()
    assert has_left()
    ours.close()
    assert has_left()


def test_who_waits_leaves_room_for_webhooks() -> None:
    connections = re.search(r"^worker_connections = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)

    assert connections is not None
    assert wait.MOST_WAITING + live.MOST_LISTENING <= int(connections[1]) * 0.8
