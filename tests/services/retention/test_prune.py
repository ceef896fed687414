from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.container import Gateway
from app.models import (
    Delivery,
    DeliveryAttempt,
    Event,
    Media,
    Message,
    MessageDocument,
    Notification,
    SendAttempt,
)
from app.services.audit_log import AuditLog, verify_chain
from app.services.messages import index_messages
from app.services.operations.audit import audit_balance
from app.services.retention import PruneExpired
from app.services.retention.pace import LARGEST, SMALLEST, Pace
from app.store import retention
from tests.conftest import API_KEY, Clock, on_sqlite, with_settings
from tests.factories import message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
OFF = {f"retention_{name}_days": 0 for name in ("notifications", "messages", "uploads", "attempts", "events", "audit")}

Prune = Callable[..., None]


@pytest.fixture
def prune(gateway: Gateway) -> Prune:
    """Let the time pass that `days` says, and prune all that is older than `kind` says."""

    calls = itertools.count()

    def prune_(kind: str, *, keep: int = 30, days: int = 40) -> None:
        config = with_settings(gateway.config, **OFF | {f"retention_{kind}_days": keep})
        moment = gateway.now() + timedelta(days=days, hours=next(calls))  # the turn of the worker before is over
        pruning = PruneExpired(config, gateway.database, lambda: moment)
        while pruning() < 5.0:
            pass
        assert audit_balance(gateway.database, deep=True).problems == []

    return prune_


def rows(gateway: Gateway, *columns: Any) -> list[Any]:
    with gateway.database.read() as session:
        return [tuple(row) for row in session.execute(select(*columns))]


def count(gateway: Gateway, model: Any) -> int:
    with gateway.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def queue(client: FlaskClient) -> str:
    body = {"to": "+34600111222", "message": "Still to be sent", "mode": "queued"}
    return str(client.post("/send/whatsapp", headers=HEADERS, json=body).get_json()["id"])


def test_raw_webhooks_are_emptied_and_pending_ones_stay(
    gateway: Gateway, receive: Callable[..., None], post_webhook: Any, prune: Prune
) -> None:
    receive(message_body(text("old")))
    post_webhook(message_body(text("not processed")))
    prune("notifications", days=20)
    assert all(raw for (raw,) in rows(gateway, Notification.raw))

    prune("notifications")

    assert dict(rows(gateway, Notification.state, func.length(Notification.raw) > 0)) == {
        "processed": False, "pending": True,
    }  # fmt: skip


def test_contents_of_messages_and_their_events_go_and_their_facts_stay(
    gateway: Gateway, client: FlaskClient, receive: Callable[..., None], prune: Prune
) -> None:
    receive(message_body(text("A secret of Ana")))
    index_messages(gateway.database)
    before = client.get("/api/messages", headers=HEADERS).get_json()["data"][0]

    prune("messages")

    after = client.get("/api/messages", headers=HEADERS).get_json()["data"][0]
    assert after["message"] == "[deleted]"
    assert {name for name in before if before[name] != after[name]} <= {"message", "content", "context", "referral"}
    assert "secret" not in json.dumps(client.get("/api/events", headers=HEADERS).get_json())
    assert count(gateway, MessageDocument) == 0
    assert client.get("/api/messages?q=secret", headers=HEADERS).get_json()["data"] == []


def test_what_may_still_be_sent_stays_and_goes_once_it_is_settled(
    gateway: Gateway, client: FlaskClient, prune: Prune
) -> None:
    queued = queue(client)
    prune("messages")
    assert rows(gateway, Message.message) == [("Still to be sent",)]

    client.post(f"/api/messages/{queued}/cancel", headers=HEADERS)
    prune("messages")

    assert rows(gateway, Message.message) == [("[deleted]",)]


def test_what_an_endpoint_is_still_owed_stays(
    gateway: Gateway, client: FlaskClient, receive: Callable[..., None], prune: Prune
) -> None:
    client.post("/api/endpoints", headers=HEADERS, json={"url": "https://app.example.com/"})
    receive(message_body(text("owed")))
    for kind in ("messages", "events"):
        prune(kind)
    assert (count(gateway, Event), rows(gateway, Message.message)) == (1, [("owed",)])

    with gateway.database.write() as session:
        session.execute(update(Delivery).values(state="delivered", finished_at=gateway.now()))
    for kind in ("messages", "events"):
        prune(kind)

    assert (count(gateway, Event), count(gateway, Delivery)) == (0, 0)
    assert rows(gateway, Message.message) == [("[deleted]",)]
    assert rows(gateway, Notification.is_pruned) == [(True,)]


def test_attempts_go_unless_their_message_or_delivery_is_open(
    gateway: Gateway, client: FlaskClient, receive: Callable[..., None], prune: Prune
) -> None:
    client.post("/api/endpoints", headers=HEADERS, json={"url": "https://app.example.com/"})
    receive(message_body(text("one")))
    message, now = queue(client), gateway.now()
    with gateway.database.write() as session:
        delivery = session.scalars(select(Delivery.id)).first()
        session.add(SendAttempt(message_id=message, number=1, state="unknown", started_at=now))
        session.add(DeliveryAttempt(delivery_id=delivery, number=1, started_at=now, duration_ms=1))
    prune("attempts")
    assert (count(gateway, SendAttempt), count(gateway, DeliveryAttempt)) == (1, 1)

    client.post(f"/api/messages/{message}/cancel", headers=HEADERS)
    with gateway.database.write() as session:
        session.execute(update(Delivery).values(state="delivered", finished_at=gateway.now()))
    prune("attempts")

    assert (count(gateway, SendAttempt), count(gateway, DeliveryAttempt)) == (0, 0)


