from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.container import Gateway
from app.db.database import Database
from app.models import Message
from app.store import event_list
from tests.conftest import API_KEY, PostWebhook
from tests.factories import BO, OTHER_PNID, PNID, SENT_AT, message_body, status, status_body, text

Get = Callable[..., Any]
Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def test_messages_come_newest_first_whatever_order_they_came_in(receive: Receive, get: Get) -> None:
    receive(message_body(*(text(f"{n}", timestamp=SENT_AT + n) for n in (2, 0, 3, 1))))

    assert [row["message"] for row in get("/api/messages")["data"]] == ["3", "2", "1", "0"]


def test_pages_neither_repeat_nor_skip_while_more_comes_in(receive: Receive, get: Get) -> None:
    # Many of one second, so that a page ends amid equal times.
    receive(message_body(*(text(f"{n}", timestamp=SENT_AT + n // 7) for n in range(30))))
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/messages", limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [row["message"] for row in page["data"]]
        cursor = page["next_cursor"]
        receive(message_body(text("new", timestamp=SENT_AT + 1000)))

    assert sorted(seen, key=int) == [str(n) for n in range(30)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abc"),
        ({"direction": "inbound"}, "abc"),
        ({"direction": "outbound"}, ""),
        ({"type": "text"}, "abc"),
        ({"type": "image"}, ""),
        ({"status": "received"}, "abc"),
        ({"phone_number_id": OTHER_PNID}, "c"),
        ({"contact": f"+{BO}"}, "b"),
        ({"contact": BO}, "b"),
        ({"contact": "+5490000000000"}, ""),
        ({"message_id": "wamid.B/+="}, "b"),
        ({"since": "2021-09-30T18:00:01Z"}, "bc"),
        ({"since": "2021-09-30T15:00:01-03:00", "until": "2021-09-30T18:00:02+00:00"}, "b"),
        ({"until": "2021-09-30T18:00:01+00:00"}, "a"),
        ({"contact": BO, "phone_number_id": OTHER_PNID}, ""),
    ],
    ids=str,
)
def test_messages_are_narrowed_down(receive: Receive, get: Get, query: dict[str, str], expected: str) -> None:
    receive(message_body(text("a"), text("b", sender=BO, id="wamid.B/+=", timestamp=SENT_AT + 1)))
    receive(message_body(text("c", timestamp=SENT_AT + 2), number=OTHER_PNID))

    assert {row["message"] for row in get("/api/messages", **query)["data"]} == set(expected)


def test_one_message_is_found_by_our_id_and_by_a_wamid_with_slashes(
    receive: Receive, get: Get, client: FlaskClient
) -> None:
    receive(message_body(text(id="wamid.HBg/N+a//b==")))
    (listed,) = get("/api/messages")["data"]

    assert get(f"/api/messages/{listed['id']}") == listed
    assert get("/api/messages/wamid.HBg/N+a//b==") == listed
    assert client.get("/api/messages/wamid.HBg%2FN%2Ba%2F%2Fb%3D%3D", headers=HEADERS).get_json() == listed


def test_events_ascend_from_a_cursor_and_say_where_to_go_on(receive: Receive, get: Get) -> None:
    start = get("/api/events", after="newest")["next_cursor"]
    receive(message_body(*(text(f"{n}") for n in range(7))))
    seen: list[str] = []
    cursor = start

    for _ in range(4):
        page = get("/api/events", after=cursor, limit=3)
        seen += [event["data"]["message"] for event in page["data"]]
        cursor = page["next_cursor"]

    assert seen == [f"{n}" for n in range(7)]
    assert get("/api/events", after=cursor) == {"data": [], "next_cursor": cursor}


def test_events_newest_first_have_pages_too(receive: Receive, get: Get) -> None:
    receive(message_body(*(text(f"{n}") for n in range(5))))

    first = get("/api/events", limit=3)
    second = get("/api/events", limit=3, cursor=first["next_cursor"])

    found = [event["data"]["message"] for page in (first, second) for event in page["data"]]
    assert (found, second["next_cursor"]) == (["4", "3", "2", "1", "0"], None)


def test_events_of_one_type(receive: Receive, get: Get) -> None:
    receive(message_body(text()), status_body(status("wamid.X")))

    assert [e["type"] for e in get("/api/events", after=0, type="message.status")["data"]] == ["message.status"]


def test_who_waits_for_events_gets_the_next_one(receive: Receive, get: Get) -> None:
    start = get("/api/events", after="newest")["next_cursor"]
    later = threading.Timer(0.3, receive, [message_body(text("at last"))])
    later.start()

    page = get("/api/events", after=start, wait=20)
    later.join()

    assert [event["data"]["message"] for event in page["data"]] == ["at last"]


def test_waiting_ends(get: Get) -> None:
    started = time.monotonic()

    assert get("/api/events", after="newest", wait=1)["data"] == []
    assert time.monotonic() - started >= 1


def test_notifications_are_listed_by_state(receive: Receive, get: Get) -> None:
    receive(message_body(text()), message_body("poison"), b"no json")

    assert len(get("/api/notifications")["data"]) == 3
    assert [row["state"] for row in get("/api/notifications", state="parked")["data"]] == ["parked"] * 2
    first = get("/api/notifications", limit=2)
    rest = get("/api/notifications", limit=2, cursor=first["next_cursor"])
    assert len({row["id"] for row in first["data"] + rest["data"]}) == 3


@pytest.mark.parametrize("route", ["messages", "events", "notifications"])
@pytest.mark.parametrize(
    "place",
    ["", "\x00", "|", "2026-01-01T00:00:00|x", "2026-01-01T00:00:00+00:00|\x00", "0001-01-01T00:00:00+23:59|x",
     "9999-12-31T23:59:59-23:59|x", "9" * 30, "-1", "x" * 5000, "ñ"],
)  # fmt: skip
def test_a_cursor_that_we_did_not_make_breaks_nothing(client: FlaskClient, route: str, place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode()

    response = client.get(f"/api/{route}", query_string={"cursor": cursor}, headers=HEADERS)

    assert response.status_code in (200, 422)


def test_a_bounded_key_reads_events_of_its_numbers_in_order(
    gateway: Gateway, receive: Receive, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, number in enumerate((PNID, OTHER_PNID, "700100200300498", PNID, OTHER_PNID)):
        receive(message_body(text(f"{n}"), number=number))
    receive(status_body(status("wamid.X")))
    key = gateway.api_keys.make("bounded", ["read"], [PNID, OTHER_PNID])

    def numbers_of(**query: Any) -> list[str]:
        return [event["data"].get("message") for event in get("/api/events", key, **query)["data"]]

    for many in (event_list.MANY, 0):  # few of a type, and many
        monkeypatch.setattr(event_list, "MANY", many)
        assert numbers_of(type="message.received") == ["4", "3", "1", "0"]
        assert numbers_of(type="message.received", after=0, limit=3) == ["0", "1", "3"]
    assert len(numbers_of(after=0)) == 5
    assert len(numbers_of(type="message.status")) == 1
    monkeypatch.setattr(event_list, "MOST_STREAMS", 1)
    assert numbers_of(limit=3)[1:] == ["4", "3"]


def test_notifications_are_narrowed_down_by_time_and_state(
    receive: Receive, post_webhook: PostWebhook, get: Get
) -> None:
    receive(message_body(text()), b"no json")
    post_webhook(message_body(text()))
    before, soon = datetime.now(UTC) - timedelta(hours=3), datetime.now(UTC) + timedelta(seconds=5)

    def states(**query: Any) -> list[str]:
        return [row["state"] for row in get("/api/notifications", **query)["data"]]

    assert states() == ["pending", "parked", "processed"]
    assert states(state="pending") == ["pending"]
    assert states(state="parked", since=before.isoformat()) == ["parked"]
    assert states(since=before.isoformat(), until=soon.isoformat()) == ["pending", "parked", "processed"]
    assert states(until=before.isoformat()) == states(since=soon.isoformat()) == states(state="quarantined") == []


def test_messages_of_a_batch(receive: Receive, database: Database, get: Get) -> None:
    receive(message_body(*(text(f"{n}", timestamp=SENT_AT + n) for n in range(5))))
    with database.write() as session:
        session.execute(update(Message).where(Message.message.in_(["1", "3", "4"])).values(batch_id="b1"))

    first = get("/api/messages", batch="b1", limit=2)
    rest = get("/api/messages", batch="b1", limit=2, cursor=first["next_cursor"])

    assert [row["message"] for row in first["data"] + rest["data"]] == ["4", "3", "1"]
    assert [row["message"] for row in get("/api/messages", batch="b1", type="text", q="3")["data"]] == ["3"]
    assert get("/api/messages", batch="b2")["data"] == get("/api/messages", batch="b1", status="read")["data"] == []
