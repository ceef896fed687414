from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from app.clock import utc_now
from app.db.database import Database
from app.models import Delivery, Endpoint, Event, Job, Message, Notification, ParkedItem, StatusReport
from app.services.operations.audit import audit_balance
from app.store import audit, workers
from tests.conftest import PostWebhook
from tests.factories import OTHER_PNID, PNID, echo, echo_body, message_body, notification, status, status_body, text

Break = Callable[[Any, Any], None]


def test_after_mixed_traffic_the_books_balance(mixed: None, database: Database) -> None:
    balance = audit_balance(database, deep=True)

    assert balance.problems == []
    assert balance.is_clean
    totals: dict[str, dict[str, int]] = {}
    for (_, number), page in balance.items.items():
        totals[number] = dict(page)
    assert totals == {
        PNID: {"processed": 5, "duplicate": 1, "parked": 1},
        OTHER_PNID: {"processed": 1},
        "": {"processed": 1, "parked": 1},
    }
    assert balance.notifications == {"processed": 6, "parked": 2}


def test_what_waits_is_counted_and_no_problem(mixed: None, database: Database, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(text()))

    balance = audit_balance(database, deep=True)

    assert (balance.problems, balance.notifications["pending"]) == ([], 1)


def test_what_is_processed_meanwhile_is_no_problem(
    mixed: None, database: Database, receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = audit.events_by_notification

    def late(session: Any) -> Any:
        found = real(session)
        receive(message_body(text()))
        return found

    monkeypatch.setattr(audit, "events_by_notification", late)

    assert audit_balance(database).problems == []


def _delete_one(model: Any) -> Break:
    def delete_one(session: Any, row: Any) -> None:
        session.execute(delete(model).where(model.id == row.id))

    return delete_one


def _set(model: Any, **values: Any) -> Break:
    def set_(session: Any, row: Any) -> None:
        session.execute(update(model).where(model.id == row.id).values(**values))

    return set_


DAMAGE: dict[str, tuple[Any, Break, bool]] = {
    "a message is gone": (Message, _delete_one(Message), True),
    "a message has another wamid": (Message, _set(Message, wamid="wamid.other"), True),
    "a message has another number": (Message, _set(Message, phone_number_id="1"), True),
    "a report is gone": (StatusReport, _delete_one(StatusReport), True),
    "an event is gone": (Event, _delete_one(Event), False),
    "an event is another's": (Event, _set(Event, notification_id="x"), False),
    "a parked item is gone": (ParkedItem, _delete_one(ParkedItem), False),
    "the books say more": (Notification, _set(Notification, books={PNID: {"processed": 99}}), False),
    "the books say something else": (Notification, _set(Notification, books={PNID: {"duplicate": 1}}), False),
    "the books are empty": (Notification, _set(Notification, books={}), False),
    "fewer items than there are": (Notification, _set(Notification, items=0), False),
}


@pytest.mark.parametrize(("model", "damage", "deep"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found(mixed: None, database: Database, model: Any, damage: Break, deep: bool) -> None:
    with database.write() as session:
        row = session.scalars(select(model).order_by(model.id).limit(1)).one()
        damage(session, row)

    assert not audit_balance(database, deep=deep).is_clean


def test_a_webhook_whose_job_is_gone_is_found(database: Database, post_webhook: PostWebhook) -> None:
    post_webhook(message_body(text()))
    with database.write() as session:
        session.execute(delete(Job))

    (problem,) = audit_balance(database).problems
    assert problem.endswith("pending, and no job will ever read it")


@pytest.mark.parametrize(
    ("worker_seen", "attempts", "event_minutes_ago", "is_stuck"),
    [
        (0, 1, 30, True),  # nothing moves: each try ends in an error
        (0, 4, 0, True),  # others move, this one is claimed again and again
        (0, 1, 1, False),  # a backlog that is worked off
        (5, 1, 30, False),  # nobody works, and /readyz says so
    ],
)
def test_webhooks_that_no_living_worker_moves_are_found(
    database: Database, receive: Callable[..., None], post_webhook: PostWebhook, worker_seen: int, attempts: int,
    event_minutes_ago: int, is_stuck: bool,
) -> None:  # fmt: skip
    receive(message_body(text()))
    post_webhook(message_body(text()))
    now = utc_now() + timedelta(minutes=11)
    with database.write() as session:
        workers.seen(session, "w", now - timedelta(minutes=worker_seen), now - timedelta(days=1))
        session.execute(update(Job).where(Job.kind == "process").values(attempts=attempts))
        session.execute(update(Event).values(created_at=now - timedelta(minutes=event_minutes_ago)))

    problems = audit_balance(database, now=now).problems

    said = [each.partition(" since")[0] for each in problems]
    assert said == ["webhooks: 1 answered 200 and not processed"] * is_stuck
    assert audit_balance(database, now=now - timedelta(minutes=5)).problems == []


def test_deliveries_that_no_worker_takes_are_found(database: Database) -> None:
    now = utc_now()
    with database.write() as session:
        workers.seen(session, "w", now, now - timedelta(days=1))
        session.execute(insert(Endpoint), [_endpoint(each, now) for each in ("busy", "failing")])
        session.execute(update(Endpoint).where(Endpoint.id == "failing").values(failures=2))
        due = {"state": "pending", "is_replay": False, "due_at": now - timedelta(minutes=11), "attempts": 0,
               "created_at": now - timedelta(hours=1), "contact_id": "c", "event_id": "x"}  # fmt: skip
        session.execute(insert(Delivery), [due | {"endpoint_id": each} for each in ("busy", "failing")])
        # The next of this contact waits for the first, and the first was postponed: that is in order.
        first, second = due | {"contact_id": "d", "due_at": now + timedelta(hours=1)}, due | {"contact_id": "d"}
        session.execute(insert(Delivery), [each | {"endpoint_id": "busy"} for each in (first, second)])

    problems = audit_balance(database, now=now).problems

    assert len(problems) == 1
    assert problems[0].startswith("deliveries to endpoint busy: 1 due, and no worker takes them since")


def _endpoint(id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": id, "url": "https://app.example/", "format": "event", "secret": "", "ordered": True, "replies": False,
        "paused": False, "failures": 0, "opens": 0, "created_at": at, "updated_at": at,
    }  # fmt: skip


@pytest.fixture
def mixed(receive: Callable[..., None]) -> None:
    """Messages of two numbers, a duplicate, reports, an echo, account news, poison, and bytes that are no JSON."""
    message = text()
    receive(
        message_body(message, text()),
        message_body(message),
        status_body(status("wamid.S", "sent"), status("wamid.S", "read")),
        echo_body(echo("wamid.E")),
        message_body(text(), number=OTHER_PNID),
        message_body("poison"),
        notification({"field": "account_update", "value": {"event": "X"}}),
        b"no json",
    )
