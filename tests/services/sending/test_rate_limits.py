"""The turn of a caller who waits, by the same limits as the queue's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import responses
from sqlalchemy import select, update

from app.container import Gateway
from app.db.database import Database
from app.domain import rate_limits
from app.models import NumberPace, PairPace
from app.services.sending import rate_limits as turns
from tests.conftest import Clock
from tests.factories import ANA, PNID
from tests.services.sending.conftest import NUMBER_URL, Post

SHORT = {"to": f"+{ANA}", "message": "Hola"}


def test_turns_taken_at_once_are_apart(gateway: Gateway, database: Database, now: Clock) -> None:
    number = gateway.directory.current.numbers[PNID]

    def take(place: int) -> Any:
        with database.write() as session:
            return turns.take_now(session, number, f"+3460000000{place % 4}", now())[0]

    with ThreadPoolExecutor(8) as pool:
        taken = sorted(pool.map(take, range(24)))

    step = timedelta(seconds=1 / (number.rate * rate_limits.USED))
    apart = [later - earlier for earlier, later in zip(taken, taken[1:], strict=False)]
    assert min(apart) >= step - timedelta(microseconds=1)
    with database.read() as session:
        for pair in session.scalars(select(PairPace)):
            assert pair.paid_until >= now() + 6 * rate_limits.PAIR_INTERVAL


def test_more_of_the_rate_is_used_some_time_after_it_was_too_much(
    post: Post, accepting: responses.RequestsMock, database: Database, now: Clock
) -> None:
    post("/send/whatsapp", SHORT)
    set_pace(database, share=0.5, share_changed_at=now() - turns.RECOVER_AFTER)

    post("/send/whatsapp", SHORT)

    assert (pace(database).share, pace(database).share_changed_at) == (pytest.approx(0.6), now())


def test_in_doubt_a_caller_has_meta_asked_and_then_sends(
    post: Post, accepting: responses.RequestsMock, graph: responses.RequestsMock, database: Database, now: Clock
) -> None:
    graph.get(NUMBER_URL, json={"id": PNID})
    post("/send/whatsapp", SHORT)
    set_pace(database, doubts=rate_limits.DOUBTS, probe_at=now() + timedelta(seconds=5))

    early = post("/send/whatsapp", SHORT)
    now.pass_by(seconds=6)
    probe = post("/send/whatsapp", SHORT)

    assert (early.status_code, early.headers["Retry-After"], probe.status_code) == (503, "5", 200)
    assert [call.request.method for call in graph.calls] == ["POST", "GET", "POST"]
    assert (pace(database).doubts, pace(database).probe_at) == (0, None)


def test_while_one_finds_out_nobody_else_may(gateway: Gateway, database: Database, now: Clock) -> None:
    number = gateway.directory.current.numbers[PNID]
    with database.write() as session:
        turns.take_now(session, number, f"+{ANA}", now())
    set_pace(database, doubts=rate_limits.DOUBTS, probe_at=None)

    with database.write() as session:
        turns.take_now(session, number, f"+{ANA}", now())
    with database.write() as session, pytest.raises(turns.InDoubt):
        turns.take_now(session, number, f"+{ANA}", now())

    assert pace(database).probe_at == now() + rate_limits.LONGEST_PROBE_PAUSE


def pace(database: Database) -> NumberPace:
    with database.read() as session:
        return session.scalars(select(NumberPace)).one()


def set_pace(database: Database, **values: Any) -> None:
    with database.write() as session:
        session.execute(update(NumberPace).values(**values))
