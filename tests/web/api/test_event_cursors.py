"""A cursor names an event, so that a reader never goes on in a database that is not the one it read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from app.db.database import Database
from app.models import Event
from tests.conftest import API_KEY
from tests.factories import message_body, text

Receive = Callable[..., None]


def _ask(client: FlaskClient, after: object, status: int = 200) -> Any:
    answer = client.get(f"/api/events?after={after}", headers={"Authorization": f"Bearer {API_KEY}"})
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def _put_back_copy_of(database: Database, keep: int) -> list[int]:
    """As an older copy, in which no more than so many events have happened yet. Returns the places that are free."""
    with database.write() as session:
        lost = list(session.scalars(select(Event.sequence).order_by(Event.sequence)))[keep:]
        session.execute(delete(Event).where(Event.sequence.in_(lost)))
    return lost


def test_a_cursor_beyond_the_end_is_410_and_says_where_to_go_on(
    client: FlaskClient, receive: Receive, database: Database
) -> None:
    receive(message_body(text("a"), text("b"), text("c")))
    page = _ask(client, 0)
    kept = page["data"][0]

    lost = _put_back_copy_of(database, 1)

    for cursor in (page["next_cursor"], lost[-1] + 50):
        error = _ask(client, cursor, 410)["error"]
        assert error["code"] == "cursor_gone"
        assert error["meta"]["start"] == f"{lost[0] - 1}-{kept['id'].replace('-', '')}"
        assert _ask(client, error["meta"]["start"])["data"] == []


def test_a_cursor_is_refused_also_when_others_have_taken_its_place(
    client: FlaskClient, receive: Receive, database: Database
) -> None:
    receive(message_body(text("a"), text("b"), text("c")))
    page = _ask(client, 0)
    lost = _put_back_copy_of(database, 1)
    receive(message_body(text("d"), text("e")))
    with database.write() as session:  # a copy gives the same numbers again
        newer = session.scalars(select(Event.id).order_by(Event.sequence)).all()[1:]
        for event_id, sequence in zip(newer, lost, strict=True):
            session.execute(update(Event).where(Event.id == event_id).values(sequence=sequence))

    start = _ask(client, page["next_cursor"], 410)["error"]["meta"]["start"]

    assert [event["data"]["message"] for event in _ask(client, start)["data"]] == ["d", "e"]


def test_with_nothing_left_the_beginning_is_where_to_go_on(
    client: FlaskClient, receive: Receive, database: Database
) -> None:
    receive(message_body(text("a")))
    cursor = _ask(client, "newest")["next_cursor"]
    _put_back_copy_of(database, 0)

    assert _ask(client, cursor, 410)["error"]["meta"]["start"] == "0"
    assert _ask(client, "newest")["next_cursor"] == "0"


def test_a_cursor_of_an_event_that_is_kept_no_longer_goes_on(
    client: FlaskClient, receive: Receive, database: Database
) -> None:
    receive(message_body(text("a"), text("b"), text("c")))
    first = _ask(client, "0&limit=1")["next_cursor"]
    with database.write() as session:
        session.execute(delete(Event).where(Event.sequence == int(first.partition("-")[0])))

    assert [event["data"]["message"] for event in _ask(client, first)["data"]] == ["b", "c"]
