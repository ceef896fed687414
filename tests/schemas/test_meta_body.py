"""Meta's JSON cut to one item, for an app that was written for Meta."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from app.schemas.meta_body import meta_body
from app.schemas.notification import parse_notification
from tests.factories import ANA, BO, change, contact, notification, status, text, to_bytes
from tests.schemas.test_notification import SITUATIONS, load

AT = datetime(2026, 11, 24, 7, tzinfo=UTC)
NOBODY_CAN_TELL = {"contacts_of_others"}
"""Situations whose contacts are of neither item. Both keep them, since apps expect one."""


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_item_comes_alone_and_says_what_it_said_among_others(name: str) -> None:
    raw = json.dumps(load(name)["notification"]).encode()

    for item in parse_notification(raw, AT):
        cut = meta_body(raw, {item.position: None})
        assert cut is not None
        (alone,) = parse_notification(cut, AT)
        assert type(alone.fact) is type(item.fact)
        assert getattr(alone.fact, "key", None) == getattr(item.fact, "key", None)
        assert (alone.phone_number_id, alone.waba_id, alone.field) == (item.phone_number_id, item.waba_id, item.field)
        if name not in NOBODY_CAN_TELL:
            assert getattr(alone.fact, "person", None) == getattr(item.fact, "person", None)


def test_messages_and_statuses_keep_their_own_contact_alone() -> None:
    both = change(
        messages=[text(), text(sender=BO)],
        statuses=[status("wamid.X", recipient_id=BO), status("wamid.Y", recipient_id=ANA)],
        contacts=[contact(), contact(BO, "Bo")],
    )
    raw = to_bytes(notification(both))

    assert [contacts_of(raw, place) for place in range(4)] == [["Ana"], ["Bo"], ["Bo"], ["Ana"]]


def contacts_of(raw: bytes, place: int) -> list[str]:
    cut = meta_body(raw, {place: None})
    assert cut is not None
    ((changed,),) = (entry["changes"] for entry in json.loads(cut)["entry"])
    return [each["profile"]["name"] for each in changed["value"]["contacts"]]


def test_a_message_of_a_history_comes_without_the_rest_of_its_thread() -> None:
    threads = [{"id": ANA, "messages": [text("1"), text("2")]}, {"id": BO, "messages": [text("3", sender=BO)]}]
    chunk = {"metadata": {"phase": 0}, "threads": threads, "errors": [{"code": 1}]}
    raw = to_bytes(notification(change(field="history", history=[chunk])))

    cuts = [json.loads(meta_body(raw, {place: None}) or b"") for place in range(4)]

    values = [cut["entry"][0]["changes"][0]["value"] for cut in cuts]
    assert [value["history"][0].get("threads") for value in values] == [
        [{"id": ANA, "messages": [threads[0]["messages"][0]]}],
        [{"id": ANA, "messages": [threads[0]["messages"][1]]}],
        [threads[1]],
        None,
    ]
    assert ["errors" in value["history"][0] for value in values] == [False, False, False, True]


def test_what_stands_where_a_list_is_expected_is_an_item_too() -> None:
    odd = change()
    odd["value"] |= {"messages": text("1"), "statuses": status("wamid.X")}
    raw = to_bytes(notification(odd))

    second = meta_body(raw, {1: None})

    assert second is not None
    value = json.loads(second)["entry"][0]["changes"][0]["value"]
    assert "messages" not in value
    assert value["statuses"]["id"] == "wamid.X"
