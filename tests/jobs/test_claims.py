"""Who holds a claimed delivery: a queue or a thread of a worker, or nobody, and then it is soon anybody's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import Unavailable
from app.jobs import deliver
from app.models import Delivery
from app.services.delivering.claim import LEASE, Found, claim
from app.services.delivering.types import Wanted
from app.store import delivery_batches, endpoints
from tests.conftest import Clock
from tests.factories import ANA, BO, message_body, text
from tests.jobs.conftest import Desk
from tests.subscriber import Handler, Posted, subscriber

Receive = Callable[..., None]


def test_what_was_claimed_when_the_connection_ended_is_tried_at_once(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit that claims deliveries and the read of their events."""
    carried = delivery_batches.carried

    def cut(session: Session, heads: Any) -> Any:
        monkeypatch.setattr(delivery_batches, "carried", carried)
        _end_connection(session)
        return carried(session, heads)

    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text(sender=ANA), text(sender=ANA)), message_body(text(sender=BO)))
        monkeypatch.setattr(delivery_batches, "carried", cut)
        with pytest.raises(Unavailable):
            desk.rounds()
        desk.rounds(lambda: desk.states() == ["delivered"] * 3, 30)

    assert len(app.posted) == 3


def test_claims_whose_commit_nobody_saw_are_free_when_their_lease_ends(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text()))
        with _commits_unseen(desk.gateway.database, monkeypatch), pytest.raises(Unavailable):
            desk.rounds()
        for _ in range(5):
            desk.lane()
        assert (app.posted, desk.deliveries()[0].claim_id is None) == ([], False)
        desk.pass_by(seconds=LEASE.total_seconds() + 1)
        desk.rounds(lambda: desk.states() == ["delivered"], 30)

    assert len(app.posted) == 1


def test_an_outcome_whose_commit_nobody_saw_stands(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text()))
        desk.rounds(lambda: bool(desk.lane.in_flight.claims()))
        with _commits_unseen(desk.gateway.database, monkeypatch), pytest.raises(Unavailable):
            desk.rounds()
        desk.rounds()

    assert desk.states() == ["delivered"]
    assert len(app.posted) == 1


def test_an_outcome_that_could_not_be_written_is_kept_and_written_later(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refused() -> Iterator[Session]:
        raise Unavailable
        yield

    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text()))
        desk.rounds(lambda: bool(desk.lane.in_flight.claims()))
        with monkeypatch.context() as patch:
            patch.setattr(desk.gateway.database, "write", refused)
            with pytest.raises(Unavailable):
                desk.rounds()
            [kept] = desk.lane.in_flight.claims()  # so that nobody else takes it meanwhile
        desk.rounds()

    assert (len(app.posted), desk.states()) == (1, ["delivered"])
    assert kept.id == desk.deliveries()[0].id


def test_a_delivery_whose_try_broke_is_in_nobodys_hand(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    post, broken = desk.lane._post, threading.Event()

    def breaks(work: Any) -> Any:
        broken.set()
        raise RuntimeError("a mistake of ours")

    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text()))
        desk.lane._post = breaks
        desk.rounds(lambda: broken.is_set() and desk.lane.in_flight.is_empty)
        desk.lane._post = post
        lease = desk.deliveries()[0].due_at
        desk.lane()
        assert (desk.lane.in_flight.claims(), desk.deliveries()[0].due_at) == ([], lease)
        desk.pass_by(seconds=LEASE.total_seconds() + 1)
        desk.rounds()

    assert desk.states() == ["delivered"]


