"""Who holds a claimed delivery: a queue or a thread of a worker, or nobody, and then it is soon anybody's."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import text as sql
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.db.database import Database
from app.domain.endpoints import Endpoint, Format
from app.errors import Unavailable
from app.jobs import deliver
from app.jobs.fair_share import EndpointSlots
from app.jobs.in_flight import PENDING, InFlight, Pending
from app.models import Delivery
from app.services.delivering import BatchMember, DeliveryBatch, DeliveryResult, DispatchDelivery
from app.services.delivering.claim import LEASE, claim
from app.services.delivering.types import ClaimRequest, DueDeliveries
from app.store import deliveries, delivery_batches, endpoints
from app.store.deliveries import DeliveryClaim
from tests.conftest import Clock
from tests.factories import ANA, BO, message_body, text
from tests.jobs.conftest import Harness
from tests.subscriber import Handler, Posted, subscriber

Receive = Callable[..., None]


def test_what_was_claimed_when_the_connection_ended_is_tried_at_once(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit that claims deliveries and the read of their events."""
    members = delivery_batches.members

    def cut(session: Session, leaders: Any) -> Any:
        monkeypatch.setattr(delivery_batches, "members", members)
        _end_connection(session)
        return members(session, leaders)

    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text(sender=ANA), text(sender=ANA)), message_body(text(sender=BO)))
        monkeypatch.setattr(delivery_batches, "members", cut)
        with pytest.raises(Unavailable):
            harness.rounds()
        harness.rounds(lambda: harness.states() == ["delivered"] * 3, 30)

    assert len(app.posted) == 3


