"""The slots of synchronous sends, by the same limits as those of the queue."""

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
from app.models import NumberLimit, RecipientLimit
from app.services.sending import slots
from tests.conftest import Clock
from tests.factories import ANA, PNID
from tests.services.sending.conftest import NUMBER_URL, Post

SHORT = {"to": f"+{ANA}", "message": "Hola"}


def test_slots_reserved_at_once_are_apart(gateway: Gateway, database: Database, now: Clock) -> None:
    number = gateway.directory.current.numbers[PNID]

    def take(place: int) -> Any:
        with database.write() as session:
            return slots.reserve_slot(session, number, f"+3460000000{place % 4}", now())[0]

    with ThreadPoolExecutor(8) as pool:
        taken = sorted(pool.map(take, range(24)))

    step = timedelta(seconds=1 / (number.rate * rate_limits.UTILISATION))
    apart = [later - earlier for earlier, later in zip(taken, taken[1:], strict=False)]
    assert min(apart) >= step - timedelta(microseconds=1)
    with database.read() as session:
        for recipient_limiter in session.scalars(select(RecipientLimit)):
            assert recipient_limiter.paid_until >= now() + 6 * rate_limits.RECIPIENT_INTERVAL


def test_more_of_the_rate_is_used_some_time_after_it_was_too_much(
    post: Post, accepting: responses.RequestsMock, database: Database, now: Clock
) -> None:
    post("/send/whatsapp", SHORT)
    set_limiter(database, share=0.5, share_changed_at=now() - slots.RECOVER_AFTER)

    post("/send/whatsapp", SHORT)

    assert (limiter(database).share, limiter(database).share_changed_at) == (pytest.approx(0.6), now())


def test_in_doubt_a_caller_has_meta_asked_and_then_sends(
    post: Post, accepting: responses.RequestsMock, graph: responses.RequestsMock, database: Database, now: Clock
) -> None:
    graph.get(NUMBER_URL, json={"id": PNID})
    post("/send/whatsapp", SHORT)
    set_limiter(database, ambiguous_failures=rate_limits.BREAKER_THRESHOLD, probe_at=now() + timedelta(seconds=5))

    early = post("/send/whatsapp", SHORT)
    now.pass_by(seconds=6)
    probe = post("/send/whatsapp", SHORT)

    assert (early.status_code, early.headers["Retry-After"], probe.status_code) == (503, "5", 200)
    assert [call.request.method for call in graph.calls] == ["POST", "GET", "POST"]
    assert (limiter(database).ambiguous_failures, limiter(database).probe_at) == (0, None)


def test_while_one_finds_out_nobody_else_may(gateway: Gateway, database: Database, now: Clock) -> None:
    number = gateway.directory.current.numbers[PNID]
    with database.write() as session:
        slots.reserve_slot(session, number, f"+{ANA}", now())
    set_limiter(database, ambiguous_failures=rate_limits.BREAKER_THRESHOLD, probe_at=None)

    with database.write() as session:
        slots.reserve_slot(session, number, f"+{ANA}", now())
    with database.write() as session, pytest.raises(slots.CircuitOpen):
        slots.reserve_slot(session, number, f"+{ANA}", now())

    assert limiter(database).probe_at == now() + rate_limits.PROBE_TIMEOUT


def limiter(database: Database) -> NumberLimit:
    with database.read() as session:
        return session.scalars(select(NumberLimit)).one()


def set_limiter(database: Database, **values: Any) -> None:
    with database.write() as session:
        session.execute(update(NumberLimit).values(**values))
