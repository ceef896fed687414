from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.clock import utc_now
from app.container import Gateway
from app.db.batch_size import ON_POSTGRESQL
from app.db.database import Database
from app.errors import Unavailable
from app.models import Contact, Event, Job, Message, Notification, StatusReport
from app.services.events.log import EventLog
from app.services.operations.audit import audit_balance
from app.services.processing import ProcessNotifications, processor
from app.services.processing.change_set import ProcessingOptions
from app.services.processing.processor import LEASE
from app.store import jobs
from app.store.jobs import Claim
from app.store.notifications import PROCESS
from tests.conftest import PostWebhook, on_postgresql
from tests.factories import BO, PNID, change, message_body, notification, status, text


class Killed(BaseException):
    """The process ends here."""


def test_what_a_killed_worker_had_begun_is_done_once_by_the_next(
    gateway: Gateway, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = gateway.database
    monkeypatch.setattr(gateway.process._chunk_size, "value", 16)  # several chunks on PostgreSQL too
    items: list[Any] = [text(f"m{n}") for n in range(60)]
    items[3] = items[50] = "poison"
    for body in (message_body(*items), message_body(*items[:10]), message_body(text("last"))):
        post_webhook(body)
    write = processor.write
    for kill_at in (1, 2, 3):
        die_at(monkeypatch, write, kill_at)
        with pytest.raises(Killed):
            gateway.process(claim(database))
        assert_no_half_books(database)
        let_leases_end(database)
    monkeypatch.setattr(processor, "write", write)
    gateway.process(claim(database))

    expected = [f"m{n}" for n in range(60) if n not in (3, 50)] + ["last"]
    assert [row.message for row in rows(database, Message)] == expected
    first, second, third = rows(database, Notification)
    assert first.books == {PNID: {"processed": 58, "parked": 2}}
    assert second.books == {PNID: {"duplicate": 9, "parked": 1}}
    assert third.books == {PNID: {"processed": 1}}
    assert rows(database, Job) == []
    assert_places_without_gaps(database)
    assert audit_balance(database, deep=True).problems == []


def test_a_worker_whose_lease_ran_out_writes_nothing(gateway: Gateway, post_webhook: PostWebhook) -> None:
    database = gateway.database
    post_webhook(message_body(text()))
    late = claim(database)
    let_leases_end(database)
    (current,) = claim(database)

    gateway.process(late)

    assert [rows(database, model) for model in (Message, Event, Contact, StatusReport)] == [[], [], [], []]
    (job,) = rows(database, Job)
    assert job.claim_id == current.claim_id
    gateway.process([current])
    assert len(rows(database, Message)) == 1


def test_when_told_to_stop_it_gives_back_what_it_has_not_begun(gateway: Gateway, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(*(text() for _ in range(2 * ON_POSTGRESQL + 8))))
    post_webhook(message_body(text()))
    answers = iter([False, False, True])

    gateway.process(claim(gateway.database), lambda: next(answers))

    given_back = rows(gateway.database, Job)
    assert [(job.claim_id, job.due_at <= utc_now()) for job in given_back] == [(None, True), (None, True)]
    assert [job.attempts for job in given_back] == [1, 1]  # so that the next reading knows that it is not the first
    gateway.process(claim(gateway.database))
    assert len(rows(gateway.database, Message)) == 2 * ON_POSTGRESQL + 9
    assert audit_balance(gateway.database, deep=True).problems == []


def test_a_worker_whose_lease_ran_out_stores_no_part_of_a_large_notification(
    gateway: Gateway, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.process._chunk_size, "value", 16)
    post_webhook(message_body(*(text(f"m{n}") for n in range(40))))
    lost = claim(gateway.database)
    let_leases_end(gateway.database)
    assert claim(gateway.database) != []  # another worker has it now

    gateway.process(lost)

    assert rows(gateway.database, Message) == [] and rows(gateway.database, Event) == []


def test_while_the_database_is_away_work_waits_longer_and_longer(
    gateway: Gateway, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_webhook(message_body(text()))

    def away(*_: Any) -> Any:
        raise Unavailable

    pauses = []
    with monkeypatch.context() as patch:
        patch.setattr(processor, "write", away)
        for _ in range(7):
            with pytest.raises(Unavailable):
                gateway.process(claim(gateway.database))
            (job,) = rows(gateway.database, Job)
            pauses.append(round((job.due_at - utc_now()).total_seconds()))
            let_leases_end(gateway.database)

    assert pauses == [pytest.approx(seconds, abs=2) for seconds in (1, 2, 5, 10, 10, 10, 10)]
    gateway.process(claim(gateway.database))
    assert len(rows(gateway.database, Message)) == 1


def test_a_job_whose_notification_is_gone_ends(gateway: Gateway, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(text()))
    post_webhook(message_body(text()))
    with gateway.database.write() as session:
        session.execute(delete(Notification).where(Notification.id == rows(gateway.database, Notification)[0].id))

    gateway.process(claim(gateway.database))

    assert rows(gateway.database, Job) == []
    assert len(rows(gateway.database, Message)) == 1


@on_postgresql
def test_two_workers_over_the_same_people_leave_one_order_without_gaps(
    gateway: Gateway, post_webhook: PostWebhook, caplog: pytest.LogCaptureFixture
) -> None:
    people = [f"54911{n:08d}" for n in range(12)]
    bodies = []
    for turn in range(24):
        order = people if turn % 2 else people[::-1]
        messages = [text(f"{turn}", id=f"wamid.{turn // 2}.{person}", sender=person) for person in order]
        edit = text(id=f"wamid.E{turn // 2}") | {
            "type": "edit",
            "edit": {"original_message_id": f"wamid.0.{people[0]}", "message": text("new")},
        }
        reports = [status(f"wamid.{turn // 2}.{person}", "read", to=person) for person in reversed(order)]
        bodies.append(notification(change(messages=[*messages, edit]), change(statuses=reports)))
    for body in bodies:
        post_webhook(body)
    claims = claim(gateway.database)
    log = EventLog(gateway.endpoints)
    workers = [
        ProcessNotifications(gateway.database, gateway.directory, log, utc_now, ProcessingOptions()) for _ in range(4)
    ]
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait(10)
        for each in claims[number::4]:
            workers[number]([each])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    warnings = {record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")}
    assert warnings <= {"storing items one by one"}  # a message and its report met their own copies; and no deadlock
    assert {row.state for row in rows(gateway.database, Notification)} == {"processed"}
    assert len(rows(gateway.database, Message)) == 12 * 12
    assert len(rows(gateway.database, Contact)) == 13
    assert_places_without_gaps(gateway.database)
    assert audit_balance(gateway.database, deep=True).problems == []


def test_events_ascend_in_the_order_of_the_items(gateway: Gateway, receive: Callable[..., None]) -> None:
    receive(message_body(*(text(f"{n}", sender=BO if n % 3 else "549111") for n in range(100))))

    events = rows(gateway.database, Event)
    assert [event.position for event in events] == list(range(100))
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})


def test_the_leases_of_what_waits_behind_other_webhooks_are_renewed(
    gateway: Gateway, post_webhook: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for sender in ("549111", "549112", "549113"):
        post_webhook(message_body(text(sender=sender)))
    monkeypatch.setattr(processor, "RENEW_INTERVAL_SECONDS", -1.0)
    monkeypatch.setattr(gateway.process, "_chunk_size", SimpleNamespace(value=1, note=lambda *_: None))
    claims, store = claim(gateway.database), gateway.process._store
    leases: list[list[bool]] = []

    def store_and_look(chunk: Any) -> None:
        later = utc_now() + LEASE / 2
        monkeypatch.setattr(gateway.process, "_now", lambda: utc_now() + timedelta(minutes=len(leases) + 1))
        leases.append(
            [row.due_at > later + timedelta(minutes=len(leases) - 1) for row in rows(gateway.database, Job)]
        )
        store(chunk)

    monkeypatch.setattr(gateway.process, "_store", store_and_look)
    gateway.process(claims)

    assert leases == [[True] * 3, [True] * 2, [True]]
    assert rows(gateway.database, Job) == []


def claim(database: Database) -> list[Claim]:
    with database.write() as session:
        return jobs.claim(session, PROCESS, now=utc_now(), lease=LEASE, limit=100)


def let_leases_end(database: Database) -> None:
    with database.write() as session:
        session.execute(update(Job).values(due_at=utc_now() - timedelta(seconds=1)))


def die_at(monkeypatch: pytest.MonkeyPatch, write: Callable[..., Any], number: int) -> None:
    """Kill the process when the rows of its chunk of that number are written and not yet committed."""
    left = iter(range(number - 1, -1, -1))

    def write_and_die(*arguments: Any) -> Any:
        steps = write(*arguments)
        if not next(left):
            raise Killed
        return steps

    monkeypatch.setattr(processor, "write", write_and_die)


def assert_no_half_books(database: Database) -> None:
    for row in rows(database, Notification):
        assert (row.state == "pending") == (row.books is None)


def assert_places_without_gaps(database: Database) -> None:
    places: dict[str, list[int]] = {}
    for event in rows(database, Event):
        places.setdefault(event.contact_id, []).append(event.contact_sequence)
    assert places
    for contact_id, found in places.items():
        assert found == list(range(1, len(found) + 1)), contact_id


def rows(database: Database, model: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(model).order_by(model.sequence if model is Event else model.id)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_waiting_for_other_threads_makes_transactions_no_smaller(
    gateway: Gateway, receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, noted = processor.write, list[float]()

    def wait_and_write(*arguments: Any) -> Any:
        threading.Event().wait(0.1)
        return write(*arguments)

    receive(message_body(text()))  # statements are compiled
    monkeypatch.setattr(processor, "write", wait_and_write)
    monkeypatch.setattr(gateway.process._chunk_size, "note", lambda seconds, used: noted.append(seconds))
    receive(message_body(text()))
    assert len(noted) == 1 and noted[0] < 0.1