def test_claims_whose_commit_nobody_saw_are_free_when_their_lease_ends(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        with _commits_unseen(harness.gateway.database, monkeypatch), pytest.raises(Unavailable):
            harness.rounds()
        for _ in range(5):
            harness.deliver()
        assert (app.posted, harness.deliveries()[0].claim_id is None) == ([], False)
        harness.pass_by(seconds=LEASE.total_seconds() + 1)
        harness.rounds(lambda: harness.states() == ["delivered"], 30)

    assert len(app.posted) == 1


def test_an_outcome_whose_commit_nobody_saw_stands(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds(lambda: bool(harness.deliver.in_flight.claims()))
        with _commits_unseen(harness.gateway.database, monkeypatch), pytest.raises(Unavailable):
            harness.rounds()
        harness.rounds()

    assert harness.states() == ["delivered"]
    assert len(app.posted) == 1


def test_an_outcome_that_could_not_be_written_is_kept_and_written_later(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refused() -> Iterator[Session]:
        raise Unavailable
        yield

    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds(lambda: bool(harness.deliver.in_flight.claims()))
        with monkeypatch.context() as patch:
            patch.setattr(harness.gateway.database, "write", refused)
            with pytest.raises(Unavailable):
                harness.rounds()
            [kept] = harness.deliver.in_flight.claims()  # so that nobody else takes it meanwhile
        harness.rounds()

    assert (len(app.posted), harness.states()) == (1, ["delivered"])
    assert kept.id == harness.deliveries()[0].id


def test_a_result_that_cannot_be_recorded_keeps_no_other_back(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliveries.add_attempts

    def break_at_the_first(session: Session, attempts: Sequence[deliveries.NewAttempt]) -> None:
        if any(each.delivery_id == first.id for each in attempts):
            raise RuntimeError("a mistake of ours")
        real(session, attempts)

    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text(sender=ANA), text(sender=BO)))
        first = harness.deliveries()[0]
        monkeypatch.setattr(deliveries, "add_attempts", break_at_the_first)
        harness.rounds(lambda: harness.states() == ["pending", "delivered"], 30)
        assert harness.deliver.in_flight.claims() == []
        monkeypatch.undo()
        harness.pass_by(seconds=LEASE.total_seconds() + 1)
        harness.rounds(lambda: harness.states() == ["delivered"] * 2, 30)


def test_the_loop_may_look_at_a_queue_that_the_poster_empties() -> None:
    threads: list[threading.Thread] = []

    class Looked(deque[DeliveryBatch]):
        def __bool__(self) -> bool:
            is_there = len(self) > 0
            if not threads:
                threads.append(threading.Thread(target=empty))
                threads[0].start()
                threads[0].join(0.1)
            return is_there

    def empty() -> None:
        with in_flight._changed:
            slots.queued.clear()

    with ThreadPoolExecutor(1) as pool:
        in_flight = InFlight(pool, lambda _: None, utc_now, batch_size=1, lease_seconds=9.0, can_begin=lambda _: False)
        slots = in_flight.slots("app", False)
        slots.queued = Looked([Mock()])
        in_flight.start()
        threads[0].join()


@pytest.mark.parametrize("is_silent", [False, True])
def test_the_loop_sets_a_limit_while_nobody_else_uses_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, is_silent: bool
) -> None:
    """The poster's thread notes results in the same slots."""
    could_use: list[bool] = []

    class Watched(EndpointSlots):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "limit" and harness.deliver.in_flight._slots:
                user = threading.Thread(target=harness.deliver.in_flight.count_of, args=("app",))
                user.start()
                user.join(0.1)
                could_use.append(not user.is_alive())
            super().__setattr__(name, value)

    monkeypatch.setattr("app.jobs.in_flight.EndpointSlots", Watched)
    harness.endpoint("http://127.0.0.1:1/", **({"open_until": harness.clock() - timedelta(1)} if is_silent else {}))
    harness.deliver()
    assert could_use and not any(could_use)


def test_what_became_a_bots_while_a_post_ran_is_left_to_the_threads() -> None:
    """Who begins it without a thread does not send the customer what the bot answers."""
    begun: list[DeliveryBatch] = []
    ends: list[Callable[[DeliveryResult | None], None]] = []
    attempted: list[DeliveryBatch] = []

    def begin(batch: DeliveryBatch, done: Callable[[DeliveryResult | None], None]) -> Pending:
        begun.append(batch)
        ends.append(done)
        return PENDING

    def attempt(batch: DeliveryBatch) -> DeliveryResult:
        attempted.append(batch)
        return DeliveryResult(batch, utc_now())

    plain, bot = (
        DeliveryBatch(
            Endpoint("app", "https://app.example", Format.EVENT, ("s",), replies=replies),
            (BatchMember(DeliveryClaim(number, "c", "app", "e", None, 0, False), None),),
        )
        for number, replies in enumerate((False, True))
    )
    with ThreadPoolExecutor(1) as pool:
        in_flight = InFlight(
            pool, attempt, utc_now, batch_size=1, lease_seconds=60.0,
            can_begin=lambda endpoint: not endpoint.replies, begin=begin,
        )  # fmt: skip
        in_flight.add([plain], time.monotonic())
        in_flight.start()
        in_flight.add([bot], time.monotonic())
        ends[0](DeliveryResult(plain, utc_now()))
        assert (begun, attempted) == ([plain], [])
        in_flight.start()
    assert (begun, attempted) == ([plain], [bot])


def test_a_delivery_whose_try_broke_is_in_nobodys_hand(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    post, broken = harness.deliver._dispatch, threading.Event()

    class Breaks(DispatchDelivery):
        def begin(self, batch: DeliveryBatch, done: Callable[[DeliveryResult], None]) -> DeliveryResult | None:
            broken.set()
            raise RuntimeError("a mistake of ours")

    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.deliver._dispatch = Breaks(harness.post, None)
        harness.rounds(lambda: broken.is_set() and harness.deliver.in_flight.is_empty)
        harness.deliver._dispatch = post
        lease = harness.deliveries()[0].due_at
        harness.deliver()
        assert (harness.deliver.in_flight.claims(), harness.deliveries()[0].due_at) == ([], lease)
        harness.pass_by(seconds=LEASE.total_seconds() + 1)
        harness.rounds()

    assert harness.states() == ["delivered"]


def test_the_lease_of_what_is_being_tried_and_of_what_waits_behind_it_is_renewed(
    harness: Harness, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker must not take what a slow app has in hand, however long it takes."""
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    go = threading.Event()

    def slow(handler: Handler, _: Posted) -> None:
        go.wait(30)
        handler.answer()

    other = harness.new_worker(8)
    with subscriber(slow) as app:
        harness.endpoint(app.url, ordered=False, max_in_flight=1)
        harness.deliver.in_flight.slots("app", False).last_seconds = 0.0  # quick so far, so some are claimed ahead
        receive(message_body(*(text() for _ in range(3))))
        harness.rounds(lambda: len(app.posted) == 1 and len(harness.deliver.in_flight.claims()) == 3, 30)
        for _ in range(4):
            harness.pass_by(seconds=LEASE.total_seconds() - 5)
            harness.deliver()
            other()
        assert other.in_flight.claims() == []
        go.set()
        harness.rounds()
        other.close()

    assert (len(app.posted), harness.states()) == (3, ["delivered"] * 3)


def test_a_queued_delivery_whose_lease_has_ended_is_left_to_who_claimed_it(harness: Harness, receive: Receive) -> None:
    go = threading.Event()

    def slow(handler: Handler, posted: Posted) -> None:
        if len(app.posted) == 1:
            go.wait(30)
        handler.answer()

    with subscriber(slow) as app:
        harness.endpoint(app.url, ordered=False, max_in_flight=1)
        harness.deliver.in_flight.slots("app", False).last_seconds = 0.0  # quick so far, so some are claimed ahead
        receive(message_body(*(text() for _ in range(2))))
        harness.rounds(lambda: len(app.posted) == 1 and len(harness.deliver.in_flight.claims()) == 2, 30)
        waits = harness.deliver.in_flight.slots("app", False).queued[0].claim
        _take_over(harness.gateway.database, waits.id, harness.clock)
        harness.deliver._renew()  # and the renewal tells that it is another's by now
        harness.deliver.in_flight._lease_ends[waits] = time.monotonic()
        go.set()
        harness.rounds(lambda: harness.deliver.in_flight.is_empty, 30)

    assert len(app.posted) == 1
    assert [row.state for row in harness.deliveries() if row.id != waits.id] == ["delivered"]
    assert [row.claim_id for row in harness.deliveries() if row.id == waits.id] == ["another worker's"]


@pytest.mark.parametrize("options", [{}, {"batch": 5}], ids=["alone", "in a batch"])
@pytest.mark.parametrize("late", [500, 410])
def test_who_lost_a_claim_does_not_undo_what_another_delivered(
    harness: Harness, receive: Receive, options: dict[str, Any], late: int
) -> None:
    """A worker is held up until its lease has ended; its app's answer comes when another has delivered."""
    go, other = threading.Event(), harness.new_worker(8)

    def reply(handler: Handler, posted: Posted) -> None:
        if len(app.posted) == 1:
            go.wait(30)
            handler.answer(late)
        else:
            handler.answer()

    with subscriber(reply) as app:
        harness.endpoint(app.url, ordered=False, **options)
        receive(message_body(text(), text()) if options else message_body(text()))
        with harness.gateway.database.write() as session:  # its last try, so that a failure would be final
            session.execute(update(Delivery).values(attempts=0 if options else 9))
        harness.rounds(lambda: len(app.posted) == 1)
        harness.pass_by(seconds=LEASE.total_seconds() + 1)
        harness.deliver, held_up = other, harness.deliver
        harness.rounds()
        delivered = [(row.state, row.attempts, row.due_at) for row in harness.deliveries()]
        go.set()
        harness.deliver = held_up
        harness.rounds(lambda: held_up.in_flight.is_empty, 30)
        other.close()

    assert {state for state, _, _ in delivered} == {"delivered"}
    assert [(row.state, row.attempts, row.due_at) for row in harness.deliveries()] == delivered


@pytest.mark.parametrize("options", [{}, {"batch": 5}], ids=["alone", "in a batch"])
def test_a_late_failure_leaves_a_delivery_to_who_has_it_now(
    harness: Harness, receive: Receive, options: dict[str, Any]
) -> None:
    go = threading.Event()

    def reply(handler: Handler, _: Posted) -> None:
        go.wait(30)
        handler.answer(500)

    with subscriber(reply) as app:
        harness.endpoint(app.url, ordered=False, **options)
        receive(message_body(text(), text()) if options else message_body(text()))
        harness.rounds(lambda: len(app.posted) == 1)
        head = harness.deliver.in_flight.claims()[0].id
        _take_over(harness.gateway.database, head, harness.clock)
        before = [(row.claim_id, row.due_at, row.carried_by, row.attempts) for row in harness.deliveries()]
        go.set()
        harness.rounds(lambda: harness.deliver.in_flight.is_empty, 30)

    assert [(row.claim_id, row.due_at, row.carried_by, row.attempts) for row in harness.deliveries()] == before


def test_of_two_workers_one_finds_out_whether_an_endpoint_is_well(harness: Harness, receive: Receive) -> None:
    harness.endpoint("https://app.example")
    receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
    now = harness.clock()
    with harness.gateway.database.write() as session:
        endpoints.set_values(session, "app", failures=5, opens=1, open_until=now, failing_since=now)
    [endpoint] = harness.directory.read()
    request = ClaimRequest(endpoint, False, 1, is_probe=True)
    claimed = []
    for row in harness.deliveries():  # each worker has looked, and chosen another one
        with harness.gateway.database.write() as session:
            claimed += claim(session, [DueDeliveries(request, single=[row.id])], now + timedelta(seconds=1))

    assert [len(some) for _, some in claimed] == [1]


def test_what_is_given_back_late_stays_with_who_has_it(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.pass_by(seconds=1)
        harness.deliver.in_flight.start = lambda: None  # type: ignore[method-assign]
        harness.deliver()
        _take_over(harness.gateway.database, harness.deliveries()[0].id, harness.clock)
        harness.deliver.close()  # which gives back what was not tried

    assert [row.claim_id for row in harness.deliveries()] == ["another worker's"]


def test_a_renewal_tells_which_claims_are_still_ours(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url)
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        harness.pass_by(seconds=1)
        harness.deliver.in_flight.start = lambda: None  # type: ignore[method-assign]
        harness.deliver()
        claims = harness.deliver.in_flight.claims()
        assert len(claims) == 2
        _take_over(harness.gateway.database, claims[0].id, harness.clock)
        until = harness.clock() + timedelta(hours=1)
        with harness.gateway.database.write() as session:
            assert deliveries.renew(session, claims, until) == [claims[1]]

    assert [row.due_at == until for row in harness.deliveries()] == [False, True]


def _end_connection(session: Session) -> None:
    """End this session's connection from outside, as a restart of the server does."""
    if session.get_bind().dialect.name == "sqlite":
        raise Unavailable  # as after "disk I/O error"; SQLite has no connection that somebody else could end
    pid = session.scalar(sql("SELECT pg_backend_pid()"))
    database = Database(session.get_bind().engine.url.render_as_string(hide_password=False))
    with database.write() as other:
        other.execute(sql("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    database.dispose()


@contextmanager
def _commits_unseen(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Meanwhile transactions are committed, and the connection ends before the database says so."""
    write = database.write

    @contextmanager
    def unseen() -> Iterator[Session]:
        with write() as session:
            yield session
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", unseen)
        yield


def _take_over(database: Database, delivery_id: int, clock: Clock) -> None:
    """As another worker that found the lease ended."""
    values = {"claim_id": "another worker's", "due_at": clock() + LEASE}
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == delivery_id).values(values))
