from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.db.database import Database
from app.models import Contact, Event, Message, Notification
from app.services.operations.audit import audit_balance
from app.services.processing.change_set_builder import ChangeSetBuilder
from tests.conftest import on_sqlite, one_case_on_postgresql
from tests.factories import (
    ANA,
    BO,
    DISPLAY,
    OTHER_PNID,
    PNID,
    WABA,
    change,
    contact,
    message_body,
    notification,
    status,
    status_body,
    text,
    to_bytes,
    wamid,
)

pytestmark = one_case_on_postgresql

Receive = Callable[..., None]


def test_a_text_message_comes_out_in_the_normalised_shape(receive: Receive, get: Callable[..., Any]) -> None:
    ana = contact(user_id="AR.4411", name="Ana")
    message = text("Hola, necesito ayuda", id="wamid.HBgNABC=", sender=ANA, timestamp=1_633_024_800)

    receive(message_body(message, contacts=[ana]))

    (found,) = get("/api/messages")["data"]
    assert list(found) == [
        "channel", "sender", "message", "timestamp", "message_id", "message_type", "id", "direction",
        "phone_number_id", "recipient", "contact", "content", "context", "referral", "group_id", "status", "error",
        "pricing", "callback_data", "source", "received_at", "flags",
    ]  # fmt: skip
    received_at = datetime.fromisoformat(found.pop("received_at"))
    assert abs((datetime.now(UTC) - received_at).total_seconds()) < 60
    assert [len(found.pop("id")), len(found["contact"].pop("id"))] == [36, 36]
    assert found == {
        "channel": "whatsapp",
        "sender": f"+{ANA}",
        "message": "Hola, necesito ayuda",
        "timestamp": "2021-09-30T18:00:00Z",
        "message_id": "wamid.HBgNABC=",
        "message_type": "text",
        "direction": "inbound",
        "phone_number_id": PNID,
        "recipient": f"+{DISPLAY}",
        "contact": {
            "wa_id": ANA, "user_id": "AR.4411", "parent_user_id": None, "username": None, "name": "Ana",
            "profile_name": "Ana",
        },
        "content": {"body": "Hola, necesito ayuda"},
        "context": None,
        "referral": None,
        "group_id": None,
        "status": "received",
        "error": None,
        "pricing": None,
        "callback_data": None,
        "source": "live",
        "flags": [],
    }  # fmt: skip


def test_the_event_tells_of_the_same_message(receive: Receive, get: Callable[..., Any]) -> None:
    receive(message_body(text()))

    (event,) = get("/api/events")["data"]
    assert (event["type"], event["version"]) == ("message.received", 1)
    assert event["data"] == get("/api/messages")["data"][0] | {"last_outbound": None, "handled_by": "bot"}
    assert event["delayed_seconds"] > 0


def test_a_notification_that_comes_twice_counts_once(receive: Receive, database: Database) -> None:
    body = message_body(text())

    receive(body, body)

    assert [len(rows(database, model)) for model in (Notification, Message, Event, Contact)] == [2, 1, 1, 1]
    assert books(database) == [{PNID: {"processed": 1}}, {PNID: {"duplicate": 1}}]
    assert audit_balance(database, deep=True).problems == []


def test_one_wamid_twice_in_a_body_is_one_message(receive: Receive, database: Database) -> None:
    first, again = text("first", id="wamid.SAME"), text("again", id="wamid.SAME")

    receive(message_body(first, again, text("other")))

    assert [row.message for row in rows(database, Message)] == ["first", "other"]
    assert books(database) == [{PNID: {"processed": 2, "duplicate": 1}}]
    assert audit_balance(database, deep=True).problems == []


POISON: dict[str, Any] = {
    "a string": "poison",
    "a number": 7,
    "null": None,
    "a list": [1],
    "empty": {},
    "without id": {"from": ANA, "type": "text", "text": {"body": "x"}},
    "from nobody": {"id": "wamid.P", "type": "text", "text": {"body": "x"}},
}


