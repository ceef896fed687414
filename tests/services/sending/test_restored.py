"""An older copy of the database that is put back sends nothing a second time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from sqlalchemy import delete, select, text, update

from app.container import Gateway
from app.db.database import Database
from app.domain import tags
from app.models import DatabaseUse as Row
from app.models import Message, MessageIndexQueue, QueuedSend, SendAttempt
from app.services.sending.database_use import FILE, DatabaseUse
from tests.conftest import Clock, on_sqlite
from tests.factories import ANA, PNID, status, status_body
from tests.services.sending.conftest import status_of, told, waiting

Queue, Work, Post = Callable[..., str], Callable[..., None], Callable[..., Any]
Copy = dict[str, list[Any]]


@pytest.fixture
def use(gateway: Gateway, now: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[], DatabaseUse]:
    """What a worker that starts now knows of its database."""
    monkeypatch.setattr(gateway.hold_sends, "_now", now)
    monkeypatch.setattr(gateway.bulk_actions, "_now", now)

    def start() -> DatabaseUse:
        found = DatabaseUse(gateway.database, gateway.config.log_dir, gateway.hold_sends, now)
        gateway.sends._is_known = found.is_known
        return found

    return start


def copied(database: Database) -> Copy:
    """What a backup holds of the sends and of the sign of use."""
    tables = [model.__table__ for model in (Message, QueuedSend, Row)]
    with database.read() as session:
        return {
            table.name: [dict(zip(table.c.keys(), row, strict=True)) for row in session.execute(select(table))]
            for table in tables
        }


def put_back(database: Database, copy: Copy) -> None:
    """Put it in the place of what is there."""
    with database.write() as session:
        for model in (MessageIndexQueue, SendAttempt, QueuedSend, Message, Row):
            session.execute(delete(model))
        for model in (Message, QueuedSend, Row):
            for row in copy[model.__tablename__]:
                session.execute(model.__table__.insert(), row)


def test_what_an_older_copy_still_has_to_send_is_held(
    queued: Queue, work: Work, use: Callable[[], DatabaseUse], now: Clock, accepting: responses.RequestsMock,
    database: Database, post: Post, get: Callable[..., Any],
) -> None:  # fmt: skip
    first = use()
    assert first.begin() == 0
    ids = [queued(to=f"+3460011122{n}") for n in range(3)]
    later = queued(send_at=(now.now + timedelta(days=1)).isoformat())
    copy = copied(database)
    now.pass_by(seconds=5)
    first.beat()
    work(1)
    assert len(accepting.calls) == 3
    put_back(database, copy)

    assert use().begin() == 3
    work(2)

    assert len(accepting.calls) == 3
    assert [status_of(database, each) for each in (*ids, later)] == ["held"] * 3 + ["queued"]
    message = get(f"/api/messages/{ids[0]}")
    assert message["error"]["details"] == "held: restored" and "may have gone" in message["error"]["title"]
    assert told(database, ids[0])[-1] == "held"
    assert use().begin() == 0, "once it is in use it is the one that is known"

    answer = post("/api/messages/release", {"phone_number_id": PNID}).get_json()
    work(2)
    assert (answer["moved"], len(accepting.calls), status_of(database, ids[0])) == (3, 6, "accepted")
    again = json.loads(accepting.calls[3].request.body or "")
    assert tags.read(again["biz_opaque_callback_data"])[1] == 2  # type: ignore[index]
    assert get(f"/api/messages/{ids[0]}")["error"] is None


def test_what_meta_reports_on_releases_itself(
    queued: Queue, use: Callable[[], DatabaseUse], database: Database, receive: Callable[..., None],
    get: Callable[..., Any], now: Clock,
) -> None:  # fmt: skip
    first = use()
    first.begin()
    message_id = queued()
    copy = copied(database)
    first.beat()
    put_back(database, copy)
    use().begin()

    receive(status_body(status("wamid.ORIGINAL", "delivered", biz_opaque_callback_data=tags.make(message_id, 1))))

    message = get(f"/api/messages/{message_id}")
    assert (message["status"], message["message_id"], message["error"]) == ("delivered", "wamid.ORIGINAL", None)
    with database.read() as session:
        assert session.get(Message, message_id).held_for is None  # type: ignore[union-attr]
        assert [row.wamid for row in session.scalars(select(SendAttempt))] == ["wamid.ORIGINAL"]


def test_a_copy_put_back_under_a_running_worker_sends_nothing(
    queued: Queue, work: Work, use: Callable[[], DatabaseUse], accepting: responses.RequestsMock, database: Database,
) -> None:  # fmt: skip
    running = use()
    running.begin()
    queued()
    copy = copied(database)
    running.beat()
    put_back(database, copy)

    work(2)
    assert len(accepting.calls) == 0, "not even before anybody looked"
    running.beat()
    work(2)

    assert [status_of(database, row.message_id) for row in waiting(database)] == ["held"]
    assert len(accepting.calls) == 0
    queued(to="+34600111222")
    work(2)
    assert len(accepting.calls) == 1


@pytest.mark.parametrize("minutes, in_order, knows, holds", [
    (14, False, True, False), (16, False, True, True), (16, False, False, True), (16, True, True, False),
    (16, True, False, True), (14, True, False, False),
])  # fmt: skip
@on_sqlite
def test_a_stop_is_no_restore_while_it_is_short_or_was_in_order(
    minutes: int, in_order: bool, knows: bool, holds: bool, queued: Queue, use: Callable[[], DatabaseUse], now: Clock,
    gateway: Gateway, database: Database,
) -> None:  # fmt: skip
    worker = use()
    worker.begin()
    message_id = queued(send_at=(now.now + timedelta(minutes=5)).isoformat())
    if in_order:
        worker.end()
    if not knows:
        (Path(gateway.config.log_dir) / FILE).unlink()
    now.pass_by(minutes=minutes)

    use().begin()

    assert status_of(database, message_id) == ("held" if holds else "queued")


def test_what_meta_reports_on_while_it_still_waits_is_not_sent(
    queued: Queue, work: Work, accepting: responses.RequestsMock, database: Database, receive: Callable[..., None],
) -> None:  # fmt: skip
    message_id = queued()

    receive(status_body(status("wamid.ORIGINAL", "delivered", biz_opaque_callback_data=tags.make(message_id, 1))))
    work(2)

    assert (len(accepting.calls), status_of(database, message_id), waiting(database)) == (0, "delivered", [])


@on_sqlite
def test_a_copy_of_another_time_is_told_by_its_last_use(
    queued: Queue, use: Callable[[], DatabaseUse], database: Database, now: Clock, work: Work,
    accepting: responses.RequestsMock,
) -> None:  # fmt: skip
    worker = use()
    worker.begin()
    message_id = queued()
    with database.write() as session:  # as a backup from before there was such a row
        session.execute(delete(Row))
    work(1)
    assert (len(accepting.calls), use().begin(), status_of(database, message_id)) == (0, 1, "held")

    another = queued(to="+34600111222")
    with database.write() as session:
        session.execute(update(Row).values(epoch="of another database", beat_at=now.now - timedelta(minutes=2)))
    assert (use().begin(), status_of(database, another)) == (1, "held")
    with database.write() as session:
        session.execute(update(Row).values(epoch="of a third one, in use until now"))
    queued(to="+34600111333")
    assert use().begin() == 0


@on_sqlite
def test_what_was_left_unknown_in_the_copy_is_not_sent_again_by_the_setting(
    queued: Queue, use: Callable[[], DatabaseUse], database: Database, gateway: Gateway, now: Clock
) -> None:
    first = use()
    first.begin()
    message_id = queued()
    with database.write() as session:
        session.execute(update(Message).values(status="unknown"))
        session.execute(delete(QueuedSend))
    copy = copied(database)
    first.beat()
    put_back(database, copy)

    use().begin()

    assert status_of(database, message_id) == "held"


@on_sqlite
def test_a_broken_file_is_as_good_as_none(use: Callable[[], DatabaseUse], gateway: Gateway) -> None:
    folder = Path(gateway.config.log_dir)
    use().begin()
    (folder / FILE).write_text('{"epoch": 1')
    use().begin()
    shutil.rmtree(folder)
    use().begin()  # and where no file can be kept, nothing is known, and all else works


@on_sqlite
def test_a_held_message_keeps_to_its_time(
    queued: Queue, use: Callable[[], DatabaseUse], gateway: Gateway, now: Clock, database: Database, post: Post
) -> None:
    use().begin()
    message_id = queued(expires_at=(now.now + timedelta(minutes=10)).isoformat())
    runner = post("/api/messages/release", {"reason": "asked"})
    assert runner.get_json()["moved"] == 0
    gateway.hold_sends.hold_all("asked")  # type: ignore[arg-type]
    now.pass_by(minutes=11)
    gateway.sweep_sends.expire()
    assert status_of(database, message_id) == "held", "whoever held it decides"

    post("/api/messages/release", {"reason": "asked"})

    assert status_of(database, message_id) == "expired" and waiting(database) == []


def test_held_sends_of_a_batch_stay_held_when_it_is_resumed_and_go_with_it_when_it_is_cancelled(
    use: Callable[[], DatabaseUse], work: Work, accepting: responses.RequestsMock, gateway: Gateway, post: Post,
    database: Database, now: Clock,
) -> None:  # fmt: skip
    use().begin()
    items = [{"to": f"+3460011122{n}", "message": "a"} for n in range(3)]
    batch = post("/api/messages/bulk", {"messages": items}).get_json()["batch"]
    gateway.hold_sends.hold_all("asked")  # type: ignore[arg-type]

    post(f"/api/batches/{batch}/pause")
    post(f"/api/batches/{batch}/resume")
    work(2)
    assert len(accepting.calls) == 0
    one = post("/api/messages/release", {"batch": batch, "older_than_seconds": 10**6}).get_json()
    assert one["moved"] == 0
    post(f"/api/batches/{batch}/pause")
    assert post("/api/messages/release", {"batch": batch}).get_json()["moved"] == 3
    work(2)
    assert len(accepting.calls) == 0, "released into a batch that is paused"
    gateway.hold_sends.hold_all("asked")  # type: ignore[arg-type]
    assert post(f"/api/batches/{batch}/cancel").get_json()["counts"] == {"cancelled": 3}


@on_sqlite
def test_the_command_line_decides_for_many(
    app: Any, use: Callable[[], DatabaseUse], queued: Queue, database: Database, now: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.sends.utc_now", now)
    use().begin()
    ids = [queued(to=f"+3460011122{n}") for n in range(3)]
    run = app.test_cli_runner().invoke

    assert "3 held." in run(args=["sends", "hold"]).output
    listed = run(args=["sends", "list"]).output
    assert "asked" in listed and PNID in listed and "\t3\t" in listed
    assert run(args=["sends", "release"]).exit_code == 2, "it says which"
    assert run(args=["sends", "release", "--all", "--older-than", "soon"]).exit_code == 2
    assert "0 released." in run(args=["sends", "release", "--number", "1"]).output
    assert "3 released." in run(args=["sends", "release", "--reason", "asked"]).output
    assert "3 cancelled." in run(args=["sends", "cancel", "--all"]).output
    assert "0 queued." in run(args=["sends", "retry", "--all"]).output, "failed ones only, unless told"
    assert "3 queued." in run(args=["sends", "retry", "--all", "--status", "cancelled"]).output
    assert {status_of(database, each) for each in ids} == {"queued"}


@on_sqlite
def test_an_action_on_many_says_which(post: Post) -> None:
    for body in ({}, {"all": False}, {"reason": "because"}, {"alle": True}):
        assert post("/api/messages/cancel", body).status_code == 422
    assert post("/api/messages/retry", {"all": True, "status": "queued"}).status_code == 422


@on_sqlite
def test_a_key_that_is_bound_to_numbers_acts_on_those_alone(
    client: Any, gateway: Gateway, queued: Queue, database: Database, use: Callable[[], DatabaseUse]
) -> None:
    use().begin()
    message_id = queued(to=f"+{ANA}")
    key = gateway.api_keys.make("bound", ["send"], ["1"])
    answer = client.post("/api/messages/cancel", json={"all": True}, headers={"Authorization": f"Bearer {key}"})
    assert (answer.get_json()["moved"], status_of(database, message_id)) == (0, "queued")


@on_sqlite
def test_each_beat_counts_in_the_file_so_that_its_log_is_told_from_anothers(
    database: Database, use: Callable[[], DatabaseUse]
) -> None:
    worker = use()
    worker.begin()
    with database.read() as session:
        before = session.execute(text("PRAGMA user_version")).scalar_one()

    worker.beat()
    worker.beat()

    with database.read() as session:
        assert session.execute(text("PRAGMA user_version")).scalar_one() == before + 2
