"""The story of a message: found by whatever is known of it, told in plain words, with what can be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from flask import Flask
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.models import AuditEntry, Delivery, DeliveryAttempt
from app.services.messages import index_messages
from tests.conftest import API_KEY, on_sqlite
from tests.factories import BO, OTHER_PNID, PNID, message_body, text, wamid
from tests.people import Browser, sign_in

pytestmark = on_sqlite
GRAPH = f"https://graph.example/v26.0/{PNID}/messages"
HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(2)>"""

Receive = Callable[..., None]


@pytest.fixture
def agent(app: Flask) -> Browser:
    """The browser of an agent who sees all numbers."""
    return sign_in(app, "Ana", "agent")


@pytest.fixture
def admin(app: Flask) -> Browser:
    """The browser of an admin."""
    return sign_in(app, "Root", "admin")


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    """Meta's Graph API, as far as a test says."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.mark.parametrize("what", ["id", "wamid", "phone", "words"])
def test_one_box_finds_a_message(agent: Browser, gateway: Gateway, receive: Receive, get: Any, what: str) -> None:
    name = wamid()
    receive(message_body(text("Where is order 4711?", id=name, sender=BO), text("Hola")))
    index_messages(gateway.database)
    [message] = [each for each in get("/api/messages")["data"] if each["message_id"] == name]
    asked = {"id": message["id"], "wamid": name, "phone": f"+{BO}", "words": "order 4711"}[what]

    page = agent.get("/inbox/messages", query_string={"find": asked}).text

    assert page.count(f"/inbox/messages/{message['id']}") == 1
    assert "Hola" not in page


def test_the_story_of_what_came_in_begins_with_the_webhook(agent: Browser, receive: Receive, get: Any) -> None:
    name = wamid()
    receive(message_body(text("Hola", id=name)))
    [message] = get("/api/messages")["data"]

    by_wamid = agent.get(f"/inbox/messages/{name}")
    page = agent.get(f"/inbox/messages/{message['id']}").text

    assert by_wamid.location.endswith(message["id"])
    told = ["its signature was right", "The webhook was read", "An event was written"]
    assert all(each in page for each in told)
    assert page.index(told[0]) < page.index(told[1])
    assert "/inbox/house/webhooks/" not in page  # raw webhooks are for admins
    assert "Deliver again" not in page


def test_a_failure_says_why_and_what_to_do(
    agent: Browser, client: Any, receive: Receive, graph: responses.RequestsMock
) -> None:
    message_id = send(client, graph, failed=131047)

    page = agent.get(f"/inbox/messages/{message_id}").text

    assert "More than 24 hours have passed" in page and "Send a template" in page
    assert "131047" in page
    assert "Send again" in page and "Mark as sent" not in page


def test_what_can_be_done_is_done_and_audited(
    agent: Browser, client: Any, database: Database, graph: responses.RequestsMock, get: Any
) -> None:
    message_id = send(client, graph, failed=131026)
    agent.get(f"/inbox/messages/{message_id}")

    answer = agent.post(f"/inbox/messages/{message_id}/retry")
    assert "being tried again" in agent.get(answer.location).text
    assert get(f"/api/messages/{message_id}")["status"] == "queued"
    agent.post(f"/inbox/messages/{message_id}/cancel")
    assert get(f"/api/messages/{message_id}")["status"] == "cancelled"
    assert agent.post(f"/inbox/messages/{message_id}/mark-sent").status_code == 409
    assert agent.post(f"/inbox/messages/{message_id}/other").status_code == 404
    with database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"message:{message_id}")).all()
    assert [entry.act for entry in entries if entry.actor.startswith("person:")] == [
        "message.retried", "message.cancelled",
    ]  # fmt: skip


def test_an_admin_tries_a_delivery_again_and_replays_an_event(
    admin: Browser, agent: Browser, gateway: Gateway, database: Database, receive: Receive, get: Any
) -> None:
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/?token=s3cret", "description": "Shop"})
    receive(message_body(text()))
    [message] = get("/api/messages")["data"]
    with database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state, delivery.due_at, delivery.reason = "dead", None, "HTTP 500"
        event_id, delivery_id = delivery.event_id, delivery.id
    here = f"/inbox/messages/{message['id']}"

    page = admin.get(here).text
    assert "The event for Shop was given up" in page and "s3cret" not in page
    agent.get(here)
    assert agent.post(f"{here}/deliveries/{delivery_id}/retry").status_code == 403
    assert agent.post(f"{here}/events/{event_id}/replay", data={"endpoint": endpoint.id}).status_code == 403
    assert states(database) == ["dead"]
    assert admin.post(f"{here}/deliveries/{delivery_id}/retry").status_code == 303
    assert admin.post(f"{here}/events/{event_id}/replay", data={"endpoint": endpoint.id}).status_code == 303
    assert states(database) == ["pending", "pending"]
    receive(message_body(text("another")))
    [other] = [each for each in get("/api/messages")["data"] if each["id"] != message["id"]]
    assert admin.post(f"/inbox/messages/{other['id']}/deliveries/{delivery_id}/retry").status_code == 404


def test_who_may_not_see_the_number_finds_nothing(app: Flask, receive: Receive, get: Any) -> None:
    name = wamid()
    receive(message_body(text("Hola", id=name)))
    [message] = get("/api/messages")["data"]
    other = sign_in(app, "Bo", "agent", [OTHER_PNID])
    here = f"/inbox/messages/{message['id']}"

    assert message["id"] not in other.get("/inbox/messages").text
    for path in (here, f"/inbox/messages/{name}", f"{here}/story.json"):
        assert other.get(path).status_code == 404
    for act in ("retry", "cancel", "mark-sent"):
        assert other.post(f"{here}/{act}").status_code == 404


def test_without_the_forms_token_nothing_changes(
    admin: Browser, client: Any, graph: responses.RequestsMock, get: Any
) -> None:
    message_id = send(client, graph, failed=131026)
    here = f"/inbox/messages/{message_id}"
    for path in ("retry", "cancel", "mark-sent", "deliveries/1/retry", "events/x/replay"):
        assert admin.open(f"{here}/{path}", "POST", headers={"X-CSRFToken": "x"}).status_code == 403

    assert get(f"/api/messages/{message_id}")["status"] == "failed"


def test_the_story_is_json_too(agent: Browser, receive: Receive, get: Any) -> None:
    receive(message_body(text("Hola <b>")))
    [message] = get("/api/messages")["data"]

    answer = agent.get(f"/inbox/messages/{message['id']}/story.json")

    told = json.loads(answer.text)
    assert told["message"] == message
    assert told["timeline"] == get(f"/api/messages/{message['id']}/timeline")["data"]
    assert "&lt;b&gt;" in agent.get(f"/inbox/messages/{message['id']}").text


def test_what_customers_apps_and_meta_write_is_shown_as_text(
    admin: Browser, gateway: Gateway, database: Database, receive: Receive, get: Any, client: Any,
    graph: responses.RequestsMock,
) -> None:  # fmt: skip
    gateway.manage_endpoints.add({"url": "https://app.example/", "description": HOSTILE})
    receive(message_body(text(HOSTILE), contacts=[{"profile": {"name": HOSTILE}, "wa_id": BO}]))
    with database.write() as session:
        row = session.scalars(select(Delivery)).one()
        row.state, row.due_at, row.reason = "dead", None, HOSTILE
        session.add(DeliveryAttempt(delivery_id=row.id, number=1, started_at=datetime.now(UTC), duration_ms=1,
                                    error=HOSTILE, note=HOSTILE))  # fmt: skip
    sent = send(client, graph, failed=131026, title=HOSTILE, details=HOSTILE)
    for message_id in (sent, *(each["id"] for each in get("/api/messages")["data"])):
        page = admin.get(f"/inbox/messages/{message_id}").text
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page and "<img src=x" not in page
    found = admin.get("/inbox/messages", query_string={"find": HOSTILE})
    assert "<script>alert" not in found.text


def send(client: Any, graph: responses.RequestsMock, *, failed: int, **error: str) -> str:
    """Send a message, which Meta refuses with a code; return its id."""
    body = {"error": {"code": failed, "message": error.get("title", "no"), "error_data": error}}
    graph.post(GRAPH, json=body, status=400)
    asked = {"to": "+34600111222", "message": "Hola", "force": True}
    answer = client.post("/send/whatsapp", json=asked, headers={"Authorization": f"Bearer {API_KEY}"})
    found: str = answer.get_json()["id"]
    return found


def states(database: Database) -> list[str]:
    """Return the states of all deliveries."""
    with database.read() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))
