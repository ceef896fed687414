"""What is said of a contact is worked on in the order in which it came, however many workers there are."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import create_app
from app.clock import utc_now
from app.config.settings import Config
from app.container import Gateway
from app.jobs.process import process_due
from app.models import Event, Job, Message
from app.services.processing.claim import _choose, claim_in_order
from app.services.processing.processor import LEASE
from app.store import jobs
from app.store.jobs import Claim, Waiting
from app.store.notifications import PROCESS
from tests.conftest import PostWebhook, on_postgresql
from tests.factories import ANA, BO, message_body, status, status_body, text

CARLA = "14155550123"


@pytest.fixture
def posted(gateway: Gateway, post_webhook: PostWebhook) -> Callable[..., list[str]]:
    """Keep webhooks of these people, in this order; return the ids of their notifications."""

    def post(*people: str) -> list[str]:
        for person in people:
            assert post_webhook(message_body(text(sender=person))).status_code == 200
        with gateway.database.read() as session:
            return list(session.scalars(select(Job.subject_id).order_by(Job.id)))

    return post


def claim(gateway: Gateway, limit: int = 100) -> list[Claim]:
    return claim_in_order(gateway.database, utc_now(), LEASE, limit)


def subjects(claims: list[Claim]) -> list[str]:
    return [each.subject_id for each in claims]


def test_a_worker_leaves_alone_whoever_another_has_an_earlier_webhook_of(
    gateway: Gateway, posted: Callable[..., list[str]]
) -> None:
    first, second, third, fourth, fifth = posted(ANA, BO, ANA, BO, CARLA)

    assert subjects(claim(gateway, 1)) == [first]
    assert subjects(claim(gateway)) == [second, fourth, fifth]
    assert claim(gateway) == []


def test_after_a_worker_died_the_next_one_goes_on_where_it_was(
    gateway: Gateway, posted: Callable[..., list[str]]
) -> None:
    first, second, third = posted(ANA, BO, ANA)
    claim(gateway, 1)
    claim(gateway)
    with gateway.database.write() as session:  # both leases end
        session.execute(update(Job).where(Job.claim_id.is_not(None)).values(due_at=utc_now()))

    assert subjects(claim(gateway)) == [first, second, third]


def test_what_was_given_back_for_later_holds_its_contact_and_no_other(
    gateway: Gateway, posted: Callable[..., list[str]]
) -> None:
    first, second, third = posted(ANA, ANA, BO)
    [failed] = claim(gateway, 1)
    with gateway.database.write() as session:
        jobs.release(session, [failed], utc_now() + timedelta(minutes=1), "a reason")

    assert subjects(claim(gateway)) == [third]


def test_a_report_waits_for_the_message_before_it(
    gateway: Gateway, posted: Callable[..., list[str]], post_webhook: PostWebhook
) -> None:
    posted(ANA)
    post_webhook(status_body(status("wamid.1", to=ANA)))

    assert len(claim(gateway, 1)) == 1
    assert claim(gateway) == []


def test_workers_that_choose_the_same_do_not_share_a_contact(
    gateway: Gateway, posted: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look, and then one is a moment quicker with some of it."""
    first, second, third, fourth = posted(ANA, BO, ANA, BO)

    def choose_and_lose_the_first(*arguments: object) -> list[Waiting]:
        chosen = _choose(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr("app.services.processing.claim._choose", _choose)
        claim(gateway, 1)
        return chosen

    monkeypatch.setattr("app.services.processing.claim._choose", choose_and_lose_the_first)
    got = claim(gateway)

    assert subjects(got) == [second, fourth]
    with gateway.database.read() as session:
        late = session.scalars(select(Job).where(Job.subject_id == third)).one()
        assert (late.claim_id, late.attempts) == (None, 0)
        assert late.due_at <= utc_now()


def test_what_a_wrong_clock_has_put_off_is_due(gateway: Gateway, posted: Callable[..., list[str]]) -> None:
    first, second, third = posted(ANA, BO, ANA)
    with gateway.database.write() as session:
        in_two_hours = update(Job).where(Job.subject_id == first).values(due_at=utc_now() + timedelta(hours=2))
        session.execute(in_two_hours)
        honest = update(Job).where(Job.subject_id == second).values(due_at=utc_now() + timedelta(seconds=40))
        session.execute(honest)
        session.execute(update(Job).where(Job.subject_id == third).values(due_at=utc_now() + timedelta(hours=3)))

    assert jobs.any_due(gateway.database, PROCESS, utc_now())
    assert subjects(claim(gateway)) == [first, third]
    assert not jobs.any_due(gateway.database, PROCESS, utc_now())


@on_postgresql
def test_two_workers_give_every_contact_its_events_in_order(
    gateway: Gateway, config: Config, post_webhook: PostWebhook
) -> None:
    people, chance = [ANA, BO, CARLA], random.Random(7)
    for number in range(60):
        assert post_webhook(message_body(text(str(number), sender=chance.choice(people)))).status_code == 200
    workers = [gateway, create_app(config).extensions["gateway"]]
    left = threading.Event()

    def work(worker: Gateway) -> None:
        while not left.is_set():
            # Few at a time, so that both have something in hand all the while.
            claims = claim_in_order(worker.database, utc_now(), LEASE, 3)
            worker.process(claims)
            if not claims and not process_due(worker, lambda: False):
                with worker.database.read() as session:
                    if session.scalar(select(Job.id).limit(1)) is None:
                        left.set()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    workers[1].database.dispose()

    with gateway.database.read() as session:
        query = select(Message.sender, Message.message).join(Event, Event.message_id == Message.id)
        said = session.execute(query.order_by(Event.sequence)).all()
    assert len(said) == 60
    for person in people:
        numbers = [int(row.message) for row in said if row.sender == f"+{person}"]
        assert numbers == sorted(numbers)