@on_sqlite
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_poison_item_is_parked_and_its_neighbours_go_through(
    receive: Receive, database: Database, poison: Any, place: int
) -> None:
    messages: list[Any] = [text("one"), text("two")]
    messages.insert(place, poison)

    receive(message_body(*messages))

    assert [row.message for row in rows(database, Message)] == ["one", "two"]
    (row,) = rows(database, Notification)
    assert (row.state, row.books) == ("parked", {PNID: {"processed": 2, "parked": 1}})
    assert audit_balance(database, deep=True).problems == []


def test_an_item_that_breaks_our_own_planning_is_parked_alone(
    receive: Receive, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ChangeSetBuilder.event_row

    def break_on_poison(self: ChangeSetBuilder, item: Any, kind: str, data: Any, *rest: Any, **more: Any) -> Any:
        if "poison" in json.dumps(data):
            raise ZeroDivisionError("poison")
        return event(self, item, kind, data, *rest, **more)

    monkeypatch.setattr(ChangeSetBuilder, "event_row", break_on_poison)

    receive(message_body(text("one"), text("poison"), text("two")), message_body(text("three")))

    assert [row.message for row in rows(database, Message)] == ["one", "two", "three"]
    assert books(database) == [{PNID: {"processed": 2, "parked": 1}}, {PNID: {"processed": 1}}]
    assert audit_balance(database).problems == []


@pytest.mark.parametrize(
    "body",
    ["a\x00b", "\ud800 alone", "emoji 👩‍👩‍👧", "", "\u202e rtl", "x" * 100_000, "\\u0000", "'; --"],
    ids=["NUL", "surrogate", "emoji", "empty", "rtl", "long", "escaped backslash", "quote"],
)
def test_any_text_can_be_stored(receive: Receive, database: Database, body: str) -> None:
    receive(message_body(text(body)))

    (message,) = rows(database, Message)
    assert books(database) == [{PNID: {"processed": 1}}]
    assert len(message.message) >= min(len(body), 1)
    assert audit_balance(database, deep=True).problems == []


@pytest.mark.parametrize(
    "more",
    [
        {"order": {"n": 10**30}}, {"order": {"n": -(10**30)}}, {"order": {"n": 2**63}}, {"order": {"n": 1e308}},
        {"timestamp": "9" * 40}, {"timestamp": -5}, {"timestamp": 10**25}, {"timestamp": "soon"}, {"timestamp": None},
        {"id": 10**30}, {"from": 5491112345678}, {"type": 7}, {"text": {"body": 10**400}}, {"text": {"body": None}},
        {"text": None}, {"text": {"body": {"deep": [[[[]]]]}}}, {"\x00": "\x00"}, {"context": {"id": "\x00"}},
        {"context": []}, {"referral": {"\ud800": "\udfff"}}, {"errors": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_any_value_can_be_stored_or_parked_and_the_neighbours_go_through(
    receive: Receive, database: Database, more: dict[str, Any]
) -> None:
    receive(message_body(text("before"), text("odd") | more, text("after")))

    assert {"before", "after"} <= {row.message for row in rows(database, Message)}
    (page,) = books(database)
    assert sum(count for number in page.values() for count in number.values()) == 3
    assert audit_balance(database, deep=True).problems == []


@pytest.mark.parametrize("number", ["\x00", "9" * 500, None])
def test_any_phone_number_id_can_be_stored(receive: Receive, database: Database, number: str | None) -> None:
    receive(message_body(text(), number=number))

    (message,) = rows(database, Message)
    assert message.flags == ["unknown_number"]
    assert audit_balance(database, deep=True).problems == []


def test_a_number_nobody_configured_is_kept_and_flagged(receive: Receive, get: Callable[..., Any]) -> None:
    receive(message_body(text(), number=OTHER_PNID))

    (message,) = get("/api/messages")["data"]
    assert (message["phone_number_id"], message["flags"]) == (OTHER_PNID, ["unknown_number"])


@pytest.mark.parametrize(
    ("field", "event"),
    [("field_of_tomorrow", "unknown"), ("account_update", "account.account_update"), ("", "unknown")],
)
def test_a_field_that_is_no_message_is_an_event(
    receive: Receive, get: Callable[..., Any], field: str, event: str
) -> None:
    receive(notification({"field": field, "value": {"event": "SOMETHING", "n": 1}}))

    (found,) = get("/api/events")["data"]
    assert found["type"] == event
    about = {"waba_id": WABA, "phone_number_ids": [PNID]}
    assert found["data"] == {"field": field, "value": {"event": "SOMETHING", "n": 1}} | about


def test_a_notification_of_a_thousand_items_is_taken_in_whole(
    receive: Receive, database: Database, get: Callable[..., Any]
) -> None:
    messages: list[Any] = [text(f"m{n}", sender=f"54911{n % 50:08d}") for n in range(990)]
    messages[500] = "poison"
    statuses = [status(wamid()) for _ in range(10)]

    receive(notification(change(messages=messages), change(statuses=statuses)))

    assert books(database) == [{PNID: {"processed": 999, "parked": 1}}]
    assert [row.message for row in rows(database, Message)] == [f"m{n}" for n in range(990) if n != 500]
    assert_contacts_count_without_gaps(database)
    assert audit_balance(database, deep=True).problems == []


def test_items_of_several_numbers_are_booked_by_number(receive: Receive, database: Database) -> None:
    receive(notification(
        change(messages=[text(), text()]), change(messages=[text()], number=OTHER_PNID), change(messages=[7]),
    ))  # fmt: skip

    assert books(database) == [{PNID: {"processed": 2, "parked": 1}, OTHER_PNID: {"processed": 1}}]


def test_the_same_person_by_either_name_is_one_contact(receive: Receive, database: Database) -> None:
    receive(message_body(text(sender=ANA), contacts=[contact(ANA, user_id="AR.1")]))
    by_user_id = text() | {"from_user_id": "AR.1"}
    del by_user_id["from"]
    receive(message_body(by_user_id), message_body(text(sender=BO)))

    first, second, third = rows(database, Message)
    assert first.contact_id == second.contact_id != third.contact_id
    assert second.sender == "AR.1"
    assert_contacts_count_without_gaps(database)


def test_a_status_and_a_message_by_one_person_share_their_order(receive: Receive, database: Database) -> None:
    receive(message_body(text()), status_body(status(wamid())), message_body(text()))

    assert [event.contact_sequence for event in rows(database, Event)] == [1, 2, 3]


def test_what_is_stored_is_what_was_signed(receive: Receive, get: Callable[..., Any], client: Any) -> None:
    body = to_bytes(message_body(text("ñandú 👍"))) + b"\n "
    receive(body)

    (found,) = get("/api/notifications")["data"]
    raw = client.get(
        f"/api/notifications/{found['id']}/raw",
        headers={"Authorization": "Bearer api-key-of-the-tests-0123456789"},
    )

    assert raw.data == body
    assert raw.headers["X-Content-Type-Options"] == "nosniff"


def rows(database: Database, model: Any) -> list[Any]:
    order = model.sequence if model is Event else model.id
    with database.read() as session:
        return list(session.scalars(select(model).order_by(order)))


def books(database: Database) -> list[Any]:
    return [row.books for row in rows(database, Notification)]


def assert_contacts_count_without_gaps(database: Database) -> None:
    places: dict[str, list[int]] = {}
    for event in rows(database, Event):
        if event.contact_id:
            places.setdefault(event.contact_id, []).append(event.contact_sequence)
    assert places
    for contact_ in rows(database, Contact):
        assert places.pop(contact_.id, []) == list(range(1, contact_.event_count + 1))
    assert places == {}
