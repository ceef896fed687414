"""Every event that any situation leads to fulfils the schema that the service hands out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from app.container import Gateway
from app.domain.notifications import Unreadable
from app.domain.numbers import DEFAULT_APP, Directory
from app.models import Event
from app.schemas.api.events import EventAnswer
from app.schemas.notification import parse_notification
from app.services.contacts.identity import IdentityResolver
from app.services.processing.change_set import ProcessingOptions, StoredState
from app.services.processing.planning import build_change_set
from app.services.processing.work import NotificationWork, WorkItem
from app.store.erased_events import erased_data
from app.store.jobs import Claim
from app.web.openapi.document import event_schema
from tests.conftest import on_sqlite
from tests.factories import echo, echo_body, message_body, notification, status, status_body, text
from tests.schemas.test_notification import SITUATIONS, load

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
SCHEMA = jsonschema.Draft202012Validator(event_schema(), format_checker=jsonschema.FormatChecker())
TYPES = (
    "message.received", "message.sent", "message.status", "message.edited", "message.revoked", "contact.updated",
    "marketing.preference", "call", "group", "unknown",
)  # fmt: skip


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(event_schema())


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_events_of_a_situation_fulfil_it(name: str) -> None:
    for event in events_of(load(name)["notification"]):
        assert [error.message for error in SCHEMA.iter_errors(event)] == []


def test_the_situations_lead_to_every_type() -> None:
    types = {event["type"] for name in SITUATIONS for event in events_of(load(name)["notification"])}

    assert types >= set(TYPES)
    assert {kind for kind in types - set(TYPES) if not kind.startswith("account.")} == set()


def test_events_about_messages_that_are_known_fulfil_it_too() -> None:
    bodies = (
        echo_body(echo("wamid.E")), message_body(text(id="wamid.T")),
        status_body(status("wamid.E", "read", pricing={"category": "service"}), status("wamid.E", "failed")),
        message_body({
            "from": "5491112345678", "id": "wamid.R", "timestamp": "1633024800", "type": "revoke",
            "revoke": {"original_message_id": "wamid.T"},
        }),
    )  # fmt: skip
    changes = [change for body in bodies for change in body["entry"][0]["changes"]]

    found = events_of(notification(*changes))

    assert [event["type"] for event in found][-1] == "message.revoked"
    flags = [found[-1]["data"][name]["flags"] for name in ("message", "previous")]
    assert flags == [["unknown_number", "revoked"], ["unknown_number"]]
    for event in found:
        assert [error.message for error in SCHEMA.iter_errors(event)] == []


@pytest.mark.parametrize(
    "wrong",
    [{"type": "message.lost"}, {"version": 2}, {"data": {}}, {"timestamp": None}, {"delayed_seconds": "1"}],
    ids=str,
)
def test_what_is_no_event_does_not_fulfil_it(wrong: dict[str, Any]) -> None:
    (event,) = events_of(message_body(text()))

    assert not SCHEMA.is_valid(event | wrong)
    assert SCHEMA.is_valid(event)


def events_of(body: Any) -> list[dict[str, Any]]:
    """The events of one notification, as they are answered."""
    items = parse_notification(json.dumps(body).encode(), NOW)
    notification = NotificationWork(Claim(1, "c", "process", "n", 1, None), "n", NOW, DEFAULT_APP, items)
    work_items = [WorkItem(notification, item) for item in items if not isinstance(item.fact, Unreadable)]
    stored, directory = StoredState({"": IdentityResolver.of(NOW, {})}, []), Directory({}, (), ())
    changes = build_change_set(work_items, stored, directory, NOW, ProcessingOptions())
    assert not changes.set_aside
    dumped: list[dict[str, Any]] = EventAnswer().dump(
        [Event(**pending.event) for pending in changes.events], many=True
    )
    return json.loads(json.dumps(dumped))  # type: ignore[no-any-return]


@on_sqlite
def test_events_of_alerts_fulfil_it_too(gateway: Gateway, get: Callable[..., Any]) -> None:
    gateway.alerts.raise_alert("silence", "700100200300400", details={"n": 1})
    gateway.alerts.close("silence", "700100200300400")

    found = get("/api/events", type="gateway.alert")["data"]

    assert [event["data"]["action"] for event in found] == ["closed", "raised"]
    for event in found:
        assert [error.message for error in SCHEMA.iter_errors(event)] == []


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_event_about_somebody_who_was_erased_fulfils_it_still_and_names_nobody(name: str) -> None:
    for event in events_of(load(name)["notification"]):
        left = event | {"data": erased_data(event["type"], event["data"])}

        assert [error.message for error in SCHEMA.iter_errors(left)] == []
        assert left["data"]["erased"] is True
        said = json.dumps(left["data"], ensure_ascii=False)
        assert not any(word in said for word in ("5491112345678", "Ana", "Hola"))
