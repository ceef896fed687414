"""Files of imported history, which Meta tells of after a placeholder."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.models import Notification
from app.services.messages.search_index import index_messages
from app.services.operations.audit import audit_balance
from app.services.processing.change_set import StoredState
from app.services.processing.processor import LEASE
from app.services.webhooks.replay import replay_notifications
from app.store import jobs
from app.store.notifications import PROCESS
from tests.conftest import PostWebhook, one_case_on_postgresql
from tests.factories import ANA, DISPLAY, PNID, SENT_AT, change, message_body, notification, text

pytestmark = one_case_on_postgresql

Get = Callable[..., Any]
Receive = Callable[..., None]
Process = Callable[[], None]

WAMID = "wamid.H5"


@pytest.mark.parametrize("in_one_body", [False, True])
def test_a_file_takes_the_place_of_its_placeholder(
    receive: Receive, get: Get, database: Database, in_one_body: bool
) -> None:
    receive(*([_together(_placeholder(), _file())] if in_one_body else [_body(_placeholder()), _body(_file())]))

    [message] = get("/api/messages")["data"]
    assert (message["message_type"], message["message"], message["source"]) == ("image", "The receipt", "history")
    assert (message["content"]["mime_type"], message["status"]) == ("image/jpeg", "read")
    newer, older = get("/api/events")["data"]
    assert [each["type"] for each in (older, newer)] == ["message.received", "message.received"]
    assert [each["data"]["message_type"] for each in (older, newer)] == ["media_placeholder", "image"]
    assert newer["data"] == message | {"last_outbound": None}
    assert older["data"]["id"] == message["id"]
    assert sum(page["processed"] for page in _books(database)) == 2
    assert audit_balance(database, deep=True).problems == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_it_does_so_once_in_whatever_order_and_however_often(
    receive: Receive, get: Get, database: Database, order: tuple[int, ...]
) -> None:
    bodies = [_body(_placeholder()), _body(_file()), _body(_file(caption="Another"))]

    receive(*(bodies[place] for place in order), *bodies)

    [message] = get("/api/messages")["data"]
    first = next(place for place in order if place)
    assert message["message"] == ("The receipt", "Another")[first - 1]
    assert len(get("/api/events")["data"]) == (2 if order[0] == 0 else 1)
    assert audit_balance(database, deep=True).problems == []


def test_one_that_the_business_sent_is_an_event_of_what_was_sent(receive: Receive, get: Get) -> None:
    ours = {"from": DISPLAY, "to": ANA}

    receive(_body(_placeholder() | ours), _body(_file() | ours))

    assert [each["type"] for each in get("/api/events")["data"]] == ["message.sent", "message.sent"]
    [message] = get("/api/messages")["data"]
    assert (message["direction"], message["message_type"], message["status"]) == ("outbound", "image", "read")


def test_it_is_found_by_its_words(receive: Receive, get: Get, database: Database) -> None:
    receive(_body(_placeholder()))
    _index(database)
    receive(_body(_file()))
    _index(database)

    assert [each["message_id"] for each in get("/api/messages", q="receipt")["data"]] == [WAMID]
    assert [each["message_id"] for each in get("/api/messages", q="receipt", type="image")["data"]] == [WAMID]
    assert get("/api/messages", q="placeholder")["data"] == []


def test_a_live_message_takes_nobodys_place(receive: Receive, get: Get) -> None:
    receive(_body(_placeholder()), notification(change(messages=[_file()])))

    [message] = get("/api/messages")["data"]
    assert message["message_type"] == "media_placeholder"


def test_read_again_it_has_no_second_effect(
    receive: Receive, process_all: Process, get: Get, database: Database
) -> None:
    receive(_body(_placeholder()), _body(_file()))
    before = {path: get(path) for path in ("/api/messages", "/api/events")}

    assert replay_notifications(database, utc_now(), since=None, state=None) == 2
    process_all()

    assert {path: get(path) for path in before} == before
    assert _books(database) == [{"processed": 1}, {"processed": 1}]
    assert audit_balance(database, deep=True).problems == []


def test_a_placeholder_that_another_worker_stores_meanwhile_is_filled_too(
    gateway: Gateway, receive: Receive, post_webhook: PostWebhook, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As may happen when no key tells that both are about the same person."""
    look_up, chunks = gateway.process._load_stored_state, []

    def look_up_too_early(work_items: Any, now: Any) -> StoredState:
        known = look_up(work_items, now)
        chunks.append(work_items)
        if len(chunks) == 1:  # after the file's plan was begun, and before it is written
            assert post_webhook(_body(_placeholder())).status_code == 200
            with gateway.database.write() as session:
                claims = jobs.claim(session, PROCESS, now=utc_now(), lease=LEASE, limit=1)
            gateway.process(claims)
        return known

    receive(message_body(text("known since", sender=ANA)))  # so that nobody new is met, which would be noticed, too
    monkeypatch.setattr(gateway.process, "_load_stored_state", look_up_too_early)

    receive(_body(_file()))

    message = get(f"/api/messages/{WAMID}")
    assert (message["message_type"], len(chunks)) == ("image", 3)
    assert audit_balance(gateway.database, deep=True).problems == []


def _placeholder() -> dict[str, Any]:
    return {
        "from": ANA, "id": WAMID, "timestamp": str(SENT_AT), "type": "media_placeholder",
        "history_context": {"status": "READ"},
    }  # fmt: skip


def _file(caption: str = "The receipt") -> dict[str, Any]:
    image = {"id": "118", "mime_type": "image/jpeg", "caption": caption}
    return {"from": ANA, "id": WAMID, "timestamp": str(SENT_AT), "type": "image", "image": image}


def _change(message: dict[str, Any]) -> dict[str, Any]:
    """As Meta writes them: a placeholder in its thread, a file beside the threads."""
    if message["type"] != "media_placeholder":
        return change(field="history", messages=[message])
    thread = {"id": ANA, "messages": [message]}
    return change(field="history", history=[{"metadata": {"phase": 0}, "threads": [thread]}])


def _body(message: dict[str, Any]) -> dict[str, Any]:
    return notification(_change(message))


def _together(*messages: dict[str, Any]) -> dict[str, Any]:
    return notification(*map(_change, messages))


def _index(database: Database) -> None:
    while index_messages(database):
        pass


def _books(database: Database) -> list[dict[str, int]]:
    with database.read() as session:
        return [row.books[PNID] for row in session.query(Notification).order_by(Notification.id)]
