from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.models import Delivery, Job, Upkeep
from app.services.operations import read_overview
from app.store import backlogs, upkeep
from tests.conftest import API_KEY, PostWebhook
from tests.factories import message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def test_webhooks_and_deliveries_that_wait_are_counted_with_their_lag(
    gateway: Gateway, database: Database, post_webhook: PostWebhook, process_all: Callable[[], None]
) -> None:
    gateway.manage_endpoints.add({"url": "https://app.example/"})
    post_webhook(message_body(text(), text()))
    process_all()
    post_webhook(message_body(text()))
    now = datetime.now(UTC) + timedelta(seconds=30)

    overview = read_overview(database, now)

    assert (overview.webhooks.waiting, overview.deliveries.waiting, overview.sends.waiting) == (1, 2, 0)
    assert 29 < overview.webhooks.lag_seconds < 60 and 29 < overview.deliveries.lag_seconds < 60
    assert overview.sends.lag_seconds == 0
    assert overview.worker == "missing"


def test_counts_stop_where_counting_becomes_slow(
    database: Database, post_webhook: PostWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlogs, "MOST", 2)
    for _ in range(3):
        post_webhook(message_body(text()))

    assert read_overview(database, datetime.now(UTC)).webhooks.waiting == 2


def test_work_that_is_claimed_or_later_is_not_late(database: Database, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(text()))
    now = datetime.now(UTC)
    with database.write() as session:
        for job in session.scalars(select(Job)):
            job.due_at = now + timedelta(seconds=15)  # the end of a lease

    assert read_overview(database, now).webhooks.lag_seconds == 0


def test_dead_letters_are_counted_by_endpoint_and_some_are_tried_again(
    client: FlaskClient, get: Callable[..., Any], gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    first, _ = gateway.manage_endpoints.add({"url": "https://one.example/"})
    second, _ = gateway.manage_endpoints.add({"url": "https://two.example/"})
    receive(message_body(text(), text(), text()))
    with database.write() as session:
        for row in session.scalars(select(Delivery).where(Delivery.endpoint_id == first.id)):
            row.state, row.due_at, row.finished_at = "dead", None, datetime.now(UTC)
    dead = get("/api/deliveries", state="dead", endpoint=first.id)["data"]

    asked = {"ids": [dead[0]["id"], dead[1]["id"], "999999"]}
    answer = client.post("/api/deliveries/retry", json=asked, headers=HEADERS)

    assert (answer.status_code, answer.get_json()) == (202, {"count": 2, "refused": 1})
    found = {each["endpoint_id"]: each for each in get("/api/deliveries/backlogs")["data"]}
    assert [(found[id]["pending"], found[id]["dead"]) for id in (first.id, second.id)] == [(2, 1), (3, 0)]
    assert get("/api/overview")["dead"] == 1


def test_the_last_nightly_audit_is_told(database: Database) -> None:
    now = datetime.now(UTC)
    assert read_overview(database, now).audit is None
    with database.write() as session:
        session.add(Upkeep(name=upkeep.BALANCE, at=now, place="3"))

    audit = read_overview(database, now).audit

    assert audit is not None and audit.problems == 3
