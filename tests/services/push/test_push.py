"""Devices are told once that somebody waits or wrote, and nothing of a customer."""

from __future__ import annotations

import dataclasses
import ipaddress
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from py_vapid import Vapid02
from sqlalchemy import select, update

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.domain.handover import HandledBy
from app.domain.people import Person
from app.errors import Invalid
from app.jobs import lane_upkeep
from app.jobs.lane_work import Bench
from app.models import Contact, Conversation, Job, PushSubscription
from app.security.web_push import contact_of
from app.services.push import NoticePushes, SendPushes
from app.store import jobs
from app.store.encrypted import COLUMNS
from tests.conftest import on_sqlite, with_settings
from tests.factories import ANA, DISPLAY, OTHER_PNID, PNID, contact, message_body, text
from tests.people import add
from tests.services.push.devices import Device, PushService
from tests.subscriber import subscriber

Receive = Callable[..., None]
SECRET = "Lindenstrasse"


class Worker:
    """What the two loops of a worker do, on a database connection of their own and at a time of their own."""

    def __init__(self, gateway: Gateway, service: PushService) -> None:
        self.database = Database(gateway.config.database_url)
        self.later = timedelta(0)
        self.notice = NoticePushes(self.database, self.now)
        self.send = SendPushes(
            gateway.config, self.database, gateway.encryptor, gateway.directory, service, self.now
        )

    def now(self) -> datetime:
        return utc_now() + self.later

    def work(self, **later: float) -> None:
        self.later += timedelta(**later)
        self.notice()
        while self.send():
            pass


@pytest.fixture
def service() -> PushService:
    return PushService()


@pytest.fixture
def worker(gateway: Gateway, service: PushService) -> Iterator[Worker]:
    made = Worker(gateway, service)
    yield made
    made.database.dispose()


def allow(gateway: Gateway, person: Person, device: Device, *, language: str = "en", cookie: str = "c") -> None:
    gateway.push.add(person.id, device.subscription, language=language, cookie=cookie)


def write(receive: Receive, number: str = PNID) -> None:
    receive(message_body(text(SECRET), contacts=[contact(name=SECRET)], number=number))


def let_wait(gateway: Gateway, number: str = PNID) -> None:
    """A bot hands the customer over to a person."""
    with gateway.database.read() as session:
        contact_id = session.scalars(select(Contact.id)).one()
    gateway.hand_over(contact_id, HandledBy.HUMAN, number)


def conversation_of(gateway: Gateway) -> str:
    with gateway.database.read() as session:
        return session.scalars(select(Conversation.id)).one()


def devices_of(gateway: Gateway) -> list[PushSubscription]:
    with gateway.database.read() as session:
        return list(session.scalars(select(PushSubscription)))


def test_two_workers_tell_of_somebody_who_waits_once_and_nothing_of_who_it_is(
    gateway: Gateway, receive: Receive, service: PushService
) -> None:
    ana, bo = Device("ana"), Device("bo")
    write(receive)
    for name, device in (("Ana", ana), ("Bo", bo)):
        allow(gateway, add(gateway, name), device)
    let_wait(gateway)
    gateway.directory.refresh()  # as every process does by itself, some seconds later
    workers = [Worker(gateway, service) for _ in range(2)]
    together = threading.Barrier(2)

    def work(worker: Worker) -> None:
        together.wait(10)
        worker.work()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, workers))
    workers[0].work(minutes=2)  # still waits, and was told
    for worker in workers:
        worker.database.dispose()

    said = {"title": "Somebody waits", "body": f"+{DISPLAY}", "conversation": conversation_of(gateway)}
    assert (service.told(ana), service.told(bo)) == ([said], [said])
    assert ANA not in str(said) and SECRET not in str(said)


@on_sqlite
def test_a_notification_is_signed_urgent_and_kept_for_ten_minutes(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)

    worker.work()

    [(_, headers, body)] = service.posted
    assert {name: headers[name] for name in ("TTL", "Urgency", "Content-Encoding")} == {
        "TTL": "600", "Urgency": "high", "Content-Encoding": "aes128gcm",
    }  # fmt: skip
    assert len(headers["Topic"]) == 32
    assert Vapid02.verify(headers["Authorization"])
    assert headers["Authorization"].endswith(f",k={gateway.push.public_key()}")
    assert SECRET.encode() not in body


