"""Reading kept webhooks again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.models import (
    Contact,
    ContactAlias,
    ContactNumber,
    Delivery,
    Event,
    Job,
    Message,
    MessageIndexQueue,
    Notification,
    ParkedItem,
    StatusReport,
)
from app.schemas.changes import fields
from app.schemas.changes.messages import parse_messages
from app.schemas.inbound import types
from app.services.operations.audit import audit_balance
from app.services.webhooks.replay import replay_notifications
from app.store import numbers
from tests.conftest import API_KEY, one_case_on_postgresql
from tests.factories import OTHER_PNID, change, message_body, notification, status, status_body, text, wamid

pytestmark = one_case_on_postgresql

Get = Callable[..., Any]
Receive = Callable[..., None]
Process = Callable[[], None]


def test_what_was_taken_in_has_no_second_effect(
    database: Database, get: Get, receive: Receive, process_all: Process
) -> None:
    receive(message_body(text("one"), text("two")), status_body(status(wamid())))
    before = {path: get(path) for path in ("/api/messages", "/api/events")}

    count = _replay_all(database)
    process_all()

    assert count == 2
    assert {path: get(path) for path in before} == before
    assert audit_balance(database, deep=True).problems == []
    assert sum(page["duplicate"] for page in audit_balance(database).items.values()) == 0


def test_a_type_that_broke_us_is_understood_once_we_know_it(
    database: Database, get: Get, receive: Receive, process_all: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setitem(types.TYPES, "text", _broken)
        receive(message_body(text("Hola")))
    [parked] = get("/api/notifications", state="parked")["data"]

    count = replay_notifications(database, utc_now(), since=None, state="parked")
    process_all()

    assert count == 1
    assert [message["message"] for message in get("/api/messages")["data"]] == ["Hola"]
    after = get(f"/api/notifications/{parked['id']}")
    assert after["state"] == "processed"
    assert after["set_aside"] == []
    assert audit_balance(database, deep=True).problems == []


def test_a_field_that_was_unknown_is_understood_once_we_know_it(
    database: Database, get: Get, receive: Receive, process_all: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = change(messages=[text("new"), text("newer")], field="new_messages")
    receive(notification(new, change(messages=[text()])))
    assert [event["type"] for event in get("/api/events")["data"]] == ["message.received", "unknown"]
    monkeypatch.setitem(fields.FIELDS, "new_messages", parse_messages)

    _replay_all(database)
    process_all()

    assert {message["message"] for message in get("/api/messages")["data"]} == {"Hola", "new", "newer"}
    assert audit_balance(database, deep=True).problems == []


def test_a_neighbour_that_stays_parked_is_set_aside_once(
    database: Database, receive: Receive, process_all: Process
) -> None:
    receive(message_body(text(), "no message"))

    _replay_all(database)
    process_all()

    with database.read() as session:
        assert len(session.scalars(select(ParkedItem)).all()) == 1
    assert audit_balance(database, deep=True).problems == []


def test_a_quarantined_item_passes_once_its_number_is_ours(
    database: Database,
    gateway: Gateway,
    get: Get,
    receive: Receive,
    process_all: Process,
) -> None:
    _add_number(database, app="another-app")
    receive(message_body(text(), number=OTHER_PNID))
    assert [each["state"] for each in get("/api/notifications")["data"]] == ["quarantined"]
    _add_number(database, app=gateway.directory.current.apps[0])
    gateway.directory.refresh()

    _replay_all(database)
    process_all()

    assert [each["state"] for each in get("/api/notifications")["data"]] == ["processed"]
    assert audit_balance(database, deep=True).problems == []


def test_one_that_waits_to_be_read_gets_no_second_job(
    database: Database, receive: Receive, process_all: Process
) -> None:
    receive(message_body(text()))

    first, second = _replay_all(database), _replay_all(database)

    assert (first, second) == (1, 0)
    with database.read() as session:
        assert len(session.scalars(select(Job)).all()) == 1


def test_what_was_delivered_is_delivered_again_only_if_asked(
    app: Flask, gateway: Gateway, database: Database, receive: Receive, process_all: Process
) -> None:
    gateway.manage_endpoints.add({"url": "https://app.example", "types": ["message.received"]})
    receive(message_body(text("one"), text("two")), status_body(status(wamid())))
    with database.read() as session:
        [first, _] = session.scalars(select(Notification.id).order_by(Notification.id))
    replay = ["notifications", "replay"]

    app.test_cli_runner().invoke(args=[*replay, "--since", "2026-01-01"])
    process_all()
    unasked = _deliveries(database)
    app.test_cli_runner().invoke(args=[*replay, "--since", "2026-01-01", "--deliver"])
    process_all()
    asked = _deliveries(database)
    app.test_cli_runner().invoke(args=[*replay, "--id", first, "--deliver"])
    process_all()

    assert unasked == [False, False]
    assert asked == [False, False, True, True]
    assert _deliveries(database) == [False, False, True, True, True, True]
    assert audit_balance(database, deep=True).problems == []


def test_only_those_received_since_are_read_again(database: Database, receive: Receive) -> None:
    receive(message_body(text()))

    assert replay_notifications(database, utc_now(), since=utc_now() + timedelta(minutes=1), state=None) == 0
    assert replay_notifications(database, utc_now(), since=utc_now() - timedelta(minutes=1), state=None) == 1


def test_the_api_replays_one(client: FlaskClient, get: Get, receive: Receive, process_all: Process) -> None:
    receive(message_body(text()))
    [kept] = get("/api/notifications")["data"]

    answer = client.post(f"/api/notifications/{kept['id']}/replay", headers={"Authorization": f"Bearer {API_KEY}"})
    process_all()

    assert answer.status_code == 202
    assert answer.get_json()["state"] == "pending"
    assert get(f"/api/notifications/{kept['id']}")["state"] == "processed"


@pytest.mark.parametrize("name", ["nobody", "a%00b"])
def test_the_api_says_when_there_is_none(client: FlaskClient, name: str) -> None:
    answer = client.post(f"/api/notifications/{name}/replay", headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 404


def test_the_command_replays_what_it_is_told_to(app: Flask, database: Database, receive: Receive) -> None:
    receive(message_body(text()), b"no JSON")
    with database.read() as session:
        [processed] = session.scalars(select(Notification).where(Notification.state == "processed"))
    run = app.test_cli_runner().invoke

    parked = run(args=["notifications", "replay", "--state", "parked"])
    one = run(args=["notifications", "replay", "--id", processed.id])
    rest = run(args=["notifications", "replay", "--since", "2026-01-01"])

    assert [result.output for result in (parked, one, rest)] == [
        "1 to be read again\n",
        "1 to be read again\n",
        "0 to be read again\n",
    ]


@pytest.mark.parametrize("options", [[], ["--id", "x", "--state", "parked"], ["--since", "yesterday"], ["--id", "x"]])
def test_the_command_says_what_it_wants(app: Flask, options: list[str]) -> None:
    result = app.test_cli_runner().invoke(args=["notifications", "replay", *options])

    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)


def _replay_all(database: Database) -> int:
    return replay_notifications(database, utc_now(), since=None, state=None)


def _deliveries(database: Database) -> list[bool]:
    """Of each delivery that is owed, whether it is a replay."""
    with database.read() as session:
        return list(session.scalars(select(Delivery.is_replay).order_by(Delivery.id)))


def _broken(_type: str, _value: Any) -> Any:
    raise LookupError("no idea")


def _add_number(database: Database, app: str) -> None:
    with database.write() as session:
        numbers.save(
            session,
            {"phone_number_id": OTHER_PNID, "app": app, "created_at": utc_now(), "updated_at": utc_now()},
        )


def test_what_is_lost_and_read_again_comes_under_the_same_ids(
    database: Database, get: Get, receive: Receive, process_all: Process
) -> None:
    """As after an older copy of the database was put back."""
    receive(
        message_body(text("one"), text("STOP"), text("three")),
        status_body(status(wamid()), status(wamid(), "read")),
        notification({"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION"}}),
    )
    before = {path: {each["id"] for each in get(path)["data"]} for path in ("/api/messages", "/api/events")}
    with database.write() as session:
        for model in (Event, StatusReport, Message, MessageIndexQueue, ContactNumber, ContactAlias, Contact):
            session.execute(delete(model))

    _replay_all(database)
    process_all()

    assert len(before["/api/events"]) == 6
    assert {path: {each["id"] for each in get(path)["data"]} for path in before} == before