def test_the_lease_of_what_is_being_tried_and_of_what_waits_behind_it_is_renewed(
    desk: Desk, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker must not take what a slow app has in hand, however long it takes."""
    monkeypatch.setattr(deliver, "RENEW_SECONDS", 0.0)
    go = threading.Event()

    def slow(handler: Handler, _: Posted) -> None:
        go.wait(30)
        handler.answer()

    other = desk.new_lane(8)
    with subscriber(slow) as app:
        desk.endpoint(app.url, ordered=False, max_in_flight=1)
        desk.lane.in_flight.desk("app", False).last_seconds = 0.0  # quick so far, so some are claimed ahead
        receive(message_body(*(text() for _ in range(3))))
        desk.rounds(lambda: len(app.posted) == 1 and len(desk.lane.in_flight.claims()) == 3, 30)
        for _ in range(4):
            desk.pass_by(seconds=LEASE.total_seconds() - 5)
            desk.lane()
            other()
        assert other.in_flight.claims() == []
        go.set()
        desk.rounds()
        other.close()

    assert (len(app.posted), desk.states()) == (3, ["delivered"] * 3)


def test_what_waited_until_its_lease_had_ended_is_left_to_whoever_has_it_now(desk: Desk, receive: Receive) -> None:
    go = threading.Event()

    def slow(handler: Handler, posted: Posted) -> None:
        if len(app.posted) == 1:
            go.wait(30)
        handler.answer()

    with subscriber(slow) as app:
        desk.endpoint(app.url, ordered=False, max_in_flight=1)
        desk.lane.in_flight.desk("app", False).last_seconds = 0.0  # quick so far, so some are claimed ahead
        receive(message_body(*(text() for _ in range(2))))
        desk.rounds(lambda: len(app.posted) == 1 and len(desk.lane.in_flight.claims()) == 2, 30)
        waits = desk.lane.in_flight.desk("app", False).waiting[0].claim
        _take_over(desk.gateway.database, waits.id, desk.clock)
        desk.lane._renew()  # and the renewal tells that it is another's by now
        desk.lane.in_flight._lease_ends[waits] = time.monotonic()
        go.set()
        desk.rounds(lambda: desk.lane.in_flight.is_empty, 30)

    assert len(app.posted) == 1
    assert [row.state for row in desk.deliveries() if row.id != waits.id] == ["delivered"]
    assert [row.claim_id for row in desk.deliveries() if row.id == waits.id] == ["another worker's"]


@pytest.mark.parametrize("options", [{}, {"batch": 5}], ids=["alone", "in a batch"])
@pytest.mark.parametrize("late", [500, 410])
def test_who_lost_a_claim_does_not_undo_what_another_delivered(
    desk: Desk, receive: Receive, options: dict[str, Any], late: int
) -> None:
    """A worker is held up until its lease has ended; its app's answer comes when another has delivered."""
    go, other = threading.Event(), desk.new_lane(8)

    def reply(handler: Handler, posted: Posted) -> None:
        if len(app.posted) == 1:
            go.wait(30)
            handler.answer(late)
        else:
            handler.answer()

    with subscriber(reply) as app:
        desk.endpoint(app.url, ordered=False, **options)
        receive(message_body(text(), text()) if options else message_body(text()))
        with desk.gateway.database.write() as session:  # its last try, so that a failure would be final
            session.execute(update(Delivery).values(attempts=0 if options else 9))
        desk.rounds(lambda: len(app.posted) == 1)
        desk.pass_by(seconds=LEASE.total_seconds() + 1)
        desk.lane, held_up = other, desk.lane
        desk.rounds()
        delivered = [(row.state, row.attempts, row.due_at) for row in desk.deliveries()]
        go.set()
        desk.lane = held_up
        desk.rounds(lambda: held_up.in_flight.is_empty, 30)
        other.close()

    assert {state for state, _, _ in delivered} == {"delivered"}
    assert [(row.state, row.attempts, row.due_at) for row in desk.deliveries()] == delivered


@pytest.mark.parametrize("options", [{}, {"batch": 5}], ids=["alone", "in a batch"])
def test_a_late_failure_leaves_a_delivery_to_who_has_it_now(
    desk: Desk, receive: Receive, options: dict[str, Any]
) -> None:
    go = threading.Event()

    def reply(handler: Handler, _: Posted) -> None:
        go.wait(30)
        handler.answer(500)

    with subscriber(reply) as app:
        desk.endpoint(app.url, ordered=False, **options)
        receive(message_body(text(), text()) if options else message_body(text()))
        desk.rounds(lambda: len(app.posted) == 1)
        head = desk.lane.in_flight.claims()[0].id
        _take_over(desk.gateway.database, head, desk.clock)
        before = [(row.claim_id, row.due_at, row.carried_by, row.attempts) for row in desk.deliveries()]
        go.set()
        desk.rounds(lambda: desk.lane.in_flight.is_empty, 30)

    assert [(row.claim_id, row.due_at, row.carried_by, row.attempts) for row in desk.deliveries()] == before


def test_of_two_workers_one_finds_out_whether_an_endpoint_is_well(desk: Desk, receive: Receive) -> None:
    desk.endpoint("https://app.example")
    receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
    now = desk.clock()
    with desk.gateway.database.write() as session:
        endpoints.set_values(session, "app", failures=5, opens=1, open_until=now, failing_since=now)
    [endpoint] = desk.directory.read()
    wanted = Wanted(endpoint, False, 1, is_probe=True)
    claimed = []
    for row in desk.deliveries():  # each worker has looked, and chosen another one
        with desk.gateway.database.write() as session:
            claimed += claim(session, Found([(wanted, [row.id])]), now + timedelta(seconds=1))

    assert [len(some) for _, some in claimed] == [1]


def test_what_is_given_back_late_stays_with_who_has_it(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text()))
        desk.pass_by(seconds=1)
        desk.lane.in_flight.set_going = lambda: None  # type: ignore[method-assign]
        desk.lane()
        _take_over(desk.gateway.database, desk.deliveries()[0].id, desk.clock)
        desk.lane.close()  # which gives back what was not tried

    assert [row.claim_id for row in desk.deliveries()] == ["another worker's"]


def test_a_renewal_tells_which_claims_are_still_ours(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url)
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        desk.pass_by(seconds=1)
        desk.lane.in_flight.set_going = lambda: None  # type: ignore[method-assign]
        desk.lane()
        claims = desk.lane.in_flight.claims()
        assert len(claims) == 2
        _take_over(desk.gateway.database, claims[0].id, desk.clock)
        until = desk.clock() + timedelta(hours=1)
        with desk.gateway.database.write() as session:
            assert deliver.deliveries.renew(session, claims, until) == [claims[1]]

    assert [row.due_at == until for row in desk.deliveries()] == [False, True]


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
