from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Connection

from app import __version__
from app.clock import utc_now
from app.config.settings import Config
from app.container import Gateway
from app.db.database import Database
from app.db.failures import Trouble
from app.db.write_health import Writes
from app.process import draining as lifecycle
from app.process.draining import Phase
from app.store import workers
from tests.conftest import PostWebhook, on_postgresql, on_sqlite, with_settings
from tests.factories import message_body, text
from tests.load.postgres import own_database


@on_sqlite
def test_the_front_door_says_what_this_is(client: FlaskClient) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert response.get_json() == {"status": "ok", "service": "whatsapp-service", "version": __version__}


@on_sqlite
def test_it_is_alive_even_without_a_database(away: FlaskClient) -> None:
    assert away.get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_without_a_worker_and_says_that_there_is_none(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ready",
        "database": "ok",
        "schema": "ok",
        "reason": None,
        "secrets": "ok",
        "settings": "ok",
        "draining": False,
        "clock_ahead_seconds": 0.0,
        "worker": {"state": "missing", "seen_seconds_ago": None, "oldest_job_seconds": None},
        "sending": {
            "meta": "ok", "oldest_due_seconds": None, "numbers_waiting_for_meta": 0, "numbers_waiting_for_a_token": 0,
        },
    }


@pytest.mark.parametrize(
    ("silent_for", "state"), [(timedelta(seconds=2), "running"), (timedelta(minutes=2), "missing")]
)
def test_it_says_whether_a_worker_was_seen_lately(
    client: FlaskClient, database: Database, silent_for: timedelta, state: str
) -> None:
    with database.write() as session:
        workers.seen(session, "w1", utc_now() - silent_for, utc_now() - timedelta(hours=1))

    worker = client.get("/readyz").get_json()["worker"]

    assert worker["state"] == state
    assert worker["seen_seconds_ago"] == pytest.approx(silent_for.total_seconds(), abs=30)


def test_it_says_for_how_long_work_has_been_waiting(client: FlaskClient, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(text()))

    assert 0 <= client.get("/readyz").get_json()["worker"]["oldest_job_seconds"] < 60


def test_without_its_database_it_is_not_ready(away: FlaskClient) -> None:
    response = away.get("/readyz")

    assert response.status_code == 503
    body = response.get_json()
    assert (body["status"], body["database"], body["schema"]) == ("not ready", "unavailable", "unknown")


def test_before_the_migrations_it_is_not_ready(client_of: Callable[[str], FlaskClient], empty_url: str) -> None:
    response = client_of(empty_url).get("/readyz")

    assert response.status_code == 503
    assert response.get_json()["schema"] == "not migrated; run `flask migrate`"


@on_sqlite
def test_a_database_that_takes_no_writes_is_not_ready_and_says_why(client: FlaskClient, database: Database) -> None:
    other = sqlite3.connect(str(database.url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    response = client.get("/readyz")

    assert (response.status_code, response.get_json()["reason"]) == (503, Trouble.LOCKED)
    began = time.monotonic()
    assert client.get("/readyz").get_json()["reason"] == Trouble.LOCKED
    assert time.monotonic() - began < 1.0  # it was known, and not tried again
    other.execute("ROLLBACK")
    other.close()
    with database.write():
        pass
    assert client.get("/readyz").status_code == 200


@on_postgresql
def test_a_server_that_takes_no_writes_is_not_ready(client: FlaskClient, database: Database) -> None:
    @event.listens_for(database.engine, "begin")
    def read_only(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    response = client.get("/readyz")

    assert (response.status_code, response.get_json()["reason"]) == (503, Trouble.READ_ONLY)


@on_sqlite
@pytest.mark.parametrize(("error", "reason"), [(errno.EROFS, Trouble.READ_ONLY), (errno.ENOSPC, Trouble.FULL)])
def test_a_disk_that_takes_no_writes_is_not_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: int, reason: Trouble
) -> None:
    monkeypatch.setattr(Writes, "_write_byte", lambda writes: OSError(error, "no"))

    response = client.get("/readyz")

    assert (response.status_code, response.get_json()["reason"]) == (503, reason)


@on_sqlite
def test_a_disk_that_hangs_stops_neither_health_nor_whoever_would_write(
    client: FlaskClient, database: Database, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, sync = threading.Event(), os.fsync

    def slow_sync(file: int) -> None:
        hangs.wait(60)
        sync(file)

    monkeypatch.setattr("app.db.write_health.os.fsync", slow_sync)
    monkeypatch.setattr("app.db.write_health.DISK_SECONDS", 0.1)

    response = client.get("/readyz")

    assert (response.status_code, response.get_json()["reason"]) == (503, Trouble.HANGS)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert post_webhook(message_body(text())).status_code == 503
    hangs.set()
    until = time.monotonic() + 30
    while database.writes.is_disk_hanging and time.monotonic() < until:
        time.sleep(0.01)
    assert post_webhook(message_body(text())).status_code == 200
    assert client.get("/readyz").status_code == 200


def test_the_state_of_writing_is_asked_once_in_a_while_and_nobody_sees_it(
    client: FlaskClient, database: Database
) -> None:
    written: list[str] = []
    event.listen(
        database._write_engine, "before_cursor_execute",
        lambda connection, cursor, statement, *_: written.append(statement) if "INSERT" in statement else None,
    )  # fmt: skip

    for _ in range(5):
        assert client.get("/readyz").status_code == 200

    assert len(written) == 1
    with database.read() as session:
        assert workers.last_seen(session) is None


@on_sqlite
def test_while_it_drains_it_is_not_ready_and_still_works(
    client: FlaskClient, post_webhook: PostWebhook, draining: None
) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.get_json()["draining"]) == (503, True)
    assert post_webhook(message_body(text())).status_code == 200


@pytest.fixture
def draining() -> Iterator[None]:
    lifecycle.enter(Phase.DRAINING)
    yield
    lifecycle.enter(Phase.SERVING)


@pytest.fixture
def empty_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with own_database() as url:
        yield url


@pytest.fixture
def client_of(app: Flask, config: Config) -> Iterator[Callable[[str], FlaskClient]]:
    """A client of a gateway on another database."""
    made: list[Gateway] = []

    def client_of_(url: str) -> FlaskClient:
        made.append(Gateway.build(with_settings(config, database_url=url), "0"))
        app.extensions["gateway"] = made[-1]
        return app.test_client()

    yield client_of_
    for gateway in made:
        gateway.database.dispose()
