from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, text, update

from app.db.database import Database
from app.models import Message, MessageDocument, MessageIndexQueue
from app.services.messages.search_index import index_messages
from app.store import message_list, message_search
from tests.conftest import API_KEY
from tests.factories import ANA, BO, OTHER_PNID, PNID, SENT_AT, contact, echo, echo_body, message_body
from tests.factories import text as text_message

Get = Callable[..., Any]
Receive = Callable[..., None]
MESSAGES = {
    "a": text_message("Hola, ¿dónde está mi PEDIDO 4711?", timestamp=SENT_AT),
    "b": text_message("hola otra vez 🎉", sender=BO, timestamp=SENT_AT + 1),
    "d": text_message("Straße, naïve and NAÏVE: über_morgen", timestamp=SENT_AT + 3),
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "hola"}, "cba"),
        ({"q": "HOLA pedido"}, "a"),
        ({"q": "pedido hola"}, "a"),
        ({"q": "donde esta"}, "a"),
        ({"q": "dónde"}, "a"),
        ({"q": "4711"}, "a"),
        ({"q": "ped*"}, "a"),
        ({"q": "ped"}, ""),
        ({"q": "🎉"}, "b"),
        ({"q": "strasse naive"}, "d"),
        ({"q": "über morgen"}, "d"),
        ({"q": "nothing"}, ""),
        ({"q": '"hola" OR NEAR(*) AND \' &|!:'}, ""),
        ({"q": "'hola\\' & | !"}, "cba"),
        ({"q": "hola", "contact": BO}, "b"),
        ({"q": "hola", "direction": "outbound"}, "c"),
        ({"q": "hola", "status": "received"}, "ba"),
        ({"q": "hola", "type": "text", "phone_number_id": PNID}, "cba"),
        ({"q": "hola", "phone_number_id": OTHER_PNID}, ""),
        ({"q": "hola", "phone_number_id": "700100200300499"}, ""),
        ({"q": "hola", "since": "2021-09-30T18:00:01Z"}, "cb"),
        ({"q": "hola", "until": "2021-09-30T18:00:01Z"}, "a"),
        ({"q": "hola", "since": "2021-09-30T18:00:01Z", "until": "2021-09-30T18:00:02Z"}, "b"),
        ({"q": "dinbound"}, ""),
    ],
    ids=str,
)
def test_messages_are_found_by_their_words(
    ready: None, get: Get, query: dict[str, str], expected: str
) -> None:
    found = get("/api/messages", **query)["data"]

    assert "".join(row["callback_data"] or _letter(row) for row in found) == expected


