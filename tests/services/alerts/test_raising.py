"""An alert is raised once, again every day, and closed; each time it is an event, and told."""

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
from app.services.alerts.raising import Alerts
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


def test_what_goes_on_is_raised_once(alerts: Alerts, database: Database, clock: Clock) -> None:
    assert alerts.raise_alert("silence", PNID)
    clock.pass_by(hours=23)

    assert not alerts.raise_alert("silence", PNID)
    assert told(database) == [("raised", PNID, 1)]
    assert jobs(database) == list(WAYS)


def test_what_goes_on_for_a_day_is_raised_again(alerts: Alerts, database: Database, clock: Clock) -> None:
    alerts.raise_alert("silence", PNID, details={"n": 1})
    clock.pass_by(days=1)
    assert alerts.raise_alert("silence", PNID, details={"n": 2})
    clock.pass_by(hours=1)
    assert not alerts.raise_alert("silence", PNID)
    clock.pass_by(hours=23)
    assert alerts.raise_alert("silence", PNID)

    assert told(database) == [("raised", PNID, 1), ("repeated", PNID, 2), ("repeated", PNID, 3)]


def test_what_is_over_is_told_and_may_begin_again(alerts: Alerts, database: Database) -> None:
    alerts.raise_alert("silence", PNID)

    assert alerts.close("silence", PNID)
    assert not alerts.close("silence", PNID)
    assert alerts.raise_alert("silence", PNID)
    assert told(database) == [("raised", PNID, 1), ("closed", PNID, 1), ("raised", PNID, 1)]
    assert jobs(database) == list(WAYS) * 3


def test_what_was_never_wrong_is_not_over(alerts: Alerts, database: Database) -> None:
    assert not alerts.close("silence", PNID)
    assert told(database) == []


def test_subjects_and_kinds_stand_each_for_themselves(alerts: Alerts, database: Database) -> None:
    assert alerts.raise_alert("silence", PNID)
    assert alerts.raise_alert("silence", OTHER_PNID)
    assert alerts.raise_alert("token_dead", PNID)

    assert alerts.close("silence", OTHER_PNID)
    assert not alerts.raise_alert("silence", PNID)


def test_a_transaction_that_fails_raises_nothing(alerts: Alerts, database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        alerts.raise_in(session, "endpoint_disabled", Finding("crm"))
        raise RuntimeError

    assert (told(database), jobs(database)) == ([], [])


def test_a_kind_that_nobody_explained_is_a_mistake(alerts: Alerts) -> None:
    with pytest.raises(ValueError, match="no alert is called"):
        alerts.raise_alert("other")


@on_postgresql
def test_workers_that_see_the_same_at_once_raise_it_once(alerts: Alerts, database: Database) -> None:
    barrier = threading.Barrier(4)
    raised: list[bool] = []

    def see() -> None:
        barrier.wait()
        raised.append(alerts.raise_alert("worker_behind"))

    threads = [threading.Thread(target=see) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(raised) == [False, False, False, True]
    assert told(database) == [("raised", "", 1)]


def test_alerts_stand_among_the_events_and_leave_the_books_alone(
    alerts: Alerts, database: Database, receive: Callable[..., None], get: Callable[..., Any], gateway: Gateway
) -> None:
    receive(message_body(text()))
    alerts.raise_alert("silence", PNID, phone_number_id=PNID, details={"no_report_since": "noon"})
    receive(message_body(text()))

    events = get("/api/events", after=0)["data"]

    assert [event["type"] for event in events] == ["message.received", "gateway.alert", "message.received"]
    data = events[1]["data"]
    assert data["text"].startswith(f"ALERT Meta tells nothing of number {PNID}")
    assert data["alert"]["details"] == {"no_report_since": "noon"}
    assert audit_balance(gateway.database, deep=True).is_clean


def test_the_list_has_the_open_ones_first(alerts: Alerts, clock: Clock, get: Callable[..., Any]) -> None:
    for subject in ("a", "b", "c"):
        alerts.raise_alert("endpoint_failing", subject)
        clock.pass_by(minutes=1)
    alerts.close("endpoint_failing", "c")

    listed = get("/api/alerts")["data"]

    assert [(each["subject"], each["state"]) for each in listed] == [("b", "open"), ("a", "open"), ("c", "closed")]
    assert listed[0]["message"] == "Endpoint b takes no events; they are kept and tried again."
    assert listed[0]["remedy"] and listed[0]["notified_at"] is None
    assert [each["subject"] for each in get("/api/alerts", state="closed")["data"]] == ["c"]
    assert [each["subject"] for each in get("/api/alerts", state="open")["data"]] == ["b", "a"]


def test_pages_of_the_list_neither_repeat_nor_skip(alerts: Alerts, get: Callable[..., Any]) -> None:
    for subject in "abcdefg":
        alerts.raise_alert("endpoint_failing", subject)
    for subject in "bdf":
        alerts.close("endpoint_failing", subject)
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/alerts", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["subject"] for each in page["data"]]
        cursor = page["next_cursor"]

    assert "".join(seen) == "gecafdb"


def test_apps_are_told_like_of_any_event(alerts: Alerts, database: Database) -> None:
    with database.write() as session:
        session.execute(insert(Endpoint), [endpoint("e1", datetime.now(UTC))])

    alerts.raise_alert("silence", PNID)

    with database.read() as session:
        owed = session.scalars(select(Delivery)).one()
        assert session.scalars(select(Event.id)).one() == owed.event_id


@on_sqlite
def test_a_bounded_key_sees_alerts_about_its_numbers_alone(
    alerts: Alerts, gateway: Gateway, client: FlaskClient, get: Callable[..., Any]
) -> None:
    alerts.raise_alert("silence", PNID, phone_number_id=PNID)
    alerts.raise_alert("silence", OTHER_PNID, phone_number_id=OTHER_PNID)
    alerts.raise_alert("disk_full", "/data")
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    assert [each["subject"] for each in get("/api/alerts", key)["data"]] == [PNID]
    assert [each["data"]["alert"]["subject"] for each in get("/api/events", key)["data"]] == [PNID]


@pytest.fixture
def alerts(database: Database, clock: Clock) -> Alerts:
    return Alerts(database, WAYS, clock)
