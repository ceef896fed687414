"""Conversations as the API lists, searches and shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.domain.outbound import Mode, OutboundRequest
from app.services.messages.search_index import index_contacts, index_messages
from app.store import attempts, conversations
from tests.conftest import API_KEY, on_sqlite
from tests.factories import (
    ANA,
    BO,
    OTHER_PNID,
    contact,
    message_body,
    status,
    status_body,
    text,
    wamid,
)

Get = Callable[..., Any]
Receive = Callable[..., None]
NOW = int(utc_now().timestamp())


def reaction(to: str, emoji: str, at: int) -> dict[str, Any]:
    return {
        "from": ANA, "id": wamid(), "timestamp": str(at), "type": "reaction",
        "reaction": {"message_id": to, "emoji": emoji},
    }  # fmt: skip


def queue(gateway: Gateway, body: str = "hola", to: str = ANA, **more: Any) -> str:
    request = OutboundRequest(type="text", content={"body": body}, to=f"+{to}", mode=Mode.QUEUED, force=True, **more)
    return gateway.send(request).id


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found["data"]]


@pytest.fixture
def two(get: Get, receive: Receive) -> tuple[str, str]:
    """The conversations of Ana, who wrote first, and Bo."""
    receive(message_body(text("hello from Ana", timestamp=NOW - 100), contacts=[contact(ANA, "Ana Maria")]))
    receive(message_body(text("hello from Bo", sender=BO, timestamp=NOW - 50), contacts=[contact(BO, "Bo")]))
    bo, ana = ids(get("/api/conversations"))
    return ana, bo


def test_a_list_shows_the_newest_first_with_all_that_a_person_looks_for(get: Get, two: tuple[str, str]) -> None:
    newest, older = get("/api/conversations")["data"]

    assert (older["contact"]["name"], newest["contact"]["name"]) == ("Ana Maria", "Bo")
    assert older["last_message"]["message"] == "hello from Ana"
    assert (older["last_message"]["direction"], older["last_message"]["status"]) == ("inbound", "received")
    assert (older["unread"], older["is_closed"], older["assignee"], older["handled_by"]) == (1, False, None, "bot")
    assert older["is_window_open"] and older["window_closes_at"] > older["last_inbound_at"]
    assert (older["labels"], older["has_failed"], older["waiting_since"], older["match"]) == ([], False, None, None)


def test_pages_follow_each_other_without_gaps(get: Get, two: tuple[str, str]) -> None:
    first = get("/api/conversations", limit=1)
    second = get("/api/conversations", limit=1, cursor=first["next_cursor"])

    assert (ids(first), ids(second)) == ([two[1]], [two[0]])
    assert get("/api/conversations", limit=1, cursor=second["next_cursor"])["data"] == []


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"unread": 0}, {"unread": "false"}),
        ({"closed_at": utc_now()}, {"state": "closed"}),
        ({"assignee": "person-1"}, {"assignee": "person-1"}),
        ({"waiting_since": utc_now()}, {"waiting": "true"}),
    ],
)
@on_sqlite
def test_a_filter_finds_one_and_its_opposite_the_other(
    get: Get, two: tuple[str, str], database: Database, values: dict[str, Any], query: dict[str, str]
) -> None:
    opposite = {"false": "true", "true": "false", "closed": "open", "person-1": "none"}
    with database.write() as session:
        conversations.change(session, two[0], **values)

    assert ids(get("/api/conversations", **query)) == [two[0]]
    assert ids(get("/api/conversations", **{name: opposite[value] for name, value in query.items()})) == [two[1]]


def test_a_failed_send_marks_its_conversation(
    get: Get, two: tuple[str, str], gateway: Gateway, database: Database
) -> None:
    sent = queue(gateway)
    with database.write() as session:
        attempts.set_status(session, sent, "failed", ("queued",), updated_at=utc_now())

    assert ids(get("/api/conversations", failed="true")) == [two[0]]
    assert get(f"/api/conversations/{two[0]}")["has_failed"]
    with database.write() as session:
        conversations.change(session, two[0], failures_cleared_at=utc_now())
    assert ids(get("/api/conversations", failed="true")) == []


def test_a_key_bound_to_numbers_sees_its_own_conversations_alone(
    get: Get, receive: Receive, gateway: Gateway, client: FlaskClient, two: tuple[str, str]
) -> None:
    receive(message_body(text("elsewhere", sender=BO), number=OTHER_PNID))
    key = gateway.api_keys.make("elsewhere", ["read"], [OTHER_PNID])
    headers = {"Authorization": f"Bearer {key}"}

    (found,) = get("/api/conversations", key)["data"]
    assert found["phone_number_id"] == OTHER_PNID
    for path in ("", "/messages"):
        assert client.get(f"/api/conversations/{two[0]}{path}", headers=headers).status_code == 404


def test_a_search_finds_names_numbers_and_words(get: Get, two: tuple[str, str], gateway: Gateway) -> None:
    while index_messages(gateway.database) or index_contacts(gateway.database):
        pass

    def found(words: str) -> list[str]:
        return ids(get("/api/conversations", q=words))

    assert found("maria") == [two[0]]
    assert found("mar") == [two[0]]
    assert found("from bo") == [two[1]]
    assert found("hel") == [two[1], two[0]]
    assert found(f"+{BO}") == [two[1]]
    assert found(ANA[:6]) == [two[0]]
    assert found("nothing of the kind") == []
    (match,) = [each["match"] for each in get("/api/conversations", q="from ana")["data"]]
    assert match["message"] == "hello from Ana"


def test_a_thread_shows_messages_in_order_and_pages_both_ways(get: Get, receive: Receive) -> None:
    receive(message_body(*(text(str(number), timestamp=NOW - 100 + number) for number in range(10))))
    (its,) = ids(get("/api/conversations"))
    path = f"/api/conversations/{its}/messages"

    newest = get(path, limit=4)
    older = get(path, limit=4, before=newest["previous"])
    oldest = get(path, limit=4, before=older["previous"])
    back = get(path, limit=4, after=oldest["data"][-1]["id"])
    around = get(path, limit=4, around=older["data"][0]["id"])

    def said(part: Any) -> str:
        return "".join(each["message"] for each in part["data"])

    assert (said(newest), said(older), said(oldest), said(back)) == ("6789", "2345", "01", "2345")
    assert (newest["next"], oldest["previous"]) == (None, None)
    assert said(around) == "1234" and around["previous"] and around["next"]
    assert newest["conversation"]["id"] == its


def test_reactions_stand_on_their_message_and_quotes_show_what_they_quote(
    get: Get, receive: Receive, gateway: Gateway
) -> None:
    first, second = text("the first", timestamp=NOW - 100), text("the answer", timestamp=NOW - 90)
    second["context"] = {"id": first["id"], "from": ANA}
    receive(message_body(first, second))
    receive(message_body(reaction(first["id"], "👍", NOW - 80)), message_body(reaction(first["id"], "❤️", NOW - 70)))
    receive(message_body(reaction(second["id"], "😀", NOW - 60)), message_body(reaction(second["id"], "", NOW - 50)))
    receive(message_body(reaction("wamid.of-nothing-stored", "😮", NOW - 40)))
    (its,) = ids(get("/api/conversations"))
    request = OutboundRequest(
        type="reaction", content={"message_id": first["id"], "emoji": "🙏"}, to=f"+{ANA}", mode=Mode.QUEUED, force=True
    )
    gateway.send(request)

    one, two, lost = get(f"/api/conversations/{its}/messages")["data"]

    assert {(each["emoji"], each["direction"]) for each in one["reactions"]} == {("❤️", "inbound"), ("🙏", "outbound")}
    assert (two["reactions"], two["quoted"]["id"], two["quoted"]["message"]) == ([], one["id"], "the first")
    assert (lost["message_type"], lost["message"]) == ("reaction", "😮")
    assert one["quoted"] is None


def test_a_send_shows_who_sent_it_when_it_arrived_and_what_went_wrong(
    get: Get, receive: Receive, gateway: Gateway, database: Database
) -> None:
    receive(message_body(text("hello", timestamp=NOW - 100)))
    sent = [queue(gateway, sent_by=by) for by in ("person:ana", "key:crm", "endpoint:1", None)]
    now = utc_now()
    with database.write() as session:
        attempts.move_to_sending(session, sent[:2], now)
        attempts.start(session, [(sent[0], 1), (sent[1], 1)], now)
        attempts.accept(session, [(sent[0], 1, "wamid.sent")], now)
        attempts.finish(session, sent[1], 1, state="refused", now=now, error={"code": 131047})
    receive(status_body(status("wamid.sent", "delivered", timestamp=NOW)))
    receive(status_body(status("wamid.sent", "read", timestamp=NOW + 5)))
    (its,) = ids(get("/api/conversations"))

    hello, *ours = get(f"/api/conversations/{its}/messages")["data"]

    assert hello["sender_kind"] == "customer"
    assert [each["sender_kind"] for each in ours] == ["person", "api", "bot", "api"]
    assert ours[0]["sent_by"] == "person:ana"
    assert (ours[0]["status"], ours[0]["delivered_at"] < ours[0]["read_at"]) == ("read", True)
    assert (ours[1]["attempts"][0]["state"], ours[1]["attempts"][0]["error"]) == ("refused", {"code": 131047})


def test_what_is_not_there_is_404_and_two_places_are_refused(
    get: Get, two: tuple[str, str], client: FlaskClient
) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    for path in ("nothing", "no%00thing", f"{two[0]}/messages?around=nothing"):
        assert client.get(f"/api/conversations/{path}", headers=headers).status_code == 404
    answer = client.get(f"/api/conversations/{two[0]}/messages?before=a&after=b", headers=headers)
    assert (answer.status_code, "after" in answer.get_json()["error"]["fields"]) == (422, True)