def test_whoever_has_a_conversation_is_told_that_its_customer_wrote_once_a_minute(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    hers, his = Device("ana"), Device("bo")
    ana = add(gateway, "Ana")
    write(receive)
    gateway.conversation_acts.assign(conversation_of(gateway), ana.id, None)
    allow(gateway, ana, hers)
    allow(gateway, add(gateway, "Bo"), his)
    worker.work()
    assert service.posted == []  # what came before it was allowed

    for _ in range(3):
        write(receive)
        worker.work()
    assert [each["title"] for each in service.told(hers)] == ["A customer wrote to you"]
    worker.work(seconds=61)
    assert len(service.told(hers)) == 2  # of what came in that minute, and nobody has read
    worker.work(seconds=200)

    assert len(service.told(hers)) == 2
    assert service.told(his) == []


@on_sqlite
def test_what_was_read_before_the_minute_is_over_is_told_no_more(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    ana = add(gateway)
    write(receive)
    its = conversation_of(gateway)
    gateway.conversation_acts.assign(its, ana.id, None)
    allow(gateway, ana, Device())
    for _ in range(2):
        write(receive)
        worker.work()
    last = gateway.conversations.one(its, None).last_message
    assert last is not None

    gateway.conversation_acts.mark_seen(its, last.id, None)

    worker.work(seconds=61)
    assert len(service.posted) == 1


@on_sqlite
def test_one_who_waits_in_an_assigned_conversation_is_told_to_others_only_if_its_assignee_has_no_device(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    hers, his = Device("ana"), Device("bo")
    ana, bo = add(gateway, "Ana"), add(gateway, "Bo")
    write(receive)
    gateway.conversation_acts.assign(conversation_of(gateway), ana.id, None)
    allow(gateway, ana, hers)
    allow(gateway, bo, his)
    let_wait(gateway)
    worker.work()
    assert (len(service.told(hers)), len(service.told(his))) == (1, 0)

    gateway.push.remove(ana.id, hers.subscription)
    worker.work()

    assert (len(service.told(hers)), len(service.told(his))) == (1, 1)


def test_people_of_other_numbers_are_not_told(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    theirs, ours = Device("theirs"), Device("ours")
    write(receive)
    allow(gateway, add(gateway, "Eve", numbers=[OTHER_PNID]), theirs)
    allow(gateway, add(gateway, "Ana", numbers=[PNID]), ours)
    let_wait(gateway)

    worker.work()

    assert (service.told(theirs), len(service.told(ours))) == ([], 1)


@on_sqlite
@pytest.mark.parametrize("act", ["disable", "remove", "sign_out"])
def test_whoever_loses_access_or_signs_out_everywhere_has_no_device_any_more(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService, act: str
) -> None:
    ana = add(gateway)
    write(receive)
    allow(gateway, ana, Device())
    let_wait(gateway)
    worker.notice()  # and then, before it is sent:

    getattr(gateway.people, act)(ana.id)

    worker.work()
    assert (devices_of(gateway), service.posted) == ([], [])


@on_sqlite
def test_signing_out_in_one_browser_ends_its_notifications_alone(gateway: Gateway) -> None:
    ana, here, there = add(gateway), Device("here"), Device("there")
    entered = gateway.sign_in.enter(gateway.people.make_link(ana.id))
    assert entered is not None
    allow(gateway, ana, here, cookie=entered.cookie)
    allow(gateway, ana, there, cookie="another")

    gateway.sign_in.leave(entered.cookie)

    assert gateway.push.of(ana.id) == [there.endpoint]


@on_sqlite
@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_its_push_service_does_not_know_any_more_is_removed(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService, status: int
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)
    service.status = status

    worker.work()
    worker.work(minutes=10)

    assert (devices_of(gateway), len(service.posted)) == ([], 1)


@on_sqlite
def test_a_push_service_that_is_away_is_asked_again_and_one_that_refuses_is_not(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)
    for answer, error in ((None, "no connection"), (503, "answered 503"), (403, "answered 403")):
        service.status = answer
        worker.work(minutes=2)
        assert devices_of(gateway)[0].last_error == error
    worker.work(minutes=10)

    assert len(service.posted) == 3


@on_sqlite
def test_what_a_dead_worker_had_taken_is_sent_by_the_next(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)
    worker.notice()
    with gateway.database.write() as session:
        assert len(jobs.claim(session, "push", now=utc_now(), lease=timedelta(seconds=60), limit=5)) == 1
    worker.work()
    assert service.posted == []

    worker.work(seconds=61)

    assert len(service.posted) == 1
    with gateway.database.read() as session:
        assert session.scalars(select(Job).where(Job.kind == "push")).all() == []


@on_sqlite
def test_who_was_answered_meanwhile_is_told_to_nobody(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)
    worker.notice()

    gateway.conversation_acts.close(conversation_of(gateway), None)

    worker.work()
    assert service.posted == []


@on_sqlite
def test_the_words_are_in_the_language_of_the_person_else_of_their_browser(
    gateway: Gateway, receive: Receive, worker: Worker, service: PushService
) -> None:
    ana, bo = Device("ana"), Device("bo")
    write(receive)
    allow(gateway, gateway.people.prefer(add(gateway, "Ana").id, language="pt", theme=None), ana, language="es")
    allow(gateway, add(gateway, "Bo"), bo, language="es")
    let_wait(gateway)

    worker.work()

    assert [service.told(each)[0]["title"] for each in (ana, bo)] == ["Alguém espera", "Alguien espera"]


@on_sqlite
@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example.com/x", "https://127.0.0.1/x", "https://localhost/x", "https://169.254.169.254/x",
     "https://10.0.0.7/x", "https://me@push.example.com/x", "ftp://push.example.com", "", None, 7],
)  # fmt: skip
def test_an_address_that_no_push_service_has_is_refused(gateway: Gateway, endpoint: Any) -> None:
    with pytest.raises(Invalid):
        gateway.push.add(
            add(gateway).id, Device().subscription | {"endpoint": endpoint}, language="en", cookie="c"
        )
    assert devices_of(gateway) == []


@on_sqlite
@pytest.mark.parametrize(
    "keys",
    [None, {}, {"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": "A" * 87, "auth": "A" * 22}, {"p256dh": 1, "auth": 2}],
)
def test_keys_that_no_browser_gives_are_refused(gateway: Gateway, keys: Any) -> None:
    with pytest.raises(Invalid):
        gateway.push.add(add(gateway).id, Device().subscription | {"keys": keys}, language="en", cookie="c")


@on_sqlite
def test_the_worker_posts_to_no_address_of_its_own_network_even_if_apps_may_be_called_there(
    gateway: Gateway, receive: Receive
) -> None:
    write(receive)
    allow(gateway, add(gateway), Device())
    let_wait(gateway)
    nets = (ipaddress.ip_network("127.0.0.0/8"),)
    careless = dataclasses.replace(gateway, config=with_settings(gateway.config, forward_allow_nets=nets))
    bench = Bench(careless, refuse=lambda error: None)
    notice, send = lane_upkeep.notice(bench), lane_upkeep.push(bench)
    with subscriber() as app:
        with gateway.database.write() as session:  # as if the name had led there
            session.execute(update(PushSubscription).values(endpoint=app.url))
        notice.do()
        send.do()

    assert app.posted == []
    assert "not public" in (devices_of(gateway)[0].last_error or "")


@on_sqlite
def test_a_person_has_five_devices_at_most_and_a_browser_one_person(gateway: Gateway) -> None:
    ana, bo = add(gateway, "Ana"), add(gateway, "Bo")
    made = [Device(str(number)) for number in range(6)]
    for device in made:
        allow(gateway, ana, device)
    assert sorted(gateway.push.of(ana.id)) == sorted(each.endpoint for each in made[1:])

    allow(gateway, bo, made[5])

    assert made[5].endpoint not in gateway.push.of(ana.id)
    assert gateway.push.of(bo.id) == [made[5].endpoint]


@on_sqlite
def test_keys_of_devices_are_stored_encrypted_and_rotated(gateway: Gateway) -> None:
    allow(gateway, add(gateway), Device())

    assert devices_of(gateway)[0].keys.startswith("gAAAA")
    assert (PushSubscription, "keys") in [(each.model, each.name) for each in COLUMNS]


def test_a_push_service_is_told_whom_to_write_to() -> None:
    assert contact_of("https://inbox.example.com/x", ("ops@example.com",)) == "mailto:ops@example.com"
    assert contact_of("https://inbox.example.com:8443/x", ()) == "https://inbox.example.com"
    assert contact_of("", ()).startswith("mailto:")
