"""Alerts about sends: Meta that does not answer, a queue that stands still, answers that came too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.container import Gateway
from app.models import NumberLimit, QueuedSend
from tests.conftest import API_KEY, Clock
from tests.factories import ANA, OTHER_PNID, PNID
from tests.services.health_checks.test_run import Story, Told

Queue = Callable[..., str]


@pytest.fixture
def story(gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A gateway that is watched while time goes by, and whose sends live in the same time."""
    for service in (gateway.send, gateway.sweep_sends):
        monkeypatch.setattr(service, "_now", clock)
    return Story(gateway, clock)


@pytest.fixture
def queued(client: FlaskClient) -> Queue:
    """Queue a text; return its id."""

    def queued_(**more: Any) -> str:
        body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued"} | more
        answer = client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {API_KEY}"})
        return str(answer.get_json()["id"])

    return queued_


def pace(story: Story, **values: Any) -> None:
    with story.database.write() as session:
        session.execute(update(NumberLimit).values(**values))


def test_meta_cannot_be_reached(story: Story, client: FlaskClient) -> None:
    story.pace(ambiguous_failures=2, ambiguous_since=story.clock.now)
    story.run_health_checks()
    assert story.after(seconds=1) == [Told("raised", "meta_unreachable", PNID)], "after a minute"
    assert client.get("/readyz").get_json()["sending"] == {
        "meta": "no clear answers", "oldest_due_seconds": None, "numbers_waiting_for_meta": 1,
        "numbers_waiting_for_a_token": 0,
    }  # fmt: skip

    pace(story, ambiguous_failures=0, ambiguous_since=None)

    assert story.after() == [Told("closed", "meta_unreachable", PNID)]


def test_a_queue_that_stands_still(story: Story, queued: Queue, client: FlaskClient) -> None:
    queued()
    story.pace()
    assert story.after(minutes=2) == [], "not yet"
    assert story.after(minutes=3) == [Told("raised", "queue_stuck", PNID)]
    assert client.get("/readyz").get_json()["sending"]["oldest_due_seconds"] > 300

    pace(story, next_slot_at=story.clock.now + timedelta(hours=1))

    assert story.after() == [Told("closed", "queue_stuck", PNID)], "something left"


def test_a_queue_that_waits_for_a_known_reason_is_not_told_of_twice(story: Story, queued: Queue) -> None:
    queued(priority="bulk")
    story.pace(bulk_stopped_by=131042)
    assert story.after(minutes=6) == [Told("raised", "number_paused", PNID)]
    pace(story, bulk_stopped_by=None, paused_for="rate")
    assert story.after() == [Told("closed", "number_paused", PNID)]
    pace(story, paused_for=None)
    with story.database.write() as session:
        session.execute(delete(QueuedSend))
    queued(send_at=(story.clock.now + timedelta(days=1)).isoformat())
    assert story.after(minutes=6) == [], "what is to go tomorrow does not wait today"


def test_the_queue_of_a_number_that_was_removed(story: Story, queued: Queue) -> None:
    queued()
    story.pace()
    with story.database.write() as session:
        for model in (QueuedSend, NumberLimit):
            session.execute(update(model).values(phone_number_id=OTHER_PNID))
    assert story.after(minutes=6) == [Told("raised", "queue_stuck", OTHER_PNID)]


def test_answers_that_expired(story: Story, queued: Queue) -> None:
    queued(priority="normal", expires_at=(story.clock.now + timedelta(minutes=1)).isoformat())
    story.clock.pass_by(minutes=2)
    story.gateway.sweep_sends.expire()
    assert story.after() == [], "others may have meant it so"
    queued(priority="reply")
    story.clock.pass_by(minutes=61)
    assert story.gateway.sweep_sends.expire() == 1

    assert Told("raised", "replies_expired", PNID) in story.after()
    assert Told("closed", "replies_expired", PNID) in story.after(hours=1)


def test_a_token_without_a_permission(story: Story) -> None:
    story.try_to_send("refused", error={"code": 10, "class": "permission"})
    assert story.after() == [Told("raised", "not_permitted", PNID)]

    story.try_to_send("accepted")

    assert story.after() == [Told("closed", "not_permitted", PNID)]
