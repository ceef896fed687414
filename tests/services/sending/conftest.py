"""A queue whose clock moves when told to, and a Graph that answers what the test says."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.container import Gateway
from app.db.database import Database
from app.graph.send_calls import ThreadCaller
from app.jobs.send import Sender
from app.models import Event, Message, QueuedSend
from tests.conftest import API_KEY, Clock
from tests.factories import ANA, PNID

URL = f"https://graph.example/v26.0/{PNID}/messages"
NUMBER_URL = f"https://graph.example/v26.0/{PNID}"
Post = Callable[..., TestResponse]


@pytest.fixture
def now(gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The present of everything that sends; nobody sleeps, not even who waits for a slot."""
    for service in (gateway.send, gateway.sends, gateway.actions, gateway.batches, gateway.sweep_sends,
                    gateway.bulk_actions, gateway.probe_numbers):
        monkeypatch.setattr(service, "_now", clock)
    monkeypatch.setattr("app.jobs.send.POLL_SECONDS", 0.0)
    no_wait = SimpleNamespace(perf_counter=time.perf_counter, sleep=lambda seconds: None)
    monkeypatch.setattr("app.services.sending.send_message.time", no_wait)
    return clock


@pytest.fixture
def post(client: FlaskClient) -> Post:
    """POST a body to a route with the first key."""

    def post_(path: str, body: Any = None, **headers: str) -> TestResponse:
        return client.post(path, json=body, headers={"Authorization": f"Bearer {API_KEY}", **headers})

    return post_


@pytest.fixture
def queued(post: Post) -> Callable[..., str]:
    """Queue a text; return its id."""

    def queued_(**more: Any) -> str:
        response = post("/send/whatsapp", {"to": f"+{ANA}", "message": "Hola", "mode": "queued"} | more)
        assert response.status_code == 202, response.get_json()
        return str(response.get_json()["id"])

    return queued_


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    """Graph, which answers what the test says and nothing else."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def accepting(graph: responses.RequestsMock) -> responses.RequestsMock:
    """Graph, which takes everything and gives each message a wamid."""
    accept_all(graph)
    return graph


def accept_all(graph: responses.RequestsMock) -> None:
    """Let Graph take every message, and give each a wamid that no other has."""
    wamids = itertools.count()
    graph.add_callback(responses.POST, URL, lambda request: (200, {}, json.dumps(
        {"messages": [{"id": f"wamid.{next(wamids)}"}]})))  # fmt: skip


@pytest.fixture
def work(gateway: Gateway, now: Clock) -> Iterator[Callable[..., None]]:
    """Work as a worker does for some seconds of the clock."""
    sender = here(gateway, 8)

    def work_(seconds: float = 1.0, step: float = 0.1) -> None:
        until = now.now + timedelta(seconds=seconds)
        while now.now < until:
            gateway.probe_numbers()
            sender.work()
            all_answered(sender)
            now.pass_by(seconds=step)
        max_in_flight, sender._max_in_flight = sender._max_in_flight, 0  # outcomes are recorded, and nothing is sent
        while sender._results.qsize() or sender._unrecorded:
            sender.work()
        sender._max_in_flight = max_in_flight

    yield work_
    sender.stop()


def here(gateway: Gateway, max_in_flight: int) -> Sender:
    """A sender whose calls run in threads of this process, where `responses` sees them, and start at once."""
    return Sender(
        gateway.sends,
        lambda report: ThreadCaller(gateway.graph, max_in_flight, report, seconds_until=lambda at: 0.0),
        max_in_flight,
    )


def all_answered(sender: Sender) -> None:
    """Wait until no call is under way, but for those whose thread has died."""
    until = time.monotonic() + 0.3
    while len(sender._in_flight) > sender._results.qsize() and time.monotonic() < until:
        time.sleep(0.001)


def status_of(database: Database, message_id: str) -> str:
    with database.read() as session:
        return session.scalars(select(Message.status).where(Message.id == message_id)).one()


def waiting(database: Database) -> list[QueuedSend]:
    with database.read() as session:
        return list(session.scalars(select(QueuedSend).order_by(QueuedSend.message_id)))


def told(database: Database, message_id: str) -> list[str]:
    """The statuses that the user's app is told of, in order."""
    with database.read() as session:
        query = select(Event.data).where(Event.message_id == message_id, Event.type == "message.status")
        return [json.loads(data)["status"]["status"] for data in session.scalars(query.order_by(Event.sequence))]


def bodies(graph: responses.RequestsMock) -> list[dict[str, Any]]:
    return [json.loads(call.request.body or "") for call in graph.calls if call.request.method == "POST"]