def test_the_chain_of_the_audit_log_begins_later(gateway: Gateway, prune: Prune) -> None:
    later = AuditLog(gateway.database, lambda: gateway.now() + timedelta(days=30))
    for number in range(3):
        gateway.audit_log.record_now(act="test.done", subject=f"a:{number}")
    for number in range(2):
        later.record_now(act="test.done", subject=f"b:{number}")
    gateway.seal_audit_log()

    prune("audit")

    verdict = verify_chain(gateway.database)
    assert (verdict.is_intact, verdict.entries, verdict.place) == (True, 2, 5)


@on_sqlite
def test_only_one_of_two_workers_prunes(gateway: Gateway, receive: Callable[..., None]) -> None:
    receive(message_body(text("old")))
    clock = Clock()
    clock.now = gateway.now() + timedelta(days=40)
    one, other = (PruneExpired(gateway.config, gateway.database, clock) for _ in range(2))

    assert one() < 5.0
    assert other() == 5.0
    clock.pass_by(seconds=70)
    assert other() < 5.0


@pytest.mark.parametrize(("seconds", "size"), [(0.02, SMALLEST), (0.0001, LARGEST)])
def test_steps_become_as_long_as_they_may_be(seconds: float, size: int) -> None:
    pace = Pace()

    for _ in range(40):
        pause = pace.note(seconds, pace.size)

    assert pace.size == size
    assert pause >= 9 * seconds


@on_sqlite
def test_files_go_with_their_age_and_with_the_contents_of_their_message(
    gateway: Gateway, receive: Callable[..., None], prune: Prune
) -> None:
    image = {"id": "733", "mime_type": "image/jpeg", "sha256": "aGFzaA==", "caption": "Look"}
    for number, kind in enumerate(("media", "messages")):
        message = {**text(), "type": "image", "image": {**image, "id": f"73{number}"}}
        del message["text"]
        receive(message_body(message))
        assert rows(gateway, Media.state)[-1] == ("pending",)

        prune(kind)

        assert {state for (state,) in rows(gateway, Media.state)} == {"erased"}


def test_uploads_that_no_message_was_sent_with_go_and_those_that_a_send_names_stay(
    gateway: Gateway, client: FlaskClient, prune: Prune
) -> None:
    def upload(content: bytes) -> str:
        data = {"file": (BytesIO(content), "a.txt")}
        return str(client.post("/api/media", data=data, headers=HEADERS).get_json()["id"])

    def document(media_id: str) -> dict[str, Any]:
        return {"to": "+34600111222", "type": "document", "document": {"id": media_id}, "mode": "queued"}

    def states() -> dict[str, str]:
        return {str(id): str(state) for id, state in rows(gateway, Media.id, Media.state)}

    idle, sent, shared, copy, sent_copy = (upload(f"{n} of five".encode()) for n in range(5))
    with gateway.database.write() as session:  # as the Graph-compatible proxy keeps what went to Meta
        for id, meta_id in ((copy, "771"), (sent_copy, "772")):
            session.execute(update(Media).where(Media.id == id).values(meta_media_id=meta_id))
    client.post("/send/whatsapp", headers=HEADERS, json=document(sent))
    client.post("/send/whatsapp", headers=HEADERS, json=document("772"))
    later = (gateway.now() + timedelta(days=35)).isoformat()
    bulk = {"messages": [document(shared) | {"force": True, "expires_at": later}, document(shared) | {"force": True}]}
    assert client.post("/api/messages/bulk", headers=HEADERS, json=bulk).status_code == 202

    prune("uploads")
    assert {id for id, state in states().items() if state == "erased"} == {idle, copy}
    answer = client.get(f"/api/media/{idle}/content", headers=HEADERS)
    assert answer.status_code == 410 and "no message was sent with it" in answer.get_json()["error"]["message"]

    prune("uploads", days=70)
    assert {id for id, state in states().items() if state != "erased"} == {sent, sent_copy}


def test_an_upload_that_is_sent_after_it_was_found_stays(gateway: Gateway, client: FlaskClient) -> None:
    data = {"file": (BytesIO(b"late"), "a.txt")}
    late = client.post("/api/media", data=data, headers=HEADERS).get_json()["id"]
    cutoff = gateway.now() + timedelta(days=1)
    with gateway.database.read() as session:
        found = retention.find_uploads(session, "", cutoff, 10)
    assert [id for id, _ in found.rows] == [late]

    client.post(
        "/send/whatsapp", headers=HEADERS,
        json={"to": "+34600111222", "type": "document", "document": {"id": late}, "mode": "queued", "force": True},
    )  # fmt: skip
    with gateway.database.write() as session:
        retention.prune_uploads(session, found.rows)

    assert rows(gateway, Media.state) == [("stored",)]
