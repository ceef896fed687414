"""An alarm is raised once, again every day, and closed; each time it is an event, and told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app.container import Gateway
from app.db.database import Database
from app.domain.alerts import Finding
from app.models import Delivery, Endpoint, Event, Job
from app.services.alerts.raising import Alarms
from app.services.operations.audit import audit_balance
from tests.conftest import Clock, on_postgresql, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text
from tests.services.health_checks.test_run import endpoint

WAYS = ("alert_url", "alert_email")


def told(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as session:
        rows = session.scalars(select(Event).where(Event.type == "gateway.alert").order_by(Event.sequence)).all()
    found = [json.loads(row.data) for row in rows]
    return [(each["action"], each["alert"]["subject"], each["alert"]["count"]) for each in found]


def jobs(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Job.kind).order_by(Job.id)))


def test_what_goes_on_is_raised_once(alarms: Alarms, database: Database, clock: Clock) -> None:
    assert alarms.raise_alarm("silence", PNID)
    clock.pass_by(hours=23)

    assert not alarms.raise_alarm("silence", PNID)
    assert told(database) == [("raised", PNID, 1)]
    assert jobs(database) == list(WAYS)


def test_what_goes_on_for_a_day_is_raised_again(alarms: Alarms, database: Database, clock: Clock) -> None:
    alarms.raise_alarm("silence", PNID, details={"n": 1})
    clock.pass_by(days=1)
    assert alarms.raise_alarm("silence", PNID, details={"n": 2})
    clock.pass_by(hours=1)
    assert not alarms.raise_alarm("silence", PNID)
    clock.pass_by(hours=23)
    assert alarms.raise_alarm("silence", PNID)

    assert told(database) == [("raised", PNID, 1), ("repeated", PNID, 2), ("repeated", PNID, 3)]


def test_what_is_over_is_told_and_may_begin_again(alarms: Alarms, database: Database) -> None:
    alarms.raise_alarm("silence", PNID)

    assert alarms.close("silence", PNID)
    assert not alarms.close("silence", PNID)
    assert alarms.raise_alarm("silence", PNID)
    assert told(database) == [("raised", PNID, 1), ("closed", PNID, 1), ("raised", PNID, 1)]
    assert jobs(database) == list(WAYS) * 3


def test_what_was_never_wrong_is_not_over(alarms: Alarms, database: Database) -> None:
    assert not alarms.close("silence", PNID)
    assert told(database) == []


def test_subjects_and_kinds_stand_each_for_themselves(alarms: Alarms, database: Database) -> None:
    assert alarms.raise_alarm("silence", PNID)
    assert alarms.raise_alarm("silence", OTHER_PNID)
    assert alarms.raise_alarm("token_dead", PNID)

    assert alarms.close("silence", OTHER_PNID)
    assert not alarms.raise_alarm("silence", PNID)


def test_a_transaction_that_fails_raises_nothing(alarms: Alarms, database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        alarms.raise_in(session, "endpoint_disabled", Finding("crm"))
        raise RuntimeError

    assert (told(database), jobs(database)) == ([], [])


def test_a_kind_that_nobody_explained_is_a_mistake(alarms: Alarms) -> None:
    with pytest.raises(ValueError, match="no alarm is called"):
        alarms.raise_alarm("other")


@on_postgresql
def test_workers_that_see_the_same_at_once_raise_it_once(alarms: Alarms, database: Database) -> None:
    barrier = threading.Barrier(4)
    raised: list[bool] = []

    def see() -> None:
        barrier.wait()
        raised.append(alarms.raise_alarm("worker_behind"))

    threads = [threading.Thread(target=see) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(raised) == [False, False, False, True]
    assert told(database) == [("raised", "", 1)]


def test_alarms_stand_among_the_events_and_leave_the_books_alone(
    alarms: Alarms, database: Database, receive: Callable[..., None], get: Callable[..., Any], gateway: Gateway
) -> None:
    receive(message_body(text()))
    alarms.raise_alarm("silence", PNID, phone_number_id=PNID, details={"no_report_since": "noon"})
    receive(message_body(text()))

    events = get("/api/events", after=0)["data"]

    assert [event["type"] for event in events] == ["message.received", "gateway.alert", "message.received"]
    data = events[1]["data"]
    assert data["text"].startswith(f"ALARM Meta tells nothing of number {PNID}")
    assert data["alert"]["details"] == {"no_report_since": "noon"}
    assert audit_balance(gateway.database, deep=True).is_clean


def test_the_list_has_the_open_ones_first(alarms: Alarms, clock: Clock, get: Callable[..., Any]) -> None:
    for subject in ("a", "b", "c"):
        alarms.raise_alarm("endpoint_failing", subject)
        clock.pass_by(minutes=1)
    alarms.close("endpoint_failing", "c")

    listed = get("/api/alerts")["data"]

    assert [(each["subject"], each["state"]) for each in listed] == [("b", "open"), ("a", "open"), ("c", "closed")]
    assert listed[0]["message"] == "Endpoint b takes no events; they are kept and tried again."
    assert listed[0]["remedy"] and listed[0]["notified_at"] is None
    assert [each["subject"] for each in get("/api/alerts", state="closed")["data"]] == ["c"]
    assert [each["subject"] for each in get("/api/alerts", state="open")["data"]] == ["b", "a"]


def test_pages_of_the_list_neither_repeat_nor_skip(alarms: Alarms, get: Callable[..., Any]) -> None:
    for subject in "abcdefg":
        alarms.raise_alarm("endpoint_failing", subject)
    for subject in "bdf":
        alarms.close("endpoint_failing", subject)
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/alerts", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["subject"] for each in page["data"]]
        cursor = page["next_cursor"]

    assert "".join(seen) == "gecafdb"


def test_apps_are_told_like_of_any_event(alarms: Alarms, database: Database) -> None:
    with database.write() as session:
        session.execute(insert(Endpoint), [endpoint("e1", datetime.now(UTC))])

    alarms.raise_alarm("silence", PNID)

    with database.read() as session:
        owed = session.scalars(select(Delivery)).one()
        assert session.scalars(select(Event.id)).one() == owed.event_id


@on_sqlite
def test_a_bounded_key_sees_alarms_about_its_numbers_alone(
    alarms: Alarms, gateway: Gateway, client: FlaskClient, get: Callable[..., Any]
) -> None:
    alarms.raise_alarm("silence", PNID, phone_number_id=PNID)
    alarms.raise_alarm("silence", OTHER_PNID, phone_number_id=OTHER_PNID)
    alarms.raise_alarm("disk_full", "/data")
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    assert [each["subject"] for each in get("/api/alerts", key)["data"]] == [PNID]
    assert [each["data"]["alert"]["subject"] for each in get("/api/events", key)["data"]] == [PNID]


@pytest.fixture
def alarms(database: Database, clock: Clock) -> Alarms:
    return Alarms(database, WAYS, clock)
