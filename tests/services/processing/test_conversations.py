"""What messages and preferences say of a conversation: its window, wishes about marketing, what was asked last."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.config.settings import Config
from app.container import Gateway
from app.models import Message
from tests import factories
from tests.conftest import API_KEY, one_case_on_postgresql, with_settings
from tests.factories import (
    ANA,
    BO,
    DISPLAY,
    OTHER_PNID,
    PNID,
    SENT_AT,
    change,
    echo,
    message_body,
    notification,
    status,
    text,
)

pytestmark = one_case_on_postgresql

Get = Callable[..., Any]
Receive = Callable[..., None]

NEW_NUMBER = "34600777666"


@pytest.fixture
def config(config: Config) -> Config:
    return with_settings(config, opt_out_words=("STOP", "dar de baja", "Não"))


def test_the_window_is_of_the_newest_word_whatever_comes_first(get: Get, receive: Receive) -> None:
    receive(message_body(text(timestamp=SENT_AT)), message_body(text(timestamp=SENT_AT - 60)))
    receive(message_body(text(timestamp=SENT_AT - 30)))

    [contact] = get("/api/contacts")["data"]

    assert contact["windows"] == {
        PNID: {
            "last_inbound_at": "2021-09-30T18:00:00Z", "expires_at": "2021-10-01T18:00:00Z", "is_open": False,
        }
    }  # fmt: skip


def test_what_is_said_in_a_group_or_on_our_side_opens_no_window(get: Get, receive: Receive) -> None:
    receive(message_body({**text(), "group_id": "group-1"}), factories.echo_body(echo("wamid.echo")))

    [contact] = get("/api/contacts")["data"]

    assert contact["windows"] == {}


def test_a_call_opens_the_window(get: Get, receive: Receive) -> None:
    call = {"id": "wacid.1", "from": ANA, "event": "connect", "timestamp": str(SENT_AT)}
    receive(notification(change(field="calls", calls=[call])))

    [contact] = get("/api/contacts")["data"]

    assert contact["windows"][PNID]["last_inbound_at"] == "2021-09-30T18:00:00Z"


@pytest.mark.parametrize(
    "more",
    [
        {"calls": [{"event": "connect", "direction": "BUSINESS_INITIATED", "from": DISPLAY, "to": ANA}]},
        {"calls": [{"event": "terminate", "direction": "BUSINESS_INITIATED", "from": DISPLAY, "to": ANA}]},
        {"calls": [{"event": "terminate", "direction": "USER_INITIATED", "from": ANA, "to": DISPLAY}]},
        {"statuses": [{"type": "call", "status": "RINGING", "recipient_id": ANA}]},
        {"statuses": [{"type": "call", "status": "REJECTED", "recipient_id": ANA}]},
    ],
    ids=["ours", "its end", "the end of theirs", "ringing", "rejected"],
)
def test_what_the_customer_does_not_do_opens_no_window(get: Get, receive: Receive, more: dict[str, Any]) -> None:
    ((name, (call,)),) = more.items()
    receive(notification(change(field="calls", **{name: [call | {"id": "wacid.1", "timestamp": str(SENT_AT)}]})))

    [contact] = get("/api/contacts")["data"]

    assert contact["windows"] == {}


def test_what_whatsapp_itself_says_opens_no_window(get: Get, receive: Receive) -> None:
    said = text() | {"type": "system", "system": {"type": "something_new", "body": "…"}}
    del said["text"]
    receive(message_body(said))

    assert [contact["windows"] for contact in get("/api/contacts")["data"]] == [{}]


def test_a_time_in_the_future_is_now_for_windows_order_and_lists(get: Get, receive: Receive, client: Any) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    soon = datetime.now(UTC) + timedelta(seconds=20)
    receive(message_body(text("ahead", timestamp=int(ahead.timestamp()))))
    receive(message_body(text("now", timestamp=int(soon.timestamp()))))

    now, future = get("/api/messages")["data"]
    assert (now["message"], now["flags"]) == ("now", [])  # clocks differ by seconds, and order stays
    assert (future["message"], future["flags"], future["timestamp"]) == ("ahead", ["future"], future["received_at"])
    [contact] = get("/api/contacts")["data"]
    until = datetime.fromisoformat(contact["windows"][PNID]["expires_at"])
    assert until < datetime.now(UTC) + timedelta(hours=25)
    (event,) = [each for each in get("/api/events")["data"] if each["data"]["message"] == "ahead"]
    assert event["timestamp"] == future["received_at"] and event["delayed_seconds"] >= 0
    with client.application.extensions["gateway"].database.read() as session:
        row = session.get_one(Message, future["id"])
    assert row.options == {"timestamp": ahead.replace(microsecond=0).isoformat()}


def test_a_wish_in_the_future_does_not_outlast_later_ones(get: Get, receive: Receive) -> None:
    ahead = int((datetime.now(UTC) + timedelta(days=400)).timestamp())
    for value, at in (("stop", ahead), ("resume", int(datetime.now(UTC).timestamp()) + 2)):
        wish = {"wa_id": ANA, "category": "marketing_messages", "value": value, "timestamp": at}
        receive(notification(change(field="user_preferences", user_preferences=[wish])))

    assert [contact["opt_outs"] for contact in get("/api/contacts")["data"]] == [{}]


def test_the_business_s_own_name_outlives_the_profile_s(
    get: Get, receive: Receive, client: Any
) -> None:
    synced = {
        "type": "contact", "action": "add", "contact": {"full_name": "Ana (plumber)", "phone_number": ANA},
        "metadata": {"timestamp": str(SENT_AT)},
    }  # fmt: skip
    receive(message_body(text(), contacts=[factories.contact(name="Anita")]))
    receive(notification(change(field="smb_app_state_sync", state_sync=[synced])))
    receive(message_body(text(), contacts=[factories.contact(name="Anita 🌸")]))

    assert names(get) == [("Ana (plumber)", "Anita 🌸")] * 3

    [contact] = get("/api/contacts")["data"]
    headers = {"Authorization": f"Bearer {API_KEY}"}
    client.patch(f"/api/contacts/{contact['id']}", json={"name": "Ana P."}, headers=headers)
    receive(message_body(text(), contacts=[factories.contact(name="Ana again")]))

    assert names(get) == [("Ana P.", "Ana again")] * 4
    told = [each["data"]["contact"] for each in get("/api/events", type="contact.updated")["data"]]
    assert [(each["name"], each["profile_name"]) for each in told] == [
        ("Ana P.", "Anita 🌸"), ("Ana (plumber)", "Anita"),
    ]  # fmt: skip


def names(get: Get) -> list[tuple[str, str]]:
    """What messages, the newest event and the contact call the person, and the person itself."""
    [contact] = get("/api/contacts")["data"]
    newest = get("/api/events")["data"][0]["data"]["contact"]
    of_messages = [each["contact"] for each in get("/api/messages")["data"]]
    return [(each["name"], each["profile_name"]) for each in (contact, newest, *of_messages)][1:]


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop. ", "Dar de  Baja", "DAR DE BAJA!", "nao", "NÃO"])
def test_a_word_stops_marketing_on_the_number_it_was_said_to(get: Get, receive: Receive, word: str) -> None:
    receive(message_body(text(word, id="wamid.1")), message_body(text(), number=OTHER_PNID))
    receive(message_body(text(word, id="wamid.1")))

    [contact] = get("/api/contacts")["data"]
    [told] = get("/api/events", type="contact.updated")["data"]

    assert contact["opt_outs"] == {PNID: {"category": "marketing", "since": "2021-09-30T18:00:00Z", "how": "word"}}
    assert told["data"]["reason"] == "opted_out"
    assert told["data"]["contact"]["id"] == contact["id"]
    assert told["data"]["opt_out"] == {
        "category": "marketing", "opted_out": True, "at": "2021-09-30T18:00:00Z", "how": "word",
        "phone_number_ids": [PNID],
    }  # fmt: skip


@pytest.mark.parametrize("body", ["Please do not stop", "STOPP", "¡!", "No", "stop " * 100])
def test_other_words_are_no_wish(get: Get, receive: Receive, body: str) -> None:
    receive(message_body(text(body)))

    assert get("/api/contacts")["data"][0]["opt_outs"] == {}
    assert get("/api/events", type="contact.updated")["data"] == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_the_newest_wish_holds_in_whatever_order_they_come(
    get: Get, receive: Receive, order: tuple[int, ...]
) -> None:  # fmt: skip
    wishes = [_preference("stop", SENT_AT), _preference("resume", SENT_AT + 5), _preference("stop", SENT_AT + 9)]

    receive(*(wishes[place] for place in order))

    [contact] = get("/api/contacts")["data"]
    assert contact["opt_outs"][PNID] == {
        "category": "marketing", "since": "2021-09-30T18:00:09Z", "how": "preference",
    }  # fmt: skip
    reasons = sorted(event["data"]["reason"] for event in get("/api/events", type="contact.updated")["data"])
    assert reasons == ["opted_in", "opted_out", "opted_out"]
    receive(_preference("resume", SENT_AT + 20), _preference("resume", SENT_AT + 20))
    assert get("/api/contacts")["data"][0]["opt_outs"] == {}
    assert len(get("/api/events", type="contact.updated")["data"]) == 4


def test_a_report_that_marketing_was_stopped_is_a_wish(get: Get, receive: Receive) -> None:
    errors = [{"code": 131050, "title": "User has stopped marketing"}]
    receive(factories.status_body(status("wamid.1", "failed", errors=errors)))

    assert get("/api/contacts")["data"][0]["opt_outs"][PNID]["how"] == "refused"
    [told] = get("/api/events", type="contact.updated")["data"]
    assert told["data"]["opt_out"]["how"] == "refused"


def test_what_we_last_said_comes_with_the_answer(get: Get, receive: Receive) -> None:
    question = {**echo("wamid.ask", "¿Sí o no?"), "timestamp": SENT_AT + 1}
    receive(factories.echo_body(echo("wamid.old", "Antes"), question))
    receive(message_body(text("Sí", timestamp=SENT_AT + 2)), message_body(text(sender=BO)))

    bo, ana = get("/api/events", type="message.received")["data"]

    assert bo["data"]["last_outbound"] is None
    asked = ana["data"]["last_outbound"]
    assert (asked["message_id"], asked["message"], asked["source"]) == ("wamid.ask", "¿Sí o no?", "echo")
    assert asked["timestamp"] == "2021-09-30T18:00:01Z" and asked["template"] is None


def test_it_comes_with_it_although_both_are_in_one_notification(get: Get, receive: Receive) -> None:
    ask = change(field="smb_message_echoes", message_echoes=[echo("wamid.ask", "?")])
    receive(notification(ask, change(messages=[text("Sí")])))

    [event] = get("/api/events", type="message.received")["data"]

    assert event["data"]["last_outbound"]["message_id"] == "wamid.ask"


def test_who_gave_up_a_number_keeps_the_history_and_its_next_owner_has_none(
    get: Get, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text("Mine", sender=BO, timestamp=SENT_AT)))
    moved = _changed_number(BO, NEW_NUMBER, SENT_AT + 10)
    receive(moved)
    receive(message_body(text("Late", sender=BO, timestamp=SENT_AT + 5)))
    receive(message_body(text("Still me", sender=NEW_NUMBER, timestamp=SENT_AT + 15)))
    receive(message_body(text("Somebody else", sender=BO, timestamp=SENT_AT + 20)))
    receive(message_body(text("Once more", sender=BO, timestamp=SENT_AT + 25)))
    receive({**moved, "again": True})  # Meta repeats itself

    stranger, mover = get("/api/contacts")["data"]
    said = {
        contact["id"]: {each["message"] for each in get("/api/messages", contact=contact["id"])["data"]}
        for contact in (stranger, mover)
    }

    assert said[mover["id"]] == {"Mine", "Late", "Still me"}
    assert said[stranger["id"]] == {"Somebody else", "Once more"}
    assert mover["wa_id"] == NEW_NUMBER and stranger["wa_id"] == BO
    assert [each["value"] for each in stranger["aliases"]] == [BO]
    late = message_body(text("From long ago", sender=BO, timestamp=SENT_AT + 6))
    receive(late)
    assert len(get("/api/contacts")["data"]) == 2
    [message] = get("/api/messages", until="2021-09-30T18:00:07+00:00", since="2021-09-30T18:00:06+00:00")["data"]
    assert message["contact"] is None and message["sender"] == f"+{BO}"


def test_who_takes_a_number_back_is_found_by_it(get: Get, receive: Receive) -> None:
    receive(
        message_body(text(sender=BO)),
        _changed_number(BO, NEW_NUMBER, SENT_AT + 10),
        _changed_number(NEW_NUMBER, BO, SENT_AT + 20),
        message_body(text(sender=BO, timestamp=SENT_AT + 30)),
    )

    [contact] = get("/api/contacts")["data"]

    assert contact["wa_id"] == BO
    assert {each["value"]: each["until"] is None for each in contact["aliases"]} == {BO: True, NEW_NUMBER: False}


def test_a_chain_of_numbers_ends_with_the_newest_whatever_comes_first(get: Get, receive: Receive) -> None:
    receive(
        _changed_number("34600000002", "34600000003", SENT_AT + 20),
        _changed_number("34600000001", "34600000002", SENT_AT + 10),
    )

    [contact] = get("/api/contacts")["data"]

    assert contact["wa_id"] == "34600000003"
    assert [each["value"] for each in contact["aliases"] if each["until"] is None] == ["34600000003"]


def test_two_that_turn_out_to_be_one_keep_the_newest_of_both(get: Get, receive: Receive) -> None:
    hidden = {"id": "wamid.h", "timestamp": str(SENT_AT + 60), "type": "text", "text": {"body": "stop"}}
    receive(
        message_body(text(sender=BO), number=OTHER_PNID),
        message_body(text(sender=BO, timestamp=SENT_AT)),
        notification(change(messages=[{**hidden, "from_user_id": "ES.44"}])),
        message_body({**text(sender=BO, timestamp=SENT_AT + 30), "from_user_id": "ES.44"}),
    )

    [contact] = get("/api/contacts")["data"]

    assert contact["windows"][PNID]["last_inbound_at"] == "2021-09-30T18:01:00Z"
    assert set(contact["windows"]) == {PNID, OTHER_PNID} and set(contact["opt_outs"]) == {PNID}


def _preference(value: str, at: int) -> Any:
    wish = {"wa_id": ANA, "category": "marketing_messages", "value": value, "timestamp": at, "detail": "…"}
    return notification(change(field="user_preferences", user_preferences=[wish]))


def _changed_number(old: str, new: str, at: int) -> Any:
    system = {"type": "user_changed_number", "body": "…", "wa_id": new}
    message = {"from": old, "id": f"wamid.{old}.{at}", "timestamp": str(at), "type": "system", "system": system}
    return json.loads(json.dumps(message_body(message)))