def test_pages_of_a_search_neither_repeat_nor_skip_while_more_comes_in(
    receive: Receive, database: Database, get: Get
) -> None:
    # Many of one second, so that a page ends amid equal times, and one that came late between them.
    receive(message_body(*(text_message(f"hola {n}", timestamp=SENT_AT + n // 7) for n in range(30))))
    index_all(database)
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/messages", q="hola", limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [row["message"].removeprefix("hola ") for row in page["data"]]
        cursor = page["next_cursor"]
        receive(message_body(text_message("hola new", timestamp=SENT_AT + 1000)))
        index_all(database)

    assert sorted(seen, key=int) == [str(n) for n in range(30)]


def test_a_short_list_is_searched_page_by_page_too(
    receive: Receive, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.message_search.BATCH_SIZE", 3)
    receive(message_body(*(text_message(f"hola {n}" if n % 2 else "x", timestamp=SENT_AT + n) for n in range(20))))
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/messages", q="hola", contact=ANA, limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [row["message"].removeprefix("hola ") for row in page["data"]]
        cursor = page["next_cursor"]

    assert seen == [str(n) for n in range(19, 0, -2)]


def test_with_many_of_a_status_the_index_is_asked(
    ready: None, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_list, "FEW", 1)
    monkeypatch.setattr(message_list, "MANY", 2)

    found = get("/api/messages", q="hola", status="received")["data"]

    assert [_letter(row) for row in found] == ["b", "a"]


@pytest.mark.parametrize(
    ("sample", "most", "reads_index"), [(3, 5000, False), (3, 2, True), (0, 5000, True)],
    ids=["its words are commoner", "not found soon", "the newest are something else"],
)  # fmt: skip
def test_with_more_of_a_status_and_commoner_words_its_list_is_read_while_that_is_quick(
    receive: Receive, database: Database, get: Get, monkeypatch: pytest.MonkeyPatch,
    sample: int, most: int, reads_index: bool,
) -> None:  # fmt: skip
    receive(message_body(*(text_message(f"hola {n}" if n < 12 else "x", timestamp=SENT_AT + n) for n in range(20))))
    receive(echo_body(*(echo(f"wamid.E{n}", "hola") | {"timestamp": str(SENT_AT + 100)} for n in range(3))))
    index_all(database)
    monkeypatch.setattr(message_list, "size", lambda *_: most)
    monkeypatch.setattr(message_list, "FEW", most)
    monkeypatch.setattr(message_search, "SAMPLE_SIZE", sample)
    monkeypatch.setattr(message_search, "BATCH_SIZE", 2)
    find, asked = message_search.find, []
    monkeypatch.setattr(message_search, "find", lambda *args, **more: asked.append(args) or find(*args, **more))
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = get("/api/messages", q="hola", status="received", limit=5, **({"cursor": cursor} if cursor else {}))
        seen += [row["message"].removeprefix("hola ") for row in page["data"]]
        cursor = page["next_cursor"]

    assert seen == [str(n) for n in range(11, -1, -1)]
    assert bool(asked) is reads_index


@pytest.mark.parametrize("limit", [1, 3, 500])
@pytest.mark.parametrize(
    "query",
    [
        {"q": "ped*"}, {"q": "ped* hol*"}, {"q": "ped* uno"}, {"q": "ped* rar*"},
        {"q": "ped* hola", "direction": "outbound"},
        {"q": "ped*", "direction": "inbound", "type": "text"}, {"q": "ped*", "status": "received"},
        {"q": "ped*", "until": "2021-09-30T18:00:09Z"}, {"q": "ped*", "since": "2021-09-30T18:00:09Z"},
        {"q": "ped* nothing"},
    ],
    ids=str,
)  # fmt: skip
def test_a_beginning_that_very_many_have_finds_what_any_other_does(
    receive: Receive, database: Database, get: Get, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], limit: int
) -> None:
    bodies = ["Pedido uno", "pedido de hola", "Un pedido raro", "hola", "impedido"]
    receive(message_body(*(text_message(bodies[n % 5], timestamp=SENT_AT + n // 2) for n in range(21))))
    index_all(database)
    monkeypatch.setattr(message_list, "MANY", 0)  # so that no list is short enough to be read
    monkeypatch.setattr(message_search, "COMMON_SHARE", 0)
    expected = get("/api/messages", **query)["data"]
    monkeypatch.setattr(message_search, "COMMON_SHARE", 10)
    monkeypatch.setattr(message_search, "BATCH_SIZE", 4)

    found, cursor = [], None
    while cursor != "":
        page = get("/api/messages", **query, limit=limit, **({"cursor": cursor} if cursor else {}))
        found, cursor = [*found, *page["data"]], page["next_cursor"] or ""

    assert found == expected
    if query == {"q": "ped*"}:
        assert len(found) == 13


def test_a_bounded_key_finds_its_own_numbers_alone(
    gateway: Any, receive: Receive, database: Database, get: Get
) -> None:
    receive(message_body(text_message("hola mine")), message_body(text_message("hola theirs"), number=OTHER_PNID))
    index_all(database)

    for numbers, expected in (([PNID], ["hola mine"]), ([PNID, OTHER_PNID], ["hola theirs", "hola mine"])):
        key = gateway.api_keys.make(f"k{len(numbers)}", ["read"], numbers)
        for query in ({"q": "hola"}, {}, {"direction": "inbound"}):
            found = get("/api/messages", key, **query)["data"]
            assert sorted(row["message"] for row in found) == sorted(expected)


def test_what_a_message_no_longer_says_is_not_found(ready: None, database: Database, get: Get) -> None:
    with database.write() as session:
        session.execute(update(Message).where(Message.message.like("%PEDIDO%")).values(message="[erased]"))

    assert [_letter(row) for row in get("/api/messages", q="pedido")["data"]] == []
    index_all(database)
    assert [_letter(row) for row in get("/api/messages", q="pedido")["data"]] == []
    assert len(get("/api/messages", q="erased")["data"]) == 1


def test_a_message_that_is_gone_takes_its_words_with_it(ready: None, database: Database, get: Get) -> None:
    with database.write() as session:
        session.execute(delete(Message).where(Message.message.like("%PEDIDO%")))

    assert get("/api/messages", q="pedido")["data"] == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(MessageDocument)) == 3
        if database.is_sqlite:
            session.execute(text("INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)"))


def test_a_message_that_is_gone_before_its_words_are_written_is_left_out(
    receive: Receive, database: Database
) -> None:
    receive(message_body(text_message(), text_message()))
    with database.write() as session:
        session.execute(delete(Message))

    index_all(database)

    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(MessageIndexQueue)) == 0


@pytest.mark.parametrize(
    "query", [{"q": "!"}, {"q": "ab*"}, {"q": " ".join(f"w{n}" for n in range(21))}, {"q": "x" * 1001}], ids=str
)
def test_what_cannot_be_searched_for_is_refused(client: FlaskClient, query: dict[str, str]) -> None:
    response = client.get("/api/messages", query_string=query, headers={"Authorization": f"Bearer {API_KEY}"})

    assert response.status_code == 422
    assert list(response.get_json()["error"]["fields"]) == ["q"]


def index_all(database: Database) -> None:
    while index_messages(database):
        pass


def _letter(row: dict[str, Any]) -> str:
    known = {message["text"]["body"]: letter for letter, message in MESSAGES.items()}
    return known.get(row["message"], "c")


@pytest.fixture
def ready(receive: Receive, database: Database) -> None:
    """Four messages, `a` to `d` in the order of their times, that can be found."""
    receive(message_body(*MESSAGES.values(), contacts=[contact(), contact(BO, "Bo")]))
    body = echo_body(echo("wamid.C", "hola, dice la tienda", to=ANA))
    body["entry"][0]["changes"][0]["value"]["message_echoes"][0]["timestamp"] = str(SENT_AT + 2)
    receive(body)
    index_all(database)
